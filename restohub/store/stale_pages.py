"""Stale copies of rows: what SQLite leaves in the unused part of a page when it redistributes the rows of several.

It zeroes what it frees (`secure_delete = FAST`), but builds such pages anew over what was in them, and the end of a
row's last overflow page may be of an earlier row. Neither is reached by any statement, but a row that grows into that
space overwrites it. File format: https://www.sqlite.org/fileformat2.html.

Two places are not reached: up to some 30 bytes beside a row that is alone in its page and fills it, and the unused part
of a page that SQLite made of a freed one where a tree grew by a level: of an index, or between root and leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path

from msgspec import Struct

from .connection import PAGE_BYTES

TABLE_INTERIOR, TABLE_LEAF = 5, 13
HEADER_BYTES = 8
# An interior page has behind its header the page of its last child, and each cell begins with that of a child.
LAST_CHILD, INTERIOR_HEADER_BYTES = slice(8, 12), 12
# The most that a row has in its own leaf page; a larger one leaves LEAST there or what fills its overflow pages.
MOST = PAGE_BYTES - 35
LEAST = (PAGE_BYTES - 12) * 32 // 255 - 23
OVERFLOW_BYTES = PAGE_BYTES - 4
# A checksum and a length may take so many bytes more.
SLACK = 8
# Fewer bytes are no word, but places of rows that were there.
WORD_BYTES = 7
READ_BYTES = 64 * 1024


class Growth(Struct, frozen=True):
    """The row (its position in the log) that is to grow by so many bytes, to fill a page."""

    position: int
    bytes: int


class Cell(Struct, frozen=True):
    """A row as a leaf page has it: its position and length, what of it is in the page itself, and in how many bytes.

    `overflow` is the first page of the rest.
    """

    position: int
    length: int
    local: int
    size: int
    overflow: int

    @property
    def lead(self) -> int:
        """How many bytes it has to grow by before what is in the page itself grows."""
        spilled = (self.length - LEAST) % OVERFLOW_BYTES
        return OVERFLOW_BYTES - spilled if self.length > MOST and LEAST + spilled > MOST else 0


class PageReader:
    """Reads the file of a database beside SQLite, and keeps it open: closing it would drop SQLite's locks."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)

    def leaves(self, root: int) -> set[int]:
        """The leaf pages of a table, from its root page on."""
        found: set[int] = set()
        seen, above = {root}, [root]
        while above:
            number = above.pop()
            page = self._page(number)
            if page[:1] == bytes([TABLE_LEAF]):
                found.add(number)
            elif page[:1] == bytes([TABLE_INTERIOR]):
                cells = [page[at : at + 4] for at in _offsets(page, INTERIOR_HEADER_BYTES)]
                below = {int.from_bytes(child, "big") for child in (page[LAST_CHILD], *cells)} - seen
                seen |= below
                above += below
        return found

    def stale(self, first: int, leaves: Set[int]) -> tuple[list[Growth], int]:
        """Which rows of these leaf pages have to grow, of some pages from the page `first` on.

        With the page to go on with, 0 at the end.
        """
        self._file.seek((first - 1) * PAGE_BYTES)
        raw = self._file.read(READ_BYTES) or b""
        found: list[Growth] = []
        for at in range(0, len(raw), PAGE_BYTES):
            if raw[at] == TABLE_LEAF and first + at // PAGE_BYTES in leaves:
                found += self._grown(raw[at : at + PAGE_BYTES])
        return found, first + len(raw) // PAGE_BYTES if len(raw) == READ_BYTES else 0

    def _grown(self, page: bytes) -> Iterator[Growth]:
        """The rows of a leaf page that have to grow: one for its own unused part, each for its last overflow page."""
        cells = [_cell(page, at) for at in sorted(_offsets(page), reverse=True)]
        if not cells:
            return
        cells_at = HEADER_BYTES + 2 * len(cells)
        unused = page[cells_at : int.from_bytes(page[5:7], "big")]
        if len(unused.strip(b"\0")) >= WORD_BYTES:
            # Not the lowest in the page, and over all that is free in it: there is room for it only once SQLite has put
            # the page together anew, zeroed.
            grown = min(cells[:-1], key=lambda cell: cell.local, default=cells[0])
            free = PAGE_BYTES - cells_at - sum(cell.size for cell in cells)
            room = min(free, MOST - grown.local) - SLACK
            if room > 0 or len(cells) > 1:
                yield Growth(grown.position, grown.lead + max(room, 1))
        for cell in cells:
            used = (cell.length - cell.local) % OVERFLOW_BYTES
            if used and any(self._last_page(cell)[4 + used :]):
                yield Growth(cell.position, OVERFLOW_BYTES - used)

    def _last_page(self, cell: Cell) -> bytes:
        number, page = cell.overflow, b""
        for _ in range(-(-(cell.length - cell.local) // OVERFLOW_BYTES)):
            page = self._page(number)
            number = int.from_bytes(page[:4], "big")
            if not number:
                break
        return page

    def _page(self, number: int) -> bytes:
        self._file.seek((number - 1) * PAGE_BYTES)
        return self._file.read(PAGE_BYTES) or b""


def _offsets(page: bytes, header: int = HEADER_BYTES) -> list[int]:
    """Where the cells of a page are; none where they cannot be there: it was written while it was read."""
    count = int.from_bytes(page[3:5], "big")
    if header + 2 * count > len(page):
        return []
    found = [int.from_bytes(page[at : at + 2], "big") for at in range(header, header + 2 * count, 2)]
    return found if all(header < at < len(page) - 3 for at in found) else []


def _cell(page: bytes, start: int) -> Cell:
    length, at = _varint(page, start)
    position, at = _varint(page, at)
    local = length
    if length > MOST:
        local = LEAST + (length - LEAST) % OVERFLOW_BYTES
        local = local if local <= MOST else LEAST
    end = at + local
    overflow = int.from_bytes(page[end : end + 4], "big") if local < length else 0
    return Cell(position, length, local, end + (4 if local < length else 0) - start, overflow)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = page[at + count] if at + count < len(page) else 0
        if count == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    raise AssertionError("unreachable")
