"""The devices of a hub, and who of them may do what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from heapq import merge
from hmac import compare_digest
from typing import Any

from msgspec import Struct

from restohub.limits import DEVICES_MAX, REFUSED_MAX

from .adopted_devices import AdoptedDevices
from .adoption import Adopted
from .pairing import Pairings
from .roles import Mode, Over, Role
from .staff import Person, Staff
from .tokens import HEADER_BYTES, digest_of, shown_token
from .visitors import Sighting, Visitor, Visitors

MACHINE_ID, MACHINE = "machine", "The hub's own machine"


class Device(Struct, frozen=True):
    """A device that was paired or adopted. `digest` is the SHA-256 of its token; times are UTC seconds.

    `paired_by` is the id of the device that let it in, `paired_over` what it asked over: on plain HTTP others on the
    network could read along. A device that was revoked stays known by its name alone.
    `restored_from`: it came with a copy of the data that knows nothing after this time, and was not confirmed since.
    Of one that was `adopted`, `digest` is that of the header that it sends (b"": none).
    """

    id: str
    name: str
    role: Role
    digest: bytes
    paired_at: int
    paired_by: str
    revoked_at: int | None = None
    restored_from: int | None = None
    paired_over: Over = "http"
    adopted: Adopted | None = None

    @property
    def suspended(self) -> bool:
        """Whether it was adopted, and a manager must say again that it is the one."""
        return self.adopted is not None and self.adopted.suspended_at is not None

    @property
    def revoked_as(self) -> bytes:
        """What the list of revoked tokens has of it: of an adopted one its id, whose header may be adopted again."""
        return self.digest if self.adopted is None else sha256(self.id.encode()).digest()

    @property
    def belongs(self) -> bool:
        """Whether it is let in."""
        return self.revoked_at is None and not self.suspended


# What the store is asked to keep.
Kept = Device | Person | Mode


class Access:
    """Who belongs to the hub: its mode, its devices, and those that wait to be paired.

    `closed` and `devices` are as the store has them. `machine` is the digest of this run's own token, which lies in the
    data folder for the commands on the hub's machine (None: there is none).
    """

    def __init__(
        self,
        mode: Mode = "open",
        devices: Iterable[Device] = (),
        machine: bytes | None = None,
        visitors: Visitors | None = None,
        now: Callable[[], float] = time.monotonic,
        revoked: Iterable[bytes] = (),
        staff: Staff | None = None,
    ) -> None:
        """`revoked` are the digests of tokens that were taken back, of devices too that the store no longer has."""
        self.closed = mode == "closed"
        self.devices: dict[str, Device] = {}
        self.pairings = Pairings(now)
        self.adopted = AdoptedDevices()
        # Whether there are any: a request of nobody costs no more where there are none.
        self.adopts = False
        self.visitors = visitors or Visitors()
        # Those that a closed hub refused, in memory alone: so no stranger takes the place of one that was here before.
        self.refused = Visitors(most=REFUSED_MAX)
        # The devices of which something counts that is still to be stored.
        self.unkept: set[str] = set()
        self.to_keep = asyncio.Event()
        self.staff = staff or Staff(now=now)
        # Held from the look at a device until it is stored and taken in: of two changes the later one sees the first.
        self.changing = asyncio.Lock()
        # The sockets that have not said who they are, the oldest first, each with its caller.
        self.unnamed: dict[object, Any] = {}
        self._by_digest: dict[bytes, Device] = {}
        # Whole headers that showed a token, until any device changes: a SHA-256 takes 2 % of what a change costs.
        self._by_header: dict[bytes, Device] = {}
        self._revoked = set(revoked)
        if machine is not None:
            self._by_digest[machine] = Device(MACHINE_ID, MACHINE, "manager", machine, 0, MACHINE_ID)
        for device in devices:
            self.put(device)

    @property
    def mode(self) -> Mode:
        """Whether devices without a token may do what they like."""
        return "closed" if self.closed else "open"

    @property
    def knows_devices(self) -> bool:
        """Whether any token would be known."""
        return bool(self._by_digest)

    def put(self, device: Device) -> None:
        """Take in a device that was stored, in the place of what it was before."""
        before = self.devices.get(device.id)
        self._by_header.clear()
        if before is not None:
            self.adopted.remove(before)
            if self._by_digest.get(before.digest) is before:
                del self._by_digest[before.digest]
        self.devices[device.id] = device
        self.adopted.put(device)
        self.adopts = bool(self.adopted)
        if device.revoked_at is not None:
            self._revoked.add(device.revoked_as)
        elif device.adopted is None:
            self._by_digest[device.digest] = device

    def put_unkept(self, device: Device) -> None:
        """Take in what counts at once, and have it stored as soon as the disk takes it."""
        self.put(device)
        self.unkept.add(device.id)
        self.to_keep.set()

    def note_visitor(self, seen: Sighting) -> None:
        """Somebody is here without a token: he may be adopted."""
        if self.closed and seen.address not in self.visitors:
            self.refused.note(seen)
        else:
            self.visitors.note(seen)

    def watches(self, address: str, digest: bytes) -> bool:
        """Whether a header (b"": none) came from this address before without a token."""
        return digest != b"" and (self.visitors.watch(address, digest) or self.refused.watch(address, digest))

    def forget_visitor(self, address: str, digest: bytes) -> None:
        """The device at this address that sends this header belongs to the hub now."""
        self.visitors.forget(address, digest)
        self.refused.forget(address, digest)

    def unpaired(self, now: int) -> list[Visitor]:
        """Who was here without a token in the last 14 days, the latest first."""
        known = self.visitors.latest(now)
        beside = [one for one in self.refused.latest(now) if one.address not in self.visitors]
        return [*merge(known, beside, key=lambda one: one.seen_at, reverse=True)]

    def of_header(self, header: bytes) -> Device | None:
        """The device whose token an `Authorization` shows, None where it is nobody's.

        The look into the dictionary takes a time that tells of nothing: it is by a hash whose key nobody knows.
        """
        device = self._by_header.get(header)
        if device is None and (device := self.holder(shown_token(header))) is not None:
            if len(header) > HEADER_BYTES:  # padded: with other spaces each would be another to remember
                return device
            if len(self._by_header) >= DEVICES_MAX:
                self._by_header.clear()
            self._by_header[header] = device
        return device

    def holder(self, token: bytes) -> Device | None:
        """The device whose token this is, None where it is nobody's."""
        digest = digest_of(token)
        return None if digest is None else self.of_digest(digest)

    def of_digest(self, digest: bytes) -> Device | None:
        """The device whose token has this digest.

        The look into the dictionary takes a time that tells of digests, not of tokens; what it finds is compared whole.
        """
        device = self._by_digest.get(digest)
        return device if device is not None and compare_digest(device.digest, digest) else None

    def was_revoked(self, digest: bytes) -> bool:
        """Whether the token with this digest was taken back."""
        return digest in self._revoked

    def lets_follow(self, device_id: str | None) -> bool:
        """Whether a socket of this device (None: of none) may go on."""
        if not self.closed:
            return True
        device = None if device_id is None else self.devices.get(device_id)
        return device_id == MACHINE_ID or (device is not None and device.belongs)

    def name_of(self, device_id: str) -> str:
        """What people call a device, one that was revoked included."""
        if device_id == MACHINE_ID:
            return MACHINE
        device = self.devices.get(device_id)
        return device.name if device else ""
