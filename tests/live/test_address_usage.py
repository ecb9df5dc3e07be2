"""What the hub remembers of an address: for how long, and when it counts as one of the house."""

from __future__ import annotations

from restohub.limits import ADDRESSES_MAX, KNOWN_AFTER_S, KNOWN_FOR_S
from restohub.live.address_usage import Caller, Callers


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Idle:
    """A connection that nothing happens on."""

    def give_way(self) -> None:
        raise AssertionError("nobody needs the place")


def holding(caller: Caller, now: float) -> Caller:
    caller.connections["a"] = Idle()
    caller.sockets["a"] = now
    return caller


def test_an_address_that_held_a_socket_for_ten_minutes_is_known_for_seven_days() -> None:
    watch = SetClock()
    caller = holding(Callers((), watch, str).of("10.0.0.1"), watch.now)
    assert not caller.known(watch.now + KNOWN_AFTER_S - 1)
    assert caller.known(watch.now + KNOWN_AFTER_S)
    ended_at = watch.now + KNOWN_AFTER_S
    assert caller.end_socket("a", ended_at)
    assert caller.known(ended_at + KNOWN_FOR_S - 1)
    assert not caller.known(ended_at + KNOWN_FOR_S)


def test_a_socket_that_was_short_makes_nobody_known() -> None:
    watch = SetClock()
    caller = holding(Callers((), watch, str).of("10.0.0.1"), watch.now)
    caller.end_socket("a", watch.now + KNOWN_AFTER_S - 1)
    assert not caller.known(watch.now + KNOWN_AFTER_S - 1)


def test_a_shared_address_is_known() -> None:
    assert Callers(("10.0.0.1",), SetClock(), str).of("10.0.0.1").known(0)


def test_who_holds_something_is_never_forgotten_and_who_is_known_only_for_others_that_are() -> None:
    watch = SetClock()
    callers = Callers((), watch, str)
    held = callers.of("held")
    held.connections["a"] = Idle()
    known = holding(callers.of("known"), watch.now)
    watch.now += KNOWN_AFTER_S
    known.end_socket("a", watch.now)
    known.connections.clear()
    stranger = callers.of("stranger")
    for number in range(3 * ADDRESSES_MAX):
        callers.of(f"10.{number}")
    assert callers.of("held") is held
    assert callers.of("known") is known
    assert callers.of("stranger") is not stranger
