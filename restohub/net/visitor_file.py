"""The visitors' file in the data folder, which is no part of any backup."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from restohub.access.visitors import Visitor, Visitors

log = logging.getLogger("restohub")

VISITOR_FILE = "restohub.visitors"
# How often it is written where somebody new came.
WRITE_EVERY_S = 300.0


def read_visitors(folder: Path) -> Visitors:
    """Those that the file names; nobody where it cannot be read."""
    try:
        return Visitors(msgspec.json.decode((folder / VISITOR_FILE).read_bytes(), type=list[Visitor]))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Visitors()


def write_visitors(folder: Path, found: list[Visitor]) -> None:
    """Write the file, whole or not at all; never raises."""
    new = folder / f"{VISITOR_FILE}.new"
    try:
        new.write_bytes(msgspec.json.encode(found))
        new.replace(folder / VISITOR_FILE)
    except OSError as error:
        log.debug("%s cannot be written (%s).", new, error.strerror)


async def keep_visitors(
    folder: Path, visitors: Visitors, now: Callable[[], int], look_again: Callable[[], None]
) -> None:
    """Write the file from time to time, and at the end; each time `look_again` has everybody noted anew."""
    try:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            look_again()
            if visitors.changed:
                visitors.changed = False
                await asyncio.to_thread(write_visitors, folder, visitors.latest(now()))
    finally:
        if visitors.changed:
            write_visitors(folder, visitors.latest(now()))
