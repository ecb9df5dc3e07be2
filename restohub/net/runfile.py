"""The runfile in the data folder: where its hub listens, for `restohub where`.

It is a convenience: a hub that cannot write it serves all the same, and a copy of the folder may do without it. It is
never taken away, so it may be old: it counts only while a hub of its id answers there.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from restohub.live.hub_address import Endpoint

log = logging.getLogger("restohub")

RUNFILE = "restohub.where"


def write_runfile(folder: Path, endpoint: Endpoint) -> None:
    """Write the note, whole or not at all; never raises."""
    new = folder / f"{RUNFILE}.new"
    try:
        new.write_bytes(msgspec.json.encode(endpoint))
        new.replace(folder / RUNFILE)
    except OSError as error:
        log.warning("`restohub where` will not find this hub: %s cannot be written (%s).", new, error.strerror)


def read_runfile(folder: Path) -> Endpoint | None:
    """Where the folder's hub listens or listened last; None where no note can be read. Raises PermissionError."""
    try:
        return msgspec.json.decode((folder / RUNFILE).read_bytes(), type=Endpoint)
    except PermissionError:
        raise
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # none, or cut short by a power cut
        return None
