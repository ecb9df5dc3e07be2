"""The search back through the log for earlier versions of entities."""

from __future__ import annotations

import heapq
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Set

from restohub.floor.model import Entity, Kind
from restohub.live.ports import Version

from .codec import DamageError, decode_changes, entity_of, position_of

# A commit of many changes costs more to read: it counts as one step for each part of this size.
STEP_BYTES = 4096
# In one visit to the connection's thread, in which nobody else can read.
STEPS_A_VISIT = 50


class VersionSearch:
    """The search for these versions, which is done in visits to the store.

    The log's changes are a chain: each names the version that it replaced. The chains of all the entities are followed
    together, newest commit first, so that each commit is read once. `found` has what the log knows so far.
    """

    def __init__(
        self, restaurant_id: int, wanted: Mapping[Version, int], steps_max: int, around: Set[int] = frozenset()
    ) -> None:
        """`wanted` are the versions, each with the present one of its entity.

        Of the commits `around` that are met on the way, what each made and what it replaced is found too.
        """
        self.found: dict[Version, Entity] = {}
        self._restaurant_id = restaurant_id
        self._around = around
        self._steps_left = steps_max
        self._wanted: dict[tuple[Kind, str], list[int]] = defaultdict(list)
        self._waiting: dict[int, list[tuple[Kind, str]]] = {}
        self._next: list[int] = []
        for version, present in wanted.items():
            key = version.kind, version.id
            if key not in self._wanted:
                self._wait(key, present)
            self._wanted[key].append(version.revision)
        for revisions in self._wanted.values():
            revisions.sort()

    @property
    def finished(self) -> bool:
        """Whether all is found, or not to be found within the steps."""
        return not self._next or self._steps_left <= 0

    def advance(self, connection: sqlite3.Connection) -> None:
        """Go some steps further; raises DamageError."""
        stop_at = max(0, self._steps_left - STEPS_A_VISIT)
        while self._next and self._steps_left > stop_at:
            revision = -heapq.heappop(self._next)
            keys = self._waiting.pop(revision)
            sql = "SELECT changes FROM log WHERE position = ?"
            row = connection.execute(sql, (position_of(self._restaurant_id, revision),)).fetchone()
            self._steps_left -= 1 if row is None else 1 + len(row[0]) // STEP_BYTES
            if row is not None:  # else it was pruned, and all that came before
                self._read(revision, keys, row[0])

    def _read(self, revision: int, keys: list[tuple[Kind, str]], blob: bytes) -> None:
        """Take what a commit made of these entities, and go on to what it replaced."""
        changes = {(change.kind, change.id): change for change in decode_changes(blob)}
        for kind, entity_id in keys:
            change = changes.get((kind, entity_id))
            if change is None:
                at = f"revision {revision} of restaurant {self._restaurant_id}"
                raise DamageError(f"{at} says nothing of the {kind} {entity_id}")
            wanted = self._wanted[kind, entity_id]
            if revision in self._around:
                wanted.append(revision)
            if wanted[-1] >= revision:
                entity = entity_of(kind, bytes(change.image))
                while wanted and wanted[-1] >= revision:
                    self.found[Version(kind, entity_id, wanted.pop())] = entity
            if revision in self._around and wanted and change.was > wanted[-1]:
                wanted.append(change.was)
            if wanted and change.was:
                self._wait((kind, entity_id), change.was)

    def _wait(self, key: tuple[Kind, str], revision: int) -> None:
        if revision not in self._waiting:
            self._waiting[revision] = []
            heapq.heappush(self._next, -revision)
        self._waiting[revision].append(key)
