"""The contract of `status/atomic`: a guest's status and table in one request, and its answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.answers import TIME, UUID, Json, faulty_fields, ok, problem
from tests.contract.floor_client import Floor
from tests.fields import DONE, PHASES

KEYS = {
    *("success", "transaction_id", "revision", "timestamp", "guest", "table", "table_cleared", "changes"),
    *("guest_id", "old_status", "new_status", "changes_count", "processed_at"),
}


def put_status(floor: Floor, guest_id: str, **body: Any) -> httpx.Response:
    return floor.api.put(f"{floor.root}/guests/{guest_id}/status/atomic", json=body)


def changed(floor: Floor, guest_id: str, **body: Any) -> Json:
    """The answer to an accepted change, after what holds for every one of them was checked."""
    answer = put_status(floor, guest_id, **body)
    told = ok(answer)
    assert told.keys() == KEYS
    assert told["success"] is True
    assert told["guest"] == floor.guest(guest_id)
    assert (told["guest_id"], told["new_status"]) == (guest_id, told["guest"]["status"])
    assert told["changes_count"] == len(told["changes"])
    assert told["revision"] == floor.revision() == int(answer.headers["Restohub-Revision"])
    assert told["transaction_id"]
    if told["changes"]:
        assert told["transaction_id"] == answer.headers["Restohub-Transaction"]
    assert TIME.fullmatch(told["timestamp"])
    assert TIME.fullmatch(told["processed_at"])
    if told["table"] is not None:
        assert told["table"] == floor.table(told["table"]["id"])
    return told


def change_of(kind: str, entity: Json) -> Json:
    return {"entity_type": kind, "entity_id": entity["id"], "action": "update", "data": entity}


def test_seating_a_guest_answers_with_him_and_his_table(floor: Floor) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    told = changed(floor, guest["id"], status="seated", tableId=table["id"])
    assert (told["old_status"], told["new_status"], told["table_cleared"]) == ("waitlist", "seated", False)
    assert (told["guest"]["tableId"], told["table"]["id"]) == (table["id"], table["id"])
    assert (told["table"]["status"], told["table"]["currentGuestId"]) == ("occupied", guest["id"])
    assert told["changes"] == [change_of("guest", told["guest"]), change_of("table", told["table"])]
    assert told["timestamp"] == told["guest"]["lastUpdated"]


@pytest.mark.parametrize("terminal", DONE)
def test_a_guest_who_is_done_answers_with_the_table_he_lost(floor: Floor, terminal: str) -> None:
    guest, table = floor.party_at_table()
    told = changed(floor, guest["id"], status=terminal)
    assert (told["old_status"], told["new_status"], told["table_cleared"]) == ("seated", terminal, True)
    assert told["table"] == floor.table(table["id"])
    assert told["table"]["status"] == "available"
    assert told["changes"] == [change_of("guest", told["guest"]), change_of("table", told["table"])]


def test_a_guest_who_goes_back_to_waiting_loses_his_table(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    told = changed(floor, guest["id"], status="waitlist")
    assert (told["guest"]["tableId"], told["table"]["id"], told["table_cleared"]) == (None, table["id"], True)


def test_a_guest_without_a_table_answers_with_none(floor: Floor) -> None:
    guest = floor.new_guest()
    told = changed(floor, guest["id"], status="notified")
    assert (told["table"], told["table_cleared"]) == (None, False)
    assert told["changes"] == [change_of("guest", told["guest"])]


def test_a_guest_who_moves_answers_with_the_table_he_has_now(floor: Floor) -> None:
    guest, old = floor.party_at_table()
    new = floor.new_table()
    told = changed(floor, guest["id"], status="seated", tableId=new["id"])
    assert (told["table"]["id"], told["table_cleared"]) == (new["id"], False)
    assert told["changes"][0] == change_of("guest", told["guest"])
    tables = {change["entity_id"]: change["data"] for change in told["changes"][1:]}
    assert tables == {old["id"]: floor.table(old["id"]), new["id"]: floor.table(new["id"])}


def test_a_guest_who_sits_down_at_the_table_he_holds_answers_with_it(floor: Floor) -> None:
    guest, table = floor.party_at_table("confirmed")
    told = changed(floor, guest["id"], status="seated")
    assert (told["table"]["id"], told["table"]["status"], told["table_cleared"]) == (table["id"], "occupied", False)
    assert told["changes_count"] == 2


def test_a_guest_who_keeps_holding_answers_with_the_table_that_did_not_change(floor: Floor) -> None:
    guest, table = floor.party_at_table("confirmed")
    told = changed(floor, guest["id"], status="arrived")
    assert (told["table"], told["table_cleared"]) == (table, False)
    assert told["changes"] == [change_of("guest", told["guest"])]


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_guest_may_give_up_his_table_beside_his_status(floor: Floor, nothing: str | None) -> None:
    guest, table = floor.party_at_table("confirmed")
    told = changed(floor, guest["id"], status="running_late", tableId=nothing)
    assert (told["guest"]["tableId"], told["table"]["id"], told["table_cleared"]) == (None, table["id"], True)


@pytest.mark.parametrize("status", PHASES)
def test_every_status_may_be_set(floor: Floor, status: str) -> None:
    guest = floor.new_guest(status="arrived" if status != "arrived" else "notified")
    assert changed(floor, guest["id"], status=status)["guest"]["phase"] == PHASES[status]


@pytest.mark.parametrize(
    ("sent", "status"), [("No Show", "no_show"), ("completed", "finished"), ("booked", "confirmed")]
)
def test_the_status_is_folded_in_body_and_query(floor: Floor, sent: str, status: str) -> None:
    guest, other = floor.new_guest(), floor.new_guest()
    assert changed(floor, guest["id"], status=sent)["new_status"] == status
    answer = floor.api.put(f"{floor.root}/guests/{other['id']}/status/atomic", params={"new_status": sent})
    assert ok(answer)["new_status"] == status


def test_the_apps_older_form_has_the_status_in_the_query_and_no_body(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    answer = floor.api.put(f"{floor.root}/guests/{guest['id']}/status/atomic?new_status=finished")
    told = ok(answer)
    assert told.keys() == KEYS
    assert (told["old_status"], told["new_status"], told["table_cleared"]) == ("seated", "finished", True)
    assert floor.table(table["id"])["status"] == "available"


def test_the_table_may_be_written_in_snake_case(floor: Floor) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    assert changed(floor, guest["id"], status="seated", table_id=table["id"])["guest"]["tableId"] == table["id"]
    both = put_status(floor, guest["id"], status="seated", table_id=table["id"], tableId=table["id"])
    problem(both, 422, "validation_failed")


def test_the_table_may_have_its_older_name(floor: Floor) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    told = changed(floor, guest["id"], status="seated", assignedTableId=table["id"])
    assert told["guest"]["tableId"] == table["id"]


def test_what_is_only_read_is_ignored_and_a_version_says_what_was_seen(floor: Floor) -> None:
    read, table = floor.new_guest(status="confirmed"), floor.new_table()
    floor.change_guest(read["id"], tableId=table["id"])
    sent = {name: read[name] for name in ("id", "createdAt", "phase", "totalVisits", "tableId", "version")}
    told = changed(floor, read["id"], status="running_late", **sent)
    assert told["guest"]["tableId"] == table["id"], "he had none at that version, so none was sent"


def test_where_nothing_changes_no_commit_is_made(floor: Floor) -> None:
    guest, table = floor.party_at_table()
    named: set[str] = set()
    with floor.untouched():
        for body in ({"status": "seated"}, {"status": "Seated", "tableId": table["id"]}):
            told = changed(floor, guest["id"], **body)
            named.add(told["transaction_id"])
            assert (told["changes"], told["changes_count"], told["table_cleared"]) == ([], 0, False)
            assert (told["guest"], told["table"], told["old_status"]) == (guest, table, "seated")
    assert len(named) == 2, "it names nothing, so it is never given twice"
    assert all(map(UUID.fullmatch, named))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/status"),
        ({"status": None}, "/status"),
        ({"status": "asleep"}, "/status"),
        ({"status": 1}, "/status"),
        ({"status": "seated", "tableId": 12}, "/tableId"),
        ({"status": "seated", "colour": "red"}, "/colour"),
    ],
)
def test_a_bad_body_is_refused(floor: Floor, body: Json, pointer: str) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        assert faulty_fields(put_status(floor, guest["id"], **body)) == {pointer}


def test_a_status_of_the_query_that_is_none_is_refused(floor: Floor) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        answer = floor.api.put(f"{floor.root}/guests/{guest['id']}/status/atomic?new_status=asleep")
        problem(answer, 400, "invalid_query")


def test_the_floors_rules_hold_here_too(floor: Floor) -> None:
    guest = floor.new_guest(partySize=3)
    holder, taken = floor.party_at_table()
    closed, small = floor.new_table(status="outOfService"), floor.new_table(capacity=2)
    with floor.untouched():
        refused = problem(put_status(floor, guest["id"], status="seated", tableId=taken["id"]), 409, "table_occupied")
        assert refused["current"] == {"table": taken, "guest": holder}
        unavailable = put_status(floor, guest["id"], status="seated", tableId=closed["id"])
        problem(unavailable, 409, "table_unavailable")
        problem(put_status(floor, guest["id"], status="seated", tableId=small["id"]), 409, "party_exceeds_capacity")
        problem(put_status(floor, guest["id"], status="seated", tableId="never"), 404, "table_not_found")
    told = changed(floor, guest["id"], status="seated", tableId=small["id"], allowOverCapacity=True)
    assert told["table"]["id"] == small["id"]


def test_a_table_beside_a_terminal_status_is_ignored(floor: Floor) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    told = changed(floor, guest["id"], status="finished", tableId=table["id"])
    assert (told["guest"]["tableId"], told["table"], told["table_cleared"]) == (None, None, False)
    assert floor.table(table["id"]) == table


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_no_other_method_changes_a_status(floor: Floor, method: str) -> None:
    guest = floor.new_guest()
    answer = floor.api.request(method, f"{floor.root}/guests/{guest['id']}/status/atomic")
    problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("body", [{"status": "arrived"}, {"status": "finished"}, {}])
def test_the_status_is_in_the_body_or_in_the_query_and_not_in_both(floor: Floor, body: Json) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        answer = floor.api.put(f"{floor.root}/guests/{guest['id']}/status/atomic?new_status=arrived", json=body)
        problem(answer, 400, "invalid_query")
