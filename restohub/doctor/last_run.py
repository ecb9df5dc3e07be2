"""Check of how the hub last ended: its own note, systemd's journal, the files that it left."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from restohub.live.clock import Clock
from restohub.store.data_folder import size_of, wal_path
from restohub.upkeep.last_error import last_error
from restohub.wire.times import read_time

from .machine_clock import local_time_text
from .report import Check

UNIT = "restohub.service"
# systemd.journal-fields(7): of a unit that has failed (SD_MESSAGE_UNIT_FAILURE_RESULT).
UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
JOURNAL_LINES, JOURNAL_WAIT_S = 300, 2.0
RECENT_S = 7 * 86400


def check_last_run(folder: Path, served: bool) -> Check:
    """What the last run said was wrong, where it ended on an error."""
    name = "last run"
    if noted := last_error(folder):
        seconds = read_time(noted[0])
        found = f"It ended {'at some time' if seconds is None else local_time_text(seconds)} with: {noted[1]}"
        return Check(name, "warning", found, "If the lines above are all well, it is over: start the hub.")
    failed = journal_failure()
    if failed and failed[0] > Clock().now() - RECENT_S:
        found = f"The service failed {local_time_text(failed[0])}: {failed[1]}"
        fix = "It runs again since." if served else "journalctl -u restohub says more; sudo systemctl start restohub"
        return Check(name, "warning", found, fix)
    if not served and _size(wal_path(folder)) > 0:
        found = "The hub was cut off (the power? a kill?) rather than stopped."
        return Check(name, "warning", found, "Nothing that was saved is lost: the next start reads it.")
    return Check(name, "well", "No problem is known.")


def journal_failure() -> tuple[int, str] | None:
    """When the service last failed and what its last line was; None without a journal, a failure, or the right."""
    if shutil.which("journalctl") is None:
        return None
    command = ["journalctl", "--quiet", "--no-pager", "--reverse", "--output=json", f"--lines={JOURNAL_LINES}"]
    try:
        said = subprocess.run(
            [*command, f"--unit={UNIT}"], capture_output=True, check=False, timeout=JOURNAL_WAIT_S
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    failed: dict[str, Any] | None = None
    for line in said.splitlines():
        entry = _entry(line)
        if failed is None:
            failed = entry if entry.get("MESSAGE_ID") == UNIT_FAILED else None
        elif entry.get("_SYSTEMD_INVOCATION_ID") == failed.get("INVOCATION_ID"):
            return _at(failed), _text(entry)
    return (_at(failed), _text(failed)) if failed else None


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _at(entry: dict[str, Any]) -> int:
    stamp = str(entry.get("__REALTIME_TIMESTAMP", ""))
    return int(stamp) // 1_000_000 if stamp.isdecimal() else 0


def _text(entry: dict[str, Any]) -> str:
    message = entry.get("MESSAGE")
    return message if isinstance(message, str) else "(a line that is no text)"


def _size(path: Path) -> int:
    try:
        return size_of(path)
    except OSError:
        return 0
