"""Check of the backups: when the last good one was made, where it lies, and what went wrong since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restohub.limits import BACKUP_MISSED_S, SET_ASIDE_DAYS
from restohub.live.clock import Clock
from restohub.live.ports import DAY_S
from restohub.store.backup_folder import all_backups, newest_good, own_folder, places_state, set_aside

from .folder import size_text
from .machine_clock import moment
from .report import Check

MAKE = "`restohub backup` makes one now. The hub makes one every night after the close of the day, while it runs."


def backups(data: Path, places: Sequence[str], since: int | None) -> Check:
    """How the backups are; `since` is when there was first something to back up (UTC seconds, None: never)."""
    name = "backups"
    # A place on a dead network would not answer: what lies there was noted by the last backup.
    good = [one for one in all_backups(data, ()) if one.manifest is not None]
    now = Clock().now()
    aside = _aside(data)
    if not good or good[0].manifest is None:
        found = f"There is none in {own_folder(data)}.{aside}"
        new = since is None or now - since < BACKUP_MISSED_S
        return Check(name, "well", f"There is none yet.{aside}") if new else Check(name, "warning", found, MAKE)
    last = good[0]
    states = [one for one in places_state(data) if one.place in places]
    where = " and in ".join([str(own_folder(data)), *(one.place for one in states if one.fault is None)])
    found = f"The last is of {moment(good[0].manifest.time)}, {size_text(last.size_bytes)}, in {where}.{aside}"
    if now - good[0].manifest.time > BACKUP_MISSED_S:
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
    return f"The newest good backup is of {moment(found.manifest.time)}: `{command}` puts it back."


def _aside(data: Path) -> str:
    """What restored backups took the place of."""
    told = [f" What a restore took the place of lies in {path} until {moment(when + SET_ASIDE_DAYS * DAY_S)}."
            for path, when in set_aside(data)]  # fmt: skip
    return "".join(told)
