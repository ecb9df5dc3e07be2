"""Wrong PINs: how long a device has to wait before it may try again."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from restohub.limits import PIN_WAIT_MAX_S, PIN_WAIT_S, WRONG_PINS_A_PERSON, WRONG_PINS_FREE, WRONG_PINS_S

# What a file may say and be believed; beyond that it cannot be reckoned with.
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Time = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class WrongAt(Struct, frozen=True):
    """The wrong PINs of a device, by whose they were to be; until when it waits, and when it was wrong last."""

    wrong: dict[str, Count]
    until: Time
    last: Time


class WrongPins(Struct, frozen=True):
    """What is kept over a restart: by device, and by person when a PIN of theirs was wrong. Times are UTC seconds."""

    devices: dict[str, WrongAt] = {}
    persons: dict[str, list[Time]] = {}


class Device:
    """The wrong PINs of one device, by whose they were to be; how long it waits, and when it was wrong last."""

    def __init__(self) -> None:
        self.wrong: Counter[str] = Counter()
        self.until = self.last = -math.inf


class PinAttempts:
    """The wrong PINs of each device and for each person. `now`: seconds of a monotonic clock.

    A right PIN clears what was wrong for the same person: with his own PIN between, nobody tries another's for ever.
    `changed`: something is to be kept.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.changed = False
        self._now = now
        self._devices: defaultdict[str, Device] = defaultdict(Device)
        self._persons: defaultdict[str, deque[float]] = defaultdict(deque)

    def kept(self, time: int) -> WrongPins:
        """All that counts now, at this UTC time."""
        self.changed, now = False, self._now()
        self._forget_old(now)

        def utc(moment: float) -> int:
            return time + math.ceil(max(moment - now, -WRONG_PINS_S))

        devices = {key: WrongAt(dict(one.wrong), utc(one.until), utc(one.last)) for key, one in self._devices.items()}
        return WrongPins(devices, {key: [utc(one) for one in wrong] for key, wrong in self._persons.items()})

    def resume(self, found: WrongPins, time: int) -> None:
        """Go on with what was kept, at this UTC time: what the clock says lies ahead was just now."""
        now = self._now()
        for key, one in found.devices.items():
            device = self._devices[key]
            device.wrong = Counter(one.wrong)
            device.last = now - max(0, time - one.last)
            device.until = device.last + min(one.until - one.last, PIN_WAIT_MAX_S)
        for key, wrong in found.persons.items():
            self._persons[key] = deque(now - max(0, time - one) for one in wrong)

    def wait_s(self, device_id: str, person_id: str) -> int:
        """In how many seconds this device may try a PIN of this person, 0 where at once."""
        now = self._now()
        self._forget_old(now)
        until = max(now, self._devices[device_id].until) if device_id in self._devices else now
        wrong = self._persons.get(person_id)
        if wrong is not None and len(wrong) >= WRONG_PINS_A_PERSON:
            until = max(until, wrong[0] + WRONG_PINS_S)
        return math.ceil(until - now)

    def note_wrong(self, device_id: str, person_id: str) -> int:
        """Count a wrong PIN, and say for how long the device has to wait now. `person_id` "": of nobody."""
        now = self._now()
        self._forget_old(now)
        device = self._devices[device_id]
        device.wrong[person_id] += 1
        device.last = now
        over = device.wrong.total() - WRONG_PINS_FREE
        if over >= 0:
            device.until = now + min(PIN_WAIT_S * 2**over, PIN_WAIT_MAX_S)
        if person_id:
            self._persons[person_id].append(now)
        self.changed = True
        return self.wait_s(device_id, person_id)

    def note_right(self, device_id: str, person_id: str) -> None:
        """Forget what was wrong for this person at this device."""
        if device_id in self._devices and self._devices[device_id].wrong.pop(person_id, 0):
            self.changed = True

    def _forget_old(self, now: float) -> None:
        for device_id, device in list(self._devices.items()):
            if now - device.last >= WRONG_PINS_S:
                del self._devices[device_id]
        for person_id, wrong in list(self._persons.items()):
            while wrong and now - wrong[0] >= WRONG_PINS_S:
                wrong.popleft()
            if not wrong:
                del self._persons[person_id]
