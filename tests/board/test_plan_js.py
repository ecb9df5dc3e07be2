"""What a table is drawn as: by its status and its party, by the phase where a status is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.board.js_modules import module_page

State = Callable[[dict[str, Any], dict[str, Any] | None], Any]
SEATED_AT = "2026-01-01T20:00:00Z"


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    """What a table with a guest is drawn as, 78 minutes after SEATED_AT."""
    js = f"""async ([table, guest]) => (await import('/plan.js')).stateOf(
        table, guest, {{turnMinutes: {{2: 75, 4: 90}}}}, Date.parse('{SEATED_AT}') + 78 * 60000)"""
    with module_page() as page:
        yield lambda table, guest: page.evaluate(js, [table, guest])


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("available", "free"),
        ("dirty", "dirty"),
        ("outOfService", "oos"),
        ("occupied", "seat"),
        ("reserved", "held"),
        ("beingPolished", "other"),
    ],
)
def test_a_table_without_a_party_is_drawn_by_its_status(state: State, status: str, name: str) -> None:
    assert state({"status": status}, None)["name"] == name


@pytest.mark.parametrize("status", ["reserved", "somethingNew"])
@pytest.mark.parametrize("phase", ["expected", "waiting"])
def test_a_party_that_does_not_sit_holds_its_table(state: State, phase: str, status: str) -> None:
    assert state({"status": status}, {"status": "valet_parking", "phase": phase})["name"] == "held"


@pytest.mark.parametrize("status", ["occupied", "somethingNew"])
def test_a_seated_partys_table_says_its_turn(state: State, status: str) -> None:
    def drawn(size: int) -> tuple[str, int, int, int]:
        guest = {"status": "having_dessert", "phase": "seated", "partySize": size, "seatedTime": SEATED_AT}
        one = state({"status": status}, guest)
        return one["name"], one["minutes"], one["over"], one["share"]

    assert drawn(2) == ("late", 78, 3, 100)
    assert drawn(4) == ("soon", 78, 0, 87)
