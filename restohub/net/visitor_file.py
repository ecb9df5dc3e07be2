"""The visitors' file in the data folder, which is no part of any backup."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from restohub.access.visitors import Visitor, Visitors
from restohub.limits import SPOKE_S
from restohub.live.address_usage import Callers

log = logging.getLogger("restohub")

VISITOR_FILE = "restohub.visitors"
# How often it is written where somebody new came.
WRITE_EVERY_S = 300.0


class Spoke(Struct, frozen=True):
    """An adopted device that spoke from an address, and when (UTC seconds): its sockets come back after a restart."""

    address: str
    device: str
    at: int


class VisitorFile(Struct, frozen=True):
    """What is remembered of those without a token."""

    visitors: list[Visitor] = []
    spoke: list[Spoke] = []


def read_visitors(folder: Path) -> VisitorFile:
    """What the file says; nothing where it cannot be read."""
    try:
        return msgspec.json.decode((folder / VISITOR_FILE).read_bytes(), type=VisitorFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return VisitorFile()


def write_visitors(folder: Path, found: VisitorFile) -> None:
    """Write the file, whole or not at all; never raises."""
    new = folder / f"{VISITOR_FILE}.new"
    try:
        new.write_bytes(msgspec.json.encode(found))
        new.replace(folder / VISITOR_FILE)
    except OSError as error:
        log.debug("%s cannot be written (%s).", new, error.strerror)


def remember_spoke(callers: Callers, spoke: list[Spoke], now: int) -> None:
    """Have the addresses known again from which adopted devices spoke lately."""
    for one in spoke:
        caller = callers.of(one.address)
        caller.spoke_as, caller.spoke_at = one.device, callers.now() - max(0, now - one.at)


async def keep_visitors(folder: Path, visitors: Visitors, callers: Callers, now: Callable[[], int]) -> None:
    """Write the file from time to time, and at the end; each time everybody is noted anew."""
    before: list[Spoke] = []
    try:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            callers.look_again()
            spoke = _spoke(callers, now())
            if visitors.changed or spoke != before:
                visitors.changed, before = False, spoke
                found = VisitorFile(visitors.latest(now()), spoke)
                await asyncio.to_thread(write_visitors, folder, found)
    finally:
        spoke = _spoke(callers, now())
        if visitors.changed or spoke != before:
            write_visitors(folder, VisitorFile(visitors.latest(now()), spoke))


def _spoke(callers: Callers, now: int) -> list[Spoke]:
    lately = [(one, callers.now() - one.spoke_at) for one in callers.spoke()]
    return [Spoke(one.address, one.spoke_as, now - int(ago)) for one, ago in lately if ago <= SPOKE_S]
