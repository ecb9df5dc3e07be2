"""What the board's tests play with: a floor, a finger on a page, a hub that goes away and comes back."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
from playwright.sync_api import Locator, Page

from tests.conftest import Hub

# Under a name such as iPads use: on localhost a browser has more than it has on plain http.
NAME = "restohub-abc.local"
TABLES = (("1", 2), ("2", 2), ("3", 4), ("4", 4), ("5", 6), ("6", 8))
GUESTS: dict[str, dict[str, Any]] = {
    "rossi": {"name": "Rossi", "partySize": 4, "quotedWait": 20},
    "weber": {"name": "Anna Weber", "partySize": 2, "phone": "+39 06 5550 102", "dietaryRestrictions": ["nuts"]},
    "okafor": {"name": "Okafor", "partySize": 2},
}


class Place(Protocol):
    """What a device connects to: a hub, or a line to it."""

    port: int


def board_url(hub: Place, path: str = "/") -> str:
    """An address of this hub as a device in the house has it."""
    return f"http://{NAME}:{hub.port}{path}"


def furnish(api: httpx.Client, restaurant: int = 1) -> None:
    """Make the floor of this restaurant anew: six tables, two parties that wait, and Okafor at table 1."""
    floor = api.get("/api/sync/full", params={"restaurant_id": restaurant}).json()
    new = f"{floor['revision']}"  # an id is never given again
    gone = [_operation(kind, "delete", one["id"]) for kind in ("guest", "table") for one in floor[f"{kind}s"]]
    tables = [
        _operation("table", "create", f"t{number}-{new}", {"tableNumber": number, "capacity": seats})
        for number, seats in TABLES
    ]
    guests = [_operation("guest", "create", f"{name}-{new}", fields) for name, fields in GUESTS.items()]
    seated = _operation("guest", "update", f"okafor-{new}", {"tableId": f"t1-{new}"})
    operations = [*gone, *tables, *guests, seated]
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": restaurant, "operations": operations})
    assert answer.is_success, answer.text


def _operation(kind: str, action: str, entity_id: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"entity_type": kind, "action": action, "entity_id": entity_id, "data": data}


def ids_of(api: httpx.Client, restaurant: int = 1) -> dict[str, str]:
    """The id of each table by its number, and of each guest by name."""
    floor = api.get("/api/sync/full", params={"restaurant_id": restaurant}).json()
    found = {table["tableNumber"]: table["id"] for table in floor["tables"]}
    return found | {guest["name"]: guest["id"] for guest in floor["guests"]}


def middle(where: Locator) -> tuple[float, float]:
    """The middle of what is shown, in pixels of the window."""
    box = where.bounding_box()
    assert box is not None, f"{where} is not shown"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Finger:
    """One finger on the glass of a page: real touch events, as the browser itself makes pointers and scrolling of them.

    The page must have been opened with `touch=True`.
    """

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._at = (0.0, 0.0)

    def down(self, x: float, y: float) -> None:
        """Touch the glass."""
        self._at = (x, y)
        self._touch("touchStart", [{"x": x, "y": y}])

    def move(self, x: float, y: float, steps: int = 8) -> None:
        """Move there, in so many steps."""
        from_x, from_y = self._at
        for step in range(1, steps + 1):
            self._at = (from_x + (x - from_x) * step / steps, from_y + (y - from_y) * step / steps)
            self._touch("touchMove", [{"x": self._at[0], "y": self._at[1]}])

    def up(self) -> None:
        """Leave it."""
        self._touch("touchEnd", [])

    def tap(self, where: Locator) -> None:
        """Touch the middle of what is shown, and leave."""
        self.down(*middle(where))
        self.up()

    def drag(self, what: Locator, to: Locator | tuple[float, float], steps: int = 8) -> None:
        """Drag the one to the middle of the other, or to a point of the window."""
        self.down(*middle(what))
        self.move(*(middle(to) if isinstance(to, Locator) else to), steps=steps)
        self.up()

    def _touch(self, kind: str, points: list[dict[str, float]]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@contextlib.contextmanager
def paused(hub: Hub) -> Iterator[None]:
    """The hub hangs (SIGSTOP): its connections stay open, and nothing comes."""
    assert hub.process is not None
    hub.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        hub.process.send_signal(signal.SIGCONT)


def restart(hub: Hub, *, killed: bool = False) -> None:
    """Stop the hub (or kill it), and start it again at the same port on the same folder: the same epoch."""
    if killed:
        hub.kill()
    else:
        hub.stop()
    hub.start()


def restore(hub: Hub, copy: Path) -> None:
    """Start the hub again at the same port on a copy of its folder: history begins anew, with another epoch."""
    hub.stop()
    hub.data = Path(shutil.copytree(hub.data, copy))
    hub.start()
