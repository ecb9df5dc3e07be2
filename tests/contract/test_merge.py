"""The contract for whole objects sent back: what an old reading of a guest or a table may not undo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.answers import Json, ok
from tests.contract.floor_client import Floor

LATER = "2030-01-15T20:00:00Z"


def without_version(whole: Json) -> Json:
    return {key: value for key, value in whole.items() if key != "version"}


@pytest.mark.parametrize("status", ["waitlist", "confirmed", "notified", "seated", "finished", "no_show"])
def test_a_whole_guest_sent_back_as_it_was_read_changes_nothing(floor: Floor, status: str) -> None:
    table = floor.new_table()
    guest = floor.new_guest(lastName="Lovelace", status=status, tableId=table["id"], phone="1", tags=["vip"])
    with floor.untouched():
        assert floor.put("guests", guest) == guest
        assert floor.put("guests", without_version(guest)) == guest


@pytest.mark.parametrize("status", ["confirmed", "notified", "seated"])
def test_a_whole_table_sent_back_as_it_was_read_changes_nothing(floor: Floor, status: str) -> None:
    _, table = floor.party_at_table(status)
    with floor.untouched():
        assert floor.put("tables", table) == table
        assert floor.put("tables", without_version(table)) == table


def test_editing_a_note_does_not_unseat_a_guest_who_was_read_before_he_was_seated(floor: Floor) -> None:
    table, read = floor.new_table(), floor.new_guest()
    seated = floor.change_guest(read["id"], tableId=table["id"])
    after = floor.put("guests", read, notes="birthday")
    assert after == {**seated, "notes": "birthday", "version": after["version"], "lastUpdated": after["lastUpdated"]}
    assert floor.table(table["id"])["currentGuestId"] == read["id"]


def test_a_new_section_does_not_clear_a_table_that_was_read_before_it_was_taken(floor: Floor) -> None:
    read = floor.new_table()
    guest = floor.new_guest(tableId=read["id"])
    after = floor.put("tables", read, section="terrace")
    assert (after["section"], after["currentGuestId"], after["status"]) == ("terrace", guest["id"], "occupied")
    assert floor.guest(guest["id"]) == guest


def test_an_old_table_sent_back_does_not_put_a_guest_back_who_has_left_it(floor: Floor) -> None:
    guest, read = floor.party_at_table()
    floor.change_guest(guest["id"], status="finished")
    after = floor.put("tables", read, server="Bruno")
    assert (after["server"], after["currentGuestId"], after["status"]) == ("Bruno", None, "available")
    assert floor.guest(guest["id"])["status"] == "finished"


def test_two_who_edit_different_fields_of_one_reading_both_prevail(floor: Floor) -> None:
    read = floor.new_guest()
    floor.put("guests", read, notes="window")
    floor.put("guests", read, phone="39 06 1")
    after = floor.put("guests", read, tags=["vip"], partySize=3)
    assert (after["notes"], after["phone"], after["tags"], after["partySize"]) == ("window", "39 06 1", ["vip"], 3)


def test_of_two_who_edit_the_same_field_the_last_prevails(floor: Floor) -> None:
    read = floor.new_guest()
    floor.put("guests", read, notes="window")
    assert floor.put("guests", read, notes="terrace")["notes"] == "terrace"


def test_a_field_that_differs_from_its_version_is_meant(floor: Floor) -> None:
    read = floor.new_guest(notes="window")
    floor.change_guest(read["id"], notes="terrace", phone="39 06 1")
    after = floor.put("guests", read, notes=None)
    assert (after["notes"], after["phone"]) == (None, "39 06 1")


def test_a_field_with_its_versions_value_is_not_sent_in_a_part_of_the_object_either(floor: Floor) -> None:
    read = floor.new_guest(notes="window")
    floor.change_guest(read["id"], notes="terrace")
    with floor.untouched():
        assert floor.change_guest(read["id"], notes="window", version=read["version"])["notes"] == "terrace"


def test_without_a_version_the_last_writer_wins(floor: Floor) -> None:
    read = floor.new_guest(notes="window")
    floor.change_guest(read["id"], notes="terrace")
    assert floor.put("guests", without_version(read))["notes"] == "window"


def test_a_version_of_another_history_counts_as_none(floor: Floor) -> None:
    read = floor.new_guest(notes="window")
    floor.change_guest(read["id"], notes="terrace")
    assert floor.change_guest(read["id"], notes="window", version=10**9)["notes"] == "window"
    waiting, table = floor.new_guest(status="waitlist"), floor.new_table()
    whole = {**waiting, "tableId": table["id"], "version": 10**9}
    assert ok(floor.patch("guests", waiting["id"], whole))["status"] == "waitlist", "the status is meant as well"


def test_a_whole_guest_with_a_new_status_is_stamped(floor: Floor) -> None:
    for version in (True, False):
        guest, table = floor.party_at_table()
        whole = guest if version else without_version(guest)
        after = floor.put("guests", whole, status="finished")
        assert (after["tableId"], after["finishedTime"]) == (None, after["lastUpdated"])
        assert floor.table(table["id"])["status"] == "available"


def test_a_whole_guest_with_a_table_is_seated(floor: Floor) -> None:
    for version in (True, False):
        guest, table = floor.new_guest(), floor.new_table()
        whole = guest if version else without_version(guest)
        after = floor.put("guests", whole, tableId=table["id"], status="seated")
        assert (after["tableId"], after["seatedTime"]) == (table["id"], after["lastUpdated"])


def test_a_whole_guest_whose_status_of_that_version_comes_along_is_seated_by_his_table(floor: Floor) -> None:
    guest, table = floor.new_guest(), floor.new_table()
    assert floor.put("guests", guest, tableId=table["id"])["status"] == "seated"


def test_without_a_version_the_present_table_counts_as_not_given(floor: Floor) -> None:
    guest, table = floor.party_at_table("notified")
    after = floor.change_guest(guest["id"], tableId=table["id"], notes="soon")
    assert (after["status"], after["tableId"]) == ("notified", table["id"])
    assert floor.table(table["id"])["status"] == "reserved"


def test_a_seated_guest_who_goes_back_to_waiting_with_his_present_table_beside_gives_it_up(floor: Floor) -> None:
    table, read = floor.new_table(), floor.new_guest()
    guest = floor.change_guest(read["id"], tableId=table["id"])
    after = floor.put("guests", without_version(guest), status="waitlist")
    assert (after["status"], after["tableId"]) == ("waitlist", None)
    assert floor.table(table["id"])["status"] == "available"
    floor.change_guest(read["id"], tableId=table["id"])
    after = floor.put("guests", read, status="notified", tableId=table["id"])
    assert (after["status"], after["tableId"]) == ("notified", None), "he was seated there since"


def test_without_a_version_the_present_guest_of_a_table_counts_as_not_given(floor: Floor) -> None:
    guest, table = floor.party_at_table("notified")
    after = floor.change_table(table["id"], currentGuestId=guest["id"], notes="wobbles")
    assert (after["status"], after["notes"]) == ("reserved", "wobbles")
    assert floor.guest(guest["id"]) == guest


def test_a_whole_table_set_dirty_finishes_the_guest_that_is_named_beside(floor: Floor) -> None:
    for version in (True, False):
        guest, table = floor.party_at_table()
        after = floor.put("tables", table if version else without_version(table), status="dirty")
        assert (after["status"], after["currentGuestId"]) == ("dirty", None)
        assert floor.guest(guest["id"])["status"] == "finished"


@pytest.mark.parametrize(
    ("status", "cleared"),
    [
        ("waitlist", "seatedTime"),
        ("waitlist", "notifiedTime"),
        ("confirmed", "seatedTime"),
        ("seated", "finishedTime"),
    ],
)
def test_without_a_version_a_present_time_counts_as_not_given(floor: Floor, status: str, cleared: str) -> None:
    guest = floor.new_guest(status="finished", notifiedTime=LATER, seatedTime=LATER, finishedTime=LATER)
    after = floor.put("guests", without_version(guest), status=status)
    assert after[cleared] is None


def test_the_present_time_written_with_another_offset_counts_as_not_given(floor: Floor) -> None:
    guest = floor.new_guest(status="seated", seatedTime="2030-01-15T20:00:00Z")
    after = floor.change_guest(guest["id"], status="waitlist", seatedTime="2030-01-15T21:00:00.5+01:00")
    assert after["seatedTime"] is None


def test_where_name_differs_name_is_meant(floor: Floor) -> None:
    for version in (True, False):
        guest = floor.new_guest(firstName="Ada", lastName="Lovelace")
        whole = guest if version else without_version(guest)
        after = floor.put("guests", whole, name="Grace Brewster Hopper")
        assert (after["firstName"], after["lastName"]) == ("Grace", "Brewster Hopper")


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"firstName": "Augusta"}, "Augusta Lovelace"), ({"firstName": "Grace", "lastName": "Hopper"}, "Grace Hopper")],
)
def test_where_first_name_differs_first_name_is_meant(floor: Floor, fields: dict[str, Any], name: str) -> None:
    for version in (True, False):
        guest = floor.new_guest(firstName="Ada", lastName="Lovelace")
        whole = guest if version else without_version(guest)
        assert floor.put("guests", whole, **fields)["name"] == name


def test_a_last_name_alone_may_change_in_a_whole_guest(floor: Floor) -> None:
    for version in (True, False):
        guest = floor.new_guest(firstName="Ada", lastName="Lovelace")
        whole = guest if version else without_version(guest)
        assert floor.put("guests", whole, lastName="Byron")["name"] == "Ada Byron"


def test_a_first_name_of_two_words_is_not_split_anew_by_the_name_beside_it(floor: Floor) -> None:
    for version in (True, False):
        guest = floor.new_guest(firstName="Mary Ann", lastName="Evans")
        whole = guest if version else without_version(guest)
        after = floor.put("guests", whole, notes="x")
        assert (after["name"], after["firstName"], after["lastName"]) == ("Mary Ann Evans", "Mary Ann", "Evans")


def test_on_a_create_first_name_is_meant(floor: Floor) -> None:
    guest = floor.new_guest(name="Grace Hopper", firstName="Ada", lastName="Lovelace")
    assert (guest["name"], guest["firstName"], guest["lastName"]) == ("Ada Lovelace", "Ada", "Lovelace")


def test_an_old_name_sent_back_does_not_undo_a_new_one(floor: Floor) -> None:
    read = floor.new_guest(firstName="Ada", lastName="Byron")
    floor.change_guest(read["id"], lastName="Lovelace")
    assert floor.put("guests", read, notes="countess")["name"] == "Ada Lovelace"
