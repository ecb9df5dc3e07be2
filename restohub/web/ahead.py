"""This file is what a client tells who holds more than the hub: that the hub's history went back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Protocol

from restohub.floor.nouns import Floor
from restohub.live.clock import new_epoch
from restohub.live.epoch import BEGAN
from restohub.live.hub import Hub
from restohub.store.copies import spoil_mark

log = logging.getLogger("restohub")


class Audience(Protocol):
    """Everybody who listens."""

    def send_away(self) -> None:
        """Have all of them come back."""


async def notice_ahead(hub: Hub, audience: Audience, floor: Floor, since: int | None, epoch: str | None) -> None:
    """Begin a new epoch where a client holds, of this epoch, a revision that this hub has not.

    Once in a run at most: within a run history does not go back, so of an epoch that began in it nobody can hold more.
    """
    if since is None or since <= floor.revision or epoch != hub.epoch or hub.present.incident is not None:
        return
    incident = f"A client held revision {since} where the hub has {floor.revision}: history went back. {BEGAN}"
    with contextlib.suppress(OSError):  # a disk that takes nothing: then for this run alone
        await asyncio.to_thread(spoil_mark, hub.folder)
    if hub.present.incident is None:
        log.warning("%s", incident)
        hub.present.begin(new_epoch(), incident)
        audience.send_away()
