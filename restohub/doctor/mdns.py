"""Checks of discovery: whether the hub is heard by mDNS, and whether another hub has its name."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from msgspec import Struct

from restohub.config import Settings
from restohub.net.addresses import AddressChoice
from restohub.net.health_probe import HubHealth, identify_hub
from restohub.net.mdns_advertise import SERVICES, fault_text, instance_label
from restohub.net.urls import short_id, url
from restohub.wire.responses import Discovery

from .report import Check

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = SERVICES[0]
# A service type of its own, so that no iPad lists a hub that does not exist, even for a moment.
TRIAL = "_restohub-try._tcp.local."
DISCARD_PORT = 9
LISTEN_S, HEARING_WAIT_S, ASKING_WAIT_S = 2.0, 3.0, 1.0
HUBS_MAX, ADDRESSES_MAX = 20, 4
IPADS_REACH_IT = "iPads reach the hub by its address all the same."


class AnnouncedHub(Struct, frozen=True):
    """One hub as it announces itself; `runs`: of which run one of its id answers, by address."""

    name: str
    install_id: str
    port: int
    runs: dict[str, str]


async def check_discovery(
    chosen: Settings, choice: AddressChoice, running: HubHealth | None, install_id: str | None
) -> tuple[Check, Check]:
    """Whether what is announced here is heard by a second socket, and which other hubs are."""
    if not choice.speakers:
        return _skipped("Not tried: there is no network for it.")
    if not chosen.advertise:
        return _skipped("Switched off in the settings (advertise).")
    ours = running.discovery if running else None
    if ours and ours.state == "off":
        return _skipped("The hub that runs was told not to announce itself.")
    from zeroconf.asyncio import AsyncZeroconf

    from restohub.net.mdns_rate_limit import read_within_limits

    try:
        ear = AsyncZeroconf(interfaces=list(choice.speakers))
    except OSError as error:
        found = f"No program can listen for discovery here: {fault_text(error)}"
        return Check("discovery", "warning", found, IPADS_REACH_IT), _unheard()
    try:
        await ear.zeroconf.async_wait_for_start()
        read_within_limits(ear)
        heard = _is_heard(ear, SERVICE, ours.name) if ours else _hears_a_trial(ear, choice)
        found_there, hubs = await asyncio.gather(heard, _hubs(ear))
    finally:
        await ear.async_close()
    said = _multicast(found_there, ours)
    if not hubs and not found_there:
        return said, _unheard()
    return said, _copy(choice, running, install_id, hubs) or _names(_label(chosen, running), install_id, hubs)


def _skipped(found: str) -> tuple[Check, Check]:
    return Check("discovery", "skipped", found), _unheard()


def _unheard() -> Check:
    return Check("name", "skipped", "Not checked: discovery cannot be heard here.")


def _multicast(heard: bool, ours: Discovery | None) -> Check:
    if ours and ours.reason:
        return Check("discovery", "warning", f"The hub is not announced: {ours.reason}", IPADS_REACH_IT)
    if heard and ours:
        found = f"The hub is heard as {ours.name!r}."
        return Check("discovery", "well", found)
    if heard:
        return Check("discovery", "well", "A trial announcement was heard, so iPads will find the hub by themselves.")
    what = "The running hub" if ours else "A trial announcement"
    found = f"{what} was not heard by a second listener on this machine: multicast is stopped here."
    fix = f"Let UDP port 5353 pass this machine's firewall (sudo ufw allow 5353/udp). {IPADS_REACH_IT}"
    return Check("discovery", "warning", found, fix)


def _label(chosen: Settings, running: HubHealth | None) -> str:
    """The name that the hub means to have: where it runs its own, though it had to give way to another's."""
    if running is None or running.discovery is None:
        return instance_label(chosen.name)
    given = running.discovery.name
    return given.removesuffix(f" ({short_id(running.id)})").removesuffix(f" ({short_id(running.run)})")


