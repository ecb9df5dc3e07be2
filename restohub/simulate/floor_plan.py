"""The room as the hosts know it: 60 tables, and which of them are free."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

FOURS, TWOS = 28, 32
SERVERS = ("Anna", "Ben", "Chiara", "Dan", "Eva", "Finn")


class Place(Struct):
    """A table; `free` means that a party may be put at it."""

    id: str
    number: int
    capacity: int
    free: bool = True

    def made(self) -> dict[str, Any]:
        """What the hub is told of it when the room is set up."""
        row, column = divmod(self.number - 1, 10)
        return {
            "id": self.id,
            "tableNumber": str(self.number),
            "capacity": self.capacity,
            "shape": "square" if self.capacity == 4 else "round",
            "section": "Garden" if row < 2 else "Hall",
            "server": SERVERS[row],
            "position": {"x": round(0.05 + column / 10, 3), "y": round(0.08 + row / 6, 3)},
        }


class FloorPlan:
    """The tables: fours first, so that two with neighbouring numbers can be pushed together."""

    def __init__(self) -> None:
        sizes = [4] * FOURS + [2] * TWOS
        self.places = [Place(f"t{number:02}", number, size) for number, size in enumerate(sizes, 1)]

    def fitting(self, size: int) -> tuple[Place, ...]:
        """The smallest free table for so many, or a free pair of neighbours; empty where there is none."""
        free = [place for place in self.places if place.free]
        alone = [place for place in free if place.capacity >= size]
        if alone:
            return (min(alone, key=lambda place: (place.capacity, place.number)),)
        fours = {place.number: place for place in free if place.capacity == 4}
        pairs = ((place, fours.get(place.number + 1)) for place in fours.values())
        return next(((one, other) for one, other in pairs if other is not None and 4 < size <= 8), ())
