"""The contract of a queue that meets its own past: mutation ids, base versions and conflicts."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import Json, ok, only, results
from tests.contract.requests import edit, floor_of, new_guest, new_table, op, patch_guest, patch_table, post_updates

GUEST: Json = {"name": "Rossi", "partySize": 2}


@pytest.mark.parametrize("action", ["update", "delete", "create"])
def test_a_mutation_applied_before_is_a_duplicate_whatever_its_data(
    api: httpx.Client, restaurant: int, action: str
) -> None:
    new_guest(api, restaurant, id="g1")
    assert only(post_updates(api, restaurant, edit("g1", "m1", notes="window")))["revision"] == 2
    patch_guest(api, restaurant, "g1", notes="door")
    again = {"entity_type": "guest", "entity_id": "g1", "action": action, "data": GUEST, "mutation_id": "m1"}
    result = only(post_updates(api, restaurant, again))
    assert (result["status"], result["revision"], result["mutation_id"]) == ("duplicate", 2, "m1")
    assert floor_of(api, restaurant)["guests"]["g1"]["notes"] == "door"


@pytest.mark.parametrize(
    "malformed",
    [
        {"entity_type": "guest", "entity_id": "g1", "data": {"partySize": 0}},
        {"entity_type": "guest", "entity_id": "g1", "data": {"colour": "red"}},
        {"entity_type": "guest", "entity_id": "g1", "data": None},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "base_version": "1"},
        {"entity_type": "waiter", "entity_id": "g1", "data": {"notes": "x"}},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "x"}, "colour": "red"},
    ],
)
def test_a_mutation_applied_before_is_a_duplicate_even_where_its_repeat_is_malformed(
    api: httpx.Client, restaurant: int, malformed: Json
) -> None:
    new_guest(api, restaurant, id="g1")
    assert only(post_updates(api, restaurant, edit("g1", "m1", notes="window")))["revision"] == 2
    result = only(post_updates(api, restaurant, {**malformed, "mutation_id": "m1"}))
    assert (result["status"], result["revision"], result["entity_id"]) == ("duplicate", 2, "g1")
    assert floor_of(api, restaurant)["revision"] == 2


def test_a_mutation_twice_in_one_queue_is_applied_once(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1", partySize=2)
    answer = post_updates(api, restaurant, edit("g1", "m1", partySize=3), edit("g1", "m1", partySize=4))
    assert [(r["status"], r["revision"]) for r in results(answer)] == [("applied", 2), ("duplicate", 2)]
    assert floor_of(api, restaurant)["guests"]["g1"]["partySize"] == 3


def test_a_mutation_id_belongs_to_one_restaurant(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    for place in (restaurant, hub.new_restaurant()):
        new_guest(api, place, id="g1")
        assert only(post_updates(api, place, edit("g1", "m1", notes="window")))["status"] == "applied"


def test_a_rejected_mutation_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    update = {**edit("g1", "m1", notes="window")}
    assert only(post_updates(api, restaurant, update))["status"] == "rejected"
    new_guest(api, restaurant, id="g1")
    assert only(post_updates(api, restaurant, update))["status"] == "applied"


def test_an_unchanged_mutation_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1", notes="window")
    assert only(post_updates(api, restaurant, edit("g1", "m1", notes="window")))["status"] == "unchanged"
    patch_guest(api, restaurant, "g1", notes="door")
    assert only(post_updates(api, restaurant, edit("g1", "m1", notes="window")))["status"] == "applied"


def test_a_conflicting_mutation_is_decided_anew(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", notes="door")
    assert only(post_updates(api, restaurant, edit("g1", "m1", base=1, notes="window")))["status"] == "conflict"
    assert only(post_updates(api, restaurant, edit("g1", "m1", base=2, notes="window")))["status"] == "applied"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_applied_updates_and_their_ids_outlive_the_process(new_hub: Callable[..., Hub], end: str) -> None:
    hub = new_hub().start()
    queue = [{**op("guest", "create", f"g{n}", **GUEST), "mutation_id": f"m{n}"} for n in range(20)]
    with hub.client() as api:
        assert [result["status"] for result in results(post_updates(api, 1, *queue))] == ["applied"] * 20
    if end == "stop":
        hub.stop()
    else:
        hub.kill()
    with hub.start().client() as api:
        again = results(post_updates(api, 1, *queue))
        assert [(r["status"], r["revision"]) for r in again] == [("duplicate", n) for n in range(1, 21)]
        assert (floor_of(api, 1)["revision"], len(floor_of(api, 1)["guests"])) == (20, 20)


def test_a_field_changed_by_a_later_revision_is_a_conflict(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    now = patch_guest(api, restaurant, "g1", notes="door")
    result = only(post_updates(api, restaurant, edit("g1", base=base, notes="window", partySize=3)))
    assert (result["status"], result["error_code"]) == ("conflict", "version_conflict")
    assert (result["current"], result["revision"]) == (now, None)
    assert floor_of(api, restaurant)["guests"]["g1"] == now


def test_a_change_of_another_field_is_merged(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    patch_guest(api, restaurant, "g1", notes="door")
    assert only(post_updates(api, restaurant, edit("g1", base=base, partySize=3)))["status"] == "applied"
    guest = floor_of(api, restaurant)["guests"]["g1"]
    assert (guest["notes"], guest["partySize"]) == ("door", 3)


def test_a_field_that_has_the_wanted_value_is_no_conflict(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    patch_guest(api, restaurant, "g1", notes="door")
    assert only(post_updates(api, restaurant, edit("g1", base=base, notes="door")))["status"] == "unchanged"
    both = edit("g1", base=base, notes="door", partySize=3)
    assert only(post_updates(api, restaurant, both))["status"] == "applied"


def test_without_a_base_version_the_last_writer_wins(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    patch_guest(api, restaurant, "g1", notes="door")
    assert only(post_updates(api, restaurant, edit("g1", notes="window")))["status"] == "applied"


def test_a_guest_seated_meanwhile_stays_seated_under_an_edited_note(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    base = new_guest(api, restaurant, id="g1")["version"]
    patch_guest(api, restaurant, "g1", tableId="t1")
    assert only(post_updates(api, restaurant, edit("g1", base=base, notes="birthday")))["status"] == "applied"
    assert floor_of(api, restaurant)["guests"]["g1"]["tableId"] == "t1"
    clash = only(post_updates(api, restaurant, edit("g1", base=base, status="no_show")))
    assert (clash["status"], clash["current"]["status"]) == ("conflict", "seated")


def test_a_table_conflicts_likewise(api: httpx.Client, restaurant: int) -> None:
    base = new_table(api, restaurant, id="t1")["version"]
    now = patch_table(api, restaurant, "t1", section="Patio")
    update = {**op("table", "update", "t1", section="Bar"), "base_version": base}
    result = only(post_updates(api, restaurant, update))
    assert (result["status"], result["current"]) == ("conflict", now)
    merged = {**op("table", "update", "t1", server="Ada"), "base_version": base}
    assert only(post_updates(api, restaurant, merged))["status"] == "applied"


@pytest.mark.parametrize("base", [1, 999_999])
def test_a_delete_conflicts_with_any_later_change(api: httpx.Client, restaurant: int, base: int) -> None:
    new_guest(api, restaurant, id="g1")
    now = patch_guest(api, restaurant, "g1", notes="door")
    remove = {**op("guest", "delete", "g1"), "data": {}}
    result = only(post_updates(api, restaurant, {**remove, "base_version": base}))
    assert (result["status"], result["error_code"], result["current"]) == ("conflict", "version_conflict", now)
    assert only(post_updates(api, restaurant, {**remove, "base_version": 2}))["status"] == "applied"


@pytest.mark.parametrize("kind", ["guest", "table"])
def test_a_change_or_a_delete_conflicts_where_the_log_does_not_know_its_base(
    api: httpx.Client, restaurant: int, kind: str
) -> None:
    now = new_guest(api, restaurant, id="x") if kind == "guest" else new_table(api, restaurant, id="x")
    for wanted in ({**op(kind, "delete", "x"), "data": {}}, op(kind, "update", "x", notes="window")):
        result = only(post_updates(api, restaurant, {**wanted, "base_version": 99}))
        assert (result["status"], result["error_code"], result["current"]) == ("conflict", "version_conflict", now)


def test_a_key_gives_mutation_ids_to_updates_without_one(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    queue = [edit("g1", "mine", notes="1"), edit("g1", notes="2"), edit("g9", notes="x")]
    headers = {"Idempotency-Key": "KEY"}
    first = results(post_updates(api, restaurant, *queue, headers=headers))
    assert [result["mutation_id"] for result in first] == ["mine", "KEY/1", "KEY/2"]
    assert [result["status"] for result in first] == ["applied", "applied", "rejected"]
    new_guest(api, restaurant, id="g9")
    answer = post_updates(api, restaurant, *queue, headers=headers)
    assert [result["status"] for result in results(answer)] == ["duplicate", "duplicate", "applied"]
    assert "idempotency-replayed" not in answer.headers
    url = f"/restaurants/{restaurant}/guests/"
    made = api.post(url, json=GUEST, headers={"Idempotency-Key": "KEY/1"})
    assert made.status_code == 201, "a mutation id is no key of a request"


def test_a_key_with_another_queue_is_not_refused(api: httpx.Client, restaurant: int) -> None:
    headers = {"Idempotency-Key": "KEY"}
    ok(post_updates(api, restaurant, op("guest", "create", "g1", **GUEST), headers=headers))
    queue = [op("guest", "create", "g2", **GUEST), op("guest", "create", "g3", **GUEST)]
    again = results(post_updates(api, restaurant, *queue, headers=headers))
    assert [result["status"] for result in again] == ["duplicate", "applied"]
