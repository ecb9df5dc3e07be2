"""What staff must know of the backups."""

from __future__ import annotations

from restohub.limits import BACKUP_MISSED_S, BACKUP_TOLD_AFTER_S

from .ports import DAY_S, BackupState

MISSED = "There has been no backup for 48 hours. `restohub doctor` on the hub's machine says more."
NOT_EVERYWHERE = (
    "The last backup could not be copied to each place of `backup_to`. `restohub doctor` on the hub's machine says why."
)


def is_late(last: int, now: int) -> bool:
    """Whether a backup of then is none of the last 48 hours, nor one of the future, made while the clock was ahead."""
    return not -DAY_S <= now - last <= BACKUP_MISSED_S


def backup_warnings(state: BackupState, since: int, now: int, running_s: float) -> list[str]:
    """What staff must know of the backups; `since` is when there was first something to back up (UTC seconds)."""
    late = is_late(since if state.time is None else state.time, now)
    return [MISSED] * (late and running_s > BACKUP_TOLD_AFTER_S) + [NOT_EVERYWHERE] * bool(state.missing)
