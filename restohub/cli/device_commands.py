"""The commands `restohub devices list`, `adopt`, `rename`, `revoke` and `confirm`: who belongs to the hub."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from .access_commands import Data, fail, the_hub, told_by, visitor_text
from .options import AsJson

devices = typer.Typer(
    help="The devices that belong to the hub.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Which = Annotated[str, typer.Argument(help="The device: its name, or its id or the end of it.")]
OF_A_COPY = (
    "The devices are those of a copy of the data that knows nothing after {}. Revoke again who was revoked since, then "
    "confirm the rest with `restohub devices confirm --all`; until then managers work as hosts."
)


@devices.command("list", short_help="List the devices that are paired or adopted, and those that wait.")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the devices that are paired or adopted, those that were revoked, and those that wait with a code."""
    from restohub.text import printable

    from .terminal import print_text

    found = told_by(the_hub(data), "GET", "/api/devices")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["devices"]:
        print_text("No device is paired. `restohub pair` pairs one.")
    came_back = _unconfirmed(found)
    if came_back:
        print_text(OF_A_COPY.format(min(one["restored_from"] for one in came_back)))
    for one in found["devices"]:
        state = f"revoked at {one['revoked_at']}" if one["revoked_at"] else f"{one['sockets']} connections"
        over = "TLS" if one["paired_over"] == "tls" else "plain HTTP"
        paired = f"paired at {one['paired_at']} by {printable(one['paired_by'])} over {over}"
        waits = "  not confirmed" if one in came_back else ""
        print_text(f"{printable(one['name'])}  {one['role']}{waits}  {state}  {paired}  {one['id']}")
        if one["suspended_at"] and not one["revoked_at"]:
            print_text(f"  suspended at {one['suspended_at']}: {one['weakness']} `restohub devices adopt` confirms it.")
        elif one["weakness"] and not one["revoked_at"]:
            print_text(f"  adopted: {one['weakness']}")
    for one in found["waiting"]:
        name = printable(one["name"]) or "A device"
        print_text(f"{name} waits with the code {one['code']}, at {printable(one['address'], 45)}")


@devices.command(short_help="Let in a device whose app cannot pair, by what it sends.")
def adopt(
    which: Annotated[
        str, typer.Argument(help="The device: its address, or the id that is listed without an argument.")
    ] = "",
    name: Annotated[str, typer.Option(help="What the device is called, such as `Host stand`.")] = "Host stand",
    role: Annotated[str, typer.Option(help="host or view.")] = "host",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let in a device whose app cannot pair, by what it sends. Without an argument it lists who may be adopted."""
    from .terminal import print_text

    if role not in ("host", "view"):
        fail(f"--role must be host or view, not {role!r}: a device that was adopted is never a manager.")
    hub = the_hub(data)
    found = told_by(hub, "GET", "/api/access")["unpaired"]
    if not which:
        _show_visitors(found, as_json=as_json)
        return
    meant = [one for one in found if which in (one["id"], one["address"])]
    if len(meant) != 1:
        how_many = "Several devices are" if meant else "No device was"
        fail(f"{how_many} here as {which!r} without a token. `restohub devices adopt` shows each with its id.")
    made = told_by(hub, "POST", "/api/adoptions", {"visitor": meant[0]["id"], "name": name, "role": role})
    if as_json:
        typer.echo(json.dumps(made, indent=2))
        return
    print_text(f"{made['name']} is adopted as {made['role']}. {made['weakness']}")


def _show_visitors(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print who may be adopted, each with the id by which he is."""
    from .terminal import print_text

    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found:
        print_text("Nobody was here in the last 14 days without a token. Open the app on the device, and look again.")
    for one in found:
        by = f"by its {one['known_by']} (id {one['id']})" if one["known_by"] else "not to be adopted"
        waits = ", perhaps a device that is suspended" if one["device"] else ""
        print_text(f"{visitor_text(one)}{waits}  {by}")
        print_text(f"  {one['weakness']}")


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


@devices.command(short_help="Confirm devices that came with a copy of the data.")
def confirm(
    which: Annotated[list[str] | None, typer.Argument(help="The devices: names, or ids or the end of them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every device that is not confirmed.")] = False,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Confirm that devices belong here still, after a backup or a copy of the folder was put back.

    Until then a manager works as a host. Revoke first what no longer belongs: the copy does not know who was revoked
    after it was made.
    """
    from restohub.text import printable

    from .terminal import print_text

    hub = the_hub(data)
    waiting = _unconfirmed(told_by(hub, "GET", "/api/devices"))
    if not all_ and not which:
        fail("Name the devices that belong here still, or say --all. `restohub devices list` shows them.")
    chosen = waiting if all_ else [_chosen(hub, one) for one in which or ()]
    chosen = [one for one in chosen if one in waiting]
    if not chosen:
        print_text("No device waits to be confirmed." if all_ else "These devices are confirmed already.")
        return
    for one in chosen:
        print_text(f"{printable(one['name'])}  {one['role']}  {one['id']}")
    if not yes and not (sys.stdin.isatty() and typer.confirm("Do all of these belong here still?")):
        fail("Nothing was changed." if sys.stdin.isatty() else "Run it again with --yes to confirm them.")
    for one in chosen:
        told_by(hub, "PATCH", f"/api/devices/{one['id']}", {"confirmed": True})
        print_text(f"{printable(one['name'])} is confirmed.")


def _unconfirmed(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the hub's devices that came with a copy, and nobody has confirmed."""
    return [one for one in found["devices"] if one["restored_from"] is not None]


def _chosen(hub: Any, which: str) -> dict[str, Any]:
    """The one device that is meant, not revoked; ends where there is none, or several."""
    found = [one for one in told_by(hub, "GET", "/api/devices")["devices"] if one["revoked_at"] is None]
    meant = [one for one in found if one["name"] == which] or [one for one in found if one["id"].endswith(which)]
    if len(meant) != 1:
        how_many = "Several devices are" if meant else "No device is"
        fail(f"{how_many} called {which!r}, revoked ones aside. `restohub devices list` shows each with its id.")
    return dict(meant[0])
