"""This file is the floor as one commit would leave it: what was touched, laid over what stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from .contacts import visit_of_guest
from .nouns import Change, Floor, Guest, Kind, Stamp, Table


class Draft:
    """The working copy of one decision. None in `guests` or `tables` means removed."""

    __slots__ = ("floor", "guests", "stamp", "tables", "visits")

    def __init__(self, floor: Floor, stamp: Stamp) -> None:
        self.floor = floor
        self.stamp = stamp
        self.guests: dict[str, Guest | None] = {}
        self.tables: dict[str, Table | None] = {}
        self.visits: dict[str, tuple[str, str]] = {}

    def fork(self) -> Draft:
        """A copy to try one operation on, so that a failing one is rolled back by being forgotten."""
        other = Draft(self.floor, self.stamp)
        other.guests, other.tables, other.visits = dict(self.guests), dict(self.tables), dict(self.visits)
        return other

    def guest(self, guest_id: str) -> Guest | None:
        """The guest as the draft has him."""
        return self.guests[guest_id] if guest_id in self.guests else self.floor.guests.get(guest_id)

    def table(self, table_id: str) -> Table | None:
        """The table as the draft has it."""
        return self.tables[table_id] if table_id in self.tables else self.floor.tables.get(table_id)

    def get(self, kind: str, entity_id: str) -> Guest | Table | None:
        """The guest or table as the draft has it."""
        return self.guest(entity_id) if kind == "guest" else self.table(entity_id)

    def all_guests(self) -> Iterator[Guest]:
        """Every guest as the draft has them."""
        yield from (guest for guest in self.floor.guests.values() if guest.id not in self.guests)
        yield from (guest for guest in self.guests.values() if guest is not None)

    def all_tables(self) -> Iterator[Table]:
        """Every table as the draft has them."""
        yield from (table for table in self.floor.tables.values() if table.id not in self.tables)
        yield from (table for table in self.tables.values() if table is not None)

    def was_used(self, kind: str, entity_id: str) -> bool:
        """Whether an entity of this floor has or had this id, as far as the floor remembers."""
        touched = self.guests if kind == "guest" else self.tables
        here = self.floor.get(kind, entity_id) is not None
        return here or entity_id in touched or (kind, entity_id) in self.floor.removals

    def retire(self, guest: Guest) -> None:
        """Take a guest from the floor; a finished visit stays counted."""
        self.guests[guest.id] = None
        if guest.status == "finished":
            self.visits[guest.id] = visit_of_guest(guest)

    def changes(self) -> tuple[Change, ...]:
        """The net effect, guests first: each entity once, what ended as it began not at all."""
        return (*self._net("guest", self.guests), *self._net("table", self.tables))

    def _net(self, kind: Kind, touched: Mapping[str, Guest | Table | None]) -> Iterator[Change]:
        revision, time = self.stamp.revision, self.stamp.time
        for entity_id, after in touched.items():
            before = self.floor.get(kind, entity_id)
            was = before.version if before else 0
            if after is None:
                yield Change(kind, entity_id, "delete", None, was, self.visits.get(entity_id))
            elif before is None:
                made = {"created_at": time, "last_updated": time, "version": revision, "created_revision": revision}
                yield Change(kind, entity_id, "create", structs.replace(after, **made), was)
            elif after != before:
                yield Change(
                    kind, entity_id, "update", structs.replace(after, last_updated=time, version=revision), was
                )
