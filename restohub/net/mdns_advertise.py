"""Advertising by mDNS: a thread that announces where the hub is, and follows its addresses."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
import unicodedata
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType, structs

from restohub.access.roles import Mode
from restohub.live.clock import Clock
from restohub.live.hub_address import Endpoint
from restohub.wire.responses import Discovery, DiscoveryState

from .addresses import AddressChoice, choose_addresses, machine_interfaces
from .duplicate_id import DuplicateIdWatch
from .name_conflicts import Rivals
from .urls import endpoint_url, host_name, short_id

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger("restohub.mdns")

# Frozen: the iPad app lists the first one in its Info.plist.
SERVICES = ("_restohub._tcp.local.", "_http._tcp.local.")
LABEL_BYTES_MAX = 63  # RFC 6763, section 4.1.1
POLL_S = 2.0
# Addresses count as settled when they were the same for so long: a new link gets its own one after another.
SETTLE_S = 0.5
RETRY_S = 5.0
STOP_WAIT_S = 1.5
JUST_STARTED = "The hub has just started."
# zeroconf cuts a name at each dot, escaped or not; this one looks the same.
ONE_DOT_LEADER = "\u2024"


class NoMdnsSocketError(Exception):
    """No socket for mDNS could be opened on any interface."""


class Advertiser:
    """The hub in mDNS, in a thread with an event loop of its own, so that nothing in it can stop or slow HTTP.

    Whatever fails in there is the state `failed`, said once in the log, and tried again after 5 s. `ask` gives the id
    of the hub that answers `GET /health` at an address and port, and that of its run, "" where none does.
    """

    def __init__(self, endpoint: Endpoint, version: str, ask: Callable[[str, int], Awaitable[tuple[str, str]]]) -> None:
        self._endpoint = endpoint
        self.host = self._usual_host = host_name(endpoint.id)
        self._names = (instance_label(endpoint.name), instance_label(endpoint.name, f" ({short_id(endpoint.id)})"))
        self._name = self._names[0]
        self._clock = Clock()
        self._rivals = Rivals(endpoint.id, endpoint.run, ask, self._clock.monotonic)
        self._copies = DuplicateIdWatch(endpoint, ask, self._clock.monotonic)
        self._gave_way = False
        self._interface = endpoint.interface
        self._properties = {
            "txtvers": "1",
            "id": endpoint.id,
            "api": "1",
            "ver": version,
            "path": "/",
        }
        # Whoever browses for web pages opens them by plain HTTP.
        self._services = SERVICES if endpoint.scheme == "http" else SERVICES[:1]
        # Whether the hub is closed to strangers, which the record says: another thread may change it at any time.
        self.access: Callable[[], Mode] = lambda: "open"
        self._bound, self._port = "", 0
        self._state = Discovery("off", self._name, self.host, [])
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._leave = asyncio.Event()

    def state(self) -> Discovery:
        """What `GET /health` says of it."""
        return structs.replace(self._state, copy_at=self._copies.at or UNSET)

    def start(self, bound: str, port: int) -> None:
        """Announce a hub that listens on an address (0.0.0.0, ::, or one of its own) and a port; never raises."""
        if ip_address(bound).is_loopback:
            self._say("off", reason=f"The hub listens on {bound} only, which no iPad reaches.")
            return
        self._bound, self._port = bound, port
        self._say("waiting", reason=JUST_STARTED)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._keep()], daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Say goodbye and end; within 1.5 s, whatever the network does. More than once is as good as once."""
        thread, loop, self._thread = self._thread, self._loop, None
        if thread is None or loop is None:
            return
        loop.call_soon_threadsafe(self._leave.set)
        await asyncio.to_thread(thread.join, STOP_WAIT_S)
        if not thread.is_alive():
            loop.close()
        self._say("off", reason="The hub is stopping.")

    async def _keep(self) -> None:
        """Follow the network until told to leave. What fails is read from the task: nothing is left to escape."""
        leaving = asyncio.create_task(self._leave.wait())
        while not leaving.done():
            following = asyncio.create_task(self._follow())
            await asyncio.wait([following, leaving], return_when=asyncio.FIRST_COMPLETED)
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled() and (fault := following.exception()):
                self._report(fault)
                await asyncio.wait([leaving], timeout=RETRY_S)

    async def _follow(self) -> None:
        while True:
            chosen = await self._settled()
            if chosen.addresses:
                await self._announce(chosen)
                continue
            self._say("waiting", reason=chosen.reason)
            while self._choose_now() == chosen:
                await asyncio.sleep(POLL_S)

    async def _settled(self) -> AddressChoice:
        chosen = self._choose_now()
        while True:
            await asyncio.sleep(SETTLE_S)
            before, chosen = chosen, self._choose_now()
            if chosen == before:
                return chosen

    def _choose_now(self) -> AddressChoice:
        return choose_addresses(machine_interfaces(), self._bound, self._interface)

    async def _announce(self, chosen: AddressChoice) -> None:
        """Be announced until the addresses or the name must change (then without a goodbye), or until cancelled."""
        from zeroconf.asyncio import AsyncZeroconf  # 40 ms and 5 MB: after the port listens, if at all

        voice = AsyncZeroconf(interfaces=list(chosen.speakers))
        try:
            access, shown = self.access(), self._endpoint.fingerprint
            infos = await self._register(voice, chosen)
            self._say("announced", chosen)
            while (
                (self._choose_now(), self.access(), self._endpoint.fingerprint) == (chosen, access, shown)
                and await self._keeps_host()
                and await self._keeps_name(voice, infos)
            ):
                await asyncio.sleep(POLL_S)
            # What iPads know of the service stays true but for its address, and the next announcement flushes that
            # (RFC 6762, section 10.2). A goodbye would take the hub off their lists for a moment.
            voice.zeroconf.registry.async_remove(list(infos))
        finally:
            await voice.async_close()

    async def _register(self, voice: AsyncZeroconf, chosen: AddressChoice) -> list[AsyncServiceInfo]:
        from .mdns_rate_limit import NameClaims, read_within_limits

        await voice.zeroconf.async_wait_for_start()
        if not voice.zeroconf.engine.senders:
            raise NoMdnsSocketError(f"No interface takes mDNS on {', '.join(chosen.speakers)}.")
        claims = NameClaims(SERVICES, read_within_limits(voice), self._note_announcement)
        voice.zeroconf.async_add_listener(claims, None)
        infos = self._infos(chosen)
        if await self._is_taken(voice, infos):
            self._rename(self._names[1])
            infos = self._infos(chosen)
        for told in [await voice.async_register_service(info, cooperating_responders=True) for info in infos]:
            await told
        return infos

    async def _is_taken(self, voice: AsyncZeroconf, infos: list[AsyncServiceInfo]) -> bool:
        """Whether another hub that answers has this name: whoever was first keeps it."""
        from zeroconf import NonUniqueNameException

        checks = (voice.zeroconf.async_check_service(info, False) for info in infos)
        found = [fault for fault in await asyncio.gather(*checks, return_exceptions=True) if fault is not None]
        if others := [fault for fault in found if not isinstance(fault, NonUniqueNameException)]:
            raise others[0]
        for _ in found:
            await self._rivals.ask_next()
        return bool(found and self._rivals.answering)

    def _note_announcement(self, name: str, host: str, address: str, port: int) -> None:
        """Somebody at this address announces a hub of this name, at this host and port; ourselves too."""
        if host in (f"{self.host}.", f"{self._usual_host}."):
            self._copies.note_announcement(address, port, host)
        if host != f"{self.host}." and name in [f"{self._names[0]}.{one}".lower() for one in SERVICES]:
            self._rivals.note_announcement(host, address, port)

    async def _keeps_host(self) -> bool:
        """False where the host name must change: another hub with a copy of our data has answered for a minute.

        Both take another then, that of their run: nobody may answer to a name that could mean either restaurant.
        """
        await self._copies.ask_next()
        if not self._copies.found or self.host != self._usual_host:
            return True
        self.host = host_name(self._endpoint.run)
        self._name, _ = self._names = (
            self._names[0],
            instance_label(self._endpoint.name, f" ({short_id(self._endpoint.run)})"),
        )
        self._copies.log_duplicate(self.host)
        return False

    def _infos(self, chosen: AddressChoice) -> list[AsyncServiceInfo]:
        from zeroconf.asyncio import AsyncServiceInfo

        place = self._endpoint
        tls = {"tls": str(place.tls_port), "fp": place.fingerprint} if place.tls_port else {}
        return [
            AsyncServiceInfo(
                service,
                f"{self._name}.{service}",
                port=self._port,
                properties=self._properties | tls | {"access": self.access()},
                server=f"{self.host}.",
                parsed_addresses=list(chosen.addresses),
            )
            for service in self._services
        ]

    async def _keeps_name(self, voice: AsyncZeroconf, infos: list[AsyncServiceInfo]) -> bool:
        """Hold our name against another hub that took it too; False where the name must change.

        zeroconf looks for a name's owner only before it registers, so two hubs that start together after a power cut
        both take it. The one whose host name sorts first keeps it, and says again that it is there. An announcement
        alone renames nobody: it could be anyone's.
        """
        clear_mdns_cache(voice)
        if self._gave_way:
            return True
        await self._rivals.ask_next()
        hubs = self._rivals.confirmed
        if self._name == self._names[1]:  # another had the name when we came: it keeps it as long as it answers
            self._gave_way = bool(hubs)
            if not self._rivals.answering:
                self._rename(self._names[0])
            return self._name == self._names[1]
        if any(rival.host < f"{self.host}." for rival in hubs):
            self._gave_way = True
            self._rename(self._names[1])
            return False
        if self._rivals.announced_since(self._clock.monotonic() - 2 * POLL_S):
            for info in infos:
                voice.zeroconf.async_send(voice.zeroconf.generate_service_broadcast(info, None))
        return True

    def _rename(self, name: str) -> None:
        if name == self._names[1] != self._name:
            rival = self._rivals.answering[0]
            told = "Another hub in this network (%s, port %d) is called %r too; this one is %r now."
            log.warning(told, rival.address, rival.port, *self._names)
        elif name != self._name:
            log.info("The other hub is gone; this one is %r again.", name)
        self._name = name

    def _report(self, fault: BaseException) -> None:
        reason = fault_text(fault)
        if self._state.reason != reason:
            foreseen = isinstance(fault, (OSError, NoMdnsSocketError))
            log.warning("iPads cannot find the hub by themselves: %s", reason, exc_info=None if foreseen else fault)
        self._say("failed", reason=reason)

    def _say(self, state: DiscoveryState, chosen: AddressChoice | None = None, reason: str | UnsetType = UNSET) -> None:
        addresses = list(chosen.addresses) if chosen else []
        if chosen and addresses != self._state.addresses:
            at = endpoint_url(self._endpoint, self.host)
            log.info("iPads find the hub as %r, browsers at %s.", self._name, at)
        self._state = Discovery(state, self._name, self.host, addresses, reason)


