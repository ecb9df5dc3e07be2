"""The contract of the two lists: their order, their pages, and their filters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.answers import Json, problem
from tests.contract.floor_client import Floor
from tests.contract.requests import write_notes

IDS = ["m", "b", "Z", "a", "k", "c", "0"]


def fill(floor: Floor, kind: str) -> None:
    for entity_id in IDS:
        if kind == "guests":
            floor.new_guest(id=entity_id)
        else:
            floor.new_table(id=entity_id)


def in_order(rows: list[Json]) -> bool:
    return rows == sorted(rows, key=lambda row: (row["createdAt"], row["id"]))


def pages(floor: Floor, kind: str, **params: Any) -> list[list[Json]]:
    """Every page of a list, from the first to the one without `Restohub-Next-Cursor`."""
    found: list[list[Json]] = []
    while len(found) < 50:
        answer = floor.api.get(f"{floor.root}/{kind}/", params=params)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        if "Restohub-Next-Cursor" not in answer.headers:
            break
        params["cursor"] = answer.headers["Restohub-Next-Cursor"]
    return found


@pytest.mark.parametrize("kind", ["guests", "tables"])
def test_a_list_is_a_bare_array_and_empty_at_first(floor: Floor, kind: str) -> None:
    answer = floor.api.get(f"{floor.root}/{kind}/")
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


@pytest.mark.parametrize("kind", ["guests", "tables"])
def test_a_list_is_in_the_order_of_creation_and_id(floor: Floor, kind: str) -> None:
    fill(floor, kind)
    floor.patch(kind, "m", {"notes": "changed last"})
    rows = floor.every(kind)
    assert {row["id"] for row in rows} == set(IDS)
    assert in_order(rows)


@pytest.mark.parametrize("kind", ["guests", "tables"])
@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (6, [6, 1]), (1000, [7])])
def test_pages_give_the_whole_list_once_and_in_order(floor: Floor, kind: str, limit: int, sizes: list[int]) -> None:
    fill(floor, kind)
    found = pages(floor, kind, limit=limit)
    assert [len(page) for page in found] == sizes
    assert [row for page in found for row in page] == floor.every(kind)


def test_without_a_limit_all_come_at_once(floor: Floor) -> None:
    create = [
        {"entity_type": "guest", "action": "create", "data": {"firstName": f"Guest {n}", "partySize": 2}}
        for n in range(500)
    ]
    for _ in range(3):
        body = {"restaurant_id": floor.restaurant, "operations": create}
        assert floor.api.post("/api/v1/atomic/batch", json=body).status_code == 200
    answer = floor.api.get(f"{floor.root}/guests/")
    assert len(answer.json()) == 1500
    assert "Restohub-Next-Cursor" not in answer.headers
    assert [len(page) for page in pages(floor, "guests", limit=1000)] == [1000, 500]


def test_a_list_over_128_kib_comes_chunked_and_a_short_one_whole(floor: Floor) -> None:
    short = floor.api.get(f"{floor.root}/guests")
    write_notes(floor.api, floor.restaurant, "create", "é")
    delta = f"/api/sync/delta?restaurant_id={floor.restaurant}&since_revision=0"
    for path in (f"{floor.root}/guests", delta):
        long = floor.api.get(path)
        assert len(long.content) > 128 * 1024
        told = long.json()
        assert len(told if isinstance(told, list) else told["changes"]) == 200
        assert ("content-length" in long.headers, long.headers["transfer-encoding"]) == (False, "chunked")
    for path in (f"{floor.root}/guests", delta, f"/api/sync/full?restaurant_id={floor.restaurant}"):
        said = floor.api.get(path).headers
        assert (said["cache-control"], said.get("restohub-revision")) == ("no-store", "1")
        assert said.get("restohub-epoch") == short.headers["restohub-epoch"]
    assert short.headers["content-length"] == "2"


def test_a_filter_goes_on_over_pages(floor: Floor) -> None:
    for n in range(6):
        floor.new_guest(id=f"g{n}", firstName="Rossi", status="arrived" if n % 2 else "waitlist")
    found = pages(floor, "guests", status="arrived", limit=2)
    assert [[guest["id"] for guest in page] for page in found] == [["g1", "g3"], ["g5"]]
    searched = pages(floor, "guests", q="rossi", limit=4)
    assert [[guest["id"] for guest in page] for page in searched] == [["g0", "g1", "g2", "g3"], ["g4", "g5"]]


def test_guests_are_filtered_by_one_status_or_several(floor: Floor) -> None:
    for status in ("waitlist", "arrived", "seated", "no_show"):
        floor.new_guest(id=status, status=status)
    assert floor.ids("guests", {"status": "arrived"}) == {"arrived"}
    assert floor.ids("guests", [("status", "arrived"), ("status", "seated")]) == {"arrived", "seated"}
    assert floor.ids("guests", {"status": "No-Show"}) == {"no_show"}
    assert floor.ids("guests", {"status": "waiting"}) == {"waitlist"}
    assert floor.ids("guests", {"status": "left"}) == set()


def test_guests_are_filtered_by_table(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    floor.new_guest()
    floor.party_at_table("notified")
    assert floor.ids("guests", {"table_id": table["id"]}) == {guest["id"]}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("love", {"ada"}),
        ("LOVE", {"ada"}),
        ("da lo", {"ada"}),
        ("1234", {"ada"}),
        ("+39 06", {"ada", "jose"}),
        ("josé", {"jose"}),
        ("JOSÉ", {"jose"}),
        ("o", {"ada", "jose"}),
        ("window", set()),
        ("%", set()),
        ("_", set()),
    ],
)
def test_guests_are_found_by_a_part_of_name_or_phone(floor: Floor, part: str, found: set[str]) -> None:
    floor.new_guest(id="ada", name="Ada Lovelace", phone="+39 06 1234", notes="window")
    floor.new_guest(id="jose", name="José Ortega", phone="+39 06 5678")
    floor.new_guest(id="eve", name="Eve", phone=None)
    assert floor.ids("guests", {"q": part}) == found


def test_filters_of_guests_narrow_each_other(floor: Floor) -> None:
    floor.new_guest(id="a", name="Ada", status="arrived")
    floor.new_guest(id="b", name="Ada", status="waitlist")
    floor.new_guest(id="c", name="Eve", status="arrived")
    assert floor.ids("guests", {"q": "ada", "status": "arrived"}) == {"a"}


def test_tables_are_filtered_by_status(floor: Floor) -> None:
    for status in ("available", "dirty", "outOfService"):
        floor.new_table(id=status, status=status)
    assert floor.ids("tables", {"status": "dirty"}) == {"dirty"}
    assert floor.ids("tables", {"status": "out_of_service"}) == {"outOfService"}
    assert floor.ids("tables", {"status": "needs cleaning"}) == {"dirty"}


def test_tables_are_filtered_by_section(floor: Floor) -> None:
    floor.new_table(id="out", section="terrace")
    floor.new_table(id="in", section="hall")
    floor.new_table(id="nowhere")
    assert floor.ids("tables", {"section": "terrace"}) == {"out"}
    assert floor.ids("tables", {"section": "cellar"}) == set()
    assert floor.ids("tables", {"section": "hall", "status": "dirty"}) == set()


@pytest.mark.parametrize("kind", ["guests", "tables"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=2.0",
        "cursor=nonsense",
        "status=asleep",
        "status=arrived&status=asleep",
        "colour=red",
        "Limit=2",
    ],
)
def test_a_bad_value_or_an_unknown_parameter_is_refused(floor: Floor, kind: str, query: str) -> None:
    floor.new_guest()
    floor.new_table()
    problem(floor.api.get(f"{floor.root}/{kind}/?{query}"), 400, "invalid_query")


@pytest.mark.parametrize(
    ("kind", "query"), [("tables", "q=ada"), ("tables", "table_id=t1"), ("guests", "section=terrace")]
)
def test_a_filter_of_the_other_list_is_unknown(floor: Floor, kind: str, query: str) -> None:
    problem(floor.api.get(f"{floor.root}/{kind}/?{query}"), 400, "invalid_query")
