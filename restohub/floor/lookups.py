"""What the operations of a batch look up, made at the first look and kept true as they go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import floor as round_down
from typing import TypeVar

from .folding import fold_label
from .model import Floor, Guest, Position, Table
from .visit_index import Index, OwnIndex, concerns, index_of

GRID_SIDE = 8

At = TypeVar("At", tuple[int, int], tuple[float, float])


class Places:
    """Where tables stand: how many on each spot, and of each grid that was asked for, how many in each cell."""

    def __init__(self, taken: Iterable[Position]) -> None:
        self._spots = Counter((place.x, place.y) for place in taken)
        self._grids: dict[int, Counter[tuple[int, int]]] = {}

    def move(self, left: Position | None, taken: Position | None) -> None:
        """A table went from one place to the other; None: it was or is not on the floor."""
        for place, step in ((left, -1), (taken, 1)):
            if place is not None:
                _count(self._spots, (place.x, place.y), step)
                for side, cells in self._grids.items():
                    _count(cells, _cell(place.x, place.y, side), step)

    def next_free(self) -> Position:
        """The first cell, row by row, of the coarsest square grid over the floor that has one no table stands in."""
        side = GRID_SIDE
        while True:
            cells = self._cells(side)
            for row in range(side):
                for column in range(side):
                    if (column, row) not in cells:
                        return Position(round((column + 0.5) / side, 4), round((row + 0.5) / side, 4))
            side *= 2

    def _cells(self, side: int) -> Counter[tuple[int, int]]:
        cells = self._grids.get(side)
        if cells is None:
            cells = self._grids[side] = Counter()
            for (x, y), count in self._spots.items():
                cells[_cell(x, y, side)] += count
        return cells


def _count(counted: Counter[At], at: At, step: int) -> None:
    counted[at] += step
    if not counted[at]:
        del counted[at]


def _cell(x: float, y: float, side: int) -> tuple[int, int]:
    return round_down(x * side), round_down(y * side)


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
