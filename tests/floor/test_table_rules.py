"""Rules of tables that take a history to see: what a client had seen long ago and sends again."""

from __future__ import annotations

from restohub.floor.commands import GuestFields, TableFields, Update
from restohub.floor.verdicts import Refused
from tests.floor.story import Story


def test_a_capacity_is_not_lowered_below_the_party_whose_id_is_sent_along() -> None:
    story = Story().furnish()
    seen = story.floor.tables["t3"]  # read while it was free
    story.tell(Update(kind="guest", id="g3", fields=GuestFields(table_id="t3")))
    verdict = story.tell(
        Update(kind="table", id="t3", fields=TableFields(capacity=2, current_guest_id="g3"), seen=seen)
    )
    assert isinstance(verdict, Refused), "a party of 6 sits at a table that seats 2"
    assert verdict.code == "party_exceeds_capacity"


def test_a_table_given_to_the_guest_who_holds_it_stays_as_it_is() -> None:
    story = Story().furnish()
    seen = story.floor.tables["t2"]
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(table_id="t2", status="notified")))
    before = story.floor
    story.tell(Update(kind="table", id="t2", fields=TableFields(current_guest_id="g2"), seen=seen))
    assert story.floor is before


def test_an_old_copy_of_a_free_table_does_not_clear_it() -> None:
    story = Story().furnish()
    seen = story.floor.tables["t2"]
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(table_id="t2")))
    whole = TableFields(
        table_number=seen.table_number,
        capacity=seen.capacity,
        status=seen.status,
        current_guest_id=seen.current_guest_id,
        notes="wobbles",
    )
    story.tell(Update(kind="table", id="t2", fields=whole, seen=seen))
    table = story.floor.tables["t2"]
    assert (table.current_guest_id, table.status, table.notes) == ("g2", "occupied", "wobbles")
