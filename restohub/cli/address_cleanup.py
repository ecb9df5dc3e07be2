"""Removing what one address made: asked of the hub, deleted through it, printed for a person."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import typer
from msgspec import Struct

from restohub.text import printable

from .hub_client import HubClient, HubError
from .terminal import print_text

AGO = re.compile(r"(\d{1,5})\s*([mhd])", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
DELETES_AT_ONCE = 250
SHOWN = 5
GONE = ("guest_not_found", "table_not_found", "restaurant_not_found")


class NotRemoved(Struct):
    """What could not be removed, and why."""

    restaurant_id: int
    entity_type: str
    entity_id: str
    name: str
    detail: str


class Removed(Struct):
    """How much was removed, and what was not."""

    guests: int = 0
    tables: int = 0
    restaurants: int = 0
    kept: list[NotRemoved] = []


def made_by_address(hub: HubClient, address: str, since: str) -> dict[str, Any]:
    """What the address made since then and is still there, as `GET /api/made` tells it; raises HubError."""
    asked = {"from": address, "since": _time_meant(since, hub)}
    told: dict[str, Any] = _checked(*hub.ask("GET", f"/api/made?{urlencode(asked)}"))
    return told


def remove_all(hub: HubClient, restaurants: list[dict[str, Any]]) -> Removed:
    """Delete guests first, since their tables are free then, then tables, then the restaurants that are left empty."""
    removed = Removed(kept=[])
    for restaurant in restaurants:
        removed.guests += _delete(hub, restaurant, "guest", removed.kept)
        removed.tables += _delete(hub, restaurant, "table", removed.kept)
        if restaurant["itself"]:
            number = restaurant["restaurant_id"]
            status, told = hub.ask("DELETE", f"/restaurants/{number}")
            if status == 204:
                removed.restaurants += 1
            elif told["error_code"] not in GONE:
                name = restaurant["name"]
                removed.kept.append(NotRemoved(number, "restaurant", str(number), name, told["detail"]))
    return removed


def _delete(hub: HubClient, restaurant: dict[str, Any], kind: str, kept: list[NotRemoved]) -> int:
    """Delete these of a restaurant, each on its own; how many are gone by it."""
    number, named, gone = restaurant["restaurant_id"], restaurant[f"{kind}s"], 0
    for first in range(0, len(named), DELETES_AT_ONCE):
        some = named[first : first + DELETES_AT_ONCE]
        updates = [{"entity_type": kind, "entity_id": one["id"], "action": "delete", "data": {}} for one in some]
        status, told = hub.ask("POST", f"/api/sync/batch?restaurant_id={number}", {"updates": updates})
        if status == 404:  # the restaurant went meanwhile, and all in it
            return gone
        for one, result in zip(some, _checked(status, told)["results"], strict=True):
            if result["status"] == "applied":
                gone += 1
            elif result["error_code"] not in GONE:
                kept.append(NotRemoved(number, kind, one["id"], one["name"], result["detail"]))
    return gone


def _checked(status: int, told: Any) -> Any:
    if status != 200:
        raise HubError(told["hint"])
    return told


def _time_meant(text: str, hub: HubClient) -> str:
    """The time that is meant, by the hub's own clock where it is so long ago; raises HubError."""
    ago = AGO.fullmatch(text.strip().lower())
    try:
        if ago is None:
            return datetime.fromisoformat(text.strip()).astimezone().isoformat(timespec="seconds")
        # 503 is a hub that can save nothing now: its clock is right all the same.
        now = datetime.fromisoformat(hub.ask("GET", "/health")[1]["timestamp"])
        return (now - timedelta(**{UNITS[ago[2]]: int(ago[1])})).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        raise HubError(f"--since must be such as 2h, 30m, 1d or 2026-11-23T18:00, not {text!r}.") from None


def print_found(found: dict[str, Any]) -> None:
    """Say what was found."""
    who = f"{printable(found['address'], 60)} has made since {found['since']}"
    if not found["restaurants"]:
        print_text(f"Nothing that {who} is still there.")
        return
    print_text(f"What {who} and is still there:")
    for one in found["restaurants"]:
        what = [_counted(one[f"{kind}s"], kind) for kind in ("guest", "table") if one[f"{kind}s"]]
        what += ["the restaurant itself"] if one["itself"] else []
        print_text(f"  in {printable(one['name'])} (restaurant {one['restaurant_id']}): {', '.join(what)}")


def _counted(named: list[dict[str, Any]], kind: str) -> str:
    shown = ", ".join(printable(one["name"]) for one in named[:SHOWN])
    return f"{len(named)} {kind}{'s' * (len(named) != 1)} ({shown}{', …' * (len(named) > SHOWN)})"


def is_confirmed() -> bool:
    """Whether the person at the terminal says yes."""
    if not sys.stdin.isatty():
        print_text("Run it again with --yes to remove it.")
        return False
    return typer.confirm("Remove all of this? The iPads show it at once, and it cannot be undone.")


def print_removed(removed: Removed) -> None:
    """Say what became of it."""
    counts = {"guest": removed.guests, "table": removed.tables, "restaurant": removed.restaurants}
    told = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items() if count]
    print_text(f"Removed: {', '.join(told) or 'nothing'}.")
    for one in removed.kept:
        print_text(
            f"Not removed: {one.entity_type} {printable(one.name)} of restaurant {one.restaurant_id}. {one.detail}"
        )