def _copy(
    choice: AddressChoice, running: HubHealth | None, install_id: str | None, hubs: list[AnnouncedHub]
) -> Check | None:
    """A hub that has this one's id: of another run than the one that runs here, or, where none does, elsewhere."""
    for hub in hubs:
        for address, run in hub.runs.items():
            if hub.install_id == install_id and (run != running.run if running else address not in choice.addresses):
                at = url(address, hub.port)
                found = f"A hub with a copy of this hub's data runs at {at}: iPads take the two for one."
                fix = "Stop the one that is the copy, and on its machine run: restohub identity new"
                return Check("name", "wrong", found, fix)
    return None


def _names(label: str, install_id: str | None, hubs: list[AnnouncedHub]) -> Check:
    name = "name"
    others = [hub for hub in hubs if hub.install_id != install_id]
    for hub in others:
        if hub.name in (label, instance_label(label, f" ({short_id(hub.install_id)})")):
            found = f"Another hub is called {label!r} too, at {url(next(iter(hub.runs)), hub.port)}."
            fix = "Stop it if it is not wanted, or give this one another --name (name in restohub.toml)."
            return Check(name, "warning", found, fix)
    more = f" Other hubs here: {', '.join(repr(hub.name) for hub in others)}." if others else ""
    return Check(name, "well", f"No other hub is called {label!r}.{more}")


async def _hears_a_trial(ear: AsyncZeroconf, choice: AddressChoice) -> bool:
    """Announce something for a moment, and listen for it with the other socket."""
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    label = f"trial-{os.getpid()}"
    info = AsyncServiceInfo(
        TRIAL,
        f"{label}.{TRIAL}",
        port=DISCARD_PORT,
        server=f"restohub-{label}.local.",
        parsed_addresses=list(choice.addresses),
    )
    voice = AsyncZeroconf(interfaces=list(choice.speakers))
    try:
        await voice.async_register_service(info, cooperating_responders=True)
        return await _is_heard(ear, TRIAL, label)
    finally:
        await voice.async_close()  # with a goodbye


async def _is_heard(ear: AsyncZeroconf, service: str, label: str) -> bool:
    return await _asked(ear, service, f"{label}.{service}", HEARING_WAIT_S) is not None


async def _hubs(ear: AsyncZeroconf) -> list[AnnouncedHub]:
    """The hubs that answer within some seconds, a bounded number: names come from whoever is in the network."""
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser

    names: dict[str, None] = {}

    def note(name: str, state_change: ServiceStateChange, **_: object) -> None:
        if state_change is ServiceStateChange.Added and len(names) < HUBS_MAX:
            names[name] = None

    browser = AsyncServiceBrowser(ear.zeroconf, SERVICE, handlers=[note])
    await asyncio.sleep(LISTEN_S)
    await browser.async_cancel()
    asked = await asyncio.gather(*(_asked(ear, SERVICE, name, ASKING_WAIT_S) for name in names))
    hubs = await asyncio.gather(*(_heard(info) for info in asked if info is not None))
    return [hub for hub in hubs if hub.runs]


async def _asked(ear: AsyncZeroconf, service: str, name: str, wait_s: float) -> AsyncServiceInfo | None:
    from zeroconf import BadTypeInNameException
    from zeroconf.asyncio import AsyncServiceInfo

    try:
        info = AsyncServiceInfo(service, name)
    except BadTypeInNameException:
        return None
    return info if await info.async_request(ear.zeroconf, wait_s * 1000) else None


async def _heard(info: AsyncServiceInfo) -> AnnouncedHub:
    """A hub, by those of its addresses at which one of its id answers: an announcement alone could be anyone's."""
    install_id, port = (info.properties.get(b"id") or b"").decode("ascii", "replace"), info.port or 0
    addresses = info.parsed_addresses()[:ADDRESSES_MAX]
    answers = await asyncio.gather(*(identify_hub(address, port) for address in addresses))
    runs = {at: run for at, (other, run) in zip(addresses, answers, strict=True) if other and other == install_id}
    return AnnouncedHub(info.name.removesuffix(f".{SERVICE}"), install_id, port, runs)
