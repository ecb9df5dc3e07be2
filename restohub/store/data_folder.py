"""The data folder: its lock, its mark, and the paths of its files."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

DATABASE = "restohub.db"
LOCK = "restohub.lock"
MARK = "restohub.mark"
MARK_TEXT = "A hub keeps its data in this folder. To begin anew, remove the whole folder.\n"


class FolderError(Exception):
    """The data folder cannot be used; the text says why and what to do, for a person."""


class ServedError(FolderError):
    """A hub holds the folder."""


class FolderLock:
    """The lock that keeps a second hub from the same data folder, held for as long as the process lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FolderLock:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self._lock_file()
        except (FileExistsError, NotADirectoryError):
            raise FolderError(f"{self.folder} is not a folder. Choose another with --data.") from None
        except OSError as error:
            raise FolderError(
                f"The data folder {self.folder} cannot be written ({error.strerror}). "
                "Give this user the right to write there, or choose another folder with --data."
            ) from None
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise ServedError(
                f"Another hub serves the data folder {self.folder} already. "
                "Stop it first, or choose another folder with --data."
            ) from None
        return self

    def _lock_file(self) -> IO[bytes]:
        """The file that is locked; on a read-only disk one that is there, where there is a floor to show."""
        try:
            return (self.folder / LOCK).open("ab")
        except OSError as error:
            if error.errno != errno.EROFS or not size_of(self.folder / DATABASE):
                raise
            lock = self.folder / LOCK
            return (lock if lock.exists() else self.folder / DATABASE).open("rb")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._file is not None
        self._file.close()


@contextmanager
def locked_while_read(folder: Path) -> Iterator[None]:
    """Keep hubs from a folder while it is read, with no byte written to it; raises FolderError where one runs."""
    try:
        file = (folder / LOCK).open("rb")
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise FolderError(f"The data folder {folder} cannot be read ({error.strerror}).") from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise FolderError(f"A hub serves the data folder {folder}. Stop it first, or verify a copy.") from None
        yield


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock of its own by a file that is made for it; False where another program does. Raises OSError."""
    with path.open("ab") as file:
        try:
            _lock(file)
        except OSError:
            yield False
        else:
            yield True


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    _touch_lock = _lock
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _touch_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_served(folder: Path) -> bool:
    """Whether a hub holds the folder now, as far as this user may know; nothing is made, the lock let go at once."""
    try:
        file = (folder / LOCK).open("rb")
    except OSError:
        return False
    with file:
        try:
            _touch_lock(file)
        except OSError:
            return True
    return False


def had_a_database(folder: Path) -> bool:
    """Whether a hub has made its database here: damage must never be answered by an empty floor."""
    return size_of(folder / MARK) > 0


def wal_path(folder: Path) -> Path:
    """The write-ahead log beside the database."""
    return folder / f"{DATABASE}-wal"


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (half the cost of Path.stat, asked at each health check)
    except FileNotFoundError:
        return 0
