"""The devices of a copy of the data that was put back: which are shut out, and which wait to be confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from .devices import Device


def shut_out(devices: Iterable[Device], revoked: Mapping[bytes, int]) -> list[Device]:
    """The same devices, revoked where a token is on the list of those that were (each with the UTC seconds of when)."""
    return [
        replace(one, revoked_at=revoked[one.revoked_as])
        if one.revoked_at is None and one.revoked_as in revoked
        else one
        for one in devices
    ]


def unconfirmed(devices: Iterable[Device], known_until: int) -> list[Device]:
    """The same devices as those of a copy that knows nothing after this time (UTC seconds); revoked ones stay so.

    Where one was never confirmed after an earlier copy, the older of the two times counts.
    """
    return [
        one
        if one.revoked_at is not None
        else replace(one, restored_from=min(known_until, one.restored_from or known_until))
        for one in devices
    ]
