"""Discovery by mDNS: the hubs of the network as an iPad would find them, each asked whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal

from msgspec import Struct, structs
from zeroconf import BadTypeInNameException, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from .health_probe import HubHealth, health_at
from .mdns_advertise import SERVICES
from .mdns_rate_limit import NameClaims, read_within_limits
from .urls import url

SERVICE = SERVICES[0]
# A hostile neighbour may announce thousands, each with as many addresses as it likes.
HUBS_MAX, ADDRESSES_MAX = 64, 8
RESOLVE_WAIT_MS = 1500
State = Literal["healthy", "unhealthy", "no answer", "another hub"]


class FoundHub(Struct, frozen=True, omit_defaults=True):
    """One hub as it is announced, by names that its announcer chose, the URL that answers first.

    `state`: `healthy`, `unhealthy`, `no answer`, or `another hub`, where one of another id answers at its address.
    `shares_id`: another hub that answers has its id too, so one of the two runs on a copy of the other's data.
    """

    name: str
    id: str
    version: str
    urls: list[str]
    local_url: str
    state: State
    shares_id: bool = False


async def discover(speakers: Sequence[str], wait_s: float) -> list[FoundHub]:
    """The hubs that are heard within so many seconds by these addresses of ours; raises OSError."""
    names: dict[str, None] = {}
    senders: dict[str, set[str]] = {}

    def note(name: str, host: str, address: str, port: int) -> None:  # noqa: ARG001 (what a claim says)
        if name in senders or len(senders) < HUBS_MAX:
            senders.setdefault(name, set()).add(address)

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001 (zeroconf names them)
        if state_change is ServiceStateChange.Removed:
            names.pop(name, None)
        elif len(names) < HUBS_MAX:
            names[name] = None

    voice = AsyncZeroconf(interfaces=list(speakers))
    try:
        await voice.zeroconf.async_wait_for_start()
        voice.zeroconf.async_add_listener(NameClaims([SERVICE], read_within_limits(voice), note), None)
        browser = AsyncServiceBrowser(voice.zeroconf, SERVICE, handlers=[heard])
        await asyncio.sleep(wait_s)
        await browser.async_cancel()
        infos = [info for name in names if (info := _info(name))]
        known = await asyncio.gather(*(info.async_request(voice.zeroconf, RESOLVE_WAIT_MS) for info in infos))
    finally:
        await voice.async_close()
    there = [info for info, so in zip(infos, known, strict=True) if so]
    asked = await asyncio.gather(*(_hubs(info, senders.get(info.name.lower(), set())) for info in there))
    hubs = [one for several in asked for one in several]
    runs: dict[str, set[str]] = {}
    for run, hub in hubs:
        runs.setdefault(hub.id, set()).add(run)
    told = [structs.replace(hub, shares_id=True) if run and len(runs[hub.id] - {""}) > 1 else hub for run, hub in hubs]
    return sorted(told, key=lambda hub: (hub.name, hub.id, hub.urls))


def _info(name: str) -> AsyncServiceInfo | None:
    """What can be asked of a name; None where no hub would bear it (control characters)."""
    try:
        return AsyncServiceInfo(SERVICE, name)
    except BadTypeInNameException:
        return None


async def _hubs(info: AsyncServiceInfo, senders: set[str]) -> list[tuple[str, FoundHub]]:
    """The hubs that answer where one is announced, each with its run ("" where none answers).

    They are several where one runs on a copy of another's data: they have one host name, and so all addresses of both.
    Of those the ones are meant who were heard to announce it.
    """
    port = info.port or 0
    addresses = [address for address in info.parsed_addresses() if _useful(address)][:ADDRESSES_MAX]
    said = {key: (value or b"").decode(errors="replace") for key, value in info.properties.items()}
    properties = {key.decode(errors="replace"): value for key, value in said.items()}
    announced = properties.get("id", "")
    scheme = "https" if properties.get("tls") == str(port) else "http"
    told = dict(zip(addresses, await asyncio.gather(*(health_at(one, port) for one in addresses)), strict=True))
    runs = {address: one.run for address, one in told.items() if one and one.id == announced}
    shares = [addresses]
    if len(set(runs.values())) > 1:
        meant = {run for address, run in runs.items() if address in senders} or set(runs.values())
        shares = [[address for address in addresses if runs.get(address) == run] for run in sorted(meant)]
    return [
        (
            next((runs[address] for address in share if address in runs), ""),
            FoundHub(
                name=info.name.removesuffix(f".{SERVICE}"),
                id=announced,
                version=properties.get("ver", ""),
                urls=[url(address, port, scheme) for address in sorted(share, key=lambda one: told[one] is None)],
                local_url=url((info.server or "").removesuffix("."), port, scheme),
                state=_state(announced, [one for one in map(told.get, share) if one]),
            ),
        )
        for share in shares
    ]


def _useful(address: str) -> bool:
    """Whether an iPad could open it: a link-local IPv6 address is of no use without an interface's name."""
    ip = ip_address(address)
    return not (ip.is_loopback or ip.is_unspecified or ip.is_multicast or (ip.version == 6 and ip.is_link_local))


def _state(announced: str, told: Sequence[HubHealth]) -> State:
    if not told:
        return "no answer"
    ours = [one for one in told if one.id in ("", announced)]
    if not ours:
        return "another hub"
    return "healthy" if ours[0].status == "healthy" else "unhealthy"
