"""The commands `restohub access open`, `close` and `status`: whether strangers may use the hub."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from .options import AsJson

access = typer.Typer(
    help="Close the hub to devices that are neither paired nor adopted, or open it again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Data = Annotated[
    Path | None,
    typer.Option(readable=False, help="The hub's data folder. [default: as `serve` finds it, else the service's]"),
]
CLOSED = "The hub is closed: only paired and adopted devices may use it."
OPEN = "The hub is open: every device on its network may use it."


@access.command(short_help="Say whether the hub is closed, and who was here without a token.")
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Say whether the hub is closed, and who was here in the last 14 days without a token."""
    hub = the_hub(data)
    _show(told_by(hub, "GET", "/api/access"), as_json=as_json)


@access.command("open", short_help="Let every device on the network use the hub, at once.")
def open_(data: Data = None, as_json: AsJson = False) -> None:
    """Let every device on the network use the hub, at once."""
    hub = the_hub(data)
    _show(told_by(hub, "PUT", "/api/access", {"access": "open"}), as_json=as_json, people=False)


@access.command(short_help="Shut out every device that is neither paired nor adopted.")
def close(
    data: Data = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also while devices that are neither paired nor adopted are connected.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts; needs --yes.")] = False,
) -> None:
    """Shut out every device that is neither paired nor adopted. It lists who was here, and asks first."""
    hub = the_hub(data)
    found = told_by(hub, "GET", "/api/access")
    connected = sum(1 for one in found["unpaired"] if one["sockets"])
    if not as_json:
        _show(found, as_json=False)
    if connected and not anyway and found["access"] == "open":
        many = (
            f"{connected} devices that are neither paired nor adopted are"
            if connected > 1
            else "A device that is neither paired nor adopted is"
        )
        fail(
            f"{many} connected now. Pair with `restohub pair`, adopt an app that cannot pair with "
            "`restohub devices adopt`, or run it again with --anyway to close all the same."
        )
    if not yes and not (sys.stdin.isatty() and not as_json and typer.confirm("Close the hub to all of these?")):
        fail("The hub stays as it is." if sys.stdin.isatty() else "Run it again with --yes to close the hub.")
    _show(told_by(hub, "PUT", "/api/access", {"access": "closed", "anyway": anyway}), as_json=as_json, people=False)


def the_hub(data: Path | None) -> Any:
    """The hub that runs on this machine; ends the command where there is none."""
    from restohub.net.running_hub import NoRunningHubError

    from .hub_client import running_hub

    try:
        return running_hub(data)[1]
    except (NoRunningHubError, PermissionError) as error:
        fail(str(error))


def told_by(hub: Any, method: str, path: str, body: Any = None) -> Any:
    """What the hub answers; ends the command with its sentence where it refuses."""
    from .hub_client import HubError

    try:
        return hub.told(method, path, body)
    except HubError as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    """End the command."""
    from .terminal import exit_with_error

    exit_with_error(sentence)


def _show(found: dict[str, Any], *, as_json: bool, people: bool = True) -> None:
    """Print the mode and, for `people`, who was here without a token."""
    from .terminal import print_text

    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    print_text(CLOSED if found["access"] == "closed" else OPEN)
    if not people:
        return
    if not found["unpaired"]:
        print_text("Nobody was here in the last 14 days without a token.")
        return
    print_text("Here in the last 14 days without a token:")
    for one in found["unpaired"]:
        print_text(f"  {visitor_text(one)}")
    if any(one["known_by"] for one in found["unpaired"]):
        print_text("`restohub pair` lets in a device; `restohub devices adopt` one whose app cannot pair.")


def visitor_text(one: dict[str, Any]) -> str:
    """Somebody without a token, on one line."""
    from restohub.text import printable

    now = "connected now" if one["sockets"] else f"last at {one['last_seen']}"
    agent = f" ({printable(one['agent'])})" if one["agent"] else ""
    return f"{printable(one['address'], 45)}{agent}, {now}"
