"""The search of a data folder's bytes for a person: raw, unpacked, in free pages, and in backups."""

from __future__ import annotations

import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

# Pages split a word anywhere: any so many letters of it are a find.
WINDOW = 7
PAGE = 1024
STEP = 32
# Where a stream of zlib may begin: its two header bytes are a multiple of 31.
STREAM = re.compile(b"[\x58\x68\x78][\x00-\xff]")


def finds(folder: Path, words: Iterable[str]) -> list[str]:
    """Where any of these words is left in the files of a folder: the file, and what was found."""
    pattern = windows(words)
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        for what, content in contents(path):
            if hit := pattern.search(content):
                found.append(f"{path.name}: {what}: {hit[0]!r} at {hit.start()}")
    return found


def windows(words: Iterable[str]) -> re.Pattern[bytes]:
    """What matches any window of any word."""
    parts: set[bytes] = set()
    for word in words:
        raw = word.encode()
        assert len(raw) >= WINDOW, word
        parts |= {raw[at : at + WINDOW] for at in range(len(raw) - WINDOW + 1)}
    return re.compile(b"|".join(map(re.escape, sorted(parts))))


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """What can be read in a file: its bytes, what is packed in them, and the database of a backup likewise."""
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    yield "bytes", raw
    yield "packed", b"\n".join(streams(raw))


def streams(raw: bytes) -> Iterator[bytes]:
    """What every zlib stream in these bytes unpacks to, as far as it goes; page by page, since pages split them too."""
    for hit in STREAM.finditer(raw):
        at = hit.start()
        if (raw[at] << 8 | raw[at + 1]) % 31 == 0:
            unpacker, said = zlib.decompressobj(), b""
            try:
                for step in range(at, at + 2 * PAGE, STEP):
                    said += unpacker.decompress(raw[step : step + STEP], 65_536)
            except zlib.error:
                pass
            if len(said) >= WINDOW:
                yield said


def free_pages(database: Path) -> list[bytes]:
    """The pages of a database that hold nothing, as SQLite lists them; without those in which that list stands."""
    raw = database.read_bytes()
    size = int.from_bytes(raw[16:18], "big")

    def page(number: int) -> bytes:
        return raw[(number - 1) * size : number * size]

    found, trunk = [], int.from_bytes(raw[32:36], "big")
    while trunk:
        whole = page(trunk)
        count = int.from_bytes(whole[4:8], "big")
        leaves = [int.from_bytes(whole[8 + 4 * at : 12 + 4 * at], "big") for at in range(count)]
        found += [page(leaf) for leaf in leaves]
        trunk = int.from_bytes(whole[:4], "big")
    return found


def answers_of(database: Path) -> list[bytes]:
    """Every kept answer, unpacked."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
        rows = opened.execute("SELECT answer FROM log WHERE answer IS NOT NULL").fetchall()
    return [zlib.decompress(answer) for (answer,) in rows]
