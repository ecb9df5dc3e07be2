"""Long lists in pieces: JSON that is made as it is sent, never all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from restohub.floor import model
from restohub.limits import PIECE_BYTES, WHOLE_BYTES_MAX

from .entities import entity_out
from .responses import encode

# No guest, table or change is smaller: so many of them need not be tried.
ITEM_BYTES_MIN = 64
SURELY_LONG_BYTES = WHOLE_BYTES_MAX * 5 // 4

Encode = Callable[[Any], bytes]


def entity_json(entity: model.Guest | model.Table) -> bytes:
    """A guest or table as JSON."""
    return encode(entity_out(entity))


def joined_whole(items: Sequence[Any], one: Encode) -> bytes | None:
    """The items as JSON with commas between them, None where that is more than WHOLE_BYTES_MAX.

    None too where it would be much more if all were as long as the first: most of the work would be for nothing.
    """
    if len(items) * ITEM_BYTES_MIN > WHOLE_BYTES_MAX:
        return None
    parts: list[bytes] = []
    room = WHOLE_BYTES_MAX
    for item in items:
        part = one(item)
        room -= len(part) + 1
        if room < 0 or (not parts and len(items) * len(part) > SURELY_LONG_BYTES):
            return None
        parts.append(part)
    return b",".join(parts)


class Pieces:
    """Items as JSON in pieces of at most PIECE_BYTES, or of one larger item; each but the first begins with its comma.

    `measure` finds where the pieces begin and how long they are; after that each can be made again by its number.
    `keep_bytes` is how much of what was made for measuring is kept until `let_go`.
    """

    def __init__(self, items: Sequence[Any], one: Encode, keep_bytes: int = 0) -> None:
        self._items = items
        self._one = one
        self._starts: list[int] = []
        self._kept: dict[int, bytes] = {}
        self._keep_bytes = keep_bytes
        self.size = 0

    def __len__(self) -> int:
        """How many pieces there are, once they are measured."""
        return len(self._starts)

    def measure(self) -> Iterator[None]:
        """Find the pieces, one at each step."""
        start = 0
        while start < len(self._items):
            end, piece = self._made(start)
            if self.size + len(piece) <= self._keep_bytes:
                self._kept[len(self._starts)] = piece
            self._starts.append(start)
            self.size += len(piece)
            start = end
            yield

    def __getitem__(self, number: int) -> bytes:
        """A piece by its number, once it is measured."""
        kept = self._kept.get(number)
        return self._made(self._starts[number])[1] if kept is None else kept

    def __iter__(self) -> Iterator[bytes]:
        """All pieces, once they are measured, each made when it is asked for."""
        return map(self.__getitem__, range(len(self._starts)))

    def unmeasured(self) -> Iterator[bytes]:
        """All pieces in turn, each made when it is asked for."""
        start = 0
        while start < len(self._items):
            start, piece = self._made(start)
            yield piece

    def let_go(self) -> None:
        """Keep nothing from here on."""
        self._kept.clear()
        self._keep_bytes = 0

    def _made(self, start: int) -> tuple[int, bytes]:
        """The piece that begins with an item, and the item that the next one begins with."""
        items, one = self._items, self._one
        glue = b"," if start else b""
        parts: list[bytes] = []
        room = PIECE_BYTES
        for at in range(start, len(items)):
            part = one(items[at])
            room -= len(part) + 1
            if room < 0 and parts:
                return at, glue + b",".join(parts)
            parts.append(part)
        return len(items), glue + b",".join(parts)
