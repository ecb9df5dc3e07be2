"""What is kept of a PIN, how long wrong ones make a device wait, how long somebody is at a device: without a hub."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from restohub.access.pin_attempts import PinAttempts, WrongPins
from restohub.access.pins import fits, is_of, keep_pin, new_pepper
from restohub.access.staff import Person, PersonRole, Staff
from restohub.net.attempts_file import ATTEMPTS_FILE, read_attempts, write_attempts


class Seconds:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong_within(seconds: int, attempts: PinAttempts, clock: Seconds, device: str) -> list[int]:
    """Type wrong PINs of Anna as often as it goes for so long: the waits, one after the other."""
    waits: list[int] = []
    end = clock.now + seconds
    while clock.now < end:
        assert attempts.wait_s(device, "anna") == 0
        waits.append(attempts.note_wrong(device, "anna"))
        assert attempts.wait_s(device, "anna") == waits[-1]
        clock.now += waits[-1]
    return waits


def test_a_pin_fits_with_its_own_pepper_alone() -> None:
    pepper, other = new_pepper(), new_pepper()
    kept = keep_pin("4711", pepper)
    assert fits("4711", kept, pepper)
    assert not fits("4712", kept, pepper)
    assert not fits("4711", kept, other)
    assert not fits("4711", kept, None)
    assert not fits("4711", None, pepper)
    assert (is_of(kept, pepper), is_of(kept, other), is_of(kept, None)) == (True, False, False)
    assert keep_pin("4711", pepper) != kept, "two with one PIN have two hashes"


def test_a_device_waits_longer_each_time_and_is_forgiven_after_an_hour() -> None:
    clock = Seconds()
    attempts = PinAttempts(clock)
    waits = wrong_within(3_600, attempts, clock, "stand")
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    clock.now += 3_600
    assert attempts.note_wrong("stand", "anna") == 0


def test_a_restart_gives_nobody_more_tries_and_forgives_no_later() -> None:
    clock = Seconds()
    attempts = PinAttempts(clock)
    for _ in range(7):
        attempts.note_wrong("stand", "anna")
    kept = attempts.kept(1_000_000)
    for later, clock_says, waits in ((50, 50, 70), (119, 119, 1), (130, 130, 0), (0, -500, 120)):
        again = PinAttempts(Seconds())
        again.resume(kept, 1_000_000 + clock_says)
        assert again.wait_s("stand", "anna") == waits, later
        assert again.note_wrong("stand", "anna") == 240
    again = PinAttempts(Seconds())
    again.resume(kept, 1_003_600)
    assert again.note_wrong("stand", "anna") == 0, "an hour without a wrong one"


def test_one_device_alone_keeps_nobody_out_elsewhere_but_many_do_for_an_hour() -> None:
    clock = Seconds()
    attempts = PinAttempts(clock)
    wrong_within(3_500, attempts, clock, "stand")
    assert attempts.wait_s("bar", "anna") == 0
    clock.now = 10_000
    for device in ("a", "b", "c", "d", "e"):
        for _ in range(4):
            assert attempts.wait_s(device, "anna") == 0
            attempts.note_wrong(device, "anna")
        clock.now += 100
    assert attempts.wait_s("bar", "anna") == 3_100, "an hour from the first on"
    assert attempts.wait_s("bar", "marco") == 0
    clock.now += 3_100
    assert attempts.wait_s("bar", "anna") == 0
    for _ in range(4):
        attempts.note_wrong("f", "anna")
    assert attempts.wait_s("bar", "anna") == 100, "the first of these twenty was 3,500 s ago"


def test_ones_own_pin_between_does_not_help_to_guess_anothers() -> None:
    attempts = PinAttempts(Seconds())
    for _ in range(4):
        assert attempts.note_wrong("stand", "anna") == 0
        attempts.note_right("stand", "marco")
    assert attempts.note_wrong("stand", "anna") == 30
    attempts = PinAttempts(Seconds())
    for _ in range(4):
        attempts.note_wrong("stand", "anna")
        attempts.note_right("stand", "anna")
    assert attempts.note_wrong("stand", "anna") == 0, "who gets it right in the end starts anew"


def staff_of(clock: Seconds, role: PersonRole) -> tuple[Staff, Person]:
    pepper = new_pepper()
    anna = Person("anna", "Anna", role, keep_pin("4711", pepper), 1)
    return Staff([anna], pepper, clock), anna


def test_somebody_is_signed_in_for_twelve_hours_and_a_confirmation_counts_for_five_minutes() -> None:
    clock = Seconds()
    staff, anna = staff_of(clock, "manager")
    for device in ("stand", "bar"):
        staff.sign_in(device, anna)
        staff.confirm(device, anna)
    staff.put(structs.replace(anna, role="host"))
    assert [staff.signed_in(one) or staff.confirmed(one) for one in ("stand", "bar")] == [None, None], "everywhere"
    staff.put(anna)
    staff.sign_in("stand", anna)
    staff.confirm("stand", anna)
    clock.now = 299
    assert staff.confirmed("stand") == (anna, 1)
    assert staff.confirmed("bar") is None
    clock.now = 300
    assert staff.confirmed("stand") is None
    clock.now = 12 * 3_600 - 1
    assert staff.signed_in("stand") == (anna, 1)
    clock.now += 1
    assert staff.signed_in("stand") is None


def test_without_anybody_the_staff_is_not_looked_at() -> None:
    clock = Seconds()
    assert not Staff().in_use
    staff, anna = staff_of(clock, "host")
    assert (staff.asks, staff.in_use) == (False, False)
    staff.sign_in("stand", anna)
    assert (staff.asks, staff.in_use) == (False, True)
    clock.now = 12 * 3_600
    staff.signed_in("stand")
    assert not staff.in_use
    staff, anna = staff_of(clock, "manager")
    assert (staff.asks, staff.in_use) == (True, True)
    assert not Staff([anna], new_pepper()).asks, "a PIN of another data folder confirms nothing"


def test_pins_are_hashed_one_at_a_time_and_a_device_tries_one_at_a_time() -> None:
    hashing: list[int] = []
    at_once: list[int] = []

    async def many() -> list[object]:
        staff, _ = staff_of(Seconds(), "host")

        def slow() -> bytes:
            hashing.append(1)
            at_once.append(len(hashing))
            for _ in range(1_000_000):
                pass
            hashing.pop()
            return b""

        keeping = [staff.in_turn(slow) for _ in range(4)]
        trying = [staff.identify("stand", "anna", "0000") for _ in range(9)]
        return await asyncio.gather(*keeping, *trying, return_exceptions=True)

    results = asyncio.run(many())
    assert at_once == [1, 1, 1, 1]
    assert [type(one).__name__ for one in results[4:]] == ["tuple", *["PinWaitError"] * 8]


@pytest.mark.parametrize("absurd", ["1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 18])
def test_a_file_of_wrong_pins_that_cannot_be_believed_counts_as_none(tmp_path: Path, absurd: str) -> None:
    for wrong, until, last in ((absurd, 1, 1), (1, absurd, 1), (1, 1, absurd)):
        device = f'{{"wrong": {{"anna": {wrong}}}, "until": {until}, "last": {last}}}'
        (tmp_path / ATTEMPTS_FILE).write_text(f'{{"devices": {{"stand": {device}}}, "persons": {{"anna": [{last}]}}}}')
        attempts = PinAttempts(Seconds())
        attempts.resume(read_attempts(tmp_path), 1)
        assert attempts.note_wrong("stand", "anna") == 0


def test_wrong_pins_that_cannot_be_kept_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_attempts(tmp_path / "gone", WrongPins())
    assert "restohub.wrong-pins.new cannot be written" in caplog.text
    assert {one.levelname for one in caplog.records} == {"WARNING"}
