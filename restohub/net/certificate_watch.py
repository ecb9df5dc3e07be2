"""The look after the files of a certificate that others renew, such as Let's Encrypt's clients and mkcert."""

from __future__ import annotations

import asyncio

from restohub.live.hub import Hub
from restohub.net.runfile import write_runfile
from restohub.net.served_certificate import ServedCertificate

LOOKED_EVERY_S = 60.0


async def watch_certificate(hub: Hub, served: ServedCertificate) -> None:
    """Have handshakes show what is in the files, and the hub say by what it is known now."""
    while True:
        await asyncio.sleep(LOOKED_EVERY_S)
        if await asyncio.to_thread(served.renew) and served.shown is not None:
            hub.endpoint.fingerprint = served.shown.fingerprint
            await asyncio.to_thread(write_runfile, hub.folder, hub.endpoint)
