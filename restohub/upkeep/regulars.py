"""Regulars: for how long the hub recognises a guest who comes again, by the hashes of phone and e-mail."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from restohub.live.hub import Hub
from restohub.live.ports import DAY_S, People, StorageFullError, StorageUnavailableError

from .erasing import forget_counted

log = logging.getLogger("restohub.people")

LOOK_EVERY_S = 3600.0


async def end_old_hashes(hub: Hub, people: People, days: int) -> None:
    """Once an hour, end the hashes of whoever left more than so many days ago; 0: of everybody who left."""
    while True:
        # Up to this second: a hub that keeps none keeps none of what has just been.
        before = hub.clock.now() - days * DAY_S + (days == 0)
        try:
            for restaurant_id in list(hub.writer.floors):
                ended = await people.end_hashes(restaurant_id, before, hub.writer.between_groups)
                await hub.writer.between_groups(partial(forget_counted, hub.writer, restaurant_id, ended))
        except (StorageFullError, StorageUnavailableError) as fault:
            log.debug("Old hashes could not be ended: %s", fault)
        await asyncio.sleep(LOOK_EVERY_S)
