"""What came to be known of devices, stored: an adopted one's first header, that one waits, that one was revoked."""

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
        failed = False
        async with access.changing:
            for device_id in list(access.unkept):
                access.unkept.discard(device_id)  # before it is stored: it may change again meanwhile
                try:
                    await hub.writer.keep_access(access.devices[device_id])
                except (StorageFullError, StorageUnavailableError) as fault:
                    access.unkept.add(device_id)
                    failed = True
                    log.debug("What was seen of a device could not be stored: %s", fault)
        if failed:
            await asyncio.sleep(AGAIN_S)
            access.to_keep.set()
