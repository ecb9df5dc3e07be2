"""This file is the hubs of the network as an iPad would find them: by mDNS, then by asking each whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal

from msgspec import Struct
from zeroconf import BadTypeInNameException, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from restohub.advertise import SERVICES
from restohub.mdns_reading import read_within_limits
from restohub.reach import url

from .asked import Told, health_at

SERVICE = SERVICES[0]
# A hostile neighbour may announce thousands, each with as many addresses as it likes.
HUBS_MAX, ADDRESSES_MAX = 64, 8
RESOLVE_WAIT_MS = 1500
State = Literal["healthy", "unhealthy", "no answer", "another hub"]


class Found(Struct, frozen=True):
    """One hub as it is announced, by names that its announcer chose, the URL that answers first.

    `state`: `healthy`, `unhealthy`, `no answer`, or `another hub`, where one of another id answers at its address.
    """

    name: str
    id: str
    version: str
    urls: list[str]
    local_url: str
    state: State


async def found(speakers: Sequence[str], wait_s: float) -> list[Found]:
    """The hubs that are heard within so many seconds by these addresses of ours; raises OSError."""
    names: dict[str, None] = {}

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001 (zeroconf names them)
        if state_change is ServiceStateChange.Removed:
            names.pop(name, None)
        elif len(names) < HUBS_MAX:
            names[name] = None

    voice = AsyncZeroconf(interfaces=list(speakers))
    try:
        await voice.zeroconf.async_wait_for_start()
        read_within_limits(voice)
        browser = AsyncServiceBrowser(voice.zeroconf, SERVICE, handlers=[heard])
        await asyncio.sleep(wait_s)
        await browser.async_cancel()
        infos = [info for name in names if (info := _info(name))]
        known = await asyncio.gather(*(info.async_request(voice.zeroconf, RESOLVE_WAIT_MS) for info in infos))
    finally:
        await voice.async_close()
    hubs = await asyncio.gather(*(_hub(info) for info, so in zip(infos, known, strict=True) if so))
    return sorted(hubs, key=lambda hub: (hub.name, hub.id))


def _info(name: str) -> AsyncServiceInfo | None:
    """What can be asked of a name; None where no hub would bear it (control characters)."""
    try:
        return AsyncServiceInfo(SERVICE, name)
    except BadTypeInNameException:
        return None


async def _hub(info: AsyncServiceInfo) -> Found:
    port = info.port or 0
    addresses = [address for address in info.parsed_addresses() if _useful(address)][:ADDRESSES_MAX]
    said = {key: (value or b"").decode(errors="replace") for key, value in info.properties.items()}
    properties = {key.decode(errors="replace"): value for key, value in said.items()}
    announced = properties.get("id", "")
    told = await asyncio.gather(*(health_at(address, port) for address in addresses))
    answering = sorted(zip(addresses, told, strict=True), key=lambda one: one[1] is None)
    return Found(
        name=info.name.removesuffix(f".{SERVICE}"),
        id=announced,
        version=properties.get("ver", ""),
        urls=[url(address, port) for address, _ in answering],
        local_url=url((info.server or "").removesuffix("."), port),
        state=_state(announced, [one for one in told if one]),
    )


def _useful(address: str) -> bool:
    """Whether an iPad could open it: a link-local IPv6 address is of no use without an interface's name."""
    ip = ip_address(address)
    return not (ip.is_loopback or ip.is_unspecified or ip.is_multicast or (ip.version == 6 and ip.is_link_local))


def _state(announced: str, told: Sequence[Told]) -> State:
    if not told:
        return "no answer"
    ours = [one for one in told if one.id in ("", announced)]
    if not ours:
        return "another hub"
    return "healthy" if ours[0].status == "healthy" else "unhealthy"
