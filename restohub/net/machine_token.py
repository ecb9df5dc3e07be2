"""The token of the hub's own machine: a file in the data folder that only the hub's user can read, new at each start.

A command that can read it runs on the hub's machine, with the right to its data. To come from the loopback proves less:
so do proxies, containers and whoever is let through by SSH. It is no part of any backup.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from restohub.access.tokens import digest_of, new_token

log = logging.getLogger("restohub")

MACHINE_TOKEN = "restohub.token"


def renew_machine_token(folder: Path) -> bytes | None:
    """Write a new one, whole or not at all: its digest, None where the disk takes none; never raises."""
    new, token = folder / f"{MACHINE_TOKEN}.new", new_token().encode()
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(token)
        new.replace(folder / MACHINE_TOKEN)
    except OSError as error:
        log.warning(
            "`restohub pair` and `restohub access` will not work: %s cannot be written (%s).", new, error.strerror
        )
        with suppress(OSError):
            (folder / MACHINE_TOKEN).unlink(missing_ok=True)
        return None
    return digest_of(token)


def read_machine_token(folder: Path) -> str:
    """The token of the hub that runs on a folder; "" where there is none. Raises PermissionError."""
    try:
        return (folder / MACHINE_TOKEN).read_text("ascii")
    except PermissionError:
        raise
    except (OSError, UnicodeDecodeError):
        return ""
