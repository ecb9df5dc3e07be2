"""Indexes for the operations of a batch, built at the first use and kept up to date from then on."""

from __future__ import annotations

from collections.abc import Iterable

from .model import Floor, Guest, Table
from .table_places import Places
from .text_folding import fold_label
from .visit_index import Index, OwnIndex, concerns, index_of


class Lookups:
    """What a decision has, by what it is looked for. Who asks gives the tables as they are, for the first look."""

    __slots__ = ("_finished", "_floor", "_numbers", "_places")

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._finished: OwnIndex | None = None
        self._numbers: dict[str, tuple[str, ...]] | None = None
        self._places: Places | None = None

    def finished(self) -> Index:
        """Who finished a visit, by phone and e-mail."""
        if self._finished is not None:
            return self._finished.index
        return index_of(self._floor.finished, self._floor.guests)

    def numbers(self, tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
        """The tables' ids by their numbers, folded; older data may have two of one."""
        if self._numbers is None:
            self._numbers = {}
            for table in tables:
                self._add_number(self._numbers, table)
        return self._numbers

    @staticmethod
    def _add_number(numbers: dict[str, tuple[str, ...]], table: Table) -> None:
        number = fold_label(table.table_number)
        numbers[number] = (*numbers.get(number, ()), table.id)

    def places(self, tables: Iterable[Table]) -> Places:
        """Where the tables stand."""
        if self._places is None:
            self._places = Places(table.position for table in tables)
        return self._places

    def guest_changed(self, before: Guest | None, after: Guest | None) -> None:
        """An operation left this guest so."""
        if concerns(before, after):
            if self._finished is None:
                self._finished = OwnIndex(self.finished())
            self._finished.move(before, after)

    def table_changed(self, before: Table | None, after: Table | None) -> None:
        """An operation left this table so."""
        if self._places is not None:
            self._places.move(before.position if before else None, after.position if after else None)
        if self._numbers is not None:
            if before is not None:
                number = fold_label(before.table_number)
                self._numbers[number] = tuple(one for one in self._numbers[number] if one != before.id)
            if after is not None:
                self._add_number(self._numbers, after)
