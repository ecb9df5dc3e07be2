"""This file is the files that the package carries for its pages: read once, all of them when the hub starts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
# For the tests of an app: a hub sends them as one zip file.
NOT_SERVED = DOCS / "fixtures"


@cache
def packaged(name: str) -> bytes:
    """A file by its path below `docs`; raises FileNotFoundError."""
    return (DOCS / name).read_bytes()


def documents() -> list[str]:
    """The Markdown documents by their paths below `docs`, without `.md`, in alphabetical order."""
    return [name.removesuffix(".md") for name in _names() if name.endswith(".md")]


def read_all() -> None:
    """Read them all: the one file unpacks them into a temporary folder, which may be tidied while the hub runs."""
    for name in _names():
        packaged(name)


def _names() -> list[str]:
    found = (path for path in DOCS.rglob("*.*") if NOT_SERVED not in path.parents and path.is_file())
    return sorted(path.relative_to(DOCS).as_posix() for path in found if path.suffix != ".pyc")
