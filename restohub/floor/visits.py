"""Visits: what stays of a party for the reports when it leaves the floor."""

from __future__ import annotations

from msgspec import Struct


class Served(Struct, frozen=True, gc=False, array_like=True):
    """The table at which a party was seated last, as it was then."""

    table_number: str
    capacity: int
    section: str | None = None
    server: str | None = None


class Visit(Struct, frozen=True, gc=False, kw_only=True):
    """A party that was done when it left the floor. Times are UTC seconds, `quoted_wait` is in minutes.

    `at` is the time by which a visit belongs to a business day. `phone` and `email` are keyed hashes
    (`contacts.hashed`), None where there is none, or where it was forgotten.
    """

    guest_id: str
    revision: int
    at: int
    status: str
    is_walk_in: bool
    party_size: int
    quoted_wait: int | None = None
    reservation_time: int | None = None
    check_in_time: int | None = None
    seated_time: int | None = None
    ended: int | None = None
    served: Served | None = None
    phone: str | None = None
    email: str | None = None
