"""Streamed responses: answers in pieces, made of a held revision and paid for as they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from restohub.limits import ANSWER_BYTES_A_UNIT, ANSWER_WAIT_S
from restohub.live.snapshots import RestaurantGoneError
from restohub.wire.problems import problem
from restohub.wire.responses import JSON, Streamed

from .request import Request, floor_of

Headers = list[tuple[bytes, bytes]]


class HeldFloor:
    """A floor that is held on to while an answer is made of it, and until that is sent.

    Entering raises Problem `restaurant_not_found`, and `busy` where others hold too much for too long.
    """

    def __init__(self, request: Request, restaurant_id: int) -> None:
        self._request = request
        self._restaurant_id = restaurant_id
        self._caller = request.caller
        self._passed_on = False

    async def __aenter__(self) -> HeldFloor:
        """Take the floor."""
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                self.snapshot = await self._request.hub.snapshots.take(self._restaurant_id, self._caller)
        except TimeoutError:
            hint = "Others are still reading as many large floors as the hub holds at once. Ask again in a second."
            raise problem("busy", hint, Retry_After="1") from None
        except RestaurantGoneError:
            floor_of(self._request.hub, self._restaurant_id)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of it where no answer was made."""
        if not self._passed_on:
            self._release()

    def streamed(self, headers: Headers, pieces: Iterator[bytes], size: int | None = None) -> Streamed:
        """An answer of the pieces; it lets go of the floor when it is sent."""
        self._passed_on = True
        return Streamed(200, [JSON, *headers], size, self._paid(pieces), self._release)

    def _release(self) -> None:
        self._request.hub.snapshots.release(self.snapshot, self._caller)

    def _paid(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._caller.spend(len(piece) / ANSWER_BYTES_A_UNIT)
            yield piece


def json_list(pieces: Iterator[bytes], before: bytes = b"[", after: bytes = b"]") -> Iterator[bytes]:
    """Pieces of a list with what stands before and after them."""
    yield before
    yield from pieces
    yield after
