"""A recorded history: what every client asked and was told, on one monotonic clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
# An entity by kind and id; a floor by its entities.
Name = tuple[str, str]
Floor = Mapping[Name, Json]


@dataclass(slots=True)
class Asked:
    """One attempt of a request. No `returned`: nobody knows whether it was done.

    `key` is what its commit is found by in the log (a queue of updates has several). `effect` is the digest of the
    floor that a read answered. `again`: it was answered as a repetition.
    """

    client: str
    method: str
    path: str
    body: Any
    keys: tuple[str, ...]
    match: int | None
    invoked: float
    returned: float | None = None
    status: int = 0
    answer: Any = None
    revision: int | None = None
    effect: str | None = None
    again: bool = False


@dataclass(slots=True)
class Told:
    """One message that a socket brought: a commit or a delta (from `previous` to `revision`), or a snapshot."""

    at: float
    kind: str
    previous: int
    revision: int
    digest: str


@dataclass(slots=True)
class Line:
    """One connection of a client: the revision it held after the hello (None: nothing yet), and what came then.

    `opened` is when it was asked for, `head` the revision that the hello named.
    """

    client: str
    opened: float
    since: int | None
    head: int
    epoch: str
    told: list[Told] = field(default_factory=list)


@dataclass(slots=True)
class Crash:
    """One kill -9: when, and when the hub answered again."""

    at: float
    back: float


@dataclass
class History:
    """All of it. `ends` is what each watcher held at the end: its revision and the digest of its floor."""

    asked: list[Asked] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """What a commit did to an entity: its image afterwards, None where it is gone."""

    kind: str
    id: str
    action: str
    data: Json | None


@dataclass(slots=True)
class Entry:
    """One commit of the hub's log."""

    revision: int
    key: str | None
    changes: list[Change]


def digest(value: Any) -> str:
    """A value of JSON in 16 bytes, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def digest_of_floor(guests: Iterable[Json], tables: Iterable[Json]) -> str:
    """A whole floor, whatever the order of its entities."""
    return digest([sorted(each, key=lambda entity: str(entity["id"])) for each in (guests, tables)])


def digest_of_changes(changes: Iterable[Change]) -> str:
    """Changes as a client applies them, whatever their order."""
    return digest(sorted(([one.kind, one.id, one.action, one.data] for one in changes), key=lambda one: one[:2]))


def kind_digest(floor: Floor) -> str:
    """The same of a floor by its names."""
    return digest_of_floor(*([data for (kind, _), data in floor.items() if kind == wanted] for wanted in KINDS))


KINDS = ("guest", "table")
