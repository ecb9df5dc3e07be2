"""The visitors: who was here lately without a token, for whoever is about to close the hub to them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from restohub.limits import VISITORS_MAX, VISITORS_S

# Whoever is here all the time is noted anew once a minute.
NOTED_EVERY_S = 60


class Visitor(Struct, frozen=True):
    """An address, what its app calls itself ("" where it says nothing), and when it was here last (UTC seconds)."""

    address: str
    agent: str
    seen_at: int


class Visitors:
    """Each address that lately came without a token: the latest 500 of 14 days."""

    def __init__(self, known: Iterable[Visitor] = ()) -> None:
        self._known = {one.address: one for one in sorted(known, key=lambda one: one.seen_at)}
        self.changed = False

    def note(self, address: str, agent: str, now: int) -> None:
        """Somebody is here without a token."""
        before = self._known.get(address)
        if before is not None and now - before.seen_at < NOTED_EVERY_S and agent in ("", before.agent):
            return
        self._known.pop(address, None)
        self._known[address] = Visitor(address, agent or (before.agent if before else ""), now)
        self.changed = True
        while len(self._known) > VISITORS_MAX:
            del self._known[next(iter(self._known))]

    def forget(self, address: str) -> None:
        """The device at this address was paired."""
        self._known.pop(address, None)
        self.changed = True

    def latest(self, now: int) -> list[Visitor]:
        """Those of the last 14 days, the latest first."""
        return [one for one in reversed(self._known.values()) if now - one.seen_at <= VISITORS_S]
