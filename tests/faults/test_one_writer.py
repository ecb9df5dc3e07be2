"""That one connection alone writes and checkpoints, since SQLite to 3.51.2 may corrupt a WAL under two."""

from __future__ import annotations

import ast
import re
import sqlite3
from pathlib import Path

import pytest

from restohub.store.sqlite_version import has_wal_reset_bug
from tests.commands import run_command
from tests.conftest import Hub, next_message
from tests.faults.disk_fault_checks import batch, parties
from tests.faults.strace_run import need
from tests.house.source_tree import PACKAGE, name, parsed

CONNECTING = {"sqlite3.connect", "aiosqlite.connect", "sqlite3.Connection", "Connection", "connected", "_opening"}
# `connected` itself (SQLite's own call and its thread's), `_opening` and who opens by it: the writer and the readers of
# history; the doctor, who looks; the verification and the new identity of a stopped hub, and a blank database in memory
# to compare a format with; a backup's source (read-only) and its own copy, a restore's copy and its devices, and the
# stopped hub's id.
CONNECTIONS = {
    "restohub/store/connection.py": 5,
    "restohub/store/inspection.py": 1,
    "restohub/store/verification.py": 1,
    "restohub/store/hub_identity.py": 1,
    "restohub/store/schema.py": 1,
    "restohub/store/backup.py": 3,
    "restohub/store/restore.py": 3,
}
WRITING = "(?:pwrite64|pwritev|write|ftruncate|fdatasync|fsync)"
WROTE = re.compile(rf"^(\d+) +{WRITING}\(\d+<[^>]*/restohub\.db(-wal|)>", re.M)
CALLS = "trace=pwrite64,pwritev,write,ftruncate,fdatasync,fsync"


def connections(path: Path) -> list[str]:
    """The calls in a file that make a connection."""
    ends = {call.rpartition(".")[2] for call in CONNECTING}
    if not any(end in path.read_text("utf-8") for end in ends):
        return []
    called = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    perhaps = [one for one in called if getattr(one, "attr", getattr(one, "id", None)) in ends]
    return [call for call in map(ast.unparse, perhaps) if call in CONNECTING]


def test_only_the_opening_and_who_looks_alone_make_connections() -> None:
    made = {name(path): connections(path) for path in PACKAGE}
    assert {path: len(calls) for path, calls in made.items() if calls} == CONNECTIONS, {
        path: calls for path, calls in made.items() if calls
    }


def test_one_thread_of_a_running_hub_writes_and_checkpoints_and_another_reads(tmp_path: Path) -> None:
    """A connection of aiosqlite is a thread: that of the readers never writes to the database nor to its WAL."""
    trace = tmp_path / "trace"
    command = (need("strace"), "-D", "-f", "-qq", "-y", "--seccomp-bpf", "-e", CALLS, "-o", str(trace))
    hub = Hub(tmp_path / "data", wrap=command).start()
    try:
        with hub.client() as api:
            assert batch(api, parties("first", 499)).status_code == 200  # a checkpoint comes after it
            for number in range(5):
                assert batch(api, parties(f"{number}", 2)).status_code == 200
                assert batch(api, parties(f"{number}", 2)).headers["Idempotency-Replayed"] == "true"
                assert api.get("/api/sync/delta", params={"since_revision": number}).status_code == 200
            with hub.socket("/ws/restaurant/sync?restaurant_id=1&since_revision=0") as watcher:
                next_message(watcher)
        assert hub.stop() == 0
    finally:
        if hub.process is not None and hub.process.poll() is None:
            hub.kill()
    wrote = WROTE.findall(trace.read_text(errors="replace"))
    assert {file for _, file in wrote} == {"", "-wal"}, "a checkpoint and a commit must be among them"
    assert len({thread for thread, _ in wrote}) == 1


def test_a_backup_writes_nothing_to_the_database_that_it_reads_and_removes_nothing(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "data").start()
    trace = tmp_path / "trace"
    try:
        with hub.client() as api:
            assert batch(api, parties("first", 499)).status_code == 200
            assert batch(api, parties("later", 5)).status_code == 200
        calls = f"{CALLS},unlink,unlinkat,rename,renameat,renameat2"
        backed_up = run_command("backup", "--data", str(hub.data),
                             wrap=(need("strace"), "-f", "-qq", "-y", "-e", calls, "-o", str(trace)))  # fmt: skip
        assert backed_up.returncode == 0, backed_up.stderr
        touched = [line for line in trace.read_text(errors="replace").splitlines() if f"{hub.data}/restohub.db" in line]
        assert touched == []
        assert hub.stop() == 0
    finally:
        if hub.process is not None and hub.process.poll() is None:
            hub.kill()


@pytest.mark.parametrize(
    ("version", "sound"),
    [("3.40.1", False), ("3.44.5", False), ("3.44.6", True), ("3.45.0", False), ("3.50.7", True), ("3.51.2", False),
     ("3.51.3", True), ("3.52.0", True), ("4.0.0", True)],
)  # fmt: skip
def test_each_sqlite_that_has_the_bug_is_known(version: str, sound: bool) -> None:
    assert has_wal_reset_bug(tuple(int(part) for part in version.split("."))) != sound


def test_a_hub_warns_in_its_health_where_its_sqlite_has_the_bug(hub: Hub) -> None:
    with hub.client() as api:
        database = api.get("/health").json()["database"]
    assert database["sqlite_version"] == sqlite3.sqlite_version
    named = [sqlite3.sqlite_version in warning for warning in database["warnings"] if "WAL-reset" in warning]
    assert named == [True] * has_wal_reset_bug()
