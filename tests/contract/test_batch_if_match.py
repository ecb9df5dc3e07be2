"""The contract of `if_match` in an atomic batch: the version that a client saw, else nothing is done."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.answers import Json, ok, problem
from tests.contract.requests import BATCH, delta, floor_of, new_guest, new_table, op, patch_table, post_batch

FORMS = pytest.mark.parametrize("form", ["operations", "older"])


def post(api: httpx.Client, restaurant: int, form: str, *operations: Json) -> httpx.Response:
    """A batch in this form of the app."""
    if form == "operations":
        return post_batch(api, restaurant, *operations)
    lists: dict[str, list[Json]] = {"guests": [], "tables": []}
    for one in operations:
        older = {"id": one["entity_id"], "operation": one["action"]}
        lists[one["entity_type"] + "s"].append(older | {key: one[key] for key in ("data", "if_match") if key in one})
    return api.post(BATCH, json={"restaurant_id": restaurant, **lists})


def matching(version: Any, kind: str, action: str, entity_id: str, **data: Any) -> Json:
    """An operation on what the client saw at this version."""
    return {**op(kind, action, entity_id, **data), "if_match": version}


@FORMS
def test_the_version_that_is_there_is_accepted(api: httpx.Client, restaurant: int, form: str) -> None:
    guest, table = new_guest(api, restaurant), new_table(api, restaurant, id="t1")
    other = new_guest(api, restaurant)
    done = ok(
        post(
            api,
            restaurant,
            form,
            matching(guest["version"], "guest", "update", guest["id"], tableId="t1"),
            matching(other["version"], "guest", "delete", other["id"]),
            matching(table["version"], "table", "update", "t1", notes="by the window"),
        )
    )
    assert [result["status"] for result in done["results"]] == ["updated", "deleted", "updated"]
    assert floor_of(api, restaurant)["tables"]["t1"]["currentGuestId"] == guest["id"]


@FORMS
@pytest.mark.parametrize("action", ["update", "delete"])
@pytest.mark.parametrize("kind", ["guest", "table"])
def test_another_version_refuses_the_whole_with_what_is_there(
    api: httpx.Client, restaurant: int, form: str, kind: str, action: str
) -> None:
    new_guest(api, restaurant, id="x1", name="Rossi")
    new_table(api, restaurant, id="x1", tableNumber="12")
    fields = {"notes": "by the window"}
    seen = floor_of(api, restaurant)[f"{kind}s"]["x1"]["version"]
    ok(post_batch(api, restaurant, op("guest", "update", "x1", **fields), op("table", "update", "x1", **fields)))
    before = floor_of(api, restaurant)
    own = {} if action == "delete" else {"notes": "mine"}
    answer = post(
        api, restaurant, form, op("guest", "update", "x1", quotedWait=5), matching(seen, kind, action, "x1", **own)
    )
    body = problem(answer, 412, "version_conflict")
    assert body["current"] == before[f"{kind}s"]["x1"], "as it was before the batch, not as the batch had it by then"
    assert body["params"] == {"entity_type": kind, "name": "Rossi" if kind == "guest" else "12"}
    assert (body["success"], body["rolled_back"]) == (False, True)
    assert [(fault["operation"], fault["error_code"]) for fault in body["errors"]] == [(1, "version_conflict")]
    assert floor_of(api, restaurant) == before
    assert delta(api, restaurant, since_revision=before["revision"])["changes"] == []


def test_two_operations_on_one_entity_both_carry_the_version_that_was_seen(api: httpx.Client, restaurant: int) -> None:
    guest, table = new_guest(api, restaurant), new_table(api, restaurant, id="t1")
    ok(
        post_batch(
            api,
            restaurant,
            matching(guest["version"], "guest", "update", guest["id"], tableId="t1"),
            matching(guest["version"], "guest", "update", guest["id"], status="finished"),
            matching(table["version"], "table", "update", "t1", status="dirty"),
        )
    )
    after = floor_of(api, restaurant)
    assert (after["guests"][guest["id"]]["status"], after["tables"]["t1"]["status"]) == ("finished", "dirty")


def test_a_table_that_was_seated_meanwhile_is_not_freed(api: httpx.Client, restaurant: int) -> None:
    table = new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, tableId="t1")
    before = floor_of(api, restaurant)
    answer = post_batch(api, restaurant, matching(table["version"], "table", "update", "t1", status="available"))
    assert problem(answer, 412, "version_conflict")["current"] == before["tables"]["t1"]
    assert floor_of(api, restaurant) == before


def test_what_the_batch_itself_makes_had_no_version(api: httpx.Client, restaurant: int) -> None:
    answer = post_batch(
        api,
        restaurant,
        op("guest", "create", "g1", name="Rossi", partySize=2),
        matching(1, "guest", "update", "g1", notes="mine"),
    )
    assert problem(answer, 412, "version_conflict")["current"] is None


def test_what_is_not_there_is_404(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant)
    for kind in ("guest", "table"):
        for wanted in (matching(1, kind, "delete", "x9"), matching(1, kind, "update", "x9", notes="mine")):
            problem(post_batch(api, restaurant, wanted), 404, f"{kind}_not_found")
    answer = post_batch(
        api,
        restaurant,
        op("guest", "delete", guest["id"]),
        matching(guest["version"], "guest", "update", guest["id"], notes="mine"),
    )
    problem(answer, 404, "guest_not_found")


@FORMS
def test_a_create_takes_none(api: httpx.Client, restaurant: int, form: str) -> None:
    answer = post(api, restaurant, form, matching(1, "guest", "create", "g1", name="Rossi", partySize=2))
    errors = problem(answer, 422, "validation_failed")["errors"]
    assert [error["pointer"].rpartition("/")[2] for error in errors] == ["if_match"]


@FORMS
@pytest.mark.parametrize("version", [0, -1, "1", 1.5, True, None, [1], 2**53])
def test_anything_but_a_version_is_refused(api: httpx.Client, restaurant: int, form: str, version: Any) -> None:
    guest = new_guest(api, restaurant)
    answer = post(api, restaurant, form, matching(version, "guest", "update", guest["id"], notes="mine"))
    errors = problem(answer, 422, "validation_failed")["errors"]
    assert [error["pointer"].rpartition("/")[2] for error in errors] == ["if_match"]


def test_it_is_taken_in_camel_case_too_and_once(api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant)
    asked = {**op("guest", "update", guest["id"], notes="mine"), "ifMatch": guest["version"]}
    ok(post_batch(api, restaurant, asked))
    problem(post_batch(api, restaurant, asked), 412, "version_conflict")
    problem(post_batch(api, restaurant, {**asked, "if_match": guest["version"]}), 422, "validation_failed")


def test_a_repeat_of_what_was_done_is_answered_though_the_version_has_gone_on(
    api: httpx.Client, restaurant: int
) -> None:
    table = new_table(api, restaurant, id="t1")
    asked = {
        "transaction_id": f"if-match-{restaurant}",
        "restaurant_id": restaurant,
        "operations": [matching(table["version"], "table", "update", "t1", notes="mine")],
    }
    first = ok(api.post(BATCH, json=asked))
    patch_table(api, restaurant, "t1", notes="theirs")
    assert ok(api.post(BATCH, json=asked)) == first
