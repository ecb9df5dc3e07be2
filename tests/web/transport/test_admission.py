"""Who is let in when the hub is full, and who gives way: without a network, by counts alone."""

from __future__ import annotations

import pytest

from restohub.limits import CONNECTIONS_MAX, HOLDS_FEW, KNOWN_AFTER_S, SOCKETS_AN_ADDRESS, SOCKETS_BURST, SOCKETS_MAX
from restohub.live.address_usage import Caller, Callers
from restohub.web.transport.admission import ALL_SOCKETS, FULL, FULL_OF_SOCKETS, TOO_MANY_NEW, Admission


class Door:
    """An admission with a clock of the test's own, and what has given way."""

    def __init__(self, *shared: str) -> None:
        self.now = 0.0
        self.admission = Admission(Callers(shared, lambda: self.now, str))
        self.gone: list[str] = []

    def of(self, address: str) -> Caller:
        return self.admission.callers.of(address)

    def enter(self, address: str, count: int = 1) -> object:
        """The last answer to so many connections of an address."""
        answer: object = None
        for _ in range(count):
            answer = self.admission.connect(object(), self.of(address), Entered(self, address))
        return answer

    def fill(self, per_address: int) -> None:
        """Take every place that is left, by so many of each address."""
        number = 0
        while (left := CONNECTIONS_MAX - self.admission.connections) > 0:
            self.enter(f"filler {number}", min(left, per_address))
            number += 1


class Entered:
    """A connection that says to the door that it gave way."""

    def __init__(self, door: Door, address: str) -> None:
        self._door = door
        self._address = address

    def give_way(self) -> None:
        self._door.gone.append(self._address)


@pytest.fixture
def door() -> Door:
    return Door("proxy")


def test_nobody_with_four_or_fewer_gives_way(door: Door) -> None:
    door.fill(HOLDS_FEW)
    assert door.enter("new") == FULL
    assert door.gone == []


def test_whoever_holds_most_gives_way_to_one_who_holds_few(door: Door) -> None:
    door.enter("greedy", HOLDS_FEW + 2)
    door.enter("eager", HOLDS_FEW + 1)
    door.fill(HOLDS_FEW)
    assert door.enter("new", 2) is None
    assert door.gone[0] == "greedy"
    assert door.enter("new", 2) is not None
    assert set(door.gone) == {"greedy", "eager"}
    assert door.admission.connections == CONNECTIONS_MAX


def test_the_newest_of_whoever_holds_most_gives_way(door: Door) -> None:
    for number in range(HOLDS_FEW + 2):
        door.admission.connect(object(), door.of("greedy"), Entered(door, f"greedy {number}"))
    door.fill(HOLDS_FEW)
    assert door.enter("new") is None
    assert door.gone == [f"greedy {HOLDS_FEW + 1}"]


def test_whoever_holds_most_is_refused_one_more(door: Door) -> None:
    door.enter("greedy", HOLDS_FEW + 2)
    door.fill(HOLDS_FEW)
    assert door.enter("greedy") == FULL
    assert door.gone == []


def test_a_stranger_gives_way_before_one_of_the_house_that_holds_more(door: Door) -> None:
    key = object()
    door.admission.connect(key, door.of("house"), Entered(door, "house"))
    assert door.admission.open_socket(key, door.of("house")) is None
    door.now += KNOWN_AFTER_S
    door.enter("house", 50)
    door.enter("proxy", 100)
    door.enter("stranger", HOLDS_FEW + 1)
    door.fill(HOLDS_FEW)
    assert door.enter("new") is None
    assert door.gone == ["stranger"]


def test_a_shared_address_has_no_limit_of_its_own(door: Door) -> None:
    assert door.enter("proxy", CONNECTIONS_MAX) is None
    assert door.enter("proxy") == FULL


def test_sockets_have_a_rate_and_a_number(door: Door) -> None:
    caller = door.of("one")
    keys = [object() for _ in range(SOCKETS_BURST)]
    for key in keys:
        door.admission.connect(key, caller, Entered(door, "one"))
    answers = [door.admission.open_socket(key, caller) for key in keys]
    assert answers[:SOCKETS_AN_ADDRESS] == [None] * SOCKETS_AN_ADDRESS
    assert set(answers[SOCKETS_AN_ADDRESS:]) == {ALL_SOCKETS}
    assert door.admission.open_socket(keys[-1], caller) == TOO_MANY_NEW
    for key in keys:
        door.admission.leave(key, caller)
    assert (door.admission.connections, door.admission.sockets, caller.holds) == (0, 0, False)
    door.admission.connect(keys[0], caller, Entered(door, "one"))
    door.now += 1
    assert door.admission.open_socket(keys[0], caller) is None


def test_the_hub_has_512_sockets(door: Door) -> None:
    answers = []
    for number in range(SOCKETS_MAX + 1):
        key, caller = object(), door.of(f"of few {number // HOLDS_FEW}")
        door.admission.connect(key, caller, Entered(door, caller.address))
        answers.append(door.admission.open_socket(key, caller))
    assert answers == [*[None] * 512, FULL_OF_SOCKETS]
