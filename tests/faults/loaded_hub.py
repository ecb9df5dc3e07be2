"""A hub that is changed all the time while its data are backed up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restohub.store.backup_folder import NAME
from tests.commands import Process, run_command, start_command
from tests.conftest import Hub

AT_ONCE = 200
PAUSE_S = 0.004


@contextmanager
def changing(hub: Hub) -> Iterator[list[str]]:
    """Make guests, and delete those made long before; the ids of those whose making was answered, as they come."""
    answered: list[str] = []
    ended = threading.Event()

    def work() -> None:
        with hub.client() as api:
            while not ended.is_set():
                guest_id = f"load{len(answered)}"
                guest = {"id": guest_id, "name": "Rossi", "partySize": 2, "notes": "n" * 300}
                answer = api.post("/restaurants/1/guests/", json=guest)
                assert answer.status_code == 201, answer.text
                answered.append(guest_id)
                if len(answered) > AT_ONCE:
                    api.delete(f"/restaurants/1/guests/{answered[-AT_ONCE - 1]}")
                time.sleep(PAUSE_S)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()


def backed_up(data: Path, *args: str) -> Path:
    """The backup that `restohub backup` made."""
    done = run_command("backup", "--data", str(data), *args)
    assert done.returncode == 0, done.stderr
    return max((data / "backups").glob("*.gz"))


def backing_up(data: Path, *args: str, err: int | None = None) -> Process:
    """`restohub backup` under way; what it says is let go, but for what it writes to `err`."""
    with Path(os.devnull).open("wb") as nothing:
        return start_command("backup", "--data", str(data), *args, out=nothing.fileno(), err=err)


def left(folder: Path) -> set[str]:
    """What lies in a folder of backups beside whole ones."""
    known = {"backups.lock", "places.json", "restohub.place"}
    return {path.name for path in folder.iterdir() if not NAME.fullmatch(path.name)} - known
