"""The watch for another hub that runs on a copy of this hub's data, and so has its id and host name."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from restohub.limits import RIVAL_ANSWERS, RIVAL_ASKED_EVERY_S
from restohub.live.hub_address import Endpoint

from .name_conflicts import Rival, Rivals
from .urls import COPY_ADVICE, url

log = logging.getLogger("restohub.mdns")


class DuplicateIdWatch:
    """Who announces this hub's host from another address, and answers there with this hub's id and a run of its own.

    `found` is that one, None where there is none; it counts as gone once it did not answer three times, 20 s apart.
    """

    def __init__(
        self, endpoint: Endpoint, ask: Callable[[str, int], Awaitable[tuple[str, str]]], now: Callable[[], float]
    ) -> None:
        self.found: Rival | None = None
        self._id = endpoint.id
        self._rivals = Rivals(endpoint.id, endpoint.run, ask, now)
        self._now = now
        self._due_at = 0.0
        self._missed = 0

    @property
    def at(self) -> str:
        """The URL of the copy, "" where there is none."""
        return url(self.found.address, self.found.port) if self.found else ""

    def note_announcement(self, address: str, port: int, host: str) -> None:
        """Somebody at this address announces a hub at this host and port, and the host is ours."""
        self._rivals.note_announcement(host, address, port)

    async def ask_next(self) -> None:
        """Ask whoever's turn it is, if anybody's."""
        if self.found is None:
            await self._rivals.ask_next()
            self.found = next((rival for rival in self._rivals.confirmed if rival.id == self._id), None)
            if self.found:
                self._wait()
        elif self._now() >= self._due_at:
            self._missed = 0 if await self._rivals.is_there(self.found) else self._missed + 1
            self._wait()
            if self._missed == RIVAL_ANSWERS:
                log.info("The hub with a copy of this hub's data at %s is gone, or has an id of its own.", self.at)
                self.found, self._missed = None, 0

    def _wait(self) -> None:
        self._due_at = self._now() + RIVAL_ASKED_EVERY_S

    def log_duplicate(self, host: str) -> None:
        """Say in the log what was found, and what this hub is called because of it."""
        log.warning("%s This one is %s now.", COPY_ADVICE.format(at=self.at), host)
