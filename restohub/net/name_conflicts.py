"""Name conflicts: other hubs that announce this hub's name or host, each asked, as announcements are easily faked."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address

from restohub.limits import (
    RIVAL_ANSWERS,
    RIVAL_ASKED_EVERY_S,
    RIVALS_ASKED_A_MINUTE,
    RIVALS_MAX,
)
from restohub.live.address_usage import Bucket

from .addresses import HostAddress, machine_networks
from .urls import host_name

UNHEARD_S = 60.0
ASKED_BURST = 3


class Rival:
    """One that announces our name: the host it says that it is (lower case, with its last dot), where it was heard.

    `id`: what it answered with, "" until it did.
    """

    __slots__ = ("address", "answers", "due_at", "heard_at", "host", "id", "port")

    def __init__(self, host: str, address: str, port: int, now: float) -> None:
        self.host = host
        self.address = address
        self.port = port
        self.id = ""
        self.answers = 0
        self.due_at = now
        self.heard_at = now

    @property
    def is_confirmed(self) -> bool:
        """Whether it is a hub: it has answered as one for most of a minute."""
        return self.answers >= RIVAL_ANSWERS


class Rivals:
    """Those who announce a hub's name or host, at most RIVALS_MAX of them, asked one after the other.

    `ask` gives the id of the hub that answers `GET /health` at an address and port, and that of its run, "" where none
    does; `now` the seconds of a monotonic clock. A hub's host name follows from its id, or from its run where it has a
    copy's data: so what was announced and who answers is one. Our own run, wherever it answers (another interface, a
    proxy, a router that forwards the port), is ourselves.
    """

    def __init__(
        self,
        own_id: str,
        own_run: str,
        ask: Callable[[str, int], Awaitable[tuple[str, str]]],
        now: Callable[[], float],
        look: Callable[[], Iterable[HostAddress]] = machine_networks,
    ) -> None:
        self._own_id = own_id
        self._own_run = own_run
        self._own_hosts = {f"{host_name(own_id)}.", f"{host_name(own_run)}."}
        self._ask = ask
        self._now = now
        self._look = look
        self._known: dict[tuple[str, str, int], Rival] = {}
        self._may_ask = Bucket(RIVALS_ASKED_A_MINUTE / 60, ASKED_BURST, now())

    def note_announcement(self, host: str, address: str, port: int) -> None:
        """Somebody at this address announces our name, or our host, and this host and port."""
        now = self._now()
        self._forget_unheard(now)
        known = self._known.get((host, address, port))
        if known is not None:
            known.heard_at = now
        else:
            if len(self._known) >= RIVALS_MAX:
                self._forget_one()
            self._known[host, address, port] = Rival(host, address, port, now)

    def announced_since(self, then: float) -> bool:
        """Whether anybody was heard since then."""
        return any(rival.heard_at >= then for rival in self._known.values())

    @property
    def answering(self) -> list[Rival]:
        """Those who answered whenever they were asked, once at least."""
        return [rival for rival in self._known.values() if rival.answers]

    @property
    def confirmed(self) -> list[Rival]:
        """Those who are hubs."""
        return [rival for rival in self._known.values() if rival.is_confirmed]

    async def is_there(self, rival: Rival) -> bool:
        """Whether a rival that counts still answers as it did."""
        return (await self._ask(rival.address, rival.port))[0] == rival.id

    async def ask_next(self) -> None:
        """Ask the one whose turn it is, if any; who gives no answer is forgotten until it is heard again."""
        now = self._now()
        due = [rival for rival in self._known.values() if not rival.is_confirmed and rival.due_at <= now]
        for rival in sorted(due, key=lambda one: -one.answers):
            place = self._place_of(rival.address)
            if place == "here" and rival.host not in self._own_hosts:
                rival.answers = RIVAL_ANSWERS
            elif place != "on the link":
                self._forget(rival)
            else:
                if self._may_ask.takes(1, now):
                    await self._ask_one(rival)
                return

    async def _ask_one(self, rival: Rival) -> None:
        if await self._is_hub(rival):
            rival.answers += 1
            rival.due_at = self._now() + RIVAL_ASKED_EVERY_S
        else:
            self._forget(rival)

    def _forget(self, rival: Rival) -> None:
        self._known.pop((rival.host, rival.address, rival.port), None)

    async def _is_hub(self, rival: Rival) -> bool:
        rival.id, run = await self._ask(rival.address, rival.port)
        if not rival.id or run == self._own_run:
            return False
        return rival.host in (f"{host_name(rival.id)}.", f"{host_name(run)}.")

    def _place_of(self, text: str) -> str:
        """Where an address is: `on the link` may be asked; `here` is this machine, which alone can send from it.

        Linux drops an IPv4 packet that comes from the network with the machine's own address as its sender. What else
        is our own is never asked, nor is anything beyond the link: nobody shall send requests through the hub.
        """
        address = ip_address(text.partition("%")[0])
        known = list(self._look())
        if address.is_loopback or address.is_multicast or address.is_unspecified:
            return "nowhere"
        if any(address == interface.ip for interface in known):
            return "here" if sys.platform == "linux" and address.version == 4 else "nowhere"
        on_link = any(address in one.network for one in known if one.version == address.version)
        return "on the link" if on_link else "elsewhere"

    def _forget_unheard(self, now: float) -> None:
        """Those who have fallen silent; who is being counted is still asked."""
        for key, rival in tuple(self._known.items()):
            if now - rival.heard_at > UNHEARD_S and (rival.is_confirmed or not rival.answers):
                del self._known[key]

    def _forget_one(self) -> None:
        """Make room: of those who never answered the one that was heard first, else of all."""
        silent = [key for key, rival in self._known.items() if not rival.answers]
        del self._known[(silent or list(self._known))[0]]
