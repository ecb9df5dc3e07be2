"""Which sockets may wait on a closed hub until they have shown a token, where too many want to."""

from __future__ import annotations

from restohub.limits import KNOWN_AFTER_S, UNNAMED_AN_ADDRESS, UNNAMED_MAX
from restohub.live.address_usage import Caller, Callers
from restohub.web.socket_access import make_room

NOW = 10_000.0


class Waiting:
    """A socket that has shown no token yet."""

    gave_way = False

    def give_way(self) -> None:
        self.gave_way = True


def known(caller: Caller) -> Caller:
    """It has held a socket for ten minutes."""
    caller.sockets["a"] = NOW - KNOWN_AFTER_S
    return caller


def test_however_many_addresses_a_stranger_has_the_house_finds_a_place() -> None:
    callers = Callers((), lambda: NOW, str)
    waiting = {Waiting(): callers.of(f"10.0.1.{number}") for number in range(UNNAMED_MAX)}
    assert not make_room(waiting, callers.of("10.0.0.9"), NOW), "one more stranger"
    house = known(callers.of("10.0.0.1"))
    for taken in range(UNNAMED_AN_ADDRESS):
        assert make_room(waiting, house, NOW)
        assert len(waiting) == UNNAMED_MAX - 1
        waiting[Waiting()] = house
        assert sum(one is house for one in waiting.values()) == taken + 1
    assert not make_room(waiting, house, NOW), "it has four"


def test_of_the_house_none_gives_way_to_a_stranger_and_the_one_that_holds_more_to_another() -> None:
    callers = Callers((), lambda: NOW, str)
    waiting = {Waiting(): known(callers.of(f"10.0.0.{number // 4}")) for number in range(UNNAMED_MAX)}
    assert not make_room(waiting, callers.of("10.0.1.1"), NOW)
    first_four = [*waiting][:4]
    assert make_room(waiting, known(callers.of("10.0.0.99")), NOW)
    assert [one for one in first_four if one not in waiting] == [first_four[3]]
    assert first_four[3].gave_way
