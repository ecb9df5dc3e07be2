"""What staff must know of the backups."""

from __future__ import annotations

from restohub.limits import BACKUP_MISSED_S, BACKUP_TOLD_AFTER_S

from .ports import BackupState

MISSED = "There has been no backup for 48 hours. `restohub doctor` on the hub's machine says more."
NOT_EVERYWHERE = (
    "The last backup could not be copied to each place of `backup_to`. `restohub doctor` on the hub's machine says why."
)


def backup_warnings(state: BackupState, since: int, now: int, running_s: float) -> list[str]:
    """What staff must know of the backups; `since` is when there was first something to back up (UTC seconds)."""
    last = since if state.time is None else state.time
    missed = now - last > BACKUP_MISSED_S and running_s > BACKUP_TOLD_AFTER_S
    return [MISSED] * missed + [NOT_EVERYWHERE] * bool(state.missing)
