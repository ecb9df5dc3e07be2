"""The fields of a log record that machines read beside its sentence."""

from __future__ import annotations

from typing import Any


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """A record's `extra`: what a machine reads of it beside the sentence. Never a guest's name, phone or note."""
    return {"fields": {"event": kind, **fields}}
