"""Where tables stand, and the next free place for one that comes without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import floor as round_down
from typing import TypeVar

from .model import Position

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
