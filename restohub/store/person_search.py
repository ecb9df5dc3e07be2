"""The search of the past for a person: guests with a contact, and the rows of the log that hold them."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Callable, Set
from typing import Protocol

import msgspec
from msgspec import Struct

from restohub.floor.forgetting import Person, has_contact
from restohub.floor.model import Action, Guest
from restohub.floor.visits import Visit

from .codec import (
    VISIT_COLUMNS,
    LoggedChange,
    OtherFormatError,
    decode_changes,
    entity_of,
    position_of,
    read_visit,
    revision_at,
)

# Read in one visit to the connection's thread, in which nobody else can read, and the interpreter is busy: 2 ms.
BYTES_A_VISIT = 48 * 1024
# So many ids are looked for one by one, which is quicker than to look at each text there is.
FEW = 40
ROWS_A_VISIT = 200
ROWS = """SELECT position, time, changes, answer FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"""
REMOVED = "SELECT id FROM removal WHERE restaurant_id = ? AND kind = 'guest' AND phone = ? AND phone <> ''"
REMOVED_MAIL = "SELECT id FROM removal WHERE restaurant_id = ? AND kind = 'guest' AND email = ? AND email <> ''"
VISITS = f"""SELECT {VISIT_COLUMNS} FROM visit WHERE restaurant_id = ? AND at < ? AND (at, guest_id) > (?, ?)
    ORDER BY at, guest_id LIMIT 500"""  # noqa: S608 (our own column names)
OLD = """SELECT revision, kind, id, time, phone FROM removal
    WHERE restaurant_id = ? AND (revision, kind, id) > (?, ?, ?)
    ORDER BY revision, kind, id LIMIT 500"""
STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


class Contacts(Struct):
    """What an image says of how a guest is reached."""

    phone: str | None = None
    email: str | None = None


_contacts = msgspec.json.Decoder(Contacts)


class Reading(Protocol):
    """Something that is read a little at a time."""

    finished: bool

    def advance(self, connection: sqlite3.Connection) -> None:
        """Read some rows more; raises sqlite3.Error, DamageError."""


class LogReading:
    """A restaurant's log up to a revision, read a little at a time by whoever calls `advance` until it is finished."""

    def __init__(self, restaurant_id: int, upto: int) -> None:
        self.finished = False
        self._next = position_of(restaurant_id, 0)
        self._last = position_of(restaurant_id, upto)

    def advance(self, connection: sqlite3.Connection) -> None:
        """Read some rows more; raises sqlite3.Error, DamageError."""
        size = 0
        for position, time, changes, answer in connection.execute(ROWS, (self._next, self._last, ROWS_A_VISIT)):
            self.take(position, time, changes, answer)
            self._next = position + 1
            size += len(changes) + 4 * len(answer or b"")
            if size > BYTES_A_VISIT:
                return
        if not size or self._next > self._last:
            self.finished = True

    def take(self, position: int, time: int, changes: bytes, answer: bytes | None) -> None:
        """Take in a row."""
        raise NotImplementedError


class IdSearch(LogReading):
    """Who had a contact at any time: `ids` grow."""

    def __init__(self, restaurant_id: int, upto: int, person: Person, key: bytes) -> None:
        super().__init__(restaurant_id, upto)
        self.ids: set[str] = set()
        self._person = person
        self._key = key

    def take(self, position: int, time: int, changes: bytes, answer: bytes | None) -> None:  # noqa: ARG002 (each reading takes a row)
        """Look at the images of guests that have a contact at all."""
        if b'"phone":' not in changes and b'"email":' not in changes:
            return
        for change in decode_changes(changes):
            if change.kind == "guest" and change.action != "delete" and change.id not in self.ids:
                found = _contacts_of(change)
                if has_contact(self._person, self._key, found.phone, found.email):
                    self.ids.add(change.id)


