"""The sums of unfinished requests: whose is refused, and that nothing is left of them at the end."""

from __future__ import annotations

import random

from restohub.floor.outcomes import Refused
from restohub.limits import BODIES_BYTES_AN_ADDRESS, BODIES_BYTES_MAX
from restohub.live.address_usage import Caller
from restohub.web.transport.pending_bodies import ALL_BODIES, FULL_OF_BODIES, UNCOUNTED_BYTES, Bodies

MIB = 1024 * 1024


class Sender:
    """A connection that notes why it was refused."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.why: Refused | None = None

    def give_up(self, why: Refused) -> None:
        self.why = why


def caller(address: str, *, shared: bool = False) -> Caller:
    return Caller(address, lambda: 0, shared=shared)


def test_small_ones_are_not_even_counted() -> None:
    bodies, one = Bodies(), caller("one")
    for _ in range(2_000):
        assert not bodies.weigh(Sender(one), UNCOUNTED_BYTES)
    assert (bodies.total, one.body_bytes) == (0, 0)


def test_the_largest_of_an_address_over_its_share_is_refused() -> None:
    bodies, one = Bodies(), caller("one")
    senders = [Sender(one) for _ in range(BODIES_BYTES_AN_ADDRESS // MIB + 1)]
    for sender in senders:
        bodies.weigh(sender, MIB - (sender is not senders[3]))
    assert [sender.why for sender in senders if sender.why] == [ALL_BODIES]
    assert senders[3].why == ALL_BODIES


def test_an_address_may_have_its_whole_share_and_not_a_byte_more() -> None:
    bodies, one = Bodies(), caller("one")
    first, second = Sender(one), Sender(one)
    bodies.weigh(first, MIB)
    bodies.weigh(second, BODIES_BYTES_AN_ADDRESS - MIB)
    assert (first.why, second.why) == (None, None)
    bodies.weigh(first, MIB + 1)
    assert (first.why, second.why) == (None, ALL_BODIES)


def test_when_all_is_taken_the_largest_of_whoever_holds_most_is_refused() -> None:
    bodies = Bodies()
    callers = [caller("proxy", shared=True), caller("a"), caller("b")]
    senders = {one.address: [Sender(one) for _ in range(count)] for one, count in zip(callers, (29, 8, 8), strict=True)}
    for of_one in senders.values():
        for sender in of_one:
            bodies.weigh(sender, MIB)
    assert not any(sender.why for of_one in senders.values() for sender in of_one)
    assert bodies.total > BODIES_BYTES_MAX - MIB
    bodies.weigh(Sender(callers[1]), MIB)
    assert [sender.why for sender in senders["proxy"] if sender.why] == [FULL_OF_BODIES]
    assert bodies.total <= BODIES_BYTES_MAX


def test_whatever_comes_and_goes_the_sums_hold_and_end_at_nothing() -> None:
    chance = random.Random(7)
    bodies = Bodies()
    callers = [caller("proxy", shared=True), *(caller(f"{number}") for number in range(9))]
    senders = [Sender(chance.choice(callers)) for _ in range(120)]
    for _ in range(5_000):
        bodies.weigh(chance.choice(senders), chance.choice((0, UNCOUNTED_BYTES, chance.randrange(MIB))))
        assert bodies.total == sum(one.body_bytes for one in callers) <= BODIES_BYTES_MAX
        assert all(one.body_bytes <= BODIES_BYTES_AN_ADDRESS for one in callers[1:])
    for sender in senders:
        bodies.weigh(sender, 0)
    assert bodies.total == 0
    assert [one.body_bytes for one in callers] == [0] * len(callers)
