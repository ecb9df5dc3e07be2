"""The adopted devices, by what each of them is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from .devices import Device

K = TypeVar("K")


class AdoptedDevices:
    """Those that were adopted and not revoked; those that wait to be confirmed are found by `doubted` alone."""

    def __init__(self) -> None:
        self._by_header: dict[bytes, Device] = {}
        self._by_address: dict[str, Device] = {}
        self._by_own_header: dict[bytes, Device] = {}

    def __bool__(self) -> bool:
        return bool(self._by_header or self._by_address)

    def put(self, device: Device) -> None:
        """Take in a device."""
        adopted = device.adopted
        if adopted is None or device.revoked_at is not None:
            return
        if adopted.known_by == "header":
            self._by_header[device.digest] = device
            return
        self._by_address[adopted.address] = device
        if adopted.own_header:
            self._by_own_header[device.digest] = device

    def remove(self, device: Device) -> None:
        """Forget a device as it was."""
        _drop(self._by_header, device.digest, device.id)
        _drop(self._by_own_header, device.digest, device.id)
        if device.adopted is not None:
            _drop(self._by_address, device.adopted.address, device.id)

    def known(self, digest: bytes, address: str | None) -> Device | None:
        """The device that sends this header (b"": none) from this address (None: one that says nothing)."""
        device = self._by_header.get(digest)
        if device is not None or address is None:
            return device
        device = self._by_address.get(address)
        if device is None or device.suspended or (digest and device.digest not in (b"", digest)):
            return None
        return device

    def doubted(self, digest: bytes, address: str | None) -> list[Device]:
        """Those known by an address that are perhaps elsewhere now: whose header this is, and who had this address."""
        found = self._by_own_header.get(digest), self._by_address.get(address or "")
        return [one for one in found if one is not None]


def _drop(found: dict[K, Device], key: K, device_id: str) -> None:
    if key in found and found[key].id == device_id:
        del found[key]


def with_header(device: Device, digest: bytes) -> Device:
    """A device that is known by its address, with the first header that comes from there."""
    return msgspec.structs.replace(device, digest=digest)
