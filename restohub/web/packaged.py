"""This file is the files that the package carries for its pages: read once, all of them when the hub starts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

FOLDERS = ("docs", "web/reference/text")


@cache
def packaged(path: str) -> bytes:
    """A file by its path in the package; raises FileNotFoundError."""
    return (files("restohub") / path).read_bytes()


def read_all() -> None:
    """Read them all: the one file unpacks them into a temporary folder, which may be tidied while the hub runs."""
    for folder in FOLDERS:
        _read(files("restohub") / folder, folder)


def _read(folder: Traversable, path: str) -> None:
    for one in folder.iterdir():
        if one.is_dir():
            _read(one, f"{path}/{one.name}")
        else:
            packaged(f"{path}/{one.name}")
