"""Data in which two tables have numbers that look alike, as hubs of before took them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from restohub.floor.commands import Create, TableFields
from restohub.floor.model import Change
from restohub.floor.outcomes import Accepted
from tests.conftest import Hub
from tests.floor.floor_harness import FloorHarness
from tests.store.test_history import written


def twins() -> FloorHarness:
    """The tables 7, 7 with a zero-width space, and 8."""
    story = FloorHarness()
    for table, number in (("t1", "7"), ("t2", "9"), ("t3", "8")):
        story.tell(Create(kind="table", id=table, fields=TableFields(table_number=number, capacity=4)))
    before = story.floor.tables["t2"]
    after = structs.replace(before, table_number="7\u200b", version=story.floor.revision + 1)
    story.commit(Accepted((Change("table", "t2", "update", after, before.version),)))
    return story


def test_two_tables_of_one_number_are_loaded_and_can_be_changed(tmp_path: Path, new_hub: Callable[..., Hub]) -> None:
    (tmp_path / "data").mkdir()
    written(tmp_path / "data", twins())
    with new_hub(tmp_path / "data").start().client() as api:
        tables = "/restaurants/1/tables"

        def number(table: str, wanted: str) -> int:
            return api.patch(f"{tables}/{table}", json={"tableNumber": wanted}).status_code

        assert {one["tableNumber"] for one in api.get(tables).json()} == {"7", "7\u200b", "8"}
        for table in ("t1", "t2"):
            whole = api.get(f"{tables}/{table}").json()
            assert api.patch(f"{tables}/{table}", json={**whole, "capacity": 6}).json()["capacity"] == 6
            assert number(table, "7\u00ad") == 200, "it has that number already"
            assert number("t3", "7") == 409
        away = {"entity_type": "table", "action": "update", "entity_id": "t2", "data": {"tableNumber": "10"}}
        onto = {"entity_type": "table", "action": "update", "entity_id": "t3", "data": {"tableNumber": "7"}}
        batch = api.post("/api/v1/atomic/batch", json={"operations": [away, onto]})
        assert batch.json()["error_code"] == "table_number_taken", "the other one still has it"
        assert number("t2", "10") == number("t1", "11") == number("t3", "7") == 200
