"""This file is the golden files that the package carries: read one by one, listed, and served as one zip file."""

from __future__ import annotations

import io
from functools import cache
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from restohub.wire.answers import Answer

from .asking import Request
from .packaged import packaged

FOLDER = "docs/fixtures"
ZIP = [(b"content-type", b"application/zip"), (b"content-disposition", b'attachment; filename="fixtures.zip"')]


class Fixture(Struct, frozen=True, omit_defaults=True):
    """One golden file: its path, the type of its JSON, what it shows, and of an answer what was asked."""

    file: str
    type: str
    shows: str
    asked: str = ""
    status: int = 0


async def fixtures(request: Request) -> Answer:  # noqa: ARG001 (a handler's own form)
    """All golden files in one."""
    return Answer(200, ZIP, archive())


@cache
def archive() -> bytes:
    """The golden files as one zip file, the same bytes whenever it is made."""
    made = io.BytesIO()
    with ZipFile(made, "w") as zipped:
        for name in ("README.md", "index.json", *(one.file for one in index())):
            entry = ZipInfo(f"fixtures/{name}")
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, stored(name))
    return made.getvalue()


def index() -> list[Fixture]:
    """What golden files there are, in the order of their index."""
    return msgspec.json.decode(stored("index.json"), type=list[Fixture])


def stored(name: str) -> bytes:
    """A golden file by its path; raises FileNotFoundError."""
    return packaged(f"{FOLDER}/{name}")
