"""This file is what is kept, before the doctor: the database, the SQLite that keeps it, and the clock that dates it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from restohub.live.clock import Clock
from restohub.store.engine import SQLITE_VERSION, has_wal_reset_bug
from restohub.store.faults import DatabaseError, StorageFailedError, StorageFullError, StorageUnavailableError
from restohub.store.format import FolderError
from restohub.store.look import Seen, UnseenError, look
from restohub.store.rows import DamageError
from restohub.upkeep.time_server import kept_by_a_server
from restohub.wire.times import EPOCH

from .folder import size_text
from .report import Check

LOOK_WAIT_S = 3.0
# This restohub was made in the first of these years; in the last one nobody runs it any more.
YEARS = (2026, 2045)
BEHIND_S_MAX = 60


async def database(folder: Path) -> tuple[Check, Seen | None]:
    """Whether the next start would find everything as it was saved."""
    name = "database"
    try:
        seen = await look(folder, LOOK_WAIT_S)
    except DamageError as error:
        cure = "Keep a copy of the folder, then restore a backup."
        return Check(name, "wrong", f"It is damaged, and the hub would not serve it: {error}.", cure), None
    except (FolderError, StorageUnavailableError) as error:
        return Check(name, "wrong", str(error), "The hub would not start with it as it is."), None
    except (StorageFailedError, StorageFullError, DatabaseError) as error:
        cure = "Look after the disk, and keep a copy of the folder."
        return Check(name, "wrong", f"It cannot be read: {error}.", cure), None
    except UnseenError as error:
        return Check(name, "skipped", f"Not looked at: {error}"), None
    if seen is None:
        return Check(name, "well", "There is none yet; the first start makes it."), None
    found = f"It is as it was saved, {size_text(seen.size_bytes)} up to revision {seen.revisions:,}"
    rest = "." if seen.whole else f" (not all of it was looked at in {LOOK_WAIT_S:.0f} s)."
    return Check(name, "well", found + rest), seen


def engine() -> Check:
    """Whether the SQLite at hand has the one fault that could cost data."""
    if not has_wal_reset_bug():
        return Check("SQLite", "well", f"{SQLITE_VERSION}.")
    return Check(
        "SQLite",
        "well",
        f"{SQLITE_VERSION}. It has a known fault that the hub is safe from, since one connection writes; "
        "only let no other program write to the hub's database.",
    )


def clock(last_commit: int | None) -> Check:
    """Whether the machine's clock can be right, and is kept right."""
    name = "clock"
    now, behind = Clock().now(), Clock(last_commit or 0).behind_s()
    at = moment(now)
    cure = "Let the machine reach a time server (the Internet, many routers): sudo timedatectl set-ntp true"
    if not YEARS[0] <= (EPOCH + timedelta(seconds=now)).year <= YEARS[1]:
        return Check(name, "wrong", f"{at}: that cannot be.", cure)
    if behind > BEHIND_S_MAX:
        found = f"{at}, but the last change was saved {_span(behind)} later: the clock is behind, or was ahead then."
        return Check(name, "wrong", found, f"{cure}. Once it is right for an hour, the hub goes by it.")
    if kept_by_a_server() is False:
        found = f"{at}. No time server keeps it right, so it may drift, and start wrong after a power cut."
        return Check(name, "warning", found, cure)
    return Check(name, "well", f"{at}.")


def moment(seconds: int) -> str:
    """UTC seconds for a person, in the machine's own zone."""
    return f"{(EPOCH + timedelta(seconds=seconds)).astimezone():%d %B %Y, %H:%M}".lstrip("0")


def _span(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
