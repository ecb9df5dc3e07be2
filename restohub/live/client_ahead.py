"""Clients that claim to hold a later revision than the hub: whether its history went back."""

from __future__ import annotations

import asyncio
import logging

from restohub.floor.model import Floor
from restohub.limits import CLAIM_EVERY_S
from restohub.logs.events import event

from .clock import Clock, new_epoch
from .epoch import BEGAN, Epoch
from .feed import Feed
from .ports import REVISION_MAX, StorageFullError, StorageUnavailableError
from .writer import Writer

log = logging.getLogger("restohub")

LOGGED_EVERY_S = 3600.0


class Claims:
    """What clients claim to hold. The epoch is no secret, so anybody on the network can claim anything.

    A true claim is one after a start on a disk that went back unseen (`store/restore_detection.py`): then every iPad
    must take the whole floor, or it would lay one history on top of another. A false one costs them just that, so it is
    believed once in CLAIM_EVERY_S, across runs too. Whoever claims is told in any case that there is no way from there.
    """

    def __init__(self, present: Epoch, writer: Writer, feed: Feed, clock: Clock) -> None:
        self._present = present
        self._writer = writer
        self._feed = feed
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._logged_at = float("-inf")

    async def check(self, floor: Floor, since: int | None, epoch: str | None) -> None:
        """Begin a new epoch where a client holds, of this epoch, a revision that this hub has not; if that can be."""
        if since is None or since <= floor.revision or epoch != self._present.name:
            return
        async with self._one_at_a_time:
            if epoch == self._present.name:  # else another was believed meanwhile
                await self._weigh(floor, since)

    async def _weigh(self, floor: Floor, since: int) -> None:
        claim = f"A client says that it holds revision {since} of restaurant {floor.restaurant_id}, "
        claim += f"where the hub has {floor.revision}"
        doubted = doubt(self._present, since, self._clock.now())
        if doubted is None:
            await self._believe(f"{claim}: history went back. {BEGAN}")
            return
        warning = f"{claim}. It alone takes the whole floor: {doubted}"
        now = self._clock.monotonic()
        self._present.doubt(warning, now)
        if now - self._logged_at >= LOGGED_EVERY_S:
            self._logged_at = now
            log.warning("%s", warning, extra=event("claim_doubted", restaurant_id=floor.restaurant_id, revision=since))

    async def _believe(self, incident: str) -> None:
        name, now = new_epoch(), self._clock.now()

        def begun() -> None:
            log.warning("%s", incident, extra=event("epoch_began"))
            self._present.claimed_at = now
            self._present.begin(name, incident)
            self._feed.disconnect_all()

        try:
            await self._writer.begin_epoch(name, now, begun)
        except (StorageFullError, StorageUnavailableError):  # then for this run alone
            begun()


def doubt(present: Epoch, since: int, now: int) -> str | None:
    """Why it is not believed that somebody holds revision `since`, None where it is; `now` is the hub's time."""
    if since > REVISION_MAX:
        return "no hub ever had such a revision."
    if present.incidents:
        return "this epoch began in this run, and within a run nothing is lost."
    claimed_at = present.claimed_at
    if claimed_at is not None and 0 <= now - claimed_at < CLAIM_EVERY_S:
        return (
            "a client had a new epoch begin within the last day already. "
            "If the hub's disk was put back to an earlier state since, have every iPad take the whole floor."
        )
    return None
