"""This file is the words of a log line: a client's text made plain, a length of time, an event for a machine."""

from __future__ import annotations

from typing import Any


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """A record's `extra`: what a machine reads of it beside the sentence. Never a guest's name, phone or note."""
    return {"fields": {"event": kind, **fields}}


def plain(text: str, most: int) -> str:
    """A text on one line, without anything that could steer a terminal, at most `most` characters long."""
    shown = "".join(one if one.isprintable() else " " for one in text[: 4 * most])
    return " ".join(shown.split())[:most]


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    for name, size, below in (("min", 60, 120), ("h", 3600, 48)):
        if seconds / size < below:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"
