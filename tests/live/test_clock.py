"""The hub's time where the machine's clock is right, behind, ahead, set back and set forth."""

from __future__ import annotations

import time
from random import Random
from uuid import UUID

import pytest

from restohub.live.clock import Clock, new_epoch, new_id

NOON = 1_700_000_000


class TwoClocks:
    """The machine's two clocks: `wall` may be set to anything, `ticks` only go on."""

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.ticks = 5000.0

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.ticks += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> TwoClocks:
    one = TwoClocks(NOON)
    monkeypatch.setattr(time, "time", lambda: one.wall)
    monkeypatch.setattr(time, "monotonic", lambda: one.ticks)
    monkeypatch.setattr(time, "time_ns", lambda: int(one.wall * 10**9))
    return one


def test_a_right_clock_is_the_hubs_time(machine: TwoClocks) -> None:
    clock = Clock(NOON - 3600)
    assert (clock.now(), clock.commit_time(), clock.behind_s()) == (NOON, NOON, 0)
    machine.wait(90.7)
    assert (clock.now(), clock.commit_time()) == (NOON + 90, NOON + 90)


def test_a_clock_behind_the_last_commit_goes_on_from_it(machine: TwoClocks) -> None:
    clock = Clock(NOON + 10_000)
    assert clock.now() == NOON + 10_000
    assert clock.behind_s() == 10_000
    machine.wait(60)
    assert clock.commit_time() == NOON + 10_060
    machine.wait(60)
    assert (clock.now(), clock.commit_time()) == (NOON + 10_120, NOON + 10_120)


def test_a_clock_that_is_set_back_does_not_take_the_hub_back(machine: TwoClocks) -> None:
    clock = Clock()
    assert clock.commit_time() == NOON
    machine.wall -= 86_400
    machine.wait(30)
    assert clock.commit_time() == NOON + 30


def test_a_clock_that_is_set_right_again_is_followed(machine: TwoClocks) -> None:
    clock = Clock(NOON)
    machine.wall = NOON + 500_000
    assert clock.commit_time() == NOON + 500_000
    assert clock.behind_s() == 0


def test_minutes_stay_true_while_the_clock_is_behind_and_no_one_commits(machine: TwoClocks) -> None:
    """A Pi wakes up ten minutes in the past; a party that came at once is seen again a quarter of an hour later."""
    clock = Clock(NOON + 600)
    came = clock.commit_time()
    seen: list[int] = []
    for _ in range(15):
        machine.wait(60)
        seen.append(clock.now() - came)
    assert seen == [60 * n for n in range(1, 16)]


def test_the_hubs_time_never_goes_back_while_the_machines_goes_on(machine: TwoClocks) -> None:
    for seed in range(50):
        random = Random(seed)
        clock = Clock(int(machine.wall) + random.randrange(-1000, 1000))
        last = clock.now()
        for _ in range(100):
            machine.wait(random.random() * 60)
            now = clock.commit_time() if random.random() < 0.2 else clock.now()
            assert now >= last, f"seed {seed}"
            last = now


def test_commit_times_never_go_back_whatever_the_machines_clock_does(machine: TwoClocks) -> None:
    for seed in range(50):
        random = Random(seed)
        clock = Clock(NOON)
        last = NOON
        for _ in range(100):
            machine.wait(random.random() * 60)
            if random.random() < 0.1:
                machine.wall = NOON + random.randrange(-(10**8), 10**8)
            assert clock.commit_time() >= last
            last = clock.commit_time()


def test_ids_are_uuids_of_version_7_that_sort_by_their_millisecond(machine: TwoClocks) -> None:
    made: list[str] = []
    for _ in range(1000):
        machine.wall += 0.001
        made.append(new_id())
    assert len(set(made)) == 1000
    assert made == sorted(made)
    for text in made:
        uuid = UUID(text)
        assert (uuid.version, uuid.variant, str(uuid)) == (7, "specified in RFC 4122", text)
    assert abs((UUID(made[-1]).int >> 80) - machine.wall * 1000) <= 1


def test_ids_of_one_millisecond_differ(machine: TwoClocks) -> None:
    assert machine.wall == NOON
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_epochs_are_short_and_never_the_same() -> None:
    epochs = {new_epoch() for _ in range(1000)}
    assert len(epochs) == 1000
    assert all(len(epoch) <= 16 and epoch.isalnum() for epoch in epochs)
