"""The doctor before what was: a clock behind the last change, a start that failed, a service's journal."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restohub.upkeep.last_error import BYTES_MAX, FILE, forget_error, last_error, note_error
from restohub.upkeep.time_server import is_synchronized
from tests.conftest import Hub, free_port
from tests.doctor.run_doctor import asked
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
YEAR_S = 365 * 86400


def inward() -> tuple[str, ...]:
    """On this machine alone, at a free port."""
    return ("--host", "127.0.0.1", "--port", str(free_port()))


def clock_off_by(seconds: int) -> dict[str, Any]:
    """The environment of a process whose date is so many seconds away from the true one."""
    return {"LD_PRELOAD": preloaded("shifted_clock"), "CLOCK_OFFSET_S": str(seconds)}


def test_a_clock_in_the_past_is_wrong(tmp_path: Path) -> None:
    said = asked(tmp_path, *inward(), **clock_off_by(-50 * YEAR_S))
    assert (said.status, said.results()["clock"]) == (1, "wrong")
    assert "that cannot be" in said.checks["clock"]["found"]


def test_a_clock_behind_the_last_change_is_wrong(new_hub: NewHub) -> None:
    hub = new_hub(env=clock_off_by(10 * 86400 + 30)).start()
    hub.new_restaurant()
    hub.stop()
    said = asked(hub.data, *inward())
    assert (said.status, said.results()["clock"]) == (1, "wrong")
    assert "10 days later" in said.checks["clock"]["found"]


def test_the_clock_of_this_machine_is_not_wrong(tmp_path: Path) -> None:
    result = "warning" if is_synchronized() is False else "well"  # as its system says of a time server
    assert asked(tmp_path, *inward()).results()["clock"] == result


def test_a_start_that_failed_is_told_until_one_goes_well(new_hub: NewHub) -> None:
    hub = new_hub()
    with socket.create_server(("127.0.0.1", hub.port)), pytest.raises(AssertionError, match="Another program uses"):
        hub.start()
    said = asked(hub.data, *inward())
    assert (said.status, said.results()["last run"]) == (0, "warning")
    assert f"Another program uses port {hub.port} already" in said.checks["last run"]["found"]
    hub.start()
    assert last_error(hub.data) is None
    hub.stop()
    assert asked(hub.data, *inward()).results()["last run"] == "well"


def test_a_hub_that_finds_its_folder_taken_leaves_no_note(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with pytest.raises(AssertionError, match="The hub runs already"):
        new_hub(hub.data).start()
    assert last_error(hub.data) is None


def test_a_note_is_small_one_line_and_for_its_owner(tmp_path: Path) -> None:
    note_error(tmp_path, "It\nended. " + "é" * BYTES_MAX)
    assert (tmp_path / FILE).stat().st_size <= BYTES_MAX
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    noted = last_error(tmp_path)
    assert noted is not None
    assert noted[1].startswith("It ended. éé")
    forget_error(tmp_path)
    forget_error(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_keeps_no_note_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to("/dev/full")
    note_error(tmp_path, "The disk is full.")
    note_error(tmp_path / "none", "There is no folder.")
    assert last_error(tmp_path / "none") is None


def entry(message: object, invocation: str, at_s: int, **more: str) -> str:
    """One line of `journalctl --output=json`."""
    return json.dumps(
        {"MESSAGE": message, "_SYSTEMD_INVOCATION_ID": invocation, "__REALTIME_TIMESTAMP": str(at_s * 10**6), **more}
    )


@pytest.mark.parametrize(("age_s", "result"), [(3600, "warning"), (30 * 86400, "well")])
def test_the_services_last_words_come_from_the_journal(tmp_path: Path, age_s: int, result: str) -> None:
    now = int((tmp_path.stat()).st_mtime)
    failed = {"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c", "INVOCATION_ID": "a1"}
    lines = [
        entry("The hub is ready.", "b2", now),
        entry("restohub.service: Failed with result 'exit-code'.", "p1", now - age_s, **failed),
        entry("The disk of /var/lib/restohub failed.", "a1", now - age_s),
        entry([1, 2], "a1", now - age_s),
        "no json",
    ]
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    (tmp_path / "journal").write_text("\n".join(lines))
    program.write_text(f'#!/bin/sh\nexec cat "{tmp_path}/journal"\n')
    program.chmod(0o755)
    said = asked(tmp_path / "data", *inward(), PATH=f"{program.parent}:{os.environ['PATH']}")
    assert (said.status, said.results()["last run"]) == (0, result)
    assert ("The disk of /var/lib/restohub failed." in said.checks["last run"]["found"]) == (result == "warning")
