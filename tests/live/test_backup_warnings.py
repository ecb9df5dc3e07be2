"""What staff are told of the backups, and from when on."""

from __future__ import annotations

import pytest

from restohub.limits import BACKUP_MISSED_S, BACKUP_TOLD_AFTER_S
from restohub.live.backup_warnings import MISSED, NOT_EVERYWHERE, backup_warnings
from restohub.live.ports import DAY_S, BackupState

NOW = 1_700_000_000
LONG = BACKUP_TOLD_AFTER_S + 1


@pytest.mark.parametrize(
    ("ago", "running_s", "told"),
    [
        (BACKUP_MISSED_S, LONG, False),
        (BACKUP_MISSED_S + 1, LONG, True),
        (BACKUP_MISSED_S + 1, BACKUP_TOLD_AFTER_S, False),
        (-DAY_S, LONG, False),
        (-DAY_S - 1, LONG, True),
    ],
)
def test_a_backup_is_missed_after_48_hours_by_a_hub_that_has_run_for_an_hour(
    ago: int, running_s: float, told: bool
) -> None:
    assert backup_warnings(BackupState(NOW - ago), 0, NOW, running_s) == [MISSED] * told
    assert backup_warnings(BackupState(), NOW - ago, NOW, running_s) == [MISSED] * told, "where there was none yet"


def test_a_place_without_the_last_one_is_told() -> None:
    assert backup_warnings(BackupState(NOW, missing=["The stick is gone."]), 0, NOW, LONG) == [NOT_EVERYWHERE]
