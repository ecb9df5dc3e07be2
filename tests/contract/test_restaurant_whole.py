"""The contract of a restaurant that goes whole: by its name, with all of its guests and tables at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection

from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem
from tests.contract.floor_client import Floor
from tests.contract.sockets import REALTIME, both_sockets, listen, until_closed

NAME = "Trattoria"
ALL = {"with": "guests,tables", "name": NAME}


@pytest.fixture
def floor(api: httpx.Client, restaurant: int) -> Floor:
    """A floor with a party at a table, one that waits, one that left, and a free table."""
    made = Floor(api, restaurant)
    made.new_guest(id="seated", tableId=made.new_table(id="taken")["id"])
    made.new_guest(id="waiting")
    made.new_guest(id="gone", status="left")
    made.new_table(id="free")
    return made


def test_it_is_gone_with_all_that_it_has_and_without_a_body(api: httpx.Client, floor: Floor) -> None:
    answer = api.delete(floor.root, params=ALL)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Restohub-Revision" not in answer.headers
    assert answer.headers["Restohub-Transaction"]
    for asked in (
        api.get(floor.root),
        api.get(f"{floor.root}/guests/"),
        api.get(f"{floor.root}/tables/taken"),
        api.get(f"/api/sync/full?restaurant_id={floor.restaurant}"),
        api.get(f"/api/sync/delta?restaurant_id={floor.restaurant}&since_revision=0"),
        api.post(f"{floor.root}/guests/", json={"name": "Ada", "partySize": 2}),
        api.delete(floor.root, params=ALL),
    ):
        problem(asked, 404, "restaurant_not_found")
    assert floor.restaurant not in [one["id"] for one in api.get("/restaurants").json()]
    assert ok(api.post("/restaurants", json={"name": NAME}), 201)["id"] == floor.restaurant + 1


@pytest.mark.parametrize("parts", ["guests,tables", "tables,guests"])
def test_an_empty_one_goes_so_too(api: httpx.Client, restaurant: int, parts: str) -> None:
    assert api.delete(f"/api/restaurants/{restaurant}/", params={**ALL, "with": parts}).status_code == 204


@pytest.mark.parametrize("name", ["Da Enzo + Figli", "Da Enzo   Figli", "Da+Enzo+++Figli"])
def test_a_plus_and_a_space_in_its_name_count_as_the_same(api: httpx.Client, name: str) -> None:
    made = ok(api.post("/restaurants", json={"name": "Da Enzo + Figli"}), 201)["id"]
    assert api.delete(f"/restaurants/{made}", params={**ALL, "name": name}).status_code == 204


@pytest.mark.parametrize("name", ["trattoria", "Trattoria ", "Trat", "", "Another", "x" * 500])
def test_another_name_is_a_conflict_that_shows_the_right_one(api: httpx.Client, floor: Floor, name: str) -> None:
    with floor.untouched():
        refused = problem(api.delete(floor.root, params={**ALL, "name": name}), 409, "restaurant_name_differs")
    assert NAME in refused["detail"]
    assert refused["params"] == {"restaurant": NAME}
    assert len(refused["detail"]) < 250
    assert refused["current"] == ok(api.get(floor.root))
    assert [one["pointer"] for one in refused["errors"]] == ["?name"]


def test_the_name_is_the_present_one(api: httpx.Client, floor: Floor) -> None:
    ok(api.patch(floor.root, json={"name": "Fish + Chips, Zoë's"}))
    problem(api.delete(floor.root, params=ALL), 409, "restaurant_name_differs")
    # As Swift's URLQueryItem writes it: a `+` stays one.
    answer = api.delete(f"{floor.root}?with=guests,tables&name=Fish%20+%20Chips,%20Zo%C3%AB's")
    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"with": "guests", "name": NAME}, "?with"),
        ({"with": "", "name": NAME}, "?with"),
        ({"with": "guests,tables,log", "name": NAME}, "?with"),
        ({"with": "guests,guests,tables", "name": NAME}, "?with"),
        ({"with": "guests,tables"}, "?name"),
        ([("with", "guests,tables"), ("name", NAME), ("name", NAME)], "?name"),
        ([("with", "guests,tables"), ("with", "guests,tables"), ("name", NAME)], "?with"),
    ],
)
def test_a_query_that_is_not_clear_is_refused(api: httpx.Client, floor: Floor, query: Any, pointer: str) -> None:
    with floor.untouched():
        refused = problem(api.delete(floor.root, params=query), 400, "invalid_query")
    assert [one["pointer"] for one in refused["errors"]] == [pointer]


@pytest.mark.parametrize("query", ["", "?name=Trattoria"])
def test_without_with_it_must_be_empty_as_ever(api: httpx.Client, floor: Floor, query: str) -> None:
    with floor.untouched():
        problem(api.delete(floor.root + query), 409, "restaurant_not_empty")


def test_a_repeat_with_the_same_key_has_the_first_answer(api: httpx.Client, floor: Floor) -> None:
    key = {"Idempotency-Key": f"clear-{floor.restaurant}"}
    first = api.delete(floor.root, params=ALL, headers=key)
    again = api.delete(floor.root, params=ALL, headers=key)
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (204, 204, "true")
    assert first.headers["Restohub-Transaction"] == again.headers["Restohub-Transaction"]
    problem(api.delete(floor.root, params={**ALL, "name": "x"}, headers=key), 422, "idempotency_key_reused")
    problem(api.delete(floor.root, params=ALL, headers={"Idempotency-Key": "another"}), 404, "restaurant_not_found")


def test_its_sockets_close_with_4404_and_hear_nothing_before(hub: Hub, api: httpx.Client, floor: Floor) -> None:
    with both_sockets(hub, floor.restaurant) as socks:
        assert api.delete(floor.root, params=ALL).status_code == 204
        assert [until_closed(sock) for sock in socks] == [([], 4404), ([], 4404)]
    late = hub.socket(f"{REALTIME}?restaurant_id={floor.restaurant}")
    assert until_closed(late)[1] == 4404


def test_others_go_on(hub: Hub, api: httpx.Client, floor: Floor) -> None:
    other = Floor(api, hub.new_restaurant())

    def hears(sock: ClientConnection) -> bool:
        guest = other.new_guest()
        return bool(next_message(sock)["guestId"] == guest["id"])

    with hub.socket(REALTIME) as for_all, listen(hub, REALTIME, other.restaurant) as sock:
        assert next_message(for_all)["type"] == "connection_established"
        assert api.delete(floor.root, params=ALL).status_code == 204
        assert next_message(for_all)["type"] == "restaurant_deleted"
        assert hears(for_all)
        assert next_message(sock)["type"] == "guest_created"
    hub.delete_restaurant(other.restaurant)
