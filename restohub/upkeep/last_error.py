"""The hub's last error, kept in the data folder until it starts well again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from restohub.live.clock import Clock
from restohub.wire.times import time_text

FILE = "restohub.stopped"
BYTES_MAX = 2000


def note_error(folder: Path, sentence: str) -> None:
    """Keep why the hub ended, and when; never raises: on a full or read-only disk nothing is kept."""
    text = f"{time_text(Clock().now())} {' '.join(sentence.split())}\n"
    with suppress(OSError):
        (folder / FILE).touch(0o600)
        (folder / FILE).write_bytes(text.encode("utf-8", "replace")[:BYTES_MAX])


def forget_error(folder: Path) -> None:
    """The hub runs, so what kept it from running is past; never raises."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)


def last_error(folder: Path) -> tuple[str, str] | None:
    """When (as in the contract, UTC) and why the last start ended on an error; None where nothing is known."""
    try:
        with (folder / FILE).open("rb") as file:
            text = file.read(BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return None
    time, _, sentence = text.strip().partition(" ")
    return (time, sentence) if sentence else None
