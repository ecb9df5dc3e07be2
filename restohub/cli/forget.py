"""The command `restohub forget`: what the hub holds of a person, and having it forgotten."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from restohub.text import printable

from .terminal import exit_with_error, print_text

if TYPE_CHECKING:
    from .hub_client import HubClient

LOOK_AGAIN_S = 0.2
PATIENCE_S = 1800.0
QUESTION = "Forget this person? It cannot be undone."


def forget(
    phone: Annotated[str | None, typer.Option(help="The person's phone, however it was typed.")] = None,
    email: Annotated[str | None, typer.Option(help="The person's e-mail.")] = None,
    guest_id: Annotated[str | None, typer.Option("--id", help="The id of one guest, in place of a contact.")] = None,
    restaurant: Annotated[int, typer.Option(min=1, help="The restaurant.")] = 1,
    show: Annotated[bool, typer.Option("--show", help="Only print all that is held of the person, as JSON.")] = False,
    renew: Annotated[
        bool, typer.Option("--renew-backups", help="Make the backups anew and remove older ones.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="The hub's data folder. [default: as `serve` finds it, else the service's]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a person, or hand over what the hub holds of him or her, while the hub runs.

    It says how much there is and asks first. A party that is at the table stays, as "Guest". Backups hold the person
    until they go by their age, unless they are made anew. The exit status is 0 where it is done, else 1.
    """
    from restohub.net.running_hub import NoRunningHubError

    from .hub_client import HubError, running_hub

    person = {name: one for name, one in (("phone", phone), ("email", email), ("id", guest_id)) if one is not None}
    if len(person) != 1:
        exit_with_error("Name the person by one of --phone, --email and --id.")
    try:
        _, hub = running_hub(data)
        held = _asked(hub, "POST", f"/restaurants/{restaurant}/people", person)
        if show:
            typer.echo(msgspec.json.format(msgspec.json.encode(held), indent=2).decode())
            return
        _say_held(held)
        if not yes and not _is_confirmed():
            raise typer.Exit(1)
        wish = {**person, "backups": "renew" if renew else "keep"}
        _say_done(_followed(hub, restaurant, _asked(hub, "POST", f"/restaurants/{restaurant}/erasures", wish)))
    except (NoRunningHubError, HubError) as error:
        exit_with_error(str(error))


def _asked(hub: HubClient, method: str, path: str, body: Any = None) -> Any:
    from .hub_client import HubError

    status, told = hub.ask(method, path, body)
    if status not in (200, 202):
        raise HubError(told["hint"])
    return told


def _say_held(held: dict[str, Any]) -> None:
    names = sorted({printable(one["name"]) for one in held["guests"]})
    on_floor = f"guests on the floor {len(held['guests'])}" + (f" ({', '.join(names[:5])})" if names else "")
    print_text(f"The hub holds: {on_floor}, entries of the log {len(held['log'])}, visits {len(held['visits'])}.")


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        print_text("Run it again with --yes to forget this person.")
        return False
    return typer.confirm(QUESTION)


def _followed(hub: HubClient, restaurant: int, told: dict[str, Any]) -> dict[str, Any]:
    """How the erasure stands once it is done, or after half an hour."""
    from restohub.live.clock import Clock

    clock = Clock()
    while told["state"] != "done" and clock.monotonic() - clock.started < PATIENCE_S:
        time.sleep(LOOK_AGAIN_S)
        told = _asked(hub, "GET", f"/restaurants/{restaurant}/erasures/{told['id']}")
    return told


def _say_done(told: dict[str, Any]) -> None:
    if told["state"] != "done":
        exit_with_error("It is noted and goes on, but is not done yet. The hub's log says why.")
    print_text(f"Forgotten. Guests who were this person, past ones included: {told['guests']}.")
    for fault in told["missing"]:
        exit_with_error(f"Older backups are left: {printable(fault, 300)}")
