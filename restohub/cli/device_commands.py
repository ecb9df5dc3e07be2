"""The commands `restohub devices list`, `rename` and `revoke`: the devices that belong to the hub."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from .access_commands import AsJson, Data, fail, the_hub, told_by

devices = typer.Typer(
    help="The devices that are paired with the hub.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Which = Annotated[str, typer.Argument(help="The device: its name, or its id or the end of it.")]


@devices.command("list", short_help="List the devices that are paired, and those that wait.")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the devices that are paired, those that were revoked, and those that wait with a code."""
    from restohub.text import printable

    from .terminal import print_text

    found = told_by(the_hub(data), "GET", "/api/devices")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["devices"]:
        print_text("No device is paired. `restohub pair` pairs one.")
    for one in found["devices"]:
        state = f"revoked at {one['revoked_at']}" if one["revoked_at"] else f"{one['sockets']} connections"
        paired = f"paired at {one['paired_at']} by {printable(one['paired_by'])}"
        print_text(f"{printable(one['name'])}  {one['role']}  {state}  {paired}  {one['id']}")
    for one in found["waiting"]:
        name = printable(one["name"]) or "A device"
        print_text(f"{name} waits with the code {one['code']}, at {printable(one['address'], 45)}")


@devices.command(short_help="Give a device another name.")
def rename(which: Which, name: Annotated[str, typer.Argument(help="The new name.")], data: Data = None) -> None:
    """Give a device another name."""
    from .terminal import print_text

    hub = the_hub(data)
    device = _chosen(hub, which)
    told = told_by(hub, "PATCH", f"/api/devices/{device['id']}", {"name": name})
    print_text(f"{device['name']} is called {told['name']} now.")


@devices.command(short_help="Shut a device out, at once.")
def revoke(
    which: Which, data: Data = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Shut a device out, at once: its connections end, and its token is good for nothing."""
    from .terminal import print_text

    hub = the_hub(data)
    device = _chosen(hub, which)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Shut out {device['name']}?")):
        fail("Nothing was changed." if sys.stdin.isatty() else "Run it again with --yes to shut it out.")
    told_by(hub, "DELETE", f"/api/devices/{device['id']}")
    print_text(f"{device['name']} is shut out.")


def _chosen(hub: Any, which: str) -> dict[str, Any]:
    """The one device that is meant, not revoked; ends where there is none, or several."""
    found = [one for one in told_by(hub, "GET", "/api/devices")["devices"] if one["revoked_at"] is None]
    meant = [one for one in found if one["name"] == which] or [one for one in found if one["id"].endswith(which)]
    if len(meant) != 1:
        how_many = "Several devices are" if meant else "No device is"
        fail(f"{how_many} called {which!r}, revoked ones aside. `restohub devices list` shows each with its id.")
    return dict(meant[0])
