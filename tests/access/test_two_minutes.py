"""The two minutes of a code and of an invitation, and who gives way meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from restohub.access.pairing import Pairings
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
