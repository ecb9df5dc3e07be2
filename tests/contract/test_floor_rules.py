"""The contract of what a guest's change does to the floor: it seats, holds, frees and stamps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import problem
from tests.contract.floor_client import Floor
from tests.fields import DONE, PHASES

EARLIER, LATER = "2020-01-15T20:00:00Z", "2030-01-15T20:00:00Z"
KEEPING = ("confirmed", "running_late")
HOLDING = tuple(status for status, phase in PHASES.items() if phase in ("expected", "waiting"))
STAMPED = {
    "waiting": {"checkInTime"},
    "seated": {"checkInTime", "seatedTime"},
    "expected": set[str](),
    "done": set[str](),
}


def stamped_by(status: str) -> set[str]:
    own = {"finished": {"finishedTime"}, "notified": {"notifiedTime"}}
    return STAMPED[PHASES[status]] | own.get(status, set())


@pytest.mark.parametrize("status", PHASES)
def test_creating_stamps_the_time_of_the_status(floor: Floor, status: str) -> None:
    guest = floor.new_guest(status=status)
    for field in ("checkInTime", "seatedTime", "finishedTime", "notifiedTime"):
        assert guest[field] == (guest["createdAt"] if field in stamped_by(status) else None)


@pytest.mark.parametrize("status", [status for status in PHASES if status != "confirmed"])
def test_a_change_of_status_stamps_its_time(floor: Floor, status: str) -> None:
    guest = floor.new_guest(status="confirmed")
    after = floor.change_guest(guest["id"], status=status)
    for field in ("checkInTime", "seatedTime", "finishedTime", "notifiedTime"):
        assert after[field] == (after["lastUpdated"] if field in stamped_by(status) else None)


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ("arrived", "checkInTime"),
        ("seated", "checkInTime"),
        ("seated", "seatedTime"),
        ("finished", "finishedTime"),
        ("notified", "notifiedTime"),
    ],
)
def test_a_time_that_is_given_or_there_is_not_stamped_over(floor: Floor, status: str, field: str) -> None:
    assert floor.new_guest(status=status, **{field: EARLIER})[field] == EARLIER
    given = floor.new_guest(status="confirmed")
    assert floor.change_guest(given["id"], status=status, **{field: EARLIER})[field] == EARLIER


def test_a_time_that_is_there_is_not_stamped_again(floor: Floor) -> None:
    guest = floor.new_guest(status="confirmed", checkInTime=EARLIER, seatedTime=EARLIER)
    after = floor.change_guest(guest["id"], status="seated")
    assert (after["checkInTime"], after["seatedTime"]) == (EARLIER, EARLIER)


@pytest.mark.parametrize("before", PHASES)
@pytest.mark.parametrize("after", PHASES)
def test_any_status_may_follow_any_other(floor: Floor, before: str, after: str) -> None:
    guest = floor.new_guest(status=before)
    changed = floor.change_guest(guest["id"], status=after)
    assert (changed["status"], changed["phase"]) == (after, PHASES[after])


@pytest.mark.parametrize("done", DONE)
@pytest.mark.parametrize("status", ["waitlist", "confirmed", "seated"])
def test_leaving_done_clears_the_time_of_finishing(floor: Floor, done: str, status: str) -> None:
    guest = floor.new_guest(status=done, finishedTime=EARLIER)
    assert floor.change_guest(guest["id"], status=status)["finishedTime"] is None


@pytest.mark.parametrize("done", [status for status in DONE if status != "finished"])
def test_one_end_after_another_keeps_the_time_of_finishing(floor: Floor, done: str) -> None:
    guest = floor.new_guest(status="finished", finishedTime=EARLIER)
    assert floor.change_guest(guest["id"], status=done)["finishedTime"] == EARLIER


@pytest.mark.parametrize("before", ["seated", "finished"])
@pytest.mark.parametrize("status", HOLDING)
def test_going_back_to_waiting_or_expected_clears_the_time_of_seating(floor: Floor, before: str, status: str) -> None:
    guest = floor.new_guest(status=before, checkInTime=EARLIER, seatedTime=EARLIER)
    after = floor.change_guest(guest["id"], status=status)
    assert (after["checkInTime"], after["seatedTime"]) == (EARLIER, None)


def test_a_time_the_request_gives_is_not_cleared(floor: Floor) -> None:
    guest = floor.new_guest(status="finished", seatedTime=EARLIER)
    after = floor.change_guest(guest["id"], status="waitlist", seatedTime=LATER, finishedTime=LATER)
    assert (after["seatedTime"], after["finishedTime"]) == (LATER, LATER)


@pytest.mark.parametrize("status", ["waitlist", "confirmed", "running_late"])
@pytest.mark.parametrize("before", ["notified", "arrived", "seated", "finished"])
def test_who_waits_anew_was_not_notified_yet(floor: Floor, before: str, status: str) -> None:
    guest = floor.new_guest(status=before, notifiedTime=EARLIER)
    assert floor.change_guest(guest["id"], status=status)["notifiedTime"] is None
    assert floor.change_guest(guest["id"], status="notified")["notifiedTime"] not in (None, EARLIER)


@pytest.mark.parametrize(
    ("before", "status"), [("notified", "arrived"), ("notified", "seated"), ("seated", "finished")]
)
def test_who_comes_when_called_keeps_when_that_was(floor: Floor, before: str, status: str) -> None:
    guest = floor.new_guest(status=before, notifiedTime=EARLIER)
    assert floor.change_guest(guest["id"], status=status)["notifiedTime"] == EARLIER


@pytest.mark.parametrize("before", ["seated", "finished"])
def test_who_comes_back_is_notified_anew_unless_the_request_says_when(floor: Floor, before: str) -> None:
    guest = floor.new_guest(status=before, notifiedTime=EARLIER)
    assert floor.change_guest(guest["id"], status="notified")["notifiedTime"] not in (None, EARLIER)
    guest = floor.new_guest(status=before, notifiedTime=EARLIER)
    assert floor.change_guest(guest["id"], status="notified", notifiedTime=LATER)["notifiedTime"] == LATER
    guest = floor.new_guest(status=before, notifiedTime=EARLIER)
    assert floor.change_guest(guest["id"], status="arrived")["notifiedTime"] is None


def test_finishing_keeps_the_time_of_seating(floor: Floor) -> None:
    guest = floor.new_guest(status="seated", seatedTime=EARLIER)
    assert floor.change_guest(guest["id"], status="finished")["seatedTime"] == EARLIER


@pytest.mark.parametrize("before", [status for status in PHASES if status not in KEEPING])
def test_a_table_seats_whoever_is_no_reservation(floor: Floor, before: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    after = floor.change_guest(guest["id"], tableId=table["id"])
    assert (after["status"], after["tableId"], after["finishedTime"]) == ("seated", table["id"], None)
    assert after["seatedTime"] is not None
    taken = floor.table(table["id"])
    assert (taken["status"], taken["currentGuestId"]) == ("occupied", guest["id"])


@pytest.mark.parametrize("before", KEEPING)
def test_a_table_is_held_for_a_reservation(floor: Floor, before: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    after = floor.change_guest(guest["id"], tableId=table["id"])
    assert (after["status"], after["tableId"], after["seatedTime"]) == (before, table["id"], None)
    held = floor.table(table["id"])
    assert (held["status"], held["currentGuestId"]) == ("reserved", guest["id"])


@pytest.mark.parametrize("before", ["confirmed", "waitlist", "seated", "finished"])
@pytest.mark.parametrize("status", HOLDING)
def test_a_status_beside_the_table_holds_it(floor: Floor, before: str, status: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    after = floor.change_guest(guest["id"], tableId=table["id"], status=status)
    assert (after["status"], after["tableId"]) == (status, table["id"])
    assert floor.table(table["id"])["status"] == "reserved"


@pytest.mark.parametrize("before", PHASES)
def test_seated_beside_the_table_occupies_it(floor: Floor, before: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    assert floor.change_guest(guest["id"], tableId=table["id"], status="seated")["status"] == "seated"
    assert floor.table(table["id"])["status"] == "occupied"


@pytest.mark.parametrize(
    ("fields", "status", "table_status"),
    [
        ({}, "seated", "occupied"),
        ({"reservationTime": LATER}, "confirmed", "reserved"),
        ({"reservationTime": LATER, "status": "seated"}, "seated", "occupied"),
        *(({"status": status}, status, "reserved") for status in HOLDING),
        ({"status": "seated"}, "seated", "occupied"),
    ],
)
def test_creating_with_a_table_follows_the_same_rules(
    floor: Floor, fields: dict[str, Any], status: str, table_status: str
) -> None:
    table = floor.new_table()
    guest = floor.new_guest(tableId=table["id"], **fields)
    assert (guest["status"], guest["tableId"]) == (status, table["id"])
    taken = floor.table(table["id"])
    assert (taken["status"], taken["currentGuestId"], taken["version"]) == (
        table_status,
        guest["id"],
        guest["version"],
    )


@pytest.mark.parametrize("holding", HOLDING)
def test_a_guest_who_holds_a_table_and_becomes_seated_occupies_it(floor: Floor, holding: str) -> None:
    guest, table = floor.party_at_table(holding)
    assert table["status"] == "reserved"
    assert floor.change_guest(guest["id"], status="seated")["tableId"] == table["id"]
    assert floor.table(table["id"])["status"] == "occupied"


@pytest.mark.parametrize("status", ["confirmed", "seated"])
def test_the_table_he_had_before_is_freed(floor: Floor, status: str) -> None:
    guest, old = floor.party_at_table(status)
    new = floor.new_table()
    after = floor.change_guest(guest["id"], tableId=new["id"])
    assert (after["tableId"], after["status"], after["seatedTime"]) == (new["id"], status, guest["seatedTime"])
    freed = floor.table(old["id"])
    assert (freed["status"], freed["currentGuestId"]) == ("available", None)
    assert after["version"] == freed["version"] == floor.table(new["id"])["version"] == floor.revision()


def test_a_guest_who_only_holds_another_table_is_seated_at_the_new_one(floor: Floor) -> None:
    guest, _ = floor.party_at_table("notified")
    assert floor.change_guest(guest["id"], tableId=floor.new_table()["id"])["status"] == "seated"


@pytest.mark.parametrize("holding", HOLDING)
def test_a_seated_guest_may_go_to_hold_another_table(floor: Floor, holding: str) -> None:
    guest, old = floor.party_at_table()
    new = floor.new_table()
    after = floor.change_guest(guest["id"], tableId=new["id"], status=holding)
    assert (after["status"], after["tableId"], after["seatedTime"]) == (holding, new["id"], None)
    assert (floor.table(new["id"])["status"], floor.table(old["id"])["status"]) == ("reserved", "available")


@pytest.mark.parametrize("before", ["confirmed", "notified", "seated"])
@pytest.mark.parametrize("terminal", DONE)
def test_a_guest_who_becomes_terminal_frees_his_table(floor: Floor, before: str, terminal: str) -> None:
    guest, table = floor.party_at_table(before)
    after = floor.change_guest(guest["id"], status=terminal)
    assert (after["status"], after["tableId"]) == (terminal, None)
    freed = floor.table(table["id"])
    assert (freed["status"], freed["currentGuestId"], freed["version"]) == ("available", None, after["version"])


@pytest.mark.parametrize("terminal", DONE)
def test_a_table_beside_a_terminal_status_is_ignored(floor: Floor, terminal: str) -> None:
    guest, table = floor.party_at_table()
    _, taken = floor.party_at_table()
    assert floor.change_guest(guest["id"], status=terminal, tableId=taken["id"])["tableId"] is None
    assert floor.table(table["id"])["status"] == "available"
    assert floor.table(taken["id"]) == taken
    assert floor.new_guest(status=terminal, tableId=table["id"])["tableId"] is None
    assert floor.new_guest(status=terminal, tableId="no-such-table")["tableId"] is None


@pytest.mark.parametrize("status", ["confirmed", "notified", "seated"])
def test_deleting_a_guest_frees_his_table(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table(status)
    assert floor.api.delete(f"{floor.root}/guests/{guest['id']}").status_code == 204
    freed = floor.table(table["id"])
    assert (freed["status"], freed["currentGuestId"], freed["version"]) == ("available", None, floor.revision())


@pytest.mark.parametrize("status", ["confirmed", "notified", "seated"])
def test_a_guest_who_gives_his_table_up_keeps_his_status(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table(status)
    after = floor.change_guest(guest["id"], tableId=None)
    assert (after["status"], after["tableId"], after["seatedTime"]) == (status, None, guest["seatedTime"])
    assert floor.table(table["id"])["status"] == "available"


@pytest.mark.parametrize("status", HOLDING)
def test_a_seated_guest_who_goes_back_frees_his_table(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table()
    after = floor.change_guest(guest["id"], status=status)
    assert (after["status"], after["tableId"]) == (status, None)
    assert floor.table(table["id"])["status"] == "available"


def test_a_hold_outlives_another_status_that_is_not_terminal(floor: Floor) -> None:
    guest, table = floor.party_at_table("confirmed")
    for status in HOLDING:
        assert floor.change_guest(guest["id"], status=status)["tableId"] == table["id"]
        assert floor.table(table["id"])["status"] == "reserved"


def test_a_guest_may_be_seated_without_a_table(floor: Floor) -> None:
    guest = floor.new_guest(status="seated")
    assert (guest["status"], guest["tableId"], guest["phase"]) == ("seated", None, "seated")


@pytest.mark.parametrize("status", ["seated", "confirmed"])
def test_a_table_of_someone_else_is_refused_with_both_of_them(floor: Floor, status: str) -> None:
    holder, table = floor.party_at_table(status)
    guest, mine = floor.party_at_table()
    with floor.untouched():
        for answer in (
            floor.patch("guests", guest["id"], {"tableId": table["id"]}),
            floor.post_guest(tableId=table["id"]),
        ):
            assert problem(answer, 409, "table_occupied")["current"] == {"table": table, "guest": holder}
        too_large = {"tableId": table["id"], "allowOverCapacity": True}
        problem(floor.patch("guests", guest["id"], too_large), 409, "table_occupied")
    assert floor.table(mine["id"]) == mine


@pytest.mark.parametrize("status", ["available", "dirty", "reserved", "occupied"])
def test_a_table_without_a_guest_can_be_taken_whatever_its_status(floor: Floor, status: str) -> None:
    table, guest = floor.new_table(status=status), floor.new_guest()
    floor.change_guest(guest["id"], tableId=table["id"])
    assert floor.table(table["id"])["currentGuestId"] == guest["id"]


def test_a_table_out_of_service_is_refused(floor: Floor) -> None:
    table, guest = floor.new_table(status="outOfService"), floor.new_guest()
    with floor.untouched():
        for answer in (
            floor.patch("guests", guest["id"], {"tableId": table["id"]}),
            floor.post_guest(tableId=table["id"]),
        ):
            assert problem(answer, 409, "table_unavailable")["current"] == table


@pytest.mark.parametrize("status", ["waitlist", "confirmed"])
def test_a_party_larger_than_the_table_is_refused_unless_it_is_allowed(floor: Floor, status: str) -> None:
    table, guest = floor.new_table(capacity=4), floor.new_guest(partySize=5, status=status)
    with floor.untouched():
        for body in ({"tableId": table["id"]}, {"tableId": table["id"], "allowOverCapacity": False}):
            told = problem(floor.patch("guests", guest["id"], body), 409, "party_exceeds_capacity")
            assert told["current"] == table
            problem(floor.post_guest(partySize=5, status=status, **body), 409, "party_exceeds_capacity")
    after = floor.change_guest(guest["id"], tableId=table["id"], allowOverCapacity=True)
    assert after["tableId"] == table["id"]


def test_a_larger_party_may_be_created_at_its_table_where_that_is_allowed(floor: Floor) -> None:
    table = floor.new_table(capacity=4)
    guest = floor.new_guest(partySize=5, tableId=table["id"], allowOverCapacity=True)
    assert guest["tableId"] == table["id"]
    assert "allowOverCapacity" not in guest


def test_a_party_as_large_as_the_table_fits(floor: Floor) -> None:
    table = floor.new_table(capacity=4)
    assert floor.new_guest(partySize=4, tableId=table["id"])["tableId"] == table["id"]


@pytest.mark.parametrize("status", ["confirmed", "seated"])
def test_a_party_that_grows_at_its_table_is_not_refused(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table(status)
    after = floor.change_guest(guest["id"], partySize=9)
    assert (after["partySize"], after["tableId"]) == (9, table["id"])


def test_the_size_that_comes_with_the_table_is_the_one_that_counts(floor: Floor) -> None:
    table, guest = floor.new_table(capacity=4), floor.new_guest(partySize=2)
    with floor.untouched():
        answer = floor.patch("guests", guest["id"], {"tableId": table["id"], "partySize": 5})
        problem(answer, 409, "party_exceeds_capacity")


def test_a_table_that_this_restaurant_does_not_have_is_404(floor: Floor, api: httpx.Client, hub: Hub) -> None:
    elsewhere = Floor(api, hub.new_restaurant()).new_table()
    floor.new_table(id="gone")
    api.delete(f"{floor.root}/tables/gone")
    guest, _ = floor.party_at_table()
    with floor.untouched():
        for table_id in (elsewhere["id"], "gone", "never"):
            problem(floor.patch("guests", guest["id"], {"tableId": table_id}), 404, "table_not_found")
            problem(floor.post_guest(tableId=table_id), 404, "table_not_found")


def test_a_guests_request_that_changes_nothing_makes_no_commit(floor: Floor) -> None:
    guest, table = floor.party_at_table(notes="x", tags=["vip"])
    with floor.untouched():
        for body in ({}, {"notes": "x"}, {"status": "Seated"}, {"tableId": table["id"]}, {"tags": ["vip"]}):
            assert floor.change_guest(guest["id"], **body) == guest
