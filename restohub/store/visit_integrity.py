"""Integrity of visits: each is the last image of a guest who was done when he left, as far as the log tells."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator

from msgspec import structs

from restohub.floor.leaving import visit_left
from restohub.floor.model import DONE, Guest

from . import findings
from .codec import VISIT_COLUMNS, DamageError, LoggedChange, entity_of, read_visit
from .findings import Finding

ONE = f"SELECT {VISIT_COLUMNS} FROM visit WHERE restaurant_id = ? AND at = ? AND guest_id = ?"  # noqa: S608 (our own column names)
EVERY = f"""SELECT {VISIT_COLUMNS}, (SELECT revision FROM removal WHERE removal.restaurant_id = visit.restaurant_id
    AND kind = 'guest' AND id = guest_id) FROM visit"""  # noqa: S608 (our own column names)
# Images are read only where one of these is in it.
MARKS = tuple(f'"status":"{status}"'.encode() for status in DONE)


class VisitAudit:
    """What the log says of guests who were done, followed commit by commit, and the visits held against it."""

    def __init__(self, database: sqlite3.Connection, contact_key: bytes) -> None:
        self.count = 0
        self._database = database
        self._key = contact_key
        self._done: dict[tuple[int, str], Guest] = {}

    def follow(self, restaurant_id: int, revision: int, logged: list[LoggedChange]) -> Iterator[Finding]:
        """Take in what a commit did to guests."""
        for one in logged:
            if one.kind != "guest":
                continue
            last = self._done.pop((restaurant_id, one.id), None)
            if one.action == "delete":
                if last is not None and last.version == one.was:
                    yield from self._compare(restaurant_id, revision, last)
            elif any(mark in bytes(one.image) for mark in MARKS):
                guest = entity_of("guest", bytes(one.image))
                if isinstance(guest, Guest) and guest.status in DONE:
                    self._done[restaurant_id, one.id] = guest

    def _compare(self, restaurant_id: int, revision: int, last: Guest) -> Iterator[Finding]:
        """Whether the visit of a guest whom this revision removed is there, and says what his last image said."""
        expected, who = visit_left(last, revision, self._key), ("guest", last.id)
        if expected is None:
            return
        row = self._database.execute(ONE, (restaurant_id, expected.at, last.id)).fetchone()
        if row is None:
            yield Finding(findings.VISIT_LOST, restaurant_id, revision, who)
            return
        try:
            visit = read_visit(row)
        except DamageError:
            return  # found where every visit is read
        # A hash may have been forgotten since.
        phone, email = expected.phone if visit.phone else None, expected.email if visit.email else None
        if visit != structs.replace(expected, phone=phone, email=email):
            yield Finding(findings.VISIT_DIFFERS, restaurant_id, revision, who)

    def read_every_visit(self, deleted: Collection[int]) -> Iterator[Finding]:
        """All visits, each with the removal that it came with; a deleted restaurant's go a little at a time."""
        for *row, removed in self._database.execute(EVERY):
            restaurant_id, guest_id, revision = row[0], row[2], row[3]
            self.count += 1
            try:
                read_visit(row)
            except DamageError:
                yield Finding(findings.VISIT_DAMAGED, restaurant_id, revision, ("guest", guest_id))
                continue
            if removed != revision and restaurant_id not in deleted:
                yield Finding(findings.VISIT_UNNAMED, restaurant_id, revision, ("guest", guest_id))
