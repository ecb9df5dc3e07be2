"""The mark that a hub is closed: in the data folder and beside each set of backups, as the list of revoked tokens is.

It outlasts the database: a copy from before the hub was closed does not open it to strangers.
"""

from __future__ import annotations

import logging
from pathlib import Path

from .backup_file import replace_file
from .backup_folder import give_to_owner, own_folder

log = logging.getLogger("restohub")

FILE = "restohub.closed"


def was_closed(folder: Path) -> bool:
    """Whether the hub of a folder, or of the backups in it, was closed when it last said so."""
    return (folder / FILE).exists()


def mark_closed(folder: Path, *, closed: bool) -> None:
    """Set the mark of a folder, or take it away; raises OSError."""
    if not closed:
        (folder / FILE).unlink(missing_ok=True)
    elif not was_closed(folder):
        replace_file(folder / FILE, b"")
        give_to_owner(folder / FILE, folder)


def keep_mark(data: Path, *, closed: bool) -> None:
    """Set the marks of a data folder and of the backups in it, or take them away; never raises."""
    try:
        mark_closed(data, closed=closed)
        if own_folder(data).is_dir():
            mark_closed(own_folder(data), closed=closed)
    except OSError as error:
        log.warning("Whether the hub is closed could not be marked in %s (%s).", data, error.strerror)
