"""Unused bytes of the database file, in which SQLite leaves copies of rows: found, and zeroed where they are.

SQLite zeroes a row that it frees (`secure_delete = FAST`), but not a page that it frees, nor what was in a page that it
lays out anew, nor the end of a row's last overflow page. No statement reaches those bytes, so they are written in the
file itself. Nobody else writes there meanwhile (`Eraser.wipe` says why), nobody reads them, and a power cut leaves each
of them as it was or zero: SQLite trusts a disk as far ("powersafe overwrite"). https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import error as struct_error
from struct import unpack_from
from typing import NamedTuple

from msgspec import Struct

from .codec import DamageError
from .connection import PAGE_BYTES
from .data_folder import wal_path

INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
# By which a page of a tree begins, and the bytes of its header. Overflow pages and trunks of the free list begin with
# the number of another page, that is with 0 in a file below 16 GiB. Page 1 begins with the file's header.
HEADERS = {INDEX_INTERIOR: 12, TABLE_INTERIOR: 12, INDEX_LEAF: 8, TABLE_LEAF: 8}
FILE_HEADER_BYTES = 100
# Where the file's header has the size of a page, what of it is reserved, the free list, and whether there is a map of
# pages (which the hub never asks SQLite for).
SIZE_AT, RESERVED_AT, FREE_AT, MAP_AT = 16, 20, 32, 52
WAL_HEADER_BYTES, FRAME_BYTES = 32, 24 + PAGE_BYTES


class Span(NamedTuple):
    """Some bytes of a page."""

    page: int
    start: int
    end: int


class FreeList(Struct, frozen=True):
    """The free pages, and for each page in which their list stands those that it names."""

    pages: set[int]
    trunks: dict[int, list[int]]


class DatabasePages:
    """A database file, beside SQLite and kept open: closing it would drop SQLite's locks.

    Every method that reads a page raises DamageError where it cannot be what it has to be, and OSError.
    """

    def __init__(self, path: Path) -> None:
        self._wal = wal_path(path.parent)
        self._usable = 0
        # The last that may fail here: a file that was opened and is given up closes, and drops the locks.
        self._file = path.open("r+b", buffering=0)

    def numbers(self) -> range:
        """The numbers of all pages."""
        return range(1, os.fstat(self._file.fileno()).st_size // PAGE_BYTES + 1)

    def in_wal(self) -> set[int]:
        """The pages that the write-ahead log has, or had since it was last cut to nothing."""
        raw = self._wal.read_bytes()[WAL_HEADER_BYTES:]
        return {int.from_bytes(raw[at : at + 4], "big") for at in range(0, len(raw), FRAME_BYTES)} - {0}

    def free_list(self) -> FreeList:
        """The free list as it is; what is read of pages later needs it."""
        header = self._read(0, FILE_HEADER_BYTES)
        if len(header) < FILE_HEADER_BYTES or unpack_from(">H", header, SIZE_AT) != (PAGE_BYTES,):
            raise DamageError("the pages of the database are not such as the hub makes")
        if any(header[MAP_AT : MAP_AT + 4]):
            raise DamageError("the database has a map of its pages, which the hub never makes")
        self._usable = PAGE_BYTES - header[RESERVED_AT]
        found = FreeList(set(), {})
        number, total = unpack_from(">II", self._read(FREE_AT, 8))
        while number:
            page = self._page(number)
            following, count = unpack_from(">II", page) if len(page) == PAGE_BYTES else (0, PAGE_BYTES)
            if number in found.trunks or 8 + 4 * count > self._usable:
                raise DamageError(f"the free list cannot be read at page {number}")
            found.trunks[number] = [*unpack_from(f">{count}I", page, 8)]
            found.pages.update(found.trunks[number])
            number = following
        if len(found.pages) + len(found.trunks) != total:
            raise DamageError("the free list has not as many pages as it says")
        return found

    def stale(self, numbers: Iterable[int], free: FreeList) -> set[int]:
        """Which of these pages have what `wipe` would zero."""
        return {number for number in numbers for _ in self._stale(number, free)}

    def wipe(self, numbers: Iterable[int], most: int) -> set[int]:
        """Zero what is unused in and behind these pages, until so many are zeroed; which were looked at.

        Behind a page are the last overflow pages of its rows, and the free pages that are named there: once a page of
        either kind is freed, the page that names it is written.
        """
        free, seen = self.free_list(), set()
        for number in numbers:
            for span in list(self._stale(number, free)):
                self._file.seek((span.page - 1) * PAGE_BYTES + span.start)
                self._file.write(bytes(span.end - span.start))
                most -= 1
            seen.add(number)
            if most <= 0:
                break
        return seen

    def sync(self) -> None:
        """Bring what was zeroed to the disk."""
        os.fsync(self._file.fileno())

    def _stale(self, number: int, free: FreeList) -> Iterator[Span]:
        page = self._page(number)
        for span in self._unused(number, page, free):
            content = page if span.page == number else self._page(span.page)
            if content[span.start : span.end].strip(b"\0"):
                yield span

    def _unused(self, number: int, page: bytes, free: FreeList) -> Iterator[Span]:
        try:
            yield from self._unused_parts(number, page, free)
        except (IndexError, struct_error) as error:
            raise DamageError(f"page {number} of the database cannot be read") from error

    def _unused_parts(self, number: int, page: bytes, free: FreeList) -> Iterator[Span]:
        if number in free.trunks:
            named = free.trunks[number]
            yield Span(number, 8 + 4 * len(named), self._usable)
            yield from (Span(leaf, 0, self._usable) for leaf in named)
        elif number not in free.pages:
            start = FILE_HEADER_BYTES if number == 1 else 0
            if page and page[start] in HEADERS:
                yield from self._unused_in_tree(number, page, start)

    def _unused_in_tree(self, number: int, page: bytes, start: int) -> Iterator[Span]:
        kind, block, count, content = unpack_from(">BHHH", page, start)
        cells_at = start + HEADERS[kind]
        cells_end = cells_at + 2 * count
        if not cells_end <= content <= self._usable:
            raise DamageError(f"page {number} of the database cannot be read")
        yield Span(number, cells_end, content)
        while block:
            following, size = unpack_from(">HH", page, block) if content <= block <= self._usable - 4 else (0, 0)
            if size < 4 or block + size > self._usable or 0 < following <= block:
                raise DamageError(f"page {number} of the database cannot be read")
            yield Span(number, block + 4, block + size)
            block = following
        if kind != TABLE_INTERIOR:
            for cell in unpack_from(f">{count}H", page, cells_at):
                yield from self._unused_behind(number, page, kind, cell)

    def _unused_behind(self, number: int, page: bytes, kind: int, at: int) -> Iterator[Span]:
        """What is unused of the last overflow page of the row at this place of a page, where it has one."""
        length, at = _varint(page, at + 4 if kind == INDEX_INTERIOR else at)
        most = self._usable - 35 if kind == TABLE_LEAF else (self._usable - 12) * 64 // 255 - 23
        if length <= most:
            return
        if kind == TABLE_LEAF:
            _, at = _varint(page, at)
        least, step = (self._usable - 12) * 32 // 255 - 23, self._usable - 4
        local = least + (length - least) % step
        local = local if local <= most else least
        left, following = length - local, page[at + local : at + local + 4]
        if left > os.fstat(self._file.fileno()).st_size:
            raise DamageError(f"a row in page {number} of the database is longer than the file")
        while left > 0 and any(following):
            last = int.from_bytes(following, "big")
            following = self._read((last - 1) * PAGE_BYTES, 4)
            left -= step
        if left > 0 or any(following):
            raise DamageError(f"a row in page {number} of the database cannot be read")
        yield Span(last, 4 + step + left, self._usable)

    def _page(self, number: int) -> bytes:
        return self._read((number - 1) * PAGE_BYTES, PAGE_BYTES)

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size) or b""


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """A number of SQLite's, and where it ends."""
    value = 0
    for byte in page[at : at + 8]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | page[at], at + 1
