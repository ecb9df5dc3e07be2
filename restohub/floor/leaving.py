"""What is kept of a guest who leaves the floor."""

from __future__ import annotations

from msgspec import structs

from .contacts import hashed, visit_of_guest
from .model import DONE, Guest
from .visits import Visit


def visit_left(guest: Guest, revision: int, key: bytes) -> Visit | None:
    """The visit of a guest whom the commit of this revision removes, None where he was not done."""
    if guest.status not in DONE:
        return None
    phone, email = hashed(visit_of_guest(guest), key)
    return structs.replace(visit_of(guest, revision), phone=phone or None, email=email or None)


def visit_of(guest: Guest, revision: int) -> Visit:
    """The visit of a guest who is done, less the hashes of his contacts.

    A finished guest's `finished_time` may have been set by the app: it says better when he went than the change did.
    """
    finished = guest.finished_time if guest.status == "finished" else None
    return Visit(
        guest_id=guest.id,
        revision=revision,
        at=time_of(guest),
        status=guest.status,
        is_walk_in=guest.is_walk_in,
        party_size=guest.party_size,
        quoted_wait=guest.quoted_wait,
        reservation_time=guest.reservation_time,
        check_in_time=guest.check_in_time,
        seated_time=guest.seated_time,
        ended=guest.ended if finished is None else finished,
        served=guest.served,
    )


def time_of(guest: Guest) -> int:
    """The time by which a guest belongs to a business day."""
    if guest.reservation_time is not None:
        return guest.reservation_time
    return guest.created_at if guest.check_in_time is None else guest.check_in_time
