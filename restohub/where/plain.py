"""This file is text that is safe to show: names that others chose never move a terminal's cursor or hide a line."""

from __future__ import annotations

import sys
import unicodedata
from typing import TextIO

import typer

NAME_COLUMNS = 40


def plain(text: str, columns: int = NAME_COLUMNS) -> str:
    """A text on one line without control, formatting or unknown characters, cut to so many columns."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    if width(shown) <= columns:
        return shown
    end = 0
    while width(shown[: end + 1]) < columns:
        end += 1
    return shown[:end] + "…"


def width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text
    )


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print a line, with `?` for what the stream's encoding does not have."""
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    typer.echo(text.encode(encoding, "replace").decode(encoding), file=stream)
