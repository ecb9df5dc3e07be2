"""The rows of the devices that belong to the hub, each with its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec

from restohub.access.devices import Device

from .codec import DamageError

DEVICES = """SELECT id, name, role, token, paired_at, paired_by, revoked_at, restored_from, paired_over,
    adopted, checksum FROM device ORDER BY paired_at, id"""
HAS_DEVICES = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'device'"
BELONGING = "SELECT count(*) FROM device WHERE revoked_at IS NULL"
PUT_DEVICE = """INSERT OR REPLACE INTO device (id, name, role, token, paired_at, paired_by, revoked_at, restored_from,
    paired_over, adopted, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_encode = msgspec.json.Encoder().encode


def device_row(device: Device) -> tuple[object, ...]:
    """A device as its row has it."""
    adopted = None if device.adopted is None else _encode(device.adopted).decode()
    values = (*msgspec.structs.astuple(device)[:-1], adopted)
    return (*values, _checksum(values))


def read_device(row: Sequence[Any]) -> Device:
    """The device of a row; raises DamageError."""
    try:
        found = dict(zip(Device.__struct_fields__, row[:-1], strict=True))
        found["adopted"] = None if found["adopted"] is None else msgspec.json.decode(found["adopted"])
        device: Device = msgspec.convert(found, Device)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamageError(f"the row of a device cannot be read: {fault}") from None
    if _checksum(tuple(row[:-1])) != row[-1]:
        raise DamageError(f"the row of device {device.id} fails its checksum")
    return device


def _checksum(values: tuple[object, ...]) -> int:
    return crc32(_encode(values))
