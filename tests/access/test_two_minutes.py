"""The two minutes of a code and of an invitation, who gives way meanwhile, and a stranger who tries for a day."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random

import pytest

from restohub.access.pairing import Pairings, Pending
from restohub.access.tokens import new_token
from restohub.limits import PAIRING_S, PENDING_MAX
from tests.access.closed_hub import manager
from tests.conftest import Hub
from tests.contract.answers import ok, problem

TOKEN = b"rsto_" + b"a" * 43


class Clock:
    """The seconds that a test says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_device_waits_for_two_minutes() -> None:
    clock = Clock()
    pairings = Pairings(clock)
    pending = pairings.open(sha256(TOKEN).digest(), "a", "iPad")
    assert pending is not None
    clock.now += 119
    assert (pairings.left_s(pending), pairings.of_token(TOKEN)) == (1, pending)
    clock.now += 1
    assert (pairings.waiting(), pairings.of_token(TOKEN), pairings.showing(pending.code)) == ([], None, None)


def test_an_invitation_is_good_for_two_minutes() -> None:
    clock = Clock()
    pairings = Pairings(clock)
    used, late = pairings.invite("Bar", "view", ""), pairings.invite("Bar", "view", "")
    assert used is not None
    assert late is not None
    clock.now += 119
    assert pairings.invited(used) is not None
    clock.now += 1
    assert pairings.invited(late) is None


def test_the_newest_of_an_address_that_holds_more_gives_way() -> None:
    pairings = Pairings(Clock())
    for number in range(20):
        assert pairings.open(bytes([number]), f"{number // 5}", "") is not None
    assert pairings.open(bytes([99]), "late", "") is not None
    assert [one.digest[0] for one in pairings.waiting()] == [0, 1, 2, 3, *range(5, 20), 99]


def test_twenty_invitations_are_out_at_most(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    with manager(hub) as trusted:
        body = {"name": "Bar", "role": "view"}
        for _ in range(20):
            ok(trusted.post("/api/invitations", json=body), 201)
        problem(trusted.post("/api/invitations", json=body), 429, "rate_limited")


# ---- A stranger who tries for a day.

DAY_S, TRIES_EVERY_S = 86_400.0, 10.0
HOUSE = "the house"


class Stranger:
    """Somebody who asks and guesses from many addresses, of all that he is let do, and who hears what others send."""

    def __init__(self, pairings: Pairings, addresses: int) -> None:
        self._pairings = pairings
        self._addresses = [f"stranger {number}" for number in range(addresses)]
        self._asked = 0
        self.let_in = 0
        self.overheard: list[Pending] = []

    def try_all(self) -> None:
        """Take every place that there is, as another device and as the one that waits; guess a secret and a token.

        Once an address is refused it would be so until time passes: so this is as much as any rate.
        """
        for address in self._addresses:
            for heard in self.overheard:
                self._pairings.open(heard.digest, address, heard.name)
            while self._pairings.open(self._new_digest(), address, "iPad") is not None:
                pass
        for guess in (self._pairings.new_secret(), *(heard.code for heard in self.overheard), "", "None"):
            self.let_in += self._pairings.invited(guess) is not None
        for token in (new_token().encode(), *(heard.digest.hex().encode() for heard in self.overheard), b""):
            self.let_in += self._pairings.of_token(token) is not None

    def _new_digest(self) -> bytes:
        self._asked += 1
        return sha256(f"{self._asked}".encode()).digest()


class House:
    """A manager who pairs a device now and then, while a stranger tries."""

    def __init__(self, addresses: int, chance: Random) -> None:
        self.clock = Clock()
        self.pairings = Pairings(self.clock)
        self.stranger = Stranger(self.pairings, addresses)
        self.chance = chance
        self.paired = self.refused = 0

    def live(self, seconds: float, every_s: float = TRIES_EVERY_S) -> None:
        """Let so much time pass, in which the stranger tries: while a device waits, and as soon as places are free."""
        while seconds > 0:
            step = min(seconds, 2 * every_s * self.chance.random())
            self.clock.now += step
            seconds -= step
            self.stranger.try_all()

    def pair(self) -> None:
        """A device asks, and a manager types its code within two minutes; where it was refused he invites it."""
        token = new_token().encode()
        pending = self.pairings.open(sha256(token).digest(), HOUSE, "Host stand")
        if pending is None:
            self.refused += 1
            self.invite()
            return
        self.stranger.overheard = [pending]
        self.live(self.chance.uniform(1, PAIRING_S - 1))
        assert self.pairings.of_token(token) == pending, "it was thrown out"
        assert self.pairings.showing(pending.code) == pending
        self.pairings.close(pending.digest)
        self.stranger.overheard = []
        self.paired += 1

    def invite(self) -> None:
        """A manager shows a QR code, and a device uses it within two minutes."""
        secret = self.pairings.invite("Bar", "view", "")
        assert secret is not None
        self.live(self.chance.uniform(1, PAIRING_S - 1))
        assert self.pairings.invited(secret) is not None
        self.pairings.use(secret)
        self.paired += 1


@pytest.mark.parametrize("addresses", [1, PENDING_MAX - 1, PENDING_MAX + 5])
def test_a_day_of_guesses_lets_nobody_in_and_keeps_no_device_out(addresses: int) -> None:
    house = House(addresses, Random(addresses))
    pairings = 0
    while house.clock.now < DAY_S:
        house.live(house.chance.uniform(0, 4_800), PAIRING_S)
        house.pair() if house.chance.random() < 0.7 else house.invite()
        pairings += 1
    assert house.stranger.let_in == 0
    assert house.paired == pairings
    if addresses < PENDING_MAX:  # who has as many addresses as there are places may keep codes out, but no invitation
        assert house.refused == 0
