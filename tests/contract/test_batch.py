"""The contract of an atomic batch that succeeds: its forms, its answer and its one revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import TIME, UUID, Json, ok, revision_of
from tests.contract.requests import (
    BATCH,
    delta,
    floor_of,
    full_sync,
    names_of,
    new_guest,
    new_table,
    op,
    patch_guest,
    post_batch,
)

GUEST: Json = {"name": "Rossi", "partySize": 2}
TABLE: Json = {"tableNumber": "12", "capacity": 4}


def test_a_batch_answers_with_its_results_and_its_changes(api: httpx.Client, restaurant: int) -> None:
    answer = post_batch(api, restaurant, op("guest", "create", "g1", **GUEST), transaction_id="tx-1")
    body = ok(answer)
    keys = {"success", "transaction_id", "revision", "timestamp", "results", "changes"}
    assert body.keys() == keys
    assert (body["success"], body["transaction_id"], body["revision"]) == (True, "tx-1", 1)
    assert TIME.fullmatch(body["timestamp"])
    guest = ok(api.get(f"/restaurants/{restaurant}/guests/g1"))
    assert body["results"] == [{"entity_type": "guest", "entity_id": "g1", "status": "created", "data": guest}]
    assert body["changes"] == [{"entity_type": "guest", "entity_id": "g1", "action": "create", "data": guest}]


def test_a_batch_carries_its_revision_transaction_and_epoch(api: httpx.Client, restaurant: int) -> None:
    answer = post_batch(api, restaurant, op("table", "create", **TABLE), transaction_id="tx-2")
    body = ok(answer)
    assert revision_of(answer) == body["revision"] == full_sync(api, restaurant)["revision"]
    assert answer.headers["restohub-transaction"] == "tx-2"
    camel = post_batch(api, restaurant, op("table", "delete", body["results"][0]["entity_id"]), transactionId="tx-3")
    assert ok(camel)["transaction_id"] == "tx-3"
    assert answer.headers["restohub-epoch"] == full_sync(api, restaurant)["epoch"]


def test_a_batch_without_a_transaction_id_gets_a_uuid(api: httpx.Client, restaurant: int) -> None:
    answer = post_batch(api, restaurant, op("table", "create", **TABLE))
    assert UUID.fullmatch(ok(answer)["transaction_id"])
    assert answer.headers["restohub-transaction"] == ok(answer)["transaction_id"]


@pytest.mark.parametrize("transaction", ["x", "~" * 200, "a b", """!"#$%&'()*+,-./:;<=>?@[]^_`{|}~"""])
def test_a_transaction_id_is_up_to_200_printable_characters(
    api: httpx.Client, restaurant: int, transaction: str
) -> None:
    answer = post_batch(api, restaurant, op("table", "create", **TABLE), transaction_id=transaction)
    assert ok(answer)["transaction_id"] == answer.headers["restohub-transaction"] == transaction


def test_each_operation_has_its_result_in_order(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="old")
    new_guest(api, restaurant, id="gone")
    body = ok(
        post_batch(
            api,
            restaurant,
            op("guest", "delete", "gone"),
            op("table", "create", "t1", **TABLE),
            op("guest", "update", "old", notes="window"),
            op("guest", "update", "old", notes="window"),
        )
    )
    results = [(r["entity_type"], r["entity_id"], r["status"]) for r in body["results"]]
    assert results == [
        ("guest", "gone", "deleted"),
        ("table", "t1", "created"),
        ("guest", "old", "updated"),
        ("guest", "old", "unchanged"),
    ]
    assert body["results"][0]["data"] is None


def test_the_data_of_a_result_is_the_entity_as_the_commit_leaves_it(api: httpx.Client, restaurant: int) -> None:
    steps = [op("guest", "create", "g1", **GUEST), op("guest", "update", "g1", notes="late")]
    body = ok(post_batch(api, restaurant, *steps, op("guest", "update", "g1", partySize=3)))
    guest = ok(api.get(f"/restaurants/{restaurant}/guests/g1"))
    assert [result["data"] for result in body["results"]] == [guest] * 3
    assert (guest["notes"], guest["partySize"]) == ("late", 3)


