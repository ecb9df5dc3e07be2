"""The commands `restohub staff list`, `add`, `pin` and `remove`: the people of the staff and their PINs."""

from __future__ import annotations

import json
import sys
from getpass import getpass
from typing import Annotated, Any

import typer

from .access_commands import Data, fail, the_hub, told_by
from .options import AsJson

staff = typer.Typer(
    help="The people of the staff, each with a PIN: who did what, and what only a manager confirms.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Who = Annotated[str, typer.Argument(help="The person: the name, or the id or the end of it.")]


@staff.command("list", short_help="List the people of the staff.")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the people of the staff, and whose PIN has to be set anew."""
    from restohub.text import printable

    from .terminal import print_text

    found = told_by(the_hub(data), "GET", "/api/staff")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["staff"]:
        print_text("There is nobody. `restohub staff add` adds somebody.")
    for one in found["staff"]:
        pin = "" if one["has_pin"] else "  the PIN does not count here: set it anew with `restohub staff pin`"
        print_text(f"{printable(one['name'])}  {one['role']}  {one['id']}{pin}")


@staff.command(short_help="Add somebody to the staff, with a PIN.")
def add(
    name: Annotated[str, typer.Argument(help="What the hub calls them.")],
    role: Annotated[str, typer.Option(help="host or manager.")] = "host",
    data: Data = None,
) -> None:
    """Add somebody to the staff. The PIN is asked for twice; without a terminal it is one line of the input."""
    from .terminal import print_text

    if role not in ("host", "manager"):
        fail(f"--role must be host or manager, not {role!r}.")
    hub = the_hub(data)
    made = told_by(hub, "POST", "/api/staff", {"name": name, "role": role, "pin": _typed_pin()})
    print_text(f"{made['name']} is on the staff as {made['role']}.")


@staff.command(short_help="Give somebody another PIN.")
def pin(who: Who, data: Data = None) -> None:
    """Give somebody another PIN. It is asked for twice; without a terminal it is one line of the input."""
    from .terminal import print_text

    person = _chosen(the_hub(data), who)
    new = _typed_pin()
    # Over a connection of its own: the hub has ended the first one if typing took long.
    told_by(the_hub(data), "PATCH", f"/api/staff/{person['id']}", {"pin": new})
    print_text(f"{person['name']} has a new PIN, and is signed out everywhere.")


@staff.command(short_help="Remove somebody from the staff.")
def remove(
    who: Who, data: Data = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Remove somebody from the staff. What they did keeps their name."""
    from .terminal import print_text

    person = _chosen(the_hub(data), who)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Remove {person['name']}?")):
        fail("Nothing was changed." if sys.stdin.isatty() else "Run it again with --yes to remove them.")
    told_by(the_hub(data), "DELETE", f"/api/staff/{person['id']}")
    print_text(f"{person['name']} is removed. What they did keeps their name.")


def _typed_pin() -> str:
    """The PIN as it is typed in, unseen; from a pipe its first line. Ends the command where the two differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    typed = getpass("PIN (4 to 8 digits): ")
    if getpass("Once more: ") != typed:
        fail("The two differ. Nothing was changed.")
    return typed


def _chosen(hub: Any, who: str) -> dict[str, Any]:
    """The one person who is meant; ends where there is none, or several."""
    found = told_by(hub, "GET", "/api/staff")["staff"]
    meant = [one for one in found if one["name"] == who] or [one for one in found if one["id"].endswith(who)]
    if len(meant) != 1:
        how_many = "Several people are" if meant else "Nobody is"
        fail(f"{how_many} called {who!r}. `restohub staff list` shows everybody with their id.")
    return dict(meant[0])
