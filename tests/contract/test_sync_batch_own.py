"""The contract of a queue that meets its own work: no conflict with that, and the ids that it made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import Json, ok, only, problem, results
from tests.contract.requests import edit, floor_of, new_guest, new_table, op, patch_guest, patch_table, post_updates

GUEST: Json = {"name": "Rossi", "partySize": 2}


def based(update: Json, base: int, mutation_id: str | None = None) -> Json:
    """An update with the version that the device had."""
    return {**update, "base_version": base, **({"mutation_id": mutation_id} if mutation_id else {})}


def statuses(api: httpx.Client, restaurant: int, *updates: Json) -> list[str]:
    """How each update of a queue ended."""
    return [result["status"] for result in results(post_updates(api, restaurant, *updates))]


@pytest.mark.parametrize("second", [0, 1])
def test_a_queue_does_not_conflict_with_itself(api: httpx.Client, restaurant: int, second: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    queue = edit("g1", base=base, partySize=3), edit("g1", base=base + second, partySize=4)
    assert statuses(api, restaurant, *queue) == ["applied", "applied"]
    assert floor_of(api, restaurant)["guests"]["g1"]["partySize"] == 4


def test_the_present_version_as_a_base_never_conflicts(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    base = patch_guest(api, restaurant, "g1", notes="door")["version"]
    assert statuses(api, restaurant, edit("g1", base=base, notes="window")) == ["applied"]
    remove = {**op("guest", "delete", "g1"), "data": {}}
    assert statuses(api, restaurant, based(remove, base + 1)) == ["applied"]


def test_a_seating_and_its_end_in_one_queue_free_the_table(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    base = new_guest(api, restaurant, id="g1")["version"]
    queue = edit("g1", base=base, status="seated", tableId="t1"), edit("g1", base=base, status="finished")
    assert statuses(api, restaurant, *queue) == ["applied", "applied"]
    held = floor_of(api, restaurant)
    assert (held["tables"]["t1"]["status"], held["guests"]["g1"]["status"]) == ("available", "finished")


def test_what_a_seating_did_to_its_table_is_own_work_too(api: httpx.Client, restaurant: int) -> None:
    table = new_table(api, restaurant, id="t1")
    guest = new_guest(api, restaurant, id="g1")
    seat = based(edit("g1", tableId="t1"), guest["version"])
    clear = based(op("table", "update", "t1", status="dirty"), table["version"])
    assert statuses(api, restaurant, seat, clear) == ["applied", "applied"]
    held = floor_of(api, restaurant)
    assert (held["tables"]["t1"]["status"], held["guests"]["g1"]["status"]) == ("dirty", "finished")


def test_what_a_table_did_to_its_guest_is_own_work_too(api: httpx.Client, restaurant: int) -> None:
    table = new_table(api, restaurant, id="t1")
    guest = new_guest(api, restaurant, id="g1")
    give = based(op("table", "update", "t1", currentGuestId="g1"), table["version"])
    finish = based(edit("g1", status="finished"), guest["version"])
    remove = based({**op("table", "delete", "t1"), "data": {}}, table["version"])
    assert statuses(api, restaurant, give, finish, remove) == ["applied"] * 3


@pytest.mark.parametrize("made", ["before", "in the queue"])
def test_a_guest_can_be_changed_and_deleted_in_one_queue(api: httpx.Client, restaurant: int, made: str) -> None:
    base, queue = 0, [op("guest", "create", "g1", **GUEST)]
    if made == "before":
        base, queue = new_guest(api, restaurant, id="g1")["version"], []
    queue += [edit("g1", base=base, notes="door"), based({**op("guest", "delete", "g1"), "data": {}}, base)]
    assert set(statuses(api, restaurant, *queue)) == {"applied"}
    assert floor_of(api, restaurant)["guests"] == {}


def test_what_an_earlier_try_of_the_queue_applied_is_own_work(api: httpx.Client, restaurant: int) -> None:
    table = new_table(api, restaurant, id="t1")
    base = new_guest(api, restaurant, id="g1")["version"]
    seat = edit("g1", "m1", base=base, partySize=3, tableId="t1")
    assert statuses(api, restaurant, seat) == ["applied"]
    more = (
        edit("g1", "m2", base=base, partySize=4),
        based(op("table", "update", "t1", status="dirty"), table["version"]),
    )
    assert statuses(api, restaurant, seat, *more) == ["duplicate", "applied", "applied"]
    guest = floor_of(api, restaurant)["guests"]["g1"]
    assert (guest["partySize"], guest["status"]) == (4, "finished")


def test_a_deletion_after_an_earlier_try_knows_its_own_work(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    queue = [edit("g1", f"m{n}", base=base, partySize=n) for n in (3, 4)]
    assert statuses(api, restaurant, *queue) == ["applied"] * 2
    remove = based({**op("guest", "delete", "g1"), "data": {}}, base)
    assert statuses(api, restaurant, queue[1], remove) == ["duplicate", "conflict"], "the first is not known as its own"
    assert statuses(api, restaurant, *queue, remove) == ["duplicate", "duplicate", "applied"]


def test_a_mutation_that_the_queue_does_not_name_is_another_s(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    assert statuses(api, restaurant, edit("g1", "other", base=base, partySize=3)) == ["applied"]
    assert statuses(api, restaurant, edit("g1", "mine", base=base, partySize=4)) == ["conflict"]


def test_what_the_queue_names_as_applied_before_is_own_work(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    assert statuses(api, restaurant, *(edit("g1", f"m{n}", base=base, partySize=n) for n in (3, 4))) == ["applied"] * 2
    wish = edit("g1", base=base, partySize=5)
    for names, status in ((["m3"], "conflict"), (["m3", "m4", "unknown"], "applied")):
        assert only(post_updates(api, restaurant, wish, applied_mutation_ids=names))["status"] == status
    assert only(post_updates(api, restaurant, wish, appliedMutationIds=None))["status"] == "unchanged"


@pytest.mark.parametrize("ids", ["m1", [5], [""], ["x" * 201], [None], ["m"] * 2_001, {}])
def test_ids_that_are_none_are_refused(api: httpx.Client, restaurant: int, ids: Any) -> None:
    refused = problem(post_updates(api, restaurant, edit("g1"), applied_mutation_ids=ids), 422, "validation_failed")
    assert [fault["pointer"] for fault in refused["errors"]] == ["/applied_mutation_ids"]


def test_2000_ids_that_were_applied_before_are_taken(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")
    ids = [f"m{n}" for n in range(2_000)]
    assert only(post_updates(api, restaurant, edit("g1", notes="x"), applied_mutation_ids=ids))["status"] == "applied"


@pytest.mark.parametrize("field", ["partySize", "notes"])
def test_a_change_by_another_is_a_conflict_where_it_stands(api: httpx.Client, restaurant: int, field: str) -> None:
    """After the base and before the queue, the other field is merged."""
    base = new_guest(api, restaurant, id="g1")["version"]
    patch_guest(api, restaurant, "g1", partySize=5)
    queue = (
        edit("g1", base=base, specialRequests="cake"),
        edit("g1", base=base, **{field: 6 if field == "partySize" else "x"}),
    )
    assert statuses(api, restaurant, *queue) == ["applied", "conflict" if field == "partySize" else "applied"]


def test_a_change_by_another_between_two_own_ones_is_a_conflict(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1")["version"]
    first, second = edit("g1", "m1", base=base, partySize=3), edit("g1", "m2", partySize=4)
    assert statuses(api, restaurant, first) == ["applied"]
    patch_guest(api, restaurant, "g1", partySize=5)
    assert statuses(api, restaurant, first, edit("g1", base=base, partySize=6)) == ["duplicate", "conflict"]
    assert statuses(api, restaurant, second) == ["applied"]
    queue = first, second, edit("g1", base=base, partySize=6), edit("g1", base=base, notes="window")
    assert statuses(api, restaurant, *queue) == ["duplicate", "duplicate", "conflict", "applied"]
    assert floor_of(api, restaurant)["guests"]["g1"]["partySize"] == 4


def test_own_work_of_before_the_base_is_in_the_base(api: httpx.Client, restaurant: int) -> None:
    base = new_guest(api, restaurant, id="g1", partySize=2)["version"]
    first = edit("g1", "m1", base=base, partySize=3)
    assert statuses(api, restaurant, first) == ["applied"]
    read = patch_guest(api, restaurant, "g1", partySize=2)["version"]
    patch_guest(api, restaurant, "g1", notes="by another")
    assert statuses(api, restaurant, first, edit("g1", base=read, partySize=4)) == ["duplicate", "applied"]


def test_a_table_changed_by_another_between_is_a_conflict(api: httpx.Client, restaurant: int) -> None:
    base = new_table(api, restaurant, id="t1")["version"]
    first = based(op("table", "update", "t1", section="Bar"), base, "m1")
    assert statuses(api, restaurant, first) == ["applied"]
    patch_table(api, restaurant, "t1", section="Patio")
    queue = (
        first,
        based(op("table", "update", "t1", section="Hall"), base),
        based(op("table", "update", "t1", server="A"), base),
    )
    assert statuses(api, restaurant, *queue) == ["duplicate", "conflict", "applied"]


def test_whole_objects_may_take_back_what_the_queue_changed(api: httpx.Client, restaurant: int) -> None:
    """The app sends whole objects, with the version that it had read."""
    new_table(api, restaurant, id="t1")
    whole = new_guest(api, restaurant, id="g1")
    wishes: list[Json] = [{"partySize": 3, "tableId": "t1", "status": "seated"}, {"notes": "x"}]
    queue = [edit("g1", base=whole["version"], **{**whole, **wish}) for wish in (*wishes, {})]
    queue[1]["data"] |= {"partySize": 3, "tableId": "t1", "status": "seated"}
    assert statuses(api, restaurant, *queue) == ["applied"] * 3
    held = floor_of(api, restaurant)
    guest = held["guests"]["g1"]
    assert (guest["partySize"], guest["tableId"], guest["status"], guest["notes"]) == (2, None, "waitlist", None)
    assert held["tables"]["t1"]["status"] == "available"


def test_whole_objects_do_not_send_again_what_the_queue_sent(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    whole = new_guest(api, restaurant, id="g1")
    first = edit("g1", "m1", base=whole["version"], **{**whole, "partySize": 3})
    assert statuses(api, restaurant, first) == ["applied"]
    patch_guest(api, restaurant, "g1", partySize=5)
    patch_guest(api, restaurant, "g1", tableId="t1", allowOverCapacity=True)
    second = edit("g1", "m2", base=whole["version"], **{**whole, "partySize": 3, "notes": "x"})
    assert statuses(api, restaurant, first, second) == ["duplicate", "applied"]
    guest = floor_of(api, restaurant)["guests"]["g1"]
    assert (guest["partySize"], guest["notes"], guest["tableId"]) == (5, "x", "t1")


def test_a_queue_of_500_updates_of_one_guest_is_applied(api: httpx.Client, restaurant: int) -> None:
    """Of someone whom another changed too, so that each is compared by values."""
    base = new_guest(api, restaurant, id="g1")["version"]
    patch_guest(api, restaurant, "g1", notes="by another")
    queue = [edit("g1", f"m{n}", base=base, quotedWait=n, partySize=n % 100 + 1) for n in range(500)]
    assert set(statuses(api, restaurant, *queue)) == {"applied"}
    more = edit("g1", base=base, quotedWait=1), edit("g1", base=base, notes="own")
    assert statuses(api, restaurant, *queue[-498:], *more) == ["duplicate"] * 498 + ["conflict"] * 2
    assert floor_of(api, restaurant)["guests"]["g1"]["quotedWait"] == 499


def test_tries_that_overtake_each_other_do_not_conflict(api: httpx.Client, restaurant: int) -> None:
    """A device that gets no answer sends its queue again, each time a longer one, while the first tries still wait."""
    for guest in (f"g{n}" for n in range(8)):
        base = new_guest(api, restaurant, id=guest)["version"]
        queue = [edit(guest, f"{guest}/{n}", base=base, partySize=n) for n in range(1, 9)]
        with ThreadPoolExecutor(8) as tries:
            ended = tries.map(lambda many: statuses(api, restaurant, *queue[:many]), range(1, 9))  # noqa: B023 (all are done within the round)
            assert {one for each in ended for one in each} <= {"applied", "duplicate"}
        assert floor_of(api, restaurant)["guests"][guest]["partySize"] == 8


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "KEY"}])
def test_the_repeat_of_a_create_has_the_id_that_was_made(
    api: httpx.Client, restaurant: int, headers: dict[str, str]
) -> None:
    mutation: Json = {} if headers else {"mutation_id": "m1"}
    create = {**op("guest", "create", **GUEST), **mutation}
    made = only(post_updates(api, restaurant, create, headers=headers))
    assert floor_of(api, restaurant)["guests"].keys() == {made["entity_id"]}
    ok(api.patch(f"/restaurants/{restaurant}/guests/{made['entity_id']}", json={"notes": "x"}))
    malformed: list[Any] = [{**create, "data": {"name": ""}}, {"mutation_id": "m1"}]
    for again in (create, *(malformed if mutation else [])):
        repeated = only(post_updates(api, restaurant, again, headers=headers))
        assert (repeated["status"], repeated["entity_id"]) == ("duplicate", made["entity_id"])
        assert repeated["revision"] == made["revision"]


def test_a_create_that_comes_twice_in_one_queue_has_one_id(api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    create = {**op("guest", "create", **GUEST, tableId="t1"), "mutation_id": "m1"}
    first, second = results(post_updates(api, restaurant, create, create))
    assert (first["status"], second["status"]) == ("applied", "duplicate")
    assert first["entity_id"] == second["entity_id"] is not None
    assert floor_of(api, restaurant)["guests"].keys() == {first["entity_id"]}


def test_own_work_and_its_ids_outlive_the_process(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    create = {**op("guest", "create", "g1", **GUEST), "mutation_id": "m0"}
    queue = [create, edit("g1", "m1", base=0, partySize=3)]
    nameless = [{**op("guest", "create", **GUEST), "mutation_id": f"n{n}"} for n in range(60)]
    nameless.append({**op("table", "create", tableNumber="1", capacity=4), "mutation_id": "t"})
    with hub.client() as api:
        assert statuses(api, 1, *queue) == ["applied", "applied"]
        made = [result["entity_id"] for result in results(post_updates(api, 1, *nameless))]
        assert api.delete(f"/restaurants/1/guests/{made[0]}").status_code == 204
    hub.kill()
    with hub.start().client() as api:
        patch_guest(api, 1, "g1", notes="by another")
        queue += edit("g1", "m2", base=0, partySize=4), edit("g1", "m3", base=0, notes="own")
        assert statuses(api, 1, *queue) == ["duplicate", "duplicate", "applied", "conflict"]
        remove = {**op("guest", "delete", "g1"), "data": {}, "base_version": 0}
        assert statuses(api, 1, *queue[:3], remove) == ["duplicate"] * 3 + ["conflict"]
        again = results(post_updates(api, 1, *nameless))
        assert {result["status"] for result in again} == {"duplicate"}
        assert [result["entity_id"] for result in again] == made
