"""Check of the backups: when the last good one was made, where it lies, and what went wrong since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restohub.limits import SET_ASIDE_DAYS
from restohub.live.backup_warnings import is_late
from restohub.live.clock import Clock
from restohub.live.ports import DAY_S
from restohub.store.backup_file import is_encrypted
from restohub.store.backup_folder import found_in, newest_good, own_folder, places_state, set_aside
from restohub.store.encryption import fault_of
from restohub.store.inspection import DatabaseState

from .folder import size_text
from .machine_clock import local_time_text
from .report import Check

MAKE = "`restohub backup` makes one now. The hub makes one every night after the close of the day, while it runs."


def check_backups(data: Path, places: Sequence[str], key: str | None, seen: DatabaseState | None) -> Check:
    """How the backups are of what was seen in the database; `key` is the one that they are encrypted to."""
    name = "backups"
    if (fault := fault_of(key)) is not None:
        return Check(name, "wrong", "There can be none: they are to be encrypted, and cannot be.", fault)
    # A place on a dead network would not answer: what lies there was noted by the last backup.
    good = [one for one in found_in(own_folder(data)) if one.manifest is not None]
    now = Clock(seen.last_commit if seen else 0).now()
    aside = _aside(data)
    if not good or good[0].manifest is None:
        found = f"There is none in {own_folder(data)}.{aside}"
        late = seen is not None and is_late(seen.since, now)
        return Check(name, "warning", found, MAKE) if late else Check(name, "well", f"There is none yet.{aside}")
    last = good[0]
    states = [one for one in places_state(data) if one.place in places]
    where = " and in ".join([str(own_folder(data)), *(one.place for one in states if one.fault is None)])
    found = f"The last is of {local_time_text(good[0].manifest.time)}, {size_text(last.size_bytes)}, in {where}.{aside}"
    if is_late(good[0].manifest.time, now):
        return Check(name, "warning", found, MAKE)
    missing = [one.fault for one in states if one.fault is not None]
    if missing:
        return Check(name, "warning", f"{found} A copy is missing.", " ".join(missing))
    return Check(name, "well", found)


def newest_backup(data: Path, places: Sequence[str]) -> str:
    """What to say where data are damaged: the newest good backup, and the one command that brings it back."""
    found = newest_good(data, places)
    if found is None or found.manifest is None:
        return "There is no good backup in it; look for one elsewhere."
    command = f"restohub restore '{found.path}' --data '{data}'"
    told = f"The newest good backup is of {local_time_text(found.manifest.time)}: "
    if is_encrypted(found.path):
        return f"{told}`{command} --key KEY` puts it back, where KEY is the file with its secret key."
    return f"{told}`{command}` puts it back."


def _aside(data: Path) -> str:
    """What restored backups took the place of."""
    told = [f" What a restore took the place of lies in {path} until {local_time_text(when + SET_ASIDE_DAYS * DAY_S)}."
            for path, when in set_aside(data)]  # fmt: skip
    return "".join(told)