def test_an_operation_sees_the_effect_of_those_before_it(api: httpx.Client, restaurant: int) -> None:
    body = ok(
        post_batch(
            api,
            restaurant,
            op("table", "create", "t1", **TABLE),
            op("guest", "create", "g1", **GUEST),
            op("guest", "update", "g1", tableId="t1"),
        )
    )
    assert body["results"][2]["data"]["status"] == "seated"
    assert ok(api.get(f"/restaurants/{restaurant}/tables/t1"))["currentGuestId"] == "g1"


def test_a_batch_is_one_revision(api: httpx.Client, restaurant: int) -> None:
    tables = [op("table", "create", f"t{n}", tableNumber=n, capacity=4) for n in ("1", "2", "3")]
    body = ok(post_batch(api, restaurant, *tables))
    assert body["revision"] == 1
    assert {change["data"]["version"] for change in body["changes"]} == {1}
    assert {change["revision"] for change in delta(api, restaurant, since_revision=0)["changes"]} == {1}


def test_the_changes_name_guests_first_and_each_entity_once(api: httpx.Client, restaurant: int) -> None:
    body = ok(
        post_batch(
            api,
            restaurant,
            op("table", "create", "t1", **TABLE),
            op("guest", "create", "g1", **GUEST),
            op("table", "update", "t1", section="Patio"),
            op("guest", "update", "g1", tableId="t1"),
        )
    )
    assert names_of(body["changes"]) == [("guest", "g1", "create"), ("table", "t1", "create")]
    table = body["changes"][1]["data"]
    assert (table["section"], table["currentGuestId"], table["status"]) == ("Patio", "g1", "occupied")


