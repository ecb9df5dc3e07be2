"""This file is the whole floor, encoded once a revision for everyone who asks: sockets and `GET /api/sync/full`."""

from __future__ import annotations

from restohub.floor.nouns import Floor
from restohub.wire.answers import encode, floor_out
from restohub.wire.messages import full_sync_messages, text_frame

from .epoch import Epoch


class Snapshots:
    """The newest encoding of each restaurant's floor."""

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._bodies: dict[int, tuple[tuple[int, str], bytes]] = {}
        self._frames: dict[int, tuple[int, list[bytes]]] = {}

    def body(self, floor: Floor) -> bytes:
        """The JSON body of `GET /api/sync/full`."""
        kept = self._bodies.get(floor.restaurant_id)
        told = (floor.revision, self._epoch.name)
        if kept is None or kept[0] != told:
            kept = self._bodies[floor.restaurant_id] = (told, encode(floor_out(floor, self._epoch.name)))
        return kept[1]

    def forget(self, restaurant_id: int) -> None:
        """Let go of a restaurant that is gone."""
        self._bodies.pop(restaurant_id, None)
        self._frames.pop(restaurant_id, None)

    def frames(self, floor: Floor) -> list[bytes]:
        """The `full_sync` messages, framed."""
        kept = self._frames.get(floor.restaurant_id)
        if kept is None or kept[0] != floor.revision:
            frames = [text_frame(message) for message in full_sync_messages(floor)]
            kept = self._frames[floor.restaurant_id] = (floor.revision, frames)
        return kept[1]
