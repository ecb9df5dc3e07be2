"""The visitors: who was here lately without a token, for whoever closes the hub to them or adopts them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from restohub.limits import HEADERS_AN_ADDRESS, VISITORS_MAX, VISITORS_S

from .headers import Sent
from .roles import Over

# Whoever is here all the time is noted anew once a minute.
NOTED_EVERY_S = 60


class Sighting(Struct, frozen=True):
    """Somebody without a token: an address, when (UTC seconds), what its app calls itself and which header it sent.

    `shared`: many devices have this address. `over`: what it came over.
    """

    address: str
    at: int
    agent: str = ""
    sent: Sent = Sent()
    shared: bool = False
    over: Over = "http"


class Watched(Struct, frozen=True):
    """A header that came from an address, by its SHA-256; when it came first and last, when its JWT ends."""

    digest: bytes
    first_at: int
    seen_at: int
    expires_at: int | None = None


class Visitor(Struct, frozen=True):
    """An address, what its app calls itself ("" where it says nothing), and when it was here last (UTC seconds).

    `sent` are the headers that came from it, the latest last; of a `shared` address none at all is one of them, b"".
    `over` is `tls` where nothing that it sent came over plain HTTP.
    """

    address: str
    agent: str
    seen_at: int
    shared: bool = False
    sent: tuple[Watched, ...] = ()
    over: Over = "http"


class Visitors:
    """Each address that lately came without a token: the latest of 14 days, at most `most`."""

    def __init__(self, known: Iterable[Visitor] = (), most: int = VISITORS_MAX) -> None:
        self._known = {one.address: one for one in sorted(known, key=lambda one: one.seen_at)}
        self._most = most
        self.changed = False

    def __contains__(self, address: str) -> bool:
        return address in self._known

    def watch(self, address: str, digest: bytes) -> bool:
        """Whether this header is among those that came from an address."""
        known = self._known.get(address)
        return known is not None and any(one.digest == digest for one in known.sent)

    def note(self, seen: Sighting) -> None:
        """Somebody is here without a token."""
        before = self._known.get(seen.address) or Visitor(seen.address, "", 0, seen.shared, (), seen.over)
        sent = _watched(before.sent, seen) if seen.sent.digest or seen.shared else before.sent
        over = before.over if seen.over == "tls" else "http"
        same = (sent, over) == (before.sent, before.over) and seen.agent in ("", before.agent)
        if same and seen.at - before.seen_at < NOTED_EVERY_S:
            return
        self._known.pop(seen.address, None)
        self._known[seen.address] = Visitor(seen.address, seen.agent or before.agent, seen.at, seen.shared, sent, over)
        self.changed = True
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def forget(self, address: str, digest: bytes) -> None:
        """The device at this address belongs to the hub now: at a shared one the one that sends this header alone."""
        before = self._known.pop(address, None)
        others = tuple(one for one in before.sent if one.digest != digest) if before and before.shared else ()
        if before and others:
            self._known[address] = msgspec.structs.replace(before, sent=others)
        self.changed = True

    def latest(self, now: int) -> list[Visitor]:
        """Those of the last 14 days, the latest first."""
        return [one for one in reversed(self._known.values()) if now - one.seen_at <= VISITORS_S]


def _watched(before: tuple[Watched, ...], seen: Sighting) -> tuple[Watched, ...]:
    """The headers of an address with what came now. Where they are too many, the one that came up last is forgotten.

    So whoever sends many others does not take a header's 24 hours from a device at the same address.
    """
    digest = seen.sent.digest
    same = next((one for one in before if one.digest == digest), None)
    others = [one for one in before if one.digest != digest and seen.at - one.seen_at <= VISITORS_S]
    if len(others) >= HEADERS_AN_ADDRESS:
        others.remove(max(others, key=lambda one: one.first_at))
    first_at = seen.at if same is None else same.first_at
    return (*others, Watched(digest, first_at, seen.at, seen.sent.expires_at))
