"""The floor as one commit would leave it: the changed entities over the unchanged floor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from .contacts import hashed, visit_of_guest
from .leaving import visit_left
from .lookups import Lookups
from .memory_size import growth
from .model import Change, Floor, Guest, Kind, Position, Stamp, Table
from .text_folding import fold_label
from .visit_index import Index


class Draft:
    """The working copy of one decision, or of one operation of it. None in `guests` or `tables` means removed."""

    __slots__ = ("_below", "_lookups", "counted", "floor", "guests", "stamp", "tables")

    def __init__(self, floor: Floor, stamp: Stamp, below: Draft | None = None) -> None:
        self.floor = floor
        self.stamp = stamp
        self.guests: dict[str, Guest | None] = {}
        self.tables: dict[str, Table | None] = {}
        self.counted: dict[str, tuple[str, str]] = {}
        self._below = below
        self._lookups: Lookups | None = None

    def fork(self) -> Draft:
        """A draft over this one to try one operation on, so that a failing one is rolled back by being forgotten."""
        return Draft(self.floor, self.stamp, self)

    def take(self, attempt: Draft) -> None:
        """Have what a fork did."""
        for guest_id, guest in attempt.guests.items():
            self._known.guest_changed(self.guest(guest_id), guest)
        for table_id, table in attempt.tables.items():
            self._known.table_changed(self.table(table_id), table)
        self.guests.update(attempt.guests)
        self.tables.update(attempt.tables)
        self.counted.update(attempt.counted)

    def guest(self, guest_id: str) -> Guest | None:
        """The guest as the draft has him."""
        if guest_id in self.guests:
            return self.guests[guest_id]
        return self.floor.guests.get(guest_id) if self._below is None else self._below.guest(guest_id)

    def guest_before(self, guest_id: str) -> Guest | None:
        """The guest as the draft found him."""
        return self.floor.guests.get(guest_id) if self._below is None else self._below.guest(guest_id)

    def table(self, table_id: str) -> Table | None:
        """The table as the draft has it."""
        if table_id in self.tables:
            return self.tables[table_id]
        return self.floor.tables.get(table_id) if self._below is None else self._below.table(table_id)

    def table_before(self, table_id: str) -> Table | None:
        """The table as the draft found it."""
        return self.floor.tables.get(table_id) if self._below is None else self._below.table(table_id)

    def finished(self) -> Index:
        """Who had finished a visit before this operation, by phone and e-mail."""
        return self._root._known.finished()

    def numbered(self, number: str, besides: str) -> Table | None:
        """Another table than this one that has the number, as people read it, before this operation."""
        root = self._root
        found = root._known.numbers(root._all_tables()).get(fold_label(number), ())
        others = [table_id for table_id in found if table_id != besides]
        return root.table(others[0]) if others else None

    def free_place(self) -> Position:
        """Where a new table may stand."""
        root = self._root
        return root._known.places(root._all_tables()).next_free()

    @property
    def _root(self) -> Draft:
        return self._below or self

    @property
    def _known(self) -> Lookups:
        if self._lookups is None:
            self._lookups = Lookups(self.floor)
        return self._lookups

    def _all_tables(self) -> Iterator[Table]:
        yield from (table for table in self.floor.tables.values() if table.id not in self.tables)
        yield from (table for table in self.tables.values() if table is not None)

    def was_used(self, kind: str, entity_id: str) -> bool:
        """Whether an entity of this floor has or had this id, as far as the floor remembers."""
        if entity_id in (self.guests if kind == "guest" else self.tables):
            return True
        if self._below is not None:
            return self._below.was_used(kind, entity_id)
        return self.floor.get(kind, entity_id) is not None or (kind, entity_id) in self.floor.removals

    def retire(self, guest: Guest) -> None:
        """Take a guest from the floor; a finished visit stays counted."""
        self.guests[guest.id] = None
        if guest.status == "finished":
            self.counted[guest.id] = hashed(visit_of_guest(guest), self.stamp.contact_key)

    def differs(self) -> bool:
        """Whether the draft has anything else than it found."""
        return any(guest != self.guest_before(i) for i, guest in self.guests.items()) or any(
            table != self.table_before(i) for i, table in self.tables.items()
        )

    def growth(self) -> tuple[int, int, int]:
        """How many guests, tables and bytes the draft has more than it found, or (negative) fewer."""
        guests = tables = size = 0
        for guest_id, guest in self.guests.items():
            was = self.guest_before(guest_id)
            if guest is None:
                guests -= was is not None
            elif was is None:
                guests += 1
            size += growth(was, guest)
        for table_id, table in self.tables.items():
            stood = self.table_before(table_id)
            if table is None:
                tables -= stood is not None
            elif stood is None:
                tables += 1
            size += growth(stood, table)
        return guests, tables, size

    def changes(self) -> tuple[Change, ...]:
        """The net effect, guests first: each entity once, what ended as it began not at all."""
        return (*self._net("guest", self.guests), *self._net("table", self.tables))

    def _net(self, kind: Kind, touched: Mapping[str, Guest | Table | None]) -> Iterator[Change]:
        revision, time = self.stamp.revision, self.stamp.time
        for entity_id, after in touched.items():
            before = self.floor.get(kind, entity_id)
            was = before.version if before else 0
            if after is None:
                visit = visit_left(before, revision, self.stamp.contact_key) if isinstance(before, Guest) else None
                yield Change(kind, entity_id, "delete", None, was, self.counted.get(entity_id), visit)
            elif before is None:
                made = structs.replace(
                    after,
                    created_at=time,
                    last_updated=time,
                    version=revision,
                    created_revision=revision,
                    created_from=self.stamp.created_from,
                )
                yield Change(kind, entity_id, "create", made, was)
            elif after != before:
                yield Change(
                    kind, entity_id, "update", structs.replace(after, last_updated=time, version=revision), was
                )