def test_the_changes_hold_what_an_operation_did_to_others(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1", tableId="t1")
    body = ok(post_batch(api, restaurant, op("guest", "update", "g1", status="finished")))
    assert [result["entity_id"] for result in body["results"]] == ["g1"]
    assert names_of(body["changes"]) == [("guest", "g1", "update"), ("table", "t1", "update")]
    assert body["changes"][1]["data"]["status"] == "available"


def test_an_entity_made_and_gone_in_a_batch_is_a_delete(api: httpx.Client, restaurant: int) -> None:
    body = ok(post_batch(api, restaurant, op("guest", "create", "g1", **GUEST), op("guest", "delete", "g1")))
    assert body["changes"] == [{"entity_type": "guest", "entity_id": "g1", "action": "delete", "data": None}]
    assert [result["data"] for result in body["results"]] == [None, None]
    assert floor_of(api, restaurant)["guests"] == {}


def test_an_entity_that_ends_as_it_began_is_no_change(api: httpx.Client, restaurant: int) -> None:
    before = new_guest(api, restaurant, id="g1", notes="window")
    new_table(api, restaurant, "2", id="t2", section="Patio")
    body = ok(
        post_batch(
            api,
            restaurant,
            op("guest", "update", "g1", notes="door"),
            op("table", "update", "t2", section="Hall"),
            op("table", "create", "t1", **TABLE),
            op("guest", "update", "g1", notes="window"),
            op("table", "update", "t2", section="Patio"),
        )
    )
    assert names_of(body["changes"]) == [("table", "t1", "create")]
    assert ok(api.get(f"/restaurants/{restaurant}/guests/g1"))["version"] == before["version"]


def test_a_batch_that_changes_nothing_makes_no_commit(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant, id="g1", notes="window")
    table = new_table(api, restaurant, id="t1", section="Patio")
    same = op("guest", "update", "g1", notes="window"), op("table", "update", "t1", section="Patio")
    answer = post_batch(api, restaurant, *same)
    body = ok(answer)
    assert body["results"] == [
        {"entity_type": "guest", "entity_id": "g1", "status": "unchanged", "data": guest},
        {"entity_type": "table", "entity_id": "t1", "status": "unchanged", "data": table},
    ]
    assert (body["success"], body["changes"]) == (True, [])
    assert revision_of(answer) == body["revision"] == 2 == floor_of(api, restaurant)["revision"]


def test_500_operations_are_taken(api: httpx.Client, restaurant: int) -> None:
    body = ok(post_batch(api, restaurant, *(op("guest", "create", f"g{n}", **GUEST) for n in range(500))))
    assert (len(body["results"]), len(body["changes"]), body["revision"]) == (500, 500, 1)


def test_a_body_of_half_a_mebibyte_is_taken(api: httpx.Client, restaurant: int) -> None:
    steps = [op("guest", "create", **GUEST, notes="n" * 2000) for _ in range(260)]
    first = post_batch(api, restaurant, *steps, transaction_id="tx-1")
    assert len(ok(first)["results"]) == 260
    again = post_batch(api, restaurant, *steps, transaction_id="tx-1")
    assert (again.headers.get("idempotency-replayed"), again.content) == ("true", first.content), "nor too much to keep"


@pytest.mark.parametrize(
    ("entity_type", "data"),
    [("guest", {"name": "Rossi", "partySize": 2}), ("table", {"tableNumber": "12", "capacity": 4})],
)
def test_a_created_entity_without_an_id_gets_one(
    api: httpx.Client, restaurant: int, entity_type: str, data: Json
) -> None:
    result = ok(post_batch(api, restaurant, op(entity_type, "create", None, **data)))["results"][0]
    assert UUID.fullmatch(result["entity_id"])
    assert result["entity_id"][14] == "7"
    assert result["data"]["id"] == result["entity_id"]


@pytest.mark.parametrize("ids", [{"entity_id": "g1"}, {"id": "g1"}, {"entity_id": "g1", "id": "g1"}])
def test_a_client_chooses_the_id_beside_or_within_the_data(
    api: httpx.Client, restaurant: int, ids: dict[str, str]
) -> None:
    data = GUEST | ({"id": ids["id"]} if "id" in ids else {})
    body = ok(post_batch(api, restaurant, op("guest", "create", ids.get("entity_id"), **data)))
    assert (body["results"][0]["entity_id"], body["results"][0]["data"]["id"]) == ("g1", "g1")


def test_the_data_may_be_snake_case_or_of_older_spelling(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    older = op("guest", "create", "g1", guestName="Anna Rossi", party_size=2, phone_number="1", assigned_table_id="t1")
    guest = ok(post_batch(api, restaurant, older))["results"][0]["data"]
    assert (guest["name"], guest["phone"], guest["tableId"]) == ("Anna Rossi", "1", "t1")


def test_a_whole_entity_may_come_back_in_an_update(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", phone="39 06 1")
    body = ok(post_batch(api, restaurant, op("guest", "update", "g1", **{**guest, "notes": "window"})))
    after = body["results"][0]["data"]
    assert (after["notes"], after["phone"]) == ("window", "39 06 1"), "what he had at that version was not sent"


def test_table_numbers_swap_over_a_third_number(api: httpx.Client, restaurant: int) -> None:
    for number in ("1", "2"):
        new_table(api, restaurant, id=f"t{number}", tableNumber=number)
    numbers = [("t1", "3"), ("t2", "1"), ("t1", "2")]
    steps = [op("table", "update", table, tableNumber=number) for table, number in numbers]
    assert ok(post_batch(api, restaurant, *steps))["success"] is True
    held = floor_of(api, restaurant)["tables"]
    assert (held["t1"]["tableNumber"], held["t2"]["tableNumber"]) == ("2", "1")


def test_over_capacity_is_allowed_for_the_operation_that_says_so(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", capacity=2)
    large = op("guest", "create", "g1", name="Rossi", partySize=6, tableId="t1", allowOverCapacity=True)
    assert ok(post_batch(api, restaurant, large))["results"][0]["data"]["tableId"] == "t1"


@pytest.mark.parametrize("places", ["body", "query", "data", "body query data", "digits"])
def test_the_restaurant_may_stand_in_body_query_or_data(api: httpx.Client, restaurant: int, places: str) -> None:
    data: Json = GUEST | ({"restaurant_id": restaurant} if "data" in places else {})
    body: Json = {"operations": [op("guest", "create", "g1", **data)]}
    if "body" in places or "digits" in places:
        body["restaurant_id"] = str(restaurant) if "digits" in places else restaurant
    query: Any = {"restaurant_id": restaurant} if "query" in places else {}
    ok(api.post(BATCH, json=body, params=query))
    assert floor_of(api, restaurant)["guests"].keys() == {"g1"}


def test_without_a_restaurant_a_batch_goes_to_restaurant_1(new_hub: Callable[..., Hub]) -> None:
    with new_hub().start().client() as api:
        ok(api.post(BATCH, json={"operations": [op("guest", "create", "g1", **GUEST)]}))
        assert floor_of(api, 1)["guests"].keys() == {"g1"}


def test_timestamp_and_metadata_beside_the_operations_are_ignored(api: httpx.Client, restaurant: int) -> None:
    beside: Json = {"timestamp": "2024-01-15T10:30:00.123Z", "metadata": {"device": "iPad"}}
    create = {**op("guest", "create", "g1", **GUEST), "timestamp": beside["timestamp"]}
    assert ok(post_batch(api, restaurant, create, **beside))["revision"] == 1


@pytest.mark.parametrize("path", [BATCH + "/", BATCH + "/?restaurant_id={id}", BATCH + "?restaurant_id={id}"])
def test_a_trailing_slash_does_not_matter(api: httpx.Client, restaurant: int, path: str) -> None:
    body: Json = {"restaurant_id": restaurant, "operations": [op("guest", "create", "g1", **GUEST)]}
    ok(api.post(path.format(id=restaurant), json=body, follow_redirects=False))


def test_the_older_form_takes_the_guests_and_then_the_tables(api: httpx.Client, restaurant: int) -> None:
    body: Json = {
        "transaction_id": "tx-1",
        "restaurant_id": str(restaurant),
        "timestamp": "2024-01-15T10:30:00Z",
        "metadata": {},
        "tables": [{"id": "t1", "operation": "create", "data": {**TABLE, "currentGuestId": "g1"}}],
        "guests": [{"id": "g1", "operation": "create", "data": GUEST, "timestamp": "2024-01-15T10:30:00Z"}],
    }
    answer = ok(api.post(BATCH, json=body))
    results = [(r["entity_type"], r["entity_id"], r["status"]) for r in answer["results"]]
    assert results == [("guest", "g1", "created"), ("table", "t1", "created")]
    assert floor_of(api, restaurant)["guests"]["g1"]["tableId"] == "t1"


def test_the_older_form_updates_and_deletes(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    new_table(api, restaurant, id="t1")
    body: Json = {
        "transaction_id": "tx-1",
        "restaurant_id": restaurant,
        "guests": [{"id": "g1", "operation": "update", "data": {"notes": "window"}}],
        "tables": [{"id": "t1", "operation": "delete", "data": {}}],
    }
    answer = ok(api.post(BATCH, json=body))
    assert [result["status"] for result in answer["results"]] == ["updated", "deleted"]
    assert names_of(answer["changes"]) == [("guest", "g1", "update"), ("table", "t1", "delete")]


@pytest.mark.parametrize("kind", ["guests", "tables"])
def test_the_older_form_may_have_one_empty_list(api: httpx.Client, restaurant: int, kind: str) -> None:
    one = {"id": "x1", "operation": "create", "data": GUEST if kind == "guests" else TABLE}
    body: Json = {"transaction_id": "tx-1", "restaurant_id": restaurant, "guests": [], "tables": [], kind: [one]}
    assert ok(api.post(BATCH, json=body))["results"][0]["status"] == "created"


def test_a_batch_over_several_revisions_keeps_the_present_version(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", notes="window")
    body = ok(post_batch(api, restaurant, op("guest", "update", "g1", partySize=3)))
    assert body["revision"] == body["changes"][0]["data"]["version"] == 3
    assert body["changes"][0]["data"]["lastUpdated"] == body["timestamp"]
