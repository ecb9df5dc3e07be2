"""Safe and readable text: others' names without control characters, lengths of time as people say them."""

from __future__ import annotations

import unicodedata

NAME_COLUMNS = 40


def printable(text: str, columns: int = NAME_COLUMNS) -> str:
    """A text on one line without control, formatting or unknown characters, cut to so many columns of a terminal."""
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


def one_line(text: str, most: int) -> str:
    """A text on one line, without anything that could steer a terminal, at most `most` characters long."""
    shown = "".join(one if one.isprintable() else " " for one in text[: 4 * most])
    return " ".join(shown.split())[:most]


def duration(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    for name, size, below in (("min", 60, 120), ("h", 3600, 48)):
        if seconds / size < below:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"