class RowSearch(LogReading):
    """The commits that hold one of these guests, in what they changed or in the answer that is kept of them."""

    def __init__(self, restaurant_id: int, upto: int, ids: Set[str]) -> None:
        super().__init__(restaurant_id, upto)
        self.positions: list[int] = []
        self._ids = ids
        self._encoded = {msgspec.json.encode(one)[1:-1] for one in ids}

    def take(self, position: int, time: int, changes: bytes, answer: bytes | None) -> None:  # noqa: ARG002 (each reading takes a row)
        """Note the row where it holds one."""
        if any(change.id in self._ids for change in decode_changes(changes)) or self._in_answer(answer):
            self.positions.append(position)

    def _in_answer(self, answer: bytes | None) -> bool:
        """Whether one is named in a kept answer, whatever form that has."""
        if answer is None:
            return False
        try:
            said = zlib.decompress(answer)
        except zlib.error:
            return True  # what cannot be read is not kept
        if len(self._encoded) <= FEW:
            return any(b'"%b"' % one in said for one in self._encoded)
        return not self._encoded.isdisjoint(STRING.findall(said))


class ImageSearch(LogReading):
    """What the log says of these guests."""

    def __init__(self, restaurant_id: int, upto: int, ids: Set[str]) -> None:
        super().__init__(restaurant_id, upto)
        self.logged: list[tuple[int, int, Action, Guest | None]] = []
        self._ids = ids

    def take(self, position: int, time: int, changes: bytes, answer: bytes | None) -> None:  # noqa: ARG002 (each reading takes a row)
        """Keep the images."""
        for change in decode_changes(changes):
            if change.kind == "guest" and change.id in self._ids:
                self.logged.append((revision_at(position), time, change.action, _guest(change)))


def _contacts_of(change: LoggedChange) -> Contacts:
    try:
        return _contacts.decode(change.image)
    except msgspec.DecodeError as fault:
        raise OtherFormatError(f"an image of a guest cannot be read: {fault}") from None


def _guest(change: LoggedChange) -> Guest | None:
    found = None if change.action == "delete" else entity_of("guest", bytes(change.image))
    return found if isinstance(found, Guest) else None


def ids_left(connection: sqlite3.Connection, restaurant_id: int, person: Person) -> set[str]:
    """The guests long gone who stay counted under the hashes of this person."""
    found: set[str] = set()
    for sql, value in ((REMOVED, person.phone), (REMOVED_MAIL, person.email)):
        found.update(row[0] for row in connection.execute(sql, (restaurant_id, value)))
    return found


class VisitSearch:
    """The visits of a restaurant before a time that are `wanted`, read like a log."""

    def __init__(self, restaurant_id: int, wanted: Callable[[Visit], bool], before: int = 2**62) -> None:
        self.finished = False
        self.found: list[Visit] = []
        self._restaurant_id = restaurant_id
        self._wanted = wanted
        self._before = before
        self._last = (-(2**62), "")

    def advance(self, connection: sqlite3.Connection) -> None:
        """Read some rows more; raises sqlite3.Error, DamageError."""
        rows = connection.execute(VISITS, (self._restaurant_id, self._before, *self._last)).fetchall()
        visits = [read_visit(row) for row in rows]
        self.found += [visit for visit in visits if self._wanted(visit)]
        if visits:
            self._last = (visits[-1].at, visits[-1].guest_id)
        self.finished = not visits


class OldRemovals:
    """The guests who stay counted though they left before a time, read like a log; `last` is how far it came."""

    def __init__(self, restaurant_id: int, before: int) -> None:
        self.finished = False
        self.ids: list[str] = []
        self._restaurant_id = restaurant_id
        self._before = before
        self._last = (0, "", "")

    def advance(self, connection: sqlite3.Connection) -> None:
        """Read some rows more; raises sqlite3.Error."""
        rows = connection.execute(OLD, (self._restaurant_id, *self._last)).fetchall()
        self.ids += [one for _, _, one, time, phone in rows if time < self._before and phone is not None]
        self.finished = not rows or rows[-1][3] >= self._before
        if rows:
            self._last = rows[-1][:3]
