"""A snapshot: a database that no hub writes to, copied with all that SQLite needs to open it as it was left.

Where it is it cannot be opened without a trace: after a power cut `mode=ro` does not open it, and `immutable=1` opens
it without its WAL, answered changes gone, and says nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .data_folder import DATABASE, size_of

# What SQLite needs for the newest state: after a power cut the last changes are in the WAL alone.
NEEDED = ("", "-wal", "-journal")


def parts(folder: Path) -> list[Path]:
    """The files of a folder's database that hold anything."""
    return [path for path in (folder / f"{DATABASE}{end}" for end in NEEDED) if size_of(path)]


def snapshot(folder: Path, to: Path) -> None:
    """Copy a folder's database with all that it needs; its lock must be held, or its disk be read-only.

    Raises OSError.
    """
    for path in parts(folder):
        shutil.copyfile(path, to / path.name)


@contextmanager
def readable_at(folder: Path) -> Iterator[str]:
    """The URI by which the database of a stopped hub can be read with not a byte written to its folder.

    It is the file itself where it is whole without the others, and else a snapshot. Raises OSError.
    """
    if parts(folder)[1:]:
        with TemporaryDirectory(prefix="restohub-snapshot-") as scratch:
            snapshot(folder, Path(scratch))
            yield f"{(Path(scratch) / DATABASE).absolute().as_uri()}?mode=rw"
    else:
        yield f"{(folder / DATABASE).absolute().as_uri()}?mode=ro&immutable=1"
