"""Adoption: by what a device is known that cannot pair, and which of those that came may be adopted.

A header is better than an address: it is a secret of the app's, though an old one. An address is nobody's secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from restohub.limits import SAME_HEADER_S

from .visitors import Visitor, Watched

KnownBy = Literal["header", "address"]

NETWORK = "/"
BY_HEADER = "Whoever sends the same header passes for this device."
BY_ADDRESS = "It is known by its address {} alone: whoever has this address passes for this device."
SUSPENDED = "Another header came from its address, or its header came from another address."
BY_NOTHING = "It cannot be adopted: many devices share its address, and no header that it sends is its own."


class Adopted(Struct, frozen=True):
    """How an adopted device is known: by its header, or by its address.

    `own_header`: nobody else sent its header, which tells therefore where it is. `suspended_at`: when something was
    seen that makes it doubtful (UTC seconds); until a manager adopts it again it is a stranger.
    """

    known_by: KnownBy
    address: str
    own_header: bool
    suspended_at: int | None = None


class Candidate(Struct, frozen=True):
    """A visitor as he would be adopted; `known_by` None: he cannot be. `digest` is that of his header, b"" without.

    The id is of all of this, so that a manager adopts what he was shown or nothing.
    """

    id: str
    visitor: Visitor
    digest: bytes
    seen_at: int
    own_header: bool
    known_by: KnownBy | None


def candidates(visitors: Sequence[Visitor]) -> list[Candidate]:
    """Who of the visitors may be adopted: each address once, a shared one once for each header."""
    senders: dict[bytes, list[tuple[str, Watched]]] = {}
    for visitor in visitors:
        for one in visitor.sent:
            senders.setdefault(one.digest, []).append((visitor.address, one))
    found = []
    for visitor in visitors:
        sent = visitor.sent if visitor.shared else visitor.sent[-1:]
        found += [_candidate(visitor, one, senders[one.digest]) for one in reversed(sent)]
        if not sent:
            found.append(_candidate(visitor, Watched(b"", visitor.seen_at, visitor.seen_at), ()))
    return found


def tells_of_one(address: str, *, shared: bool) -> bool:
    """Whether an address is that of one device, as far as the hub can know: no shared one, and no network's."""
    return not shared and NETWORK not in address


def weakness(known_by: KnownBy | None, address: str, *, suspended: bool = False) -> str:
    """What the way by which a device is known does not keep out."""
    if suspended:
        return SUSPENDED
    if known_by is None:
        return BY_NOTHING
    return BY_HEADER if known_by == "header" else BY_ADDRESS.format(address)


def _candidate(visitor: Visitor, watched: Watched, senders: Iterable[tuple[str, Watched]]) -> Candidate:
    digest = watched.digest
    own = bool(digest) and not any(
        address != visitor.address and _meanwhile(watched, other) for address, other in senders
    )
    known_by: KnownBy | None = None
    if own and _is_steady(watched):
        known_by = "header"
    elif tells_of_one(visitor.address, shared=visitor.shared):
        known_by = "address"
    named = sha256(f"{visitor.address} {digest.hex()} {known_by}".encode()).hexdigest()[:16]
    seen_at = watched.seen_at if visitor.shared else visitor.seen_at
    return Candidate(named, visitor, digest, seen_at, own, known_by)


def _is_steady(watched: Watched) -> bool:
    """Whether a header was the same for a day, or has a JWT that its app sends though it has ended."""
    ended = watched.expires_at is not None and watched.seen_at > watched.expires_at
    return ended or watched.seen_at - watched.first_at >= SAME_HEADER_S


def _meanwhile(one: Watched, other: Watched) -> bool:
    """Whether two addresses sent a header at the same time: one after the other, it is a device that has moved."""
    return one.first_at <= other.seen_at and other.first_at <= one.seen_at
