"""The devices of a hub, and who of them may do what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from hmac import compare_digest

from msgspec import Struct

from .pairing import Pairings
from .roles import Mode, Over, Role
from .staff import Person, Staff
from .tokens import digest_of
from .visitors import Visitors

MACHINE_ID, MACHINE = "machine", "The hub's own machine"


class Device(Struct, frozen=True):
    """A device that was paired. `digest` is the SHA-256 of its token; times are UTC seconds.

    `paired_by` is the id of the device that let it in, `paired_over` what it asked over: on plain HTTP others on the
    network could read along. A device that was revoked stays known by its name alone.
    `restored_from`: it came with a copy of the data that knows nothing after this time, and was not confirmed since.
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
        self.visitors = visitors or Visitors()
        self.staff = staff or Staff(now=now)
        # Held from the look at a device until it is stored and taken in: of two changes the later one sees the first.
        self.changing = asyncio.Lock()
        # The sockets that have not said who they are, the oldest first, each with its address.
        self.unnamed: dict[object, str] = {}
        self._by_digest: dict[bytes, Device] = {}
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
        if before is not None and self._by_digest.get(before.digest) is before:
            del self._by_digest[before.digest]
        self.devices[device.id] = device
        if device.revoked_at is None:
            self._by_digest[device.digest] = device
        else:
            self._revoked.add(device.digest)

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
        return device_id == MACHINE_ID or (device is not None and device.revoked_at is None)

    def name_of(self, device_id: str) -> str:
        """What people call a device, one that was revoked included."""
        if device_id == MACHINE_ID:
            return MACHINE
        device = self.devices.get(device_id)
        return device.name if device else ""
