"""What a client claims that says it holds more than the hub: that the hub's history went back."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from restohub.floor.model import Floor
from restohub.limits import CLAIM_EVERY_S
from restohub.live.clock import new_epoch
from restohub.live.epoch import BEGAN, Epoch
from restohub.live.hub import Hub
from restohub.live.ports import REVISION_MAX, StorageFullError, StorageUnavailableError
from restohub.logs.events import event

log = logging.getLogger("restohub")

TOLD_EVERY_S = 3600.0


class Audience(Protocol):
    """Everybody who listens."""

    def send_away(self) -> None:
        """Have all of them come back."""


class Claims:
    """What clients claim to hold. The epoch is no secret, so anybody on the network can claim anything.

    A true claim is one after a start on a disk that went back unseen (`store/restore_detection.py`): then every iPad
    must take the whole floor, or it would lay one history on top of another. A false one costs them just that, so it is
    believed once in CLAIM_EVERY_S, across runs too. Whoever claims is told in any case that there is no way from there.
    """

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._one_at_a_time = asyncio.Lock()
        self._told_at = float("-inf")

    async def hear(self, hub: Hub, floor: Floor, since: int | None, epoch: str | None) -> None:
        """Begin a new epoch where a client holds, of this epoch, a revision that this hub has not; if that can be."""
        if since is None or since <= floor.revision or epoch != hub.epoch:
            return
        async with self._one_at_a_time:
            if epoch == hub.epoch:  # else another was believed meanwhile
                await self._weigh(hub, floor, since)

    async def _weigh(self, hub: Hub, floor: Floor, since: int) -> None:
        claim = f"A client says that it holds revision {since} of restaurant {floor.restaurant_id}, "
        claim += f"where the hub has {floor.revision}"
        doubted = doubt(hub.present, since, hub.clock.now())
        if doubted is None:
            await self._believe(hub, f"{claim}: history went back. {BEGAN}")
            return
        told = f"{claim}. It alone takes the whole floor: {doubted}"
        now = hub.clock.monotonic()
        hub.present.doubt(told, now)
        if now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            log.warning("%s", told, extra=event("claim_doubted", restaurant_id=floor.restaurant_id, revision=since))

    async def _believe(self, hub: Hub, incident: str) -> None:
        name, now = new_epoch(), hub.clock.now()

        def begun() -> None:
            log.warning("%s", incident, extra=event("epoch_began"))
            hub.present.claimed_at = now
            hub.present.begin(name, incident)
            self._audience.send_away()

        try:
            await hub.writer.begin_epoch(name, now, begun)
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
