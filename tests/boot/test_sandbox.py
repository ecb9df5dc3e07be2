"""The unit's sandbox against a hub at work: all that it asks of the kernel is let through."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.boot.unit_files import systemd_unit
from tests.conftest import Hub, next_message

CALL = re.compile(r"^\d+ +(\w+)\((.*)$")
# As root alone SQLite gives its files the owner of the folder; the service's user is not root.
AS_ROOT = {"fchown"}
# Whether a time server keeps the clock: under ProtectClock it is denied, and systemd-timesyncd's file is looked for.
MAY_FAIL = {"clock_adjtime"}


def setting(name: str) -> list[str]:
    """The values of a setting of the unit, line by line."""
    return re.findall(rf"^{name}=(.*)$", systemd_unit(), re.M)


def call_sets() -> dict[str, set[str]]:
    """systemd's own sets of system calls, each with the sets in it resolved."""
    sets: dict[str, set[str]] = {}
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=False, timeout=30
    )
    name = ""
    for line in said.stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = set()
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            sets[name].add(line.strip())

    def resolved(one: str) -> set[str]:
        return set().union(*(resolved(part) if part.startswith("@") else {part} for part in sets[one]))

    return {one: resolved(one) for one in sets}


def allowed_calls() -> set[str]:
    """What SystemCallFilter= lets through, in the order of its lines."""
    sets = call_sets()
    allowed = set(sets["@default"])
    for line in setting("SystemCallFilter"):
        named = set().union(*(sets.get(one, {one}) for one in line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed | sets["@default"]


def traced(new_hub: Callable[..., Hub], path: Path) -> list[tuple[str, str]]:
    """The system calls, with what follows their names, of a hub that starts, seats a guest, serves and stops."""
    hub = new_hub(wrap=("strace", "-D", "-f", "-qq", "-o", str(path))).start()
    with hub.client() as api:
        assert api.post("/restaurants/1/guests", json={"name": "Ada", "partySize": 2}).status_code == 201
        assert api.get("/docs").status_code == 200
    sock = hub.socket("/ws/restaurant/sync?restaurant_id=1")
    next_message(sock)
    assert hub.stop() == 0
    lines = path.read_text(errors="replace").splitlines()
    calls = [(found[1], found[2]) for line in lines if (found := CALL.match(line))]
    # What comes before the program itself is strace's and the test's.
    return calls[next(n for n, call in enumerate(calls) if call[0] == "execve") + 1 :]


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_sandbox_lets_through_all_that_the_hub_does(new_hub: Callable[..., Hub], tmp_path: Path) -> None:
    calls = traced(new_hub, tmp_path / "calls")
    names = {name for name, _ in calls}
    assert {"bind", "fdatasync", "epoll_ctl"} <= names  # so it was the hub that was traced
    assert names - allowed_calls() - AS_ROOT - MAY_FAIL == set()
    families = {rest.partition(",")[0] for name, rest in calls if name == "socket"}
    assert families <= set(setting("RestrictAddressFamilies")[0].split())
    made = [rest for name, rest in calls if name == "mmap" and "PROT_WRITE|PROT_EXEC" in rest]
    made += [rest for name, rest in calls if name == "mprotect" and "PROT_EXEC" in rest]
    assert made == []  # MemoryDenyWriteExecute=
