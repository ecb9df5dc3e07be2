"""The store on a disk that takes no writes at the start: a copy is served, and every change refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from restohub.access.devices import Kept
from restohub.floor.model import Entry
from restohub.live.ports import Record, StorageBackError, StorageFullError, StorageUnavailableError

from .append import Ledger
from .connection import Connection
from .data_folder import DATABASE, FolderError, size_of
from .snapshot import snapshot
from .write_probe import write_refusal

# Where memory is: on a small machine the system's place for temporary files is on the very disk that takes no writes.
MEMORY = Path("/dev/shm")

Refusal = StorageFullError | StorageUnavailableError


class ReadOnlyLedger(Ledger):
    """The writing end of a copy: it refuses every change, and ends the hub when the disk itself could take one."""

    def __init__(self, connection: Connection, path: Path, disk: Path, fault: Refusal) -> None:
        super().__init__(connection, path)
        self._disk = disk
        self._fault = fault
        self.refuses = str(fault)

    async def append(self, records: Sequence[Record]) -> None:  # noqa: ARG002 (whatever they are)
        """Raise what the disk said."""
        raise type(self._fault)(self.refuses)

    async def begin_epoch(self, name: str, claimed_at: int | None = None, resets: Sequence[Entry] = ()) -> None:  # noqa: ARG002 (whatever it is)
        """Raise what the disk said."""
        raise type(self._fault)(self.refuses)

    async def keep_access(self, what: Kept) -> int:  # noqa: ARG002 (whatever it is)
        """Raise what the disk said."""
        raise type(self._fault)(self.refuses)

    async def probe(self) -> None:
        """Raise what the disk says now; StorageBackError where it takes writes: a start is the way back."""
        fault = await asyncio.to_thread(write_refusal, self._disk / DATABASE)
        raise fault or StorageBackError(
            f"The disk of {self._disk} can be written again. Restart the hub to save changes."
        )

    async def upkeep(self) -> None:
        """Leave the copy as it is: nothing is written to it."""


@contextmanager
def readable(folder: Path) -> Iterator[tuple[Path, Refusal | None]]:
    """The folder to serve, and why it is a copy of `folder` (None: it is `folder`, whose disk takes writes).

    A folder without a database is left to the opening, which says what is wrong. Raises FolderError.
    """
    fault = write_refusal(folder / DATABASE) if size_of(folder / DATABASE) else None
    if fault is None:
        yield folder, None
        return
    with copied(folder) as copy:
        yield copy, fault


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """A snapshot of a folder's database, whatever the disk of `folder` takes; gone at the end.

    Only of a folder that no hub writes to: its lock must be held, or its disk be read-only. Raises FolderError.
    """
    copy = _copy(folder)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _copy(folder: Path) -> Path:
    place = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    prefix = f"restohub-{crc32(bytes(folder.absolute())):08x}-"
    for left in place.glob(f"{prefix}*"):  # by a hub that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        copy = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        snapshot(folder, copy)
    except OSError as error:
        raise FolderError(
            f"The disk of {folder} cannot be written, and its data cannot be copied ({error})."
        ) from error
    return copy
