"""The contract of an atomic batch that fails: nothing changed, and every fault told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.answers import TIME, WORDS, Json, check_words, ok, problem
from tests.contract.requests import BATCH, delta, floor_of, new_guest, new_table, op, patch_table, post_batch

GUEST: Json = {"name": "Rossi", "partySize": 2}
TABLE: Json = {"tableNumber": "12", "capacity": 4}


def faults(body: Json) -> list[tuple[int, str]]:
    """The operation and the code of each fault."""
    for fault in body["errors"]:
        assert fault.keys() == {"operation", "error_code", "pointer", *WORDS}
        check_words(fault)
    return [(fault["operation"], fault["error_code"]) for fault in body["errors"]]


def test_a_failing_operation_changes_nothing(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    before = floor_of(api, restaurant)
    answer = post_batch(
        api,
        restaurant,
        op("guest", "create", "g1", **GUEST),
        op("table", "update", "t1", section="Patio"),
        op("guest", "delete", "nobody"),
        op("guest", "update", "g1", tableId="t1"),
    )
    body = problem(answer, 404, "guest_not_found")
    assert (body["success"], body["rolled_back"]) == (False, True)
    assert faults(body) == [(2, "guest_not_found")]
    assert floor_of(api, restaurant) == before
    assert delta(api, restaurant, since_revision=before["revision"])["changes"] == []


def test_a_refused_batch_uses_up_no_revision_and_no_id(api: httpx.Client, restaurant: int) -> None:
    problem(
        post_batch(api, restaurant, op("guest", "create", "g1", **GUEST), op("table", "delete", "t9")),
        404,
        "table_not_found",
    )
    body = ok(post_batch(api, restaurant, op("guest", "create", "g1", **GUEST)))
    assert (body["revision"], body["results"][0]["status"]) == (1, "created")


def test_the_first_failing_operation_gives_the_problem(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    taken, missing = op("guest", "create", "g1", **GUEST), op("table", "delete", "t9")
    problem(post_batch(api, restaurant, taken, missing), 409, "already_exists")
    problem(post_batch(api, restaurant, missing, taken), 404, "table_not_found")


def test_an_earlier_conflict_goes_before_a_later_bad_field(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    steps = [op("guest", "create", "g1", **GUEST), op("guest", "update", "g1", partySize=0)]
    body = problem(post_batch(api, restaurant, *steps), 409, "already_exists")
    assert faults(body) == [(0, "already_exists"), (1, "validation_failed")]


def test_every_fault_is_listed_even_one_that_follows_from_another(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", capacity=2)
    answer = post_batch(
        api,
        restaurant,
        op("guest", "create", "g1", name="Rossi", partySize=0),
        op("guest", "create", "g2", **GUEST, tableId="t1"),
        op("guest", "create", "g3", **GUEST, tableId="t1"),
        op("guest", "update", "g1", notes="late"),
        op("table", "create", "t2", tableNumber="12", capacity=4),
    )
    body = problem(answer, 422, "validation_failed")
    assert faults(body) == [
        (0, "validation_failed"),
        (2, "table_occupied"),
        (3, "guest_not_found"),
        (4, "table_number_taken"),
    ]


def test_a_failed_operation_is_passed_over_for_those_after_it(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", capacity=2)
    large = op("guest", "create", "g1", name="Rossi", partySize=6, tableId="t1")
    body = problem(
        post_batch(api, restaurant, large, op("guest", "create", "g2", **GUEST, tableId="t1")),
        409,
        "party_exceeds_capacity",
    )
    assert faults(body) == [(0, "party_exceeds_capacity")]
    twelve = new_guest(api, restaurant, partySize=12)["id"]
    enlarged = op("table", "update", "t1", capacity=8, currentGuestId=twelve)
    six = op("guest", "create", "g6", name="Rossi", partySize=6, tableId="t1")
    refused = problem(post_batch(api, restaurant, enlarged, six), 409, "party_exceeds_capacity")
    assert faults(refused) == [(0, "party_exceeds_capacity"), (1, "party_exceeds_capacity")], "the table is for 2 still"


def test_each_bad_field_is_an_entry_of_its_own(api: httpx.Client, restaurant: int) -> None:
    bad = op("guest", "create", "g2", name="Rossi", partySize=0, notes=5)
    body = problem(post_batch(api, restaurant, op("guest", "create", "g1", **GUEST), bad), 422, "validation_failed")
    assert faults(body) == [(1, "validation_failed"), (1, "validation_failed")]
    pointers = {fault["pointer"] for fault in body["errors"]}
    assert pointers == {"/operations/1/data/partySize", "/operations/1/data/notes"}


def test_in_the_older_form_faults_count_through_guests_and_tables(api: httpx.Client, restaurant: int) -> None:
    body: Json = {
        "transaction_id": "tx-1",
        "restaurant_id": restaurant,
        "guests": [
            {"id": "g1", "operation": "create", "data": GUEST},
            {"id": "g2", "operation": "create", "data": {"name": "Rossi", "partySize": 101}},
        ],
        "tables": [
            {"id": "t1", "operation": "create", "data": TABLE},
            {"id": "t2", "operation": "create", "data": {"tableNumber": "13", "capacity": 0}},
        ],
    }
    answer = problem(api.post(BATCH, json=body), 422, "validation_failed")
    assert faults(answer) == [(1, "validation_failed"), (3, "validation_failed")]
    pointers = [fault["pointer"] for fault in answer["errors"]]
    assert pointers == ["/guests/1/data/partySize", "/tables/1/data/capacity"]
    assert floor_of(api, restaurant)["revision"] == 0


def test_in_the_older_form_a_guest_cannot_take_a_table_made_after_him(api: httpx.Client, restaurant: int) -> None:
    body: Json = {
        "transaction_id": "tx-1",
        "restaurant_id": restaurant,
        "tables": [{"id": "t1", "operation": "create", "data": TABLE}],
        "guests": [{"id": "g1", "operation": "create", "data": {**GUEST, "tableId": "t1"}}],
    }
    problem(api.post(BATCH, json=body), 404, "table_not_found")


def test_a_taken_table_is_shown_with_its_guest(api: httpx.Client, restaurant: int) -> None:
    table = new_table(api, restaurant, id="t1")
    guest = new_guest(api, restaurant, id="g1", tableId=table["id"])
    body = problem(
        post_batch(api, restaurant, op("guest", "create", "g2", **GUEST, tableId="t1")), 409, "table_occupied"
    )
    assert body["current"] == {"table": ok(api.get(f"/restaurants/{restaurant}/tables/t1")), "guest": guest}


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (op("guest", "update", "g9", notes="x"), 404, "guest_not_found"),
        (op("table", "update", "t9", notes="x"), 404, "table_not_found"),
        (op("guest", "create", "g2", **GUEST, tableId="t9"), 404, "table_not_found"),
        (op("table", "create", "t2", tableNumber="2", capacity=2, currentGuestId="g9"), 404, "guest_not_found"),
        (op("table", "create", "t1", tableNumber="2", capacity=2), 409, "already_exists"),
        (op("table", "create", "t2", **TABLE), 409, "table_number_taken"),
        (op("table", "update", "t1", capacity=1), 409, "party_exceeds_capacity"),
        (op("table", "delete", "t1"), 409, "table_occupied"),
        (op("guest", "create", "g2", **GUEST, tableId="broken"), 409, "table_unavailable"),
    ],
)
def test_an_operation_is_refused_like_the_request_alone(
    api: httpx.Client, restaurant: int, step: Json, status: int, code: str
) -> None:
    new_table(api, restaurant, id="t1")
    new_table(api, restaurant, id="broken", tableNumber="99", status="outOfService")
    new_guest(api, restaurant, id="g1", tableId="t1")
    before = floor_of(api, restaurant)
    refused = problem(post_batch(api, restaurant, step), status, code)
    assert faults(refused) == [(0, code)]
    assert all(f"{fault['pointer']}/".startswith("/operations/0/data/") for fault in refused["errors"])
    assert floor_of(api, restaurant) == before


@pytest.mark.parametrize(("kind", "data"), [("guest", GUEST), ("table", TABLE)])
@pytest.mark.parametrize("made", ["before", "in the batch"])
def test_a_deleted_id_is_not_given_again_within_the_batch(
    api: httpx.Client, restaurant: int, kind: str, data: Json, made: str
) -> None:
    create = op(kind, "create", "x1", **data)
    if made == "before":
        ok(post_batch(api, restaurant, create))
    steps = [*([create] if made == "in the batch" else []), op(kind, "delete", "x1"), create]
    before = floor_of(api, restaurant)
    refused = problem(post_batch(api, restaurant, *steps), 409, "already_exists")
    assert faults(refused) == [(len(steps) - 1, "already_exists")]
    assert floor_of(api, restaurant) == before


def test_two_tables_cannot_swap_their_numbers_directly(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1", tableNumber="1")
    new_table(api, restaurant, id="t2", tableNumber="2")
    steps = [op("table", "update", "t1", tableNumber="2"), op("table", "update", "t2", tableNumber="1")]
    assert faults(problem(post_batch(api, restaurant, *steps), 409, "table_number_taken"))[0][0] == 0


def test_over_capacity_is_allowed_for_one_operation_alone(api: httpx.Client, restaurant: int) -> None:
    for number in ("1", "2"):
        new_table(api, restaurant, id=f"t{number}", tableNumber=number, capacity=2)
    large: Json = {"name": "Rossi", "partySize": 6}
    steps = [
        op("guest", "create", "g1", **large, tableId="t1", allowOverCapacity=True),
        op("guest", "create", "g2", **large, tableId="t2"),
    ]
    body = problem(post_batch(api, restaurant, *steps), 409, "party_exceeds_capacity")
    assert faults(body) == [(1, "party_exceeds_capacity")]


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_1_to_500_operations(api: httpx.Client, restaurant: int, count: int) -> None:
    steps = [op("guest", "create", **GUEST) for _ in range(count)]
    problem(post_batch(api, restaurant, *steps), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


def test_the_older_form_has_at_most_500_operations_in_both_lists(api: httpx.Client, restaurant: int) -> None:
    guests = [{"id": f"g{n}", "operation": "create", "data": GUEST} for n in range(251)]
    tables = [{"id": f"t{n}", "operation": "create", "data": {**TABLE, "tableNumber": str(n)}} for n in range(250)]
    body: Json = {"transaction_id": "tx-1", "restaurant_id": restaurant, "guests": guests, "tables": tables}
    problem(api.post(BATCH, json=body), 422, "validation_failed")


@pytest.mark.parametrize(
    "step",
    [
        5,
        None,
        "create",
        [],
        {},
        {"entity_type": "guest", "action": "create"},
        {"entity_type": "guest", "action": "create", "data": None},
        {"entity_type": "guest", "action": "create", "data": []},
        {"entity_type": "guest", "action": "update", "data": {"notes": "x"}},
        {"entity_type": "guest", "action": "delete"},
        {"entity_type": "waiter", "action": "create", "data": GUEST},
        {"entity_type": "guest", "action": "upsert", "entity_id": "g1", "data": GUEST},
        {"entity_type": "guest", "data": GUEST},
        {"action": "create", "data": GUEST},
        {"entity_type": "guest", "action": "update", "entity_id": 7, "data": {"notes": "x"}},
        {"entity_type": "guest", "action": "create", "entity_id": "no/slash", "data": GUEST},
        {"entity_type": "guest", "action": "create", "entity_id": "..", "data": GUEST},
        {"entity_type": "guest", "action": "create", "entity_id": "g" * 65, "data": GUEST},
        {"entity_type": "guest", "action": "create", "entity_id": "g1", "data": {**GUEST, "id": "g2"}},
        {"entity_type": "guest", "action": "create", "entity_id": "g1", "data": GUEST, "colour": "red"},
        {"entity_type": "guest", "action": "create", "entity_id": "g1", "data": {**GUEST, "colour": "red"}},
        {"entity_type": "guest", "action": "create", "data": {**GUEST, "table_id": None, "tableId": None}},
    ],
)
def test_a_malformed_operation_is_named(api: httpx.Client, restaurant: int, step: Any) -> None:
    body = problem(post_batch(api, restaurant, op("guest", "create", "fine", **GUEST), step), 422, "validation_failed")
    assert {index for index, _ in faults(body)} == {1}
    assert all(fault["pointer"].startswith("/operations/1") for fault in body["errors"])
    assert floor_of(api, restaurant)["revision"] == 0


@pytest.mark.parametrize("where", ["operation", "data"])
def test_an_unknown_field_is_refused_by_name(api: httpx.Client, restaurant: int, where: str) -> None:
    step = op("guest", "create", "g1", **GUEST)
    (step if where == "operation" else step["data"])["colour"] = "red"
    body = problem(post_batch(api, restaurant, step), 422, "validation_failed")
    assert [fault["pointer"] for fault in body["errors"]] == [
        "/operations/0/colour" if where == "operation" else "/operations/0/data/colour"
    ]
    assert "colour" in body["errors"][0]["hint"]
    assert "colour" in body["hint"]


@pytest.mark.parametrize("where", ["/guests/0", "/guests/0/data", "/tables/0", "/tables/0/data"])
def test_an_unknown_field_of_the_older_form_is_refused_by_name(api: httpx.Client, restaurant: int, where: str) -> None:
    body: Json = {
        "restaurant_id": restaurant,
        "guests": [{"id": "g1", "operation": "create", "data": {**GUEST}}],
        "tables": [{"id": "t1", "operation": "create", "data": {**TABLE}}],
    }
    operation = body[where.split("/")[1]][0]
    (operation["data"] if where.endswith("data") else operation)["colour"] = "red"
    refused = problem(api.post(BATCH, json=body), 422, "validation_failed")
    assert [fault["pointer"] for fault in refused["errors"]] == [f"{where}/colour"]
    assert "colour" in refused["errors"][0]["hint"]
    assert floor_of(api, restaurant)["revision"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operations": None},
        {"operations": {}},
        {"operations": "all"},
        {"transaction_id": "tx-1"},
        {"transaction_id": "tx-1", "guests": [], "tables": []},
        {"operations": [op("guest", "create", **GUEST)], "dry_run": True},
    ],
)
def test_a_malformed_batch_is_refused(api: httpx.Client, restaurant: int, body: Json) -> None:
    problem(api.post(BATCH, json={**body, "restaurant_id": restaurant}), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


@pytest.mark.parametrize("transaction", ["", "x" * 201, "Tisch-ü", "a\nb", "a\r\nX-Evil: 1", "\x7f", "\t", 5, True, []])
def test_a_transaction_id_must_fit_a_header(api: httpx.Client, restaurant: int, transaction: Any) -> None:
    steps = [op("guest", "create", **GUEST)]
    problem(post_batch(api, restaurant, *steps, transaction_id=transaction), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


@pytest.mark.parametrize("where", ["query", "data"])
def test_restaurants_that_do_not_agree_are_refused(api: httpx.Client, restaurant: int, where: str) -> None:
    data: Json = GUEST | ({"restaurant_id": 1} if where == "data" else {})
    body: Json = {"restaurant_id": restaurant, "operations": [op("guest", "create", "g1", **data)]}
    query: Any = {"restaurant_id": 1} if where == "query" else {}
    problem(api.post(BATCH, json=body, params=query), 422, "validation_failed")
    assert floor_of(api, restaurant)["revision"] == 0


@pytest.mark.parametrize("where", ["body", "query", "data"])
def test_a_batch_for_an_unknown_restaurant_is_not_found(api: httpx.Client, where: str) -> None:
    unknown = 2**53 - 1
    data: Json = GUEST | ({"restaurant_id": unknown} if where == "data" else {})
    body: Json = {"operations": [op("guest", "create", **data)]}
    if where == "body":
        body["restaurant_id"] = unknown
    query: Any = {"restaurant_id": unknown} if where == "query" else {}
    problem(api.post(BATCH, json=body, params=query), 404, "restaurant_not_found")


@pytest.mark.parametrize("value", [0, -1, 2**53, 1.5, "1.0", "x", "", True, [], {}])
def test_a_bad_restaurant_in_the_body_is_refused(api: httpx.Client, value: Any) -> None:
    body: Json = {"restaurant_id": value, "operations": [op("guest", "create", **GUEST)]}
    problem(api.post(BATCH, json=body), 422, "validation_failed")


def test_a_refusal_says_when_and_links_to_its_reference(api: httpx.Client, restaurant: int) -> None:
    body = problem(post_batch(api, restaurant, op("guest", "delete", "g9")), 404, "guest_not_found")
    assert TIME.fullmatch(body["timestamp"])
    assert body["type"] == "/docs/errors#guest_not_found"


def test_a_table_freed_by_an_earlier_operation_can_be_taken(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1", tableId="t1")
    patch_table(api, restaurant, "t1", section="Patio")
    steps = [op("guest", "update", "g1", status="finished"), op("guest", "create", "g2", **GUEST, tableId="t1")]
    assert ok(post_batch(api, restaurant, *steps))["success"] is True
    problem(
        post_batch(api, restaurant, *[op("guest", "create", "g3", **GUEST, tableId="t1"), steps[0]]),
        409,
        "table_occupied",
    )