def clear_mdns_cache(voice: AsyncZeroconf) -> None:
    """Empty zeroconf's cache: we look nothing up, and 10,000 records of a hostile neighbour would stay for hours."""
    cache = voice.zeroconf.cache
    for name in cache.names():
        cache.async_remove_records(cache.entries_with_name(name))


def instance_label(name: str, ending: str = "") -> str:
    """A name as an instance label (RFC 6763, section 4.1.1): NFC, no controls, at most 63 bytes with the ending."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in unicodedata.normalize("NFC", name))
    text = " ".join(plain.split()).replace(".", ONE_DOT_LEADER) or "restohub"
    end = len(text)
    while len(text[:end].encode()) > LABEL_BYTES_MAX - len(ending.encode()) or _joined(text, end):
        end -= 1
    return text[:end].rstrip() + ending


def _joined(text: str, at: int) -> bool:
    """Whether a cut there would part what is seen as one character (accents, joined emoji)."""
    return 0 < at < len(text) and (unicodedata.category(text[at])[0] == "M" or "\u200d" in text[at - 1 : at + 1])


def fault_text(fault: BaseException) -> str:
    """What went wrong, and what to do where that is known."""
    if isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE:
        return "Another program keeps UDP port 5353 (mDNS) to itself. Stop it, or let it share the port."
    if isinstance(fault, (OSError, NoMdnsSocketError)):
        return str(fault)
    return f"{type(fault).__name__}: {fault}"
