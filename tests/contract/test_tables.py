"""The contract of a table: its fields, their limits, its number, and the routes that hold one of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.answers import faulty_fields, ok, problem
from tests.contract.floor_client import Floor
from tests.contract.requests import op, post_batch
from tests.fields import TABLE, blank

ALLOWED: list[tuple[str, Any]] = [
    ("capacity", 1),
    ("capacity", 100),
    ("minCapacity", 1),
    ("minCapacity", 4),
    ("tableNumber", "x" * 20),
    ("tableNumber", "Ä 🍝"),
    ("tableNumber", "🍝" * 20),
    ("position", {"x": 0.25, "y": 0.75}),
    ("position", {"x": 0, "y": 1}),
    ("position", {"x": -1_000_000, "y": 1_000_000}),
    ("shape", "round"),
    ("shape", "square"),
    ("shape", "rectangle"),
    ("shape", "oval"),
    ("shape", "booth"),
    ("rotation", 45),
    ("rotation", 22.5),
    ("rotation", -1_000_000),
    ("rotation", 1_000_000),
    ("section", "x" * 100),
    ("server", "🍝" * 100),
    ("notes", "x" * 2000),
    ("status", "available"),
    ("status", "reserved"),
    ("status", "occupied"),
    ("status", "dirty"),
    ("status", "outOfService"),
]
TOO_MUCH: list[tuple[str, Any]] = [
    ("capacity", 0),
    ("capacity", 101),
    ("capacity", None),
    ("minCapacity", 0),
    ("minCapacity", 5),
    ("minCapacity", None),
    ("tableNumber", ""),
    ("tableNumber", "   "),
    ("tableNumber", "x" * 21),
    ("tableNumber", None),
    ("position", {"x": 1_000_001, "y": 0}),
    ("position", {"x": 0, "y": -1_000_000.5}),
    ("position", {"x": 0.5}),
    ("position", {"x": 0.5, "y": None}),
    ("position", {"x": 0.5, "y": 0.5, "z": 0}),
    ("shape", "hexagon"),
    ("shape", None),
    ("rotation", 1_000_001),
    ("rotation", -1_000_001),
    ("rotation", None),
    ("section", "x" * 101),
    ("server", "x" * 101),
    ("notes", "x" * 2001),
    ("status", "broken"),
    ("status", None),
]
FOLDED = [
    ("Out Of Service", "outOfService"),
    ("out_of_service", "outOfService"),
    ("OUT-OF-SERVICE", "outOfService"),
    ("outofservice", "outOfService"),
    ("Available", "available"),
    ("DIRTY", "dirty"),
    ("cleaning", "dirty"),
    ("Cleaning", "dirty"),
    ("needs_cleaning", "dirty"),
    ("needsCleaning", "dirty"),
    ("Needs Cleaning", "dirty"),
    ("Occupied", "occupied"),
    ("RESERVED", "reserved"),
]


def test_a_new_table_has_every_field(floor: Floor) -> None:
    table = floor.new_table(id="t1", tableNumber="12", capacity=4, position={"x": 0.5, "y": 0.25})
    now = table["createdAt"]
    given = {"id": "t1", "tableNumber": "12", "capacity": 4, "position": {"x": 0.5, "y": 0.25}}
    default = {"minCapacity": 1, "status": "available", "shape": "round"}
    assert table == blank(TABLE, **given, **default, createdAt=now, lastUpdated=now, version=1)


def test_a_table_is_read_and_listed_as_it_was_answered(floor: Floor) -> None:
    table = floor.new_table(section="terrace", rotation=45)
    assert floor.table(table["id"]) == table
    assert floor.every("tables") == [table]


def test_tables_without_a_position_get_places_of_their_own_on_the_floor(floor: Floor) -> None:
    places = [floor.new_table()["position"] for _ in range(12)]
    assert len({(place["x"], place["y"]) for place in places}) == 12
    assert all(0 <= place[axis] <= 1 for place in places for axis in "xy")


def test_a_place_of_the_grid_that_is_taken_is_passed_over(floor: Floor, api: httpx.Client) -> None:
    other = ok(api.post("/restaurants", json={"name": "Other"}), 201)["id"]
    first_place = Floor(api, other).new_table()["position"]
    floor.new_table(position=first_place)
    assert floor.new_table()["position"] != first_place


def test_a_number_and_a_capacity_are_required_to_create(floor: Floor) -> None:
    with floor.untouched():
        assert faulty_fields(floor.api.post(f"{floor.root}/tables/", json={})) == {"/tableNumber", "/capacity"}


@pytest.mark.parametrize(("field", "value"), ALLOWED)
def test_a_value_at_its_limit_is_taken(floor: Floor, field: str, value: Any) -> None:
    made = floor.new_table(**{field: value})
    assert made[field] == value
    floor.api.delete(f"{floor.root}/tables/{made['id']}")
    table = floor.new_table(shape="oval", rotation=1, minCapacity=1 if field == "capacity" else 2, status="dirty")
    assert floor.change_table(table["id"], **{field: value})[field] == value


@pytest.mark.parametrize(("field", "value"), TOO_MUCH)
def test_a_value_past_its_limit_is_refused(floor: Floor, field: str, value: Any) -> None:
    table = floor.new_table()
    with floor.untouched():
        for answer in (floor.patch("tables", table["id"], {field: value}), floor.post_table(**{field: value})):
            assert {pointer.split("/")[1] for pointer in faulty_fields(answer)} == {field}


def test_a_position_is_finite(floor: Floor) -> None:
    table = floor.new_table()
    headers = {"Content-Type": "application/json"}
    with floor.untouched():
        for number in ("NaN", "Infinity", "-Infinity", "1e999"):
            text = f'{{"position": {{"x": {number}, "y": 0}}}}'
            answer = floor.api.patch(f"{floor.root}/tables/{table['id']}", content=text, headers=headers)
            problem(answer, 400, "invalid_json")


def test_the_least_party_never_passes_the_capacity(floor: Floor) -> None:
    table = floor.new_table(capacity=6, minCapacity=4)
    with floor.untouched():
        problem(floor.patch("tables", table["id"], {"capacity": 3}), 422, "validation_failed")
    after = floor.change_table(table["id"], capacity=3, minCapacity=3)
    assert (after["capacity"], after["minCapacity"]) == (3, 3)


@pytest.mark.parametrize(("sent", "status"), FOLDED)
def test_a_status_is_folded(floor: Floor, sent: str, status: str) -> None:
    assert floor.new_table(status=sent)["status"] == status
    table = floor.new_table()
    assert floor.change_table(table["id"], status=sent)["status"] == status


@pytest.mark.parametrize("field", ["section", "server", "notes"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_null_or_an_empty_string_clears_what_may_be_null(floor: Floor, field: str, nothing: str | None) -> None:
    table = floor.new_table(**{field: "x"})
    assert floor.change_table(table["id"], **{field: nothing})[field] is None
    assert floor.new_table(**{field: nothing})[field] is None


def test_a_table_number_is_trimmed(floor: Floor) -> None:
    assert floor.new_table(tableNumber="  A 1\t ")["tableNumber"] == "A 1"
    assert floor.new_table(tableNumber=" " + "x" * 20 + " ")["tableNumber"] == "x" * 20


@pytest.mark.parametrize("again", ["a1", "A1", "  a1 "])
def test_a_table_number_is_unique_whatever_its_case(floor: Floor, again: str) -> None:
    table, other = floor.new_table(tableNumber="A1"), floor.new_table(tableNumber="A2")
    with floor.untouched():
        made = problem(floor.post_table(tableNumber=again), 409, "table_number_taken")
        assert made["current"] == table
        problem(floor.patch("tables", other["id"], {"tableNumber": again}), 409, "table_number_taken")


def test_a_table_may_change_the_case_of_its_own_number(floor: Floor) -> None:
    table = floor.new_table(tableNumber="a1")
    assert floor.change_table(table["id"], tableNumber="A1")["tableNumber"] == "A1"


def test_a_number_that_was_given_up_is_free_again(floor: Floor) -> None:
    table, other = floor.new_table(tableNumber="1"), floor.new_table(tableNumber="2")
    floor.api.delete(f"{floor.root}/tables/{table['id']}")
    assert floor.new_table(tableNumber="1")["tableNumber"] == "1"
    floor.change_table(other["id"], tableNumber="3")
    assert floor.new_table(tableNumber="2")["tableNumber"] == "2"
    third = floor.new_table(tableNumber="4")["id"]
    batch = [op("table", "delete", third), op("table", "create", None, tableNumber="4", capacity=2)]
    assert ok(post_batch(floor.api, floor.restaurant, *batch))["results"][1]["data"]["tableNumber"] == "4"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_both_merge_the_given_fields(floor: Floor, method: str) -> None:
    table = floor.new_table(section="terrace", notes="x")
    after = ok(floor.api.request(method, f"{floor.root}/tables/{table['id']}", json={"notes": "y"}))
    assert after == {**table, "notes": "y", "version": 2, "lastUpdated": after["lastUpdated"]}
    assert floor.table(table["id"]) == after


def test_creating_answers_201_with_the_table_and_where_it_is(floor: Floor) -> None:
    answer = floor.post_table(id="t1")
    table = ok(answer, 201)
    assert answer.headers["Location"].endswith(f"/restaurants/{floor.restaurant}/tables/t1")
    assert floor.table("t1") == table


def test_creating_a_table_whose_id_exists_is_refused_with_the_one_that_has_it(floor: Floor) -> None:
    table = floor.new_table(id="t1")
    with floor.untouched():
        assert problem(floor.post_table(id="t1"), 409, "already_exists")["current"] == table


def test_deleting_a_table_answers_204_and_it_is_gone(floor: Floor) -> None:
    floor.new_table(id="t1")
    answer = floor.api.delete(f"{floor.root}/tables/t1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert floor.every("tables") == []
    problem(floor.api.get(f"{floor.root}/tables/t1"), 404, "table_not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_table_that_is_not_there_is_404(floor: Floor, method: str) -> None:
    floor.new_table(id="gone")
    floor.api.delete(f"{floor.root}/tables/gone")
    body = {"notes": "x"} if method in ("PUT", "PATCH") else None
    for table_id in ("gone", "never"):
        with floor.untouched():
            answer = floor.api.request(method, f"{floor.root}/tables/{table_id}", json=body)
            problem(answer, 404, "table_not_found")
