"""The contract of what a table's change does to the floor: it gives, holds, clears and resizes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import problem
from tests.contract.floor_client import Floor
from tests.fields import DONE, PHASES

NOT_KEEPING = [status for status in PHASES if status not in ("confirmed", "running_late")]
NOT_TERMINAL = [status for status in PHASES if status not in DONE]
CLEARING: list[tuple[dict[str, Any], str]] = [
    ({"status": "available"}, "available"),
    ({"status": "dirty"}, "dirty"),
    ({"status": "outOfService"}, "outOfService"),
    ({"currentGuestId": None}, "available"),
    ({"currentGuestId": ""}, "available"),
    ({"currentGuestId": None, "status": "dirty"}, "dirty"),
    ({"currentGuestId": None, "status": "outOfService"}, "outOfService"),
]


@pytest.mark.parametrize("before", NOT_KEEPING)
@pytest.mark.parametrize("beside", [None, "available", "dirty", "outOfService"])
def test_a_table_given_to_a_guest_seats_him_and_a_status_beside_is_ignored(
    floor: Floor, before: str, beside: str | None
) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    sent = {"currentGuestId": guest["id"]} | ({"status": beside} if beside else {})
    after = floor.change_table(table["id"], **sent)
    assert (after["status"], after["currentGuestId"]) == ("occupied", guest["id"])
    seated = floor.guest(guest["id"])
    assert (seated["status"], seated["tableId"], seated["version"]) == ("seated", table["id"], after["version"])
    assert seated["seatedTime"] is not None


@pytest.mark.parametrize("before", ["confirmed", "running_late"])
@pytest.mark.parametrize("beside", [None, "available", "dirty", "outOfService"])
def test_a_table_given_to_a_reservation_is_held_and_a_status_beside_is_ignored(
    floor: Floor, before: str, beside: str | None
) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    sent = {"currentGuestId": guest["id"]} | ({"status": beside} if beside else {})
    assert floor.change_table(table["id"], **sent)["status"] == "reserved"
    assert floor.guest(guest["id"])["status"] == before


@pytest.mark.parametrize("before", [status for status in NOT_TERMINAL if status != "seated"])
def test_with_reserved_beside_the_table_is_held_for_him(floor: Floor, before: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    after = floor.change_table(table["id"], currentGuestId=guest["id"], status="reserved")
    assert (after["status"], after["currentGuestId"]) == ("reserved", guest["id"])
    held = floor.guest(guest["id"])
    assert (held["status"], held["tableId"]) == (before, table["id"])


@pytest.mark.parametrize("done", DONE)
def test_no_table_is_held_for_a_guest_who_is_done(floor: Floor, done: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=done)
    with floor.untouched():
        body = {"currentGuestId": guest["id"], "status": "reserved"}
        problem(floor.patch("tables", table["id"], body), 422, "validation_failed")


@pytest.mark.parametrize("before", PHASES)
def test_with_occupied_beside_he_is_seated(floor: Floor, before: str) -> None:
    table, guest = floor.new_table(), floor.new_guest(status=before)
    after = floor.change_table(table["id"], currentGuestId=guest["id"], status="occupied")
    assert (after["status"], after["currentGuestId"]) == ("occupied", guest["id"])
    assert floor.guest(guest["id"])["status"] == "seated"


def test_a_new_table_may_come_with_its_guest(floor: Floor) -> None:
    guest = floor.new_guest()
    table = floor.new_table(currentGuestId=guest["id"])
    assert (table["status"], table["currentGuestId"]) == ("occupied", guest["id"])
    assert floor.guest(guest["id"])["tableId"] == table["id"]


def test_a_guest_who_is_given_a_table_leaves_the_one_he_had(floor: Floor) -> None:
    guest, old = floor.party_at_table()
    new = floor.new_table()
    after = floor.change_table(new["id"], currentGuestId=guest["id"])
    freed = floor.table(old["id"])
    assert (freed["status"], freed["currentGuestId"]) == ("available", None)
    assert after["version"] == freed["version"] == floor.guest(guest["id"])["version"] == floor.revision()


@pytest.mark.parametrize("status", ["seated", "confirmed"])
def test_a_table_of_someone_else_is_not_given_away(floor: Floor, status: str) -> None:
    holder, table = floor.party_at_table(status)
    guest = floor.new_guest()
    with floor.untouched():
        for beside in ({}, {"status": "occupied"}, {"status": "reserved"}):
            answer = floor.patch("tables", table["id"], {"currentGuestId": guest["id"], **beside})
            assert problem(answer, 409, "table_occupied")["current"] == {"table": table, "guest": holder}


def test_a_table_out_of_service_is_not_given(floor: Floor) -> None:
    table, guest = floor.new_table(status="outOfService"), floor.new_guest()
    with floor.untouched():
        answer = floor.patch("tables", table["id"], {"currentGuestId": guest["id"]})
        assert problem(answer, 409, "table_unavailable")["current"] == table


def test_a_party_larger_than_the_table_is_refused_unless_it_is_allowed(floor: Floor) -> None:
    table, guest = floor.new_table(capacity=4), floor.new_guest(partySize=5)
    with floor.untouched():
        for beside in ({}, {"status": "reserved"}, {"status": "occupied"}, {"allowOverCapacity": False}):
            answer = floor.patch("tables", table["id"], {"currentGuestId": guest["id"], **beside})
            problem(answer, 409, "party_exceeds_capacity")
    after = floor.change_table(table["id"], currentGuestId=guest["id"], allowOverCapacity=True)
    assert after["currentGuestId"] == guest["id"]
    assert "allowOverCapacity" not in after


def test_a_refusal_shows_the_table_as_it_is_not_as_it_was_wanted(floor: Floor) -> None:
    small, closed = floor.new_table(capacity=4), floor.new_table(status="outOfService")
    large, guest = floor.new_guest(partySize=5), floor.new_guest()
    with floor.untouched():
        exceeding = floor.patch("tables", small["id"], {"currentGuestId": large["id"], "notes": "x"})
        assert problem(exceeding, 409, "party_exceeds_capacity")["current"] == small
        unavailable = floor.patch("tables", closed["id"], {"currentGuestId": guest["id"], "notes": "x"})
        assert problem(unavailable, 409, "table_unavailable")["current"] == closed
        made = floor.post_table(currentGuestId=large["id"])
        assert problem(made, 409, "party_exceeds_capacity")["current"] is None, "there is no such table"


def test_a_guest_that_this_restaurant_does_not_have_is_404(floor: Floor, api: httpx.Client, hub: Hub) -> None:
    elsewhere = Floor(api, hub.new_restaurant()).new_guest()
    floor.new_guest(id="gone")
    api.delete(f"{floor.root}/guests/gone")
    table = floor.new_table()
    with floor.untouched():
        for guest_id in (elsewhere["id"], "gone", "never"):
            problem(floor.patch("tables", table["id"], {"currentGuestId": guest_id}), 404, "guest_not_found")
            problem(floor.post_table(currentGuestId=guest_id), 404, "guest_not_found")


@pytest.mark.parametrize(("body", "status"), CLEARING)
def test_clearing_the_table_of_a_seated_guest_finishes_him(floor: Floor, body: dict[str, Any], status: str) -> None:
    guest, table = floor.party_at_table()
    after = floor.change_table(table["id"], **body)
    assert (after["status"], after["currentGuestId"]) == (status, None)
    gone = floor.guest(guest["id"])
    assert (gone["status"], gone["tableId"], gone["version"]) == ("finished", None, after["version"])
    assert gone["finishedTime"] == gone["lastUpdated"]


@pytest.mark.parametrize("holding", [status for status in NOT_TERMINAL if status != "seated"])
@pytest.mark.parametrize(("body", "status"), CLEARING)
def test_clearing_a_held_table_only_ends_the_hold(
    floor: Floor, holding: str, body: dict[str, Any], status: str
) -> None:
    guest, table = floor.party_at_table(holding)
    after = floor.change_table(table["id"], **body)
    assert (after["status"], after["currentGuestId"]) == (status, None)
    waiting = floor.guest(guest["id"])
    assert (waiting["status"], waiting["tableId"], waiting["finishedTime"]) == (holding, None, None)


@pytest.mark.parametrize("status", ["available", "reserved", "occupied", "dirty", "outOfService"])
def test_a_table_without_a_guest_may_have_any_status(floor: Floor, status: str) -> None:
    assert floor.new_table(status=status)["status"] == status
    table = floor.new_table(status="dirty" if status != "dirty" else "occupied")
    after = floor.change_table(table["id"], status=status)
    assert (after["status"], after["currentGuestId"]) == (status, None)


@pytest.mark.parametrize("holding", [status for status in NOT_TERMINAL if status != "seated"])
def test_a_held_table_set_occupied_seats_its_guest(floor: Floor, holding: str) -> None:
    guest, table = floor.party_at_table(holding)
    after = floor.change_table(table["id"], status="occupied")
    assert (after["status"], after["currentGuestId"]) == ("occupied", guest["id"])
    seated = floor.guest(guest["id"])
    assert (seated["status"], seated["seatedTime"]) == ("seated", seated["lastUpdated"])


def test_the_table_of_a_seated_guest_cannot_be_set_reserved(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    with floor.untouched():
        refused = problem(floor.patch("tables", table["id"], {"status": "reserved"}), 409, "table_occupied")
    assert refused["current"] == {"table": table, "guest": guest}


@pytest.mark.parametrize("status", ["confirmed", "seated"])
def test_a_capacity_lowered_below_the_party_is_refused_unless_it_is_allowed(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table(status, partySize=3)
    with floor.untouched():
        refused = problem(floor.patch("tables", table["id"], {"capacity": 2}), 409, "party_exceeds_capacity")
        assert refused["current"] == table
    assert floor.change_table(table["id"], capacity=3)["capacity"] == 3
    after = floor.change_table(table["id"], capacity=2, allowOverCapacity=True)
    assert (after["capacity"], after["currentGuestId"]) == (2, guest["id"])


def test_the_table_of_a_party_that_grew_may_still_be_edited_and_enlarged(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    floor.change_guest(guest["id"], partySize=9)
    assert floor.put("tables", table, notes="x")["notes"] == "x"
    assert floor.change_table(table["id"], capacity=6)["capacity"] == 6


def test_the_capacity_of_a_table_without_a_guest_may_be_lowered(floor: Floor) -> None:
    assert floor.change_table(floor.new_table(capacity=4)["id"], capacity=1)["capacity"] == 1


@pytest.mark.parametrize("status", ["confirmed", "seated"])
def test_a_table_that_has_a_guest_is_not_deleted(floor: Floor, status: str) -> None:
    guest, table = floor.party_at_table(status)
    with floor.untouched():
        refused = problem(floor.api.delete(f"{floor.root}/tables/{table['id']}"), 409, "table_occupied")
        assert refused["current"] == {"table": table, "guest": guest}
    floor.change_guest(guest["id"], status="finished")
    assert floor.api.delete(f"{floor.root}/tables/{table['id']}").status_code == 204


def test_a_tables_request_that_changes_nothing_makes_no_commit(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    with floor.untouched():
        for body in ({}, {"status": "Occupied"}, {"currentGuestId": guest["id"]}, {"capacity": 4}, {"section": ""}):
            assert floor.change_table(table["id"], **body) == table


def test_a_commit_leaves_the_version_of_those_it_does_not_touch(floor: Floor) -> None:
    bystander, far_table = floor.party_at_table()
    guest, table = floor.party_at_table()
    floor.change_table(table["id"], status="dirty")
    assert (floor.guest(bystander["id"]), floor.table(far_table["id"])) == (bystander, far_table)
    assert floor.guest(guest["id"])["version"] == floor.table(table["id"])["version"] == floor.revision()
