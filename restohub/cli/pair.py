"""The command `restohub pair`: a device is let in by its code, or comes by a QR code."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer

from .access_commands import Data, fail, told_by

POLL_S = 1.0


def pair(
    code: Annotated[str, typer.Argument(help="The code that the device shows; without it a QR code is shown.")] = "",
    name: Annotated[str, typer.Option(help="What the device is called, such as `Host stand`.")] = "Host stand",
    role: Annotated[str, typer.Option(help="manager, host or view.")] = "host",
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for scripts; an invitation is not waited for.")
    ] = False,
) -> None:
    """Pair a device with the hub: by the code that it shows, or by a QR code for its camera.

    The hub must run, and this must be its own user or root: what proves it is a file in the data folder.
    """
    from restohub.net.running_hub import NoRunningHubError

    from .hub_client import running_hub
    from .terminal import print_text

    if role not in ("manager", "host", "view"):
        fail(f"--role must be manager, host or view, not {role!r}.")
    try:
        hub, client = running_hub(data)
    except (NoRunningHubError, PermissionError) as error:
        fail(str(error))
    if code:
        made = told_by(client, "POST", "/api/devices", {"code": code, "name": name, "role": role})
        print_text(json.dumps(made, indent=2) if as_json else f"{made['name']} is paired as {made['role']}.")
        return
    known = {one["id"] for one in told_by(client, "GET", "/api/devices")["devices"]}
    invited = told_by(client, "POST", "/api/invitations", {"name": name, "role": role})
    url = _url(hub, invited["invitation"])
    if as_json:
        typer.echo(json.dumps({"url": url, "expires_in_seconds": invited["expires_in_seconds"]}, indent=2))
        return
    _show(url)
    _wait(client, known, name, invited["expires_in_seconds"])


def _url(hub: Any, invitation: str) -> str:
    """Where the device goes; a fragment is never sent, and stands in no log."""
    from restohub.net.urls import hub_urls

    reached = hub_urls(hub.endpoint, host=hub.health.discovery.host if hub.health.discovery else "")
    return reached.qr_url(f"pair={invitation}")


def _show(url: str) -> None:
    from .qr import qr_lines
    from .terminal import print_text

    code = qr_lines(url, sys.stdout)
    print_text("\n".join(["", *(f"  {line}" for line in code), "" if code else f"  {url}", ""]))
    print_text("Point the camera of the device at this code." if code else "Open this address on the device.")
    print_text("It counts once, for two minutes. Or type `restohub pair` with the code that a device shows.")


def _wait(client: Any, known: set[str], name: str, wait_s: int) -> None:
    """Return when somebody came; ends with an error where nobody does."""
    from .terminal import print_text

    for _ in range(wait_s):
        time.sleep(POLL_S)
        came = [one for one in told_by(client, "GET", "/api/devices")["devices"] if one["id"] not in known]
        if any(one["name"] == name for one in came):
            print_text(f"{name} is paired.")
            return
    fail("Nobody came. Run it again for a new code.")
