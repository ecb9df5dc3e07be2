"""The contract of who names the restaurant: each name is honoured, and two that differ are refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok, problem
from tests.contract.requests import BATCH, SYNC_BATCH, floor_of, new_guest, op
from tests.contract.sockets import say

GUEST: Json = {"name": "Rossi", "partySize": 2}
ENTRY = op("guest", "create", "g1", **GUEST)
OLDER: Json = {"id": "g1", "operation": "create", "data": GUEST}
OLDER_TABLE: Json = {"id": "t1", "operation": "create", "data": {"tableNumber": "1", "capacity": 2}}
# What asks for one guest, and what of it may name a restaurant: the path of keys to each such object.
ENVELOPES: dict[str, tuple[str, Json, tuple[tuple[Any, ...], ...]]] = {
    "queue": (SYNC_BATCH, {"updates": [ENTRY]}, ((), ("metadata",), ("updates", 0), ("updates", 0, "data"))),
    "batch": (BATCH, {"operations": [ENTRY]}, ((), ("metadata",), ("operations", 0), ("operations", 0, "data"))),
    "older": (
        BATCH,
        {"guests": [OLDER], "tables": [OLDER_TABLE]},
        ((), ("metadata",), *((kind, 0, *more) for kind in ("guests", "tables") for more in ((), ("data",)))),
    ),
}
PLACES = [(form, place) for form, (_, _, places) in ENVELOPES.items() for place in places]


def naming(value: Any, place: tuple[Any, ...], within: Any) -> Any:
    """A copy of an envelope whose object at a place names a restaurant."""
    if not place:
        return {**within, "restaurant_id": value}
    if isinstance(within, list):
        return [naming(value, place[1:], one) if at == place[0] else one for at, one in enumerate(within)]
    return {**within, place[0]: naming(value, place[1:], within.get(place[0], {}))}


@pytest.fixture
def two(hub: Hub, restaurant: int) -> tuple[int, int]:
    return restaurant, hub.new_restaurant()


@pytest.mark.parametrize(("form", "place"), PLACES)
def test_a_restaurant_is_honoured_wherever_it_is_named(
    api: httpx.Client, restaurant: int, form: str, place: tuple[Any, ...]
) -> None:
    path, body, _ = ENVELOPES[form]
    ok(api.post(path, json=naming(restaurant, place, body)))
    assert floor_of(api, restaurant)["guests"].keys() == {"g1"}


@pytest.mark.parametrize("key", ["restaurant_id", "restaurantId"])
@pytest.mark.parametrize("form", ENVELOPES)
def test_it_is_named_in_either_spelling_and_as_a_string_of_digits(
    api: httpx.Client, restaurant: int, form: str, key: str
) -> None:
    path, body, _ = ENVELOPES[form]
    ok(api.post(path, json={**body, key: str(restaurant)}))
    assert floor_of(api, restaurant)["guests"].keys() == {"g1"}


@pytest.mark.parametrize(("form", "place"), PLACES)
def test_two_restaurants_that_differ_are_refused_with_where(
    api: httpx.Client, two: tuple[int, int], form: str, place: tuple[Any, ...]
) -> None:
    path, body, _ = ENVELOPES[form]
    asked = naming(two[1], place, body)
    refused = problem(api.post(path, json=asked, params={"restaurant_id": two[0]}), 422, "validation_failed")
    pointer = "".join(f"/{key}" for key in (*place, "restaurant_id"))
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
    assert [floor_of(api, one)["revision"] for one in two] == [0, 0]


@pytest.mark.parametrize(("form", "place"), [one for one in PLACES if one[1]])
def test_a_place_that_differs_from_the_body_is_refused_with_where(
    api: httpx.Client, two: tuple[int, int], form: str, place: tuple[Any, ...]
) -> None:
    path, body, _ = ENVELOPES[form]
    asked = naming(two[0], (), naming(two[1], place, body))
    refused = problem(api.post(path, json=asked), 422, "validation_failed")
    assert [fault["pointer"] for fault in refused["errors"]] == [
        "".join(f"/{key}" for key in (*place, "restaurant_id"))
    ]
    assert [floor_of(api, one)["revision"] for one in two] == [0, 0]


@pytest.mark.parametrize(("form", "place"), [one for one in PLACES if one[1]])
@pytest.mark.parametrize("value", ["x", 0, 2**53, [], {}])
def test_what_is_no_restaurant_is_refused_and_null_names_none(
    api: httpx.Client, restaurant: int, form: str, place: tuple[Any, ...], value: Any
) -> None:
    path, body, _ = ENVELOPES[form]
    problem(api.post(path, json=naming(value, place, body)), 422, "validation_failed")
    ok(api.post(path, json=naming(None, place, body), params={"restaurant_id": restaurant}))


def test_the_entries_of_one_queue_are_one_restaurant_s(api: httpx.Client, two: tuple[int, int]) -> None:
    named = (*two, *two, two[1])
    updates = [{**op("guest", "create", f"g{n}", **GUEST), "restaurantId": one} for n, one in enumerate(named)]
    refused = problem(api.post(SYNC_BATCH, json={"updates": updates}), 422, "validation_failed")
    assert [fault["pointer"] for fault in refused["errors"]] == [f"/updates/{n}/restaurantId" for n in (1, 3, 4)]
    assert [floor_of(api, one)["revision"] for one in two] == [0, 0]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/guests", GUEST),
        ("GET", "/guests/g1", None),
        ("PATCH", "/guests/g1", {"notes": "x"}),
        ("PUT", "/guests/g1/status/atomic", {"status": "arrived"}),
        ("DELETE", "/guests/g1", None),
        ("PATCH", "/tables/t1", {"notes": "x"}),
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
    ],
)
def test_a_query_that_names_another_restaurant_than_the_path_is_refused(
    api: httpx.Client, two: tuple[int, int], method: str, path: str, body: Json | None
) -> None:
    new_guest(api, two[0], id="g1")
    ok(api.post(f"/restaurants/{two[0]}/tables", json={"id": "t1", "tableNumber": "1", "capacity": 2}), 201)
    for spelling in ("restaurant_id", "restaurantId"):
        asked = f"/restaurants/{two[0]}{path}?{spelling}={two[1]}"
        refused = problem(api.request(method, asked, json=body), 422, "validation_failed")
        assert [fault["pointer"] for fault in refused["errors"]] == ["?restaurant_id"]
    assert floor_of(api, two[0])["revision"] == 2
    if method in ("GET", "PATCH"):
        ok(api.request(method, f"/restaurants/{two[0]}{path}?restaurant_id={two[0]}", json=body))


@pytest.mark.parametrize("spelling", ["restaurant_id", "restaurantId"])
def test_a_message_names_its_restaurant_in_either_spelling(
    hub: Hub, api: httpx.Client, two: tuple[int, int], spelling: str
) -> None:
    new_guest(api, two[1], id="g1")
    with hub.socket("/realtime") as sock:
        next_message(sock)
        say(sock, type="request_full_sync", **{spelling: two[1]})
        assert next_message(sock)["restaurant_id"] == two[1]
        say(sock, type="request_delta", sinceRevision=0, **{spelling: two[1]})
        assert next_message(sock)["changes"][0]["entity_id"] == "g1"
        say(sock, type="request_full_sync", restaurant_id=two[0], restaurantId=two[1])
        assert next_message(sock)["error_code"] == "invalid_message"
    with hub.socket(f"/realtime?restaurant_id={two[0]}") as sock:
        next_message(sock)
        say(sock, type="request_full_sync", **{spelling: two[1]})
        assert next_message(sock)["error_code"] == "invalid_message"


def test_the_restaurant_of_a_whole_guest_is_read_only(api: httpx.Client, two: tuple[int, int]) -> None:
    """The path names the restaurant; the app sends whole objects, with whatever its own model holds."""
    guest = new_guest(api, two[0], restaurantId=two[1])
    answer = api.patch(f"/restaurants/{two[0]}/guests/{guest['id']}", json={**guest, "restaurantId": two[1]})
    assert ok(answer) == guest
    assert floor_of(api, two[1])["revision"] == 0
