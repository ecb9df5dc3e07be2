"""The data at a start: whether they are a copy that was put back, and what becomes of epoch and devices then."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from msgspec import structs

from restohub.access.restored import shut_out, unconfirmed
from restohub.live.ports import StorageFullError, StorageUnavailableError

from .append import Ledger
from .closed_mark import keep_mark, was_closed
from .connection import Connection
from .load import Loaded
from .restore_detection import leave_mark, was_restored
from .revoked_list import keep_revoked

log = logging.getLogger("restohub")


async def begin_run(ledger: Ledger, connection: Connection, folder: Path, loaded: Loaded, new_epoch: str) -> Loaded:
    """What was loaded, as it counts in this run: of a copy that was put back, with this new epoch.

    It is stored, and the data are marked as this run's; where the disk takes nothing, the next start looks again.
    """
    now = _without_revoked(loaded, folder)
    if await was_restored(connection, folder):
        now = _as_a_copy(structs.replace(now, epoch=new_epoch), loaded.known_until)
        now = _closed_again(now) if was_closed(folder) and now.mode != "closed" else now
    with contextlib.suppress(StorageFullError, StorageUnavailableError):
        # Before the mark: what is cut off in between is done again.
        if changed := [new for old, new in zip(loaded.devices, now.devices, strict=True) if new != old]:
            await ledger.keep_devices(changed)
        if now.mode is not None and now.mode != loaded.mode:
            await ledger.keep_access(now.mode)
        await leave_mark(connection, folder, now.epoch, version("restohub"))
        if now.mode == "closed":  # taken away by who opens the hub alone: over an open copy it counts for the next one
            keep_mark(folder, closed=True)
    return now


def _without_revoked(loaded: Loaded, folder: Path) -> Loaded:
    """What was loaded, with the devices shut out that are on the list; the list has all that the data know."""
    revoked = keep_revoked(folder, loaded.devices)
    devices = shut_out(loaded.devices, revoked)
    if devices != loaded.devices:
        log.warning("Devices that were revoked after the data were copied are shut out again.")
    return structs.replace(loaded, devices=devices, revoked=revoked)


def _closed_again(loaded: Loaded) -> Loaded:
    """What was loaded of a copy from before the hub was closed; one that never knew a device would shut all out."""
    if not loaded.devices:
        log.warning("The data are a copy that knows no device, so the hub is open. `restohub access close` closes it.")
        return loaded
    log.warning("The data are a copy from before the hub was closed. It stays closed; `restohub access open` opens it.")
    return structs.replace(loaded, mode="closed")


def _as_a_copy(loaded: Loaded, known_until: int) -> Loaded:
    """What was loaded, with its devices as those of a copy that knows nothing after this time: each is unconfirmed."""
    devices = unconfirmed(loaded.devices, known_until)
    if waiting := sum(one.revoked_at is None for one in devices):
        log.warning(
            "The devices (%d) are those of a copy that knows nothing after %s: who was revoked since may be among "
            "them. Until `restohub devices confirm` managers work as hosts.",
            waiting,
            f"{datetime.fromtimestamp(known_until, UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
    return structs.replace(loaded, devices=devices)
