"""The page about the hub: whether it works, for the owner, and where to go on, for the developer."""

from __future__ import annotations

import re
from collections import Counter
from html import escape

from restohub.floor.model import PHASES, Floor, Restaurant
from restohub.live.hub import Hub
from restohub.net.urls import hub_urls
from restohub.text import duration

from .health import warnings
from .html_templates import code, filled, inline, notes, state
from .local_time import local_time

# A reader at the hub's own machine: by these names each iPad would ask itself.
LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?", re.IGNORECASE)


def home_page(hub: Hub, connections: int, came_by: str, scheme: str = "http") -> bytes:
    """The page `/about`, as things are at this moment, for a reader who came by this host and port ("": unknown)."""
    return filled(
        "home.html",
        name=escape(hub.endpoint.name),
        address=_address(hub, came_by, scheme),
        state=_state(hub, connections),
        notes=notes(warnings(hub)),
        restaurants=_restaurants(hub),
        version=escape(hub.release),
        time=escape(local_time(hub)),
    )


def _address(hub: Hub, came_by: str, scheme: str) -> str:
    """What to tell an iPad: the address that brought the reader here, unless it leads an iPad to itself."""
    if came_by and not LOOPBACK.fullmatch(came_by):
        return (
            f"Give the app on your iPads the address {code(f'{scheme}://{came_by}')}. There is nothing else to do here."
        )
    reached = hub_urls(hub.endpoint, host=hub.discovery().host)
    if not reached.urls:
        return inline(reached.reason)
    urls = " or ".join(code(one.rstrip("/")) for one in reached.urls)
    by_name = f" It also has a name: {code(reached.local_url.rstrip('/'))}." if reached.local_url else ""
    reason = f" {inline(reached.reason)}" if reached.reason else ""
    return f"Give the app on your iPads the address {urls}.{by_name}{reason} There is nothing else to do here."


def _state(hub: Hub, connections: int) -> str:
    """Well or not, in words."""
    trouble = hub.writer.trouble()
    if trouble is not None:
        more = (
            "Changes cannot be saved now, so the iPads may look but not change anything. Call whoever looks after it."
        )
        return state("ill", "The hub is not well", f"{trouble[:1].upper()}{trouble[1:]}. {more}")
    listening = {0: "No device is connected now.", 1: "1 device is connected."}.get(
        connections, f"{connections} devices are connected."
    )
    behind_s = hub.clock.behind_s()
    clock = f" The clock of this machine is {duration(behind_s)} behind: set it right." if behind_s else ""
    access = "" if hub.access.closed else " It is open to every device on this network."
    return state("well", "The hub is well", f"Changes are saved and sent. {listening}{clock}{access}")


def _restaurants(hub: Hub) -> str:
    """The rows of the table of restaurants."""
    found = sorted(hub.writer.directory.restaurants.items())
    if not found:
        return '<tr><th scope="row" colspan="6">This hub has no restaurant yet.</th></tr>'
    return "".join(_row(number, one, hub.writer.floors[number]) for number, one in found)


def _row(number: int, restaurant: Restaurant, floor: Floor) -> str:
    phases = Counter(PHASES[guest.status] for guest in floor.guests.values())
    counts = ", ".join(f"{phases[phase]} {phase}" for phase in dict.fromkeys(PHASES.values()) if phases[phase])
    free = sum(one.status == "available" for one in floor.tables.values())
    guests = f"{len(floor.guests)}" + (f" ({counts})" if counts else "")
    tables = f"{len(floor.tables)}" + (f" ({free} free)" if floor.tables else "")
    cells = (str(number), escape(restaurant.timezone), guests, tables, f"{floor.revision:,}")
    told_cells = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(restaurant.name)}</th>{told_cells}</tr>\n'
