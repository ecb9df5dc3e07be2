"""The staff: people with a PIN, who is signed in on which device, and where a manager has confirmed what follows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from msgspec import Struct, structs

from restohub.limits import CONFIRMED_S, SIGNED_IN_S

from .pin_attempts import PinAttempts
from .pins import fits, is_of

T = TypeVar("T")
PersonRole = Literal["host", "manager"]


class Person(Struct, frozen=True):
    """Somebody of the staff. `pin` is what is kept of the PIN (None: there is none any more); times are UTC seconds.

    One who was removed stays known by id and name, for what was done until then.
    """

    id: str
    name: str
    role: PersonRole
    pin: bytes | None
    made_at: int
    removed_at: int | None = None


class PinWaitError(Exception):
    """Raised where a device may not try a PIN for so many seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__()
        self.wait_s = wait_s


class Here(Struct, frozen=True):
    """A person at a device, until when (seconds of a monotonic clock)."""

    person_id: str
    until: float


class Staff:
    """The people of a hub, as the store has them, and who of them is where, in memory alone: a restart signs all out.

    `pepper` is what the PINs are hashed with (None: there is none yet), `lost` why one that is there cannot be read
    ("": it can). `asks`: a manager has a PIN that counts (any, while the pepper is lost), so what is grave needs one.
    `in_use`: that, or somebody is signed in; where it is not, nothing here costs anything.
    """

    def __init__(
        self,
        persons: Iterable[Person] = (),
        pepper: bytes | None = None,
        now: Callable[[], float] = time.monotonic,
        lost: str = "",
    ) -> None:
        self.persons: dict[str, Person] = {one.id: one for one in persons}
        self.pepper = pepper
        self.lost = lost
        self.asks = self.in_use = False
        self.attempts = PinAttempts(now)
        self._now = now
        self._signed_in: dict[str, Here] = {}
        self._confirmed: dict[str, Here] = {}
        self._trying: set[str] = set()
        # Held while a PIN is hashed: whatever comes, it takes the memory and the processor of one.
        self._hashing = asyncio.Lock()
        self._look()

    @property
    def present(self) -> list[Person]:
        """All who were not removed."""
        return [one for one in self.persons.values() if one.removed_at is None]

    def has_pin(self, person: Person) -> bool:
        """Whether a person has a PIN that counts: not one that was hashed with the pepper of another data folder.

        While the pepper is lost, each is taken for one that counts: nobody has to set it anew.
        """
        return is_of(person.pin, self.pepper) or (bool(self.lost) and person.pin is not None)

    def put(self, person: Person) -> None:
        """Take in a person who was stored; signed in no more where anything but the name is another."""
        before = self.persons.get(person.id)
        self.persons[person.id] = person
        if before is not None and structs.replace(before, name=person.name) != person:
            for places in (self._signed_in, self._confirmed):
                for device_id in [one for one, here in places.items() if here.person_id == person.id]:
                    del places[device_id]
        self._look()

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Hash or write in a thread, one after the other."""
        async with self._hashing:
            return await asyncio.to_thread(work)

    async def identify(self, device_id: str, person_id: str, pin: str) -> tuple[Person | None, int]:
        """The person whose PIN this is, None where it is wrong or the person unknown; how long the device waits now.

        Raises PinWaitError. A device tries one at a time, so that many at once are no way around the waiting.
        """
        if device_id in self._trying:
            raise PinWaitError(1)
        self._trying.add(device_id)
        try:
            async with self._hashing:
                person = self.persons.get(person_id)
                counted = person.id if person else ""
                if wait_s := self.attempts.wait_s(device_id, counted):
                    raise PinWaitError(wait_s)
                right = await asyncio.to_thread(fits, pin, person.pin if person else None, self.pepper)
        finally:
            self._trying.discard(device_id)
        if not right or person is None or self.persons[person_id].pin != person.pin:
            return None, self.attempts.note_wrong(device_id, counted)
        self.attempts.note_right(device_id, counted)
        return self.persons[person_id], 0

    def sign_in(self, device_id: str, person: Person) -> None:
        """The person is at this device, in the place of whoever was."""
        self._signed_in[device_id] = Here(person.id, self._now() + SIGNED_IN_S)
        self._look()

    def sign_out(self, device_id: str) -> None:
        """Nobody is at this device, and nobody has confirmed anything there."""
        self._signed_in.pop(device_id, None)
        self._confirmed.pop(device_id, None)
        self._look()

    def confirm(self, device_id: str, person: Person) -> None:
        """A manager has confirmed what comes from this device for a while."""
        self._confirmed[device_id] = Here(person.id, self._now() + CONFIRMED_S)

    def signed_in(self, device_id: str) -> tuple[Person, int] | None:
        """Who is at a device, and for how many seconds more."""
        return self._at(self._signed_in, device_id)

    def confirmed(self, device_id: str) -> tuple[Person, int] | None:
        """The manager who has confirmed what comes from a device, and for how many seconds more."""
        return self._at(self._confirmed, device_id)

    def name_of(self, person_id: str) -> str:
        """What people call somebody, one who was removed included."""
        person = self.persons.get(person_id)
        return person.name if person else ""

    def _at(self, places: dict[str, Here], device_id: str) -> tuple[Person, int] | None:
        here = places.get(device_id)
        if here is None:
            return None
        left_s = here.until - self._now()
        if left_s <= 0:
            del places[device_id]
            self._look()
            return None
        return self.persons[here.person_id], max(1, round(left_s))

    def _look(self) -> None:
        self.asks = any(one.role == "manager" and self.has_pin(one) for one in self.present)
        self.in_use = self.asks or bool(self._signed_in)
