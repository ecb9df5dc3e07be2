"""What was seen of adopted devices, stored: the first header of one, and that one waits to be confirmed."""

from __future__ import annotations

import asyncio
import logging

from restohub.live.hub import Hub
from restohub.live.ports import StorageFullError, StorageUnavailableError

log = logging.getLogger("restohub")

AGAIN_S = 60.0


async def keep_seen_devices(hub: Hub) -> None:
    """Store the devices that were seen to have changed, as soon as the disk takes them."""
    access = hub.access
    while True:
        await access.to_keep.wait()
        access.to_keep.clear()
        async with access.changing:
            for device_id in list(access.unkept):
                try:
                    await hub.writer.keep_access(access.devices[device_id])
                    access.unkept.discard(device_id)
                except (StorageFullError, StorageUnavailableError) as fault:
                    log.debug("What was seen of a device could not be stored: %s", fault)
        if access.unkept:
            await asyncio.sleep(AGAIN_S)
            access.to_keep.set()
