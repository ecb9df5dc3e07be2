"""The contract of `POST /api/sync/batch`: an off-line queue, each update on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import TIME, Json, faulty_fields, ok, only, problem, results, revision_of
from tests.contract.requests import SYNC_BATCH, delta, edit, floor_of, names_of, new_guest, new_table, op, post_updates

GUEST: Json = {"name": "Rossi", "partySize": 2}
TABLE: Json = {"tableNumber": "12", "capacity": 4}


def test_a_queue_answers_update_by_update(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    answer = post_updates(api, restaurant, edit("g1", "m1", notes="window"), edit("g1", notes="window"))
    body = ok(answer)
    keys = {"success", "processed_count", "failed_count", "revision", "timestamp", "results"}
    assert body.keys() == keys
    assert (body["success"], body["processed_count"], body["failed_count"]) == (True, 2, 0)
    assert TIME.fullmatch(body["timestamp"])
    first, second = results(answer)
    assert (first["mutation_id"], first["entity_id"], first["status"], first["revision"]) == ("m1", "g1", "applied", 2)
    assert (second["mutation_id"], second["status"]) == (None, "unchanged")


def test_an_update_without_an_action_is_an_update(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    update = {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "window"}}
    assert only(post_updates(api, restaurant, update))["status"] == "applied"
    assert floor_of(api, restaurant)["guests"]["g1"]["notes"] == "window"


def test_each_accepted_update_is_a_commit_of_its_own(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    answer = post_updates(
        api,
        restaurant,
        op("guest", "create", "g1", **GUEST),
        edit("g9", notes="x"),
        edit("g1", tableId="t1"),
        op("table", "update", "t1", section="Patio"),
    )
    assert [result["revision"] for result in results(answer)] == [2, None, 3, 4]
    assert ok(answer)["revision"] == revision_of(answer) == 4
    assert "restohub-transaction" in answer.headers
    assert "restohub-epoch" in answer.headers
    assert names_of(delta(api, restaurant, since_revision=2, limit=1)["changes"]) == [("guest", "g1", "update")]


def test_the_answer_names_the_present_revision_where_nothing_was_applied(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    answer = post_updates(api, restaurant, edit("g9", notes="x"))
    assert (ok(answer)["success"], ok(answer)["revision"], revision_of(answer)) == (False, 1, 1)


def test_one_update_s_failure_does_not_stop_the_others(api: httpx.Client, restaurant: int) -> None:
    answer = post_updates(
        api,
        restaurant,
        edit("nobody", notes="x"),
        op("guest", "create", "g1", **GUEST),
        op("guest", "create", "g2", name="Rossi", partySize=0),
        op("table", "create", "t1", **TABLE),
    )
    statuses = [(result["status"], result["error_code"]) for result in results(answer)]
    assert statuses == [
        ("rejected", "guest_not_found"),
        ("applied", None),
        ("rejected", "validation_failed"),
        ("applied", None),
    ]
    held = floor_of(api, restaurant)
    assert (held["guests"].keys(), held["tables"].keys()) == ({"g1"}, {"t1"})


@pytest.mark.parametrize(
    ("update", "code"),
    [
        (op("guest", "update", "g9", notes="x"), "guest_not_found"),
        (op("table", "delete", "t9"), "table_not_found"),
        (op("guest", "create", "g1", **GUEST), "already_exists"),
        (op("table", "create", "t2", **TABLE), "table_number_taken"),
        (op("guest", "update", "g2", tableId="t1"), "table_occupied"),
        (op("guest", "update", "g2", tableId="t9"), "table_not_found"),
        (op("table", "update", "t1", capacity=1), "party_exceeds_capacity"),
        (op("guest", "update", "g2", tableId="broken"), "table_unavailable"),
        (op("guest", "update", "g2", colour="red"), "validation_failed"),
        (op("guest", "update", "g2", partySize="2"), "validation_failed"),
    ],
)
def test_a_refused_update_is_rejected_with_its_code(
    api: httpx.Client, restaurant: int, update: Json, code: str
) -> None:
    new_table(api, restaurant, id="t1")
    new_table(api, restaurant, id="broken", tableNumber="99", status="outOfService")
    new_guest(api, restaurant, id="g1", tableId="t1")
    new_guest(api, restaurant, id="g2")
    before = floor_of(api, restaurant)
    result = only(post_updates(api, restaurant, {**update, "data": update.get("data", {}), "mutation_id": "m1"}))
    assert (result["status"], result["error_code"], result["revision"]) == ("rejected", code, None)
    assert (result["mutation_id"], result["entity_id"]) == ("m1", update["entity_id"])
    assert floor_of(api, restaurant) == before


def test_a_rejected_update_shows_what_is_there(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    seated = new_guest(api, restaurant, id="g1", tableId="t1")
    new_guest(api, restaurant, id="g2")
    table = ok(api.get(f"/restaurants/{restaurant}/tables/t1"))
    taken = only(post_updates(api, restaurant, edit("g2", tableId="t1")))
    assert taken["current"] == {"table": table, "guest": seated}
    twice = only(post_updates(api, restaurant, op("guest", "create", "g1", **GUEST)))
    assert twice["current"] == seated


@pytest.mark.parametrize(
    "update",
    [
        5,
        None,
        "g1",
        [],
        {},
        {"entity_type": "guest", "data": {"notes": "x"}},
        {"entity_type": "guest", "entity_id": "g1"},
        {"entity_type": "guest", "entity_id": "g1", "data": None},
        {"entity_type": "guest", "entity_id": "g1", "data": []},
        {"entity_type": "waiter", "entity_id": "g1", "data": {"notes": "x"}},
        {"entity_id": "g1", "data": {"notes": "x"}},
        {"entity_type": "guest", "data": GUEST},
        {"entity_type": "guest", "entity_id": 1, "data": {"notes": "x"}},
        {"entity_type": "guest", "entity_id": "g1", "action": "upsert", "data": {"notes": "x"}},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "base_version": "1"},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "base_version": True},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "mutation_id": 5},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "colour": "red"},
        {"entity_type": "guest", "entity_id": "no/slash", "action": "create", "data": GUEST},
    ],
)
def test_a_malformed_update_is_rejected_and_the_others_go_on(api: httpx.Client, restaurant: int, update: Any) -> None:
    new_guest(api, restaurant, id="g1")
    answer = post_updates(api, restaurant, update, op("guest", "create", "g2", **GUEST))
    bad, good = results(answer)
    assert (bad["status"], bad["error_code"], bad["revision"]) == ("rejected", "validation_failed", None)
    assert good["status"] == "applied"
    assert floor_of(api, restaurant)["guests"]["g1"]["notes"] is None


def test_an_update_creates_changes_and_deletes(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="gone")
    answer = post_updates(
        api,
        restaurant,
        op("guest", "create", "g1", **GUEST),
        edit("g1", notes="window"),
        {**op("guest", "delete", "gone"), "data": {}},
    )
    assert [result["status"] for result in results(answer)] == ["applied"] * 3
    assert {key: guest["notes"] for key, guest in floor_of(api, restaurant)["guests"].items()} == {"g1": "window"}


def test_over_capacity_is_allowed_beside_the_table(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", capacity=1)
    new_guest(api, restaurant, id="g1")
    assert only(post_updates(api, restaurant, edit("g1", tableId="t1")))["error_code"] == "party_exceeds_capacity"
    assert only(post_updates(api, restaurant, edit("g1", tableId="t1", allowOverCapacity=True)))["status"] == "applied"


@pytest.mark.parametrize("count", [0, 501])
def test_a_queue_has_1_to_500_updates(api: httpx.Client, restaurant: int, count: int) -> None:
    queue = [op("guest", "create", f"g{n}", **GUEST) for n in range(count)]
    problem(post_updates(api, restaurant, *queue), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


def test_500_updates_are_500_revisions(api: httpx.Client, restaurant: int) -> None:
    answer = post_updates(api, restaurant, *(op("guest", "create", f"g{n}", **GUEST) for n in range(500)))
    assert [result["revision"] for result in results(answer)] == list(range(1, 501))
    assert revision_of(answer) == 500


@pytest.mark.parametrize("body", [{}, {"updates": None}, {"updates": {}}, {"updates": "x"}, {"operations": []}])
def test_a_queue_without_a_list_is_refused(api: httpx.Client, restaurant: int, body: Json) -> None:
    problem(api.post(f"{SYNC_BATCH}?restaurant_id={restaurant}", json=body), 422, "validation_failed")


def test_an_unknown_field_beside_the_updates_is_refused_by_name(api: httpx.Client, restaurant: int) -> None:
    answer = post_updates(api, restaurant, op("guest", "create", "g1", **GUEST), dry_run=True)
    assert faulty_fields(answer) == {"/dry_run"}


@pytest.mark.parametrize("where", ["body", "update"])
def test_a_timestamp_is_ignored(api: httpx.Client, restaurant: int, where: str) -> None:
    stamp: Json = {"timestamp": "2024-01-15T10:30:00.123Z"}
    update = op("guest", "create", "g1", **GUEST) | (stamp if where == "update" else {})
    assert only(post_updates(api, restaurant, update, **(stamp if where == "body" else {})))["status"] == "applied"


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.0", str(2**53)])
def test_a_queue_for_a_bad_restaurant_is_an_invalid_query(api: httpx.Client, value: str) -> None:
    body = {"updates": [op("guest", "create", "g1", **GUEST)]}
    problem(api.post(f"{SYNC_BATCH}?restaurant_id={value}", json=body), 400, "invalid_query")


def test_a_queue_for_an_unknown_restaurant_is_not_found(api: httpx.Client) -> None:
    problem(post_updates(api, 2**53 - 1, op("guest", "create", "g1", **GUEST)), 404, "restaurant_not_found")


def test_without_a_restaurant_a_queue_goes_to_restaurant_1(new_hub: Callable[..., Hub]) -> None:
    with new_hub().start().client() as api:
        ok(api.post(SYNC_BATCH + "/", json={"updates": [op("guest", "create", "g1", **GUEST)]}))
        assert floor_of(api, 1)["guests"].keys() == {"g1"}
