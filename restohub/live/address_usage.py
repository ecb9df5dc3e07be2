"""What each address on the network has used of its rates and limits."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from restohub.limits import (
    ADDRESSES_MAX,
    BOARD_FILES_A_SECOND,
    BOARD_FILES_BURST,
    CREATIONS_AN_HOUR,
    CREATIONS_BURST,
    GROWTH_BYTES_AN_HOUR,
    GROWTH_BYTES_BURST,
    HEADERS_LOOKED_AT,
    KNOWN_AFTER_S,
    KNOWN_FOR_S,
    RATE_WAIT_S,
    SOCKETS_A_SECOND,
    SOCKETS_BURST,
    UNITS_A_SECOND,
    UNITS_BURST,
)

HOUR_S = 3600.0


class Bucket:
    """A token bucket: `rate` tokens a second flow in, up to `burst`. It may be overdrawn: then one waits for longer."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._left = burst
        self._at = now

    def left(self, now: float) -> float:
        """How many tokens there are, below zero where it is overdrawn."""
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left

    def spend(self, tokens: float, now: float) -> None:
        """Take so many, whether they are there or not."""
        self._left = self.left(now) - tokens

    def takes(self, tokens: float, now: float) -> bool:
        """Take so many where they are there; say whether they were."""
        if self.left(now) < tokens:
            return False
        self._left -= tokens
        return True

    def wait_for(self, tokens: float, promised: float, now: float) -> float:
        """How long it takes until so many are there beside the promised, in seconds; one that is full gives any."""
        return max(0.0, (min(tokens, self.burst) + promised - self.left(now)) / self.rate)

    def wait_s(self, now: float) -> float:
        """How long it takes until it is not overdrawn, in seconds."""
        return max(0.0, -self.left(now) / self.rate)


class OpenConnection(Protocol):
    """A connection, as far as it matters here."""

    def give_way(self) -> None:
        """End: another one needs the place."""


class Caller:
    """One address and what it has used. A `shared` one stands for many devices: it has no limits of its own.

    `connections` and those of them that are `sockets` (with the time when each was opened) have one key for each
    transport, the newest last. `body_bytes` is what its large requests that are not whole yet weigh.
    `clock` gives the seconds of a monotonic clock.
    """

    def __init__(self, address: str, clock: Callable[[], float], *, shared: bool) -> None:
        now = clock()
        self.address = address
        self.shared = shared
        self.units = Bucket(UNITS_A_SECOND, UNITS_BURST, now)
        self.board_files = Bucket(BOARD_FILES_A_SECOND, BOARD_FILES_BURST, now)
        self._clock = clock
        self._line = asyncio.Lock()
        self.creations = Bucket(CREATIONS_AN_HOUR / HOUR_S, CREATIONS_BURST, now)
        self.growth = Bucket(GROWTH_BYTES_AN_HOUR / HOUR_S, GROWTH_BYTES_BURST, now)
        self.new_sockets = Bucket(SOCKETS_A_SECOND, SOCKETS_BURST, now)
        self.connections: dict[object, OpenConnection] = {}
        self.sockets: dict[object, float] = {}
        self.body_bytes = 0
        # Of how many requests without a token it is still noted who sends them, until `look_again`.
        self.looks = HEADERS_LOOKED_AT
        # The adopted device that spoke from here last by its header, and when.
        self.spoke_as = ""
        self.spoke_at = float("-inf")
        self._known_until = float("-inf")

    @property
    def holds(self) -> bool:
        """Whether it must be remembered: something of it is still open."""
        return bool(self.connections) or self._line.locked()

    def pays_at_once(self, units: float) -> bool:
        """Take so many units where none are owed and nobody waits; say whether they were taken."""
        if self.shared:
            return True
        now = self._clock()
        if self._line.locked() or self.units.left(now) < 0:
            return False
        self.units.spend(units, now)
        return True

    def takes_board_file(self) -> bool:
        """Take one of the board's files that cost nothing, where there is one left; say whether there was."""
        return self.board_files.takes(1, self._clock())

    async def pay(self, units: float) -> None:
        """Take so many units once none are owed, in turn with the others of this address.

        Raises TimeoutError after RATE_WAIT_S: then nothing was taken.
        """
        async with asyncio.timeout(RATE_WAIT_S):
            await self.pay_in_turn(units)

    async def pay_in_turn(self, units: float) -> None:
        """Take so many units once none are owed, in turn with the others of this address, however long that takes."""
        if self.pays_at_once(units):
            return
        async with self._line:
            while (wait_s := self.owes_s()) > 0:
                await asyncio.sleep(wait_s)
            self.spend(units)

    def spend(self, units: float) -> None:
        """Take so many units for what was done, whether they are there or not: whoever comes next waits."""
        if not self.shared:
            self.units.spend(units, self._clock())

    def owes_s(self) -> float:
        """How long it takes until no units are owed, in seconds."""
        return 0.0 if self.shared else self.units.wait_s(self._clock())

    def known(self, now: float) -> bool:
        """Whether it counts as one of the house: it holds a socket for a while, or lately did; or it is shared."""
        if self.shared or now < self._known_until:
            return True
        return now - next(iter(self.sockets.values()), now) >= KNOWN_AFTER_S

    def end_socket(self, key: object, now: float) -> bool:
        """Forget one of its sockets, and remember that it held one for long; say whether there was one."""
        opened_at = self.sockets.pop(key, None)
        if opened_at is not None and now - opened_at >= KNOWN_AFTER_S:
            self._known_until = now + KNOWN_FOR_S
        return opened_at is not None


class Callers:
    """Every address that was lately heard of, at most ADDRESSES_MAX; the longest unheard of is forgotten first.

    One that holds something is not forgotten, and one of the house only where all are. Nothing is kept over a restart:
    an iPad that comes back then has its few connections all the same.

    `now` gives the seconds of a monotonic clock, `key` the address by which a peer is counted. `shared` are the
    addresses that many devices share (a router, a proxy, the hub's own machine).
    """

    def __init__(self, shared: Iterable[str], now: Callable[[], float], key: Callable[[str], str]) -> None:
        self._shared = frozenset(shared)
        self._now = now
        self._key = key
        self._known: OrderedDict[str, Caller] = OrderedDict()

    def of(self, peer: str) -> Caller:
        """The caller behind a peer's address."""
        address = self._key(peer)
        caller = self._known.get(address)
        if caller is None:
            caller = self._known[address] = Caller(address, self._now, shared=address in self._shared)
            self._forget()
        self._known.move_to_end(address)
        return caller

    def address_of(self, peer: str) -> str:
        """The address by which a peer is counted."""
        return self._key(peer)

    def spoke(self) -> list[Caller]:
        """The addresses from which an adopted device spoke."""
        return [one for one in self._known.values() if one.spoke_as]

    def look_again(self) -> None:
        """Have it noted anew of each address who sends requests without a token."""
        for one in self._known.values():
            one.looks = HEADERS_LOOKED_AT

    def now(self) -> float:
        """The time by which all of this is counted."""
        return self._now()

    def _forget(self) -> None:
        if len(self._known) <= ADDRESSES_MAX:
            return
        now = self._now()
        for spare in (False, True):  # the second time those of the house, too
            for _ in range(ADDRESSES_MAX):
                address, caller = next(iter(self._known.items()))
                if not caller.holds and (spare or not caller.known(now)):
                    del self._known[address]
                    return
                self._known.move_to_end(address)
