"""This file is a group of submissions being decided, one after the other, before any of it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from restohub.floor.apply import apply, apply_directory
from restohub.floor.commands import CloseDay, Create, Delete, DirectoryCommand, Update
from restohub.floor.decide import Batch, decide
from restohub.floor.directory import decide_directory
from restohub.floor.nouns import DIRECTORY_ID, Directory, Entry, Floor, Stamp
from restohub.floor.verdicts import Accepted, BatchRefused, Refused, restaurant_not_found
from restohub.store.append import Record
from restohub.store.keys import Keys
from restohub.wire.answers import Answer, packed
from restohub.wire.problems import Problem

from .clock import Clock

Command = Create | Update | Delete | CloseDay | Batch | DirectoryCommand


class Step(Struct, frozen=True, kw_only=True):
    """One commit that is asked for. `atomic`: the sockets tell it as one transaction, whatever it touches.

    A `command` that is Refused was malformed: it is passed on to the answer in its place.
    """

    command: Command | Refused
    transaction_id: str
    atomic: bool = False
    key: str | None = None
    digest: bytes | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What became of a step that was accepted; `entry` is None where it changed nothing."""

    accepted: Accepted
    entry: Entry | None
    before: Floor
    after: Floor
    transaction_id: str
    time: int


class Repeated(Struct, frozen=True):
    """The step's key was used before, by the commit of this revision."""

    revision: int


Result = Done | Refused | BatchRefused | Repeated
Answering = Callable[[Sequence[Result], Floor], Answer]


class Submission:
    """One caller's steps on one restaurant, in the queue."""

    __slots__ = ("answer", "future", "restaurant_id", "since", "steps")

    def __init__(
        self,
        restaurant_id: int,
        steps: Sequence[Step],
        answer: Answering,
        future: asyncio.Future[Answer | Repeated],
        since: float,
    ) -> None:
        self.restaurant_id = restaurant_id
        self.steps = steps
        self.answer = answer
        self.future = future
        self.since = since


class Group:
    """What the submissions so far would leave, laid over what is published: forgotten where it cannot be committed.

    `records` are their commits in order, `answers` one for each submission.
    """

    def __init__(self, directory: Directory, floors: dict[int, Floor], keys: Keys, clock: Clock) -> None:
        self.directory = directory
        self.floors: dict[int, Floor] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.records: list[Record] = []
        self.answers: list[Answer | Repeated | Problem] = []
        self._published = floors
        self._published_keys = keys
        self._now = clock.now()

    def take(self, submission: Submission) -> None:
        """Decide a submission's steps, each seeing those before it, and make its answer."""
        steps = submission.steps
        results = [self._decide(submission.restaurant_id, step) for step in steps]
        keeps_answer = len(steps) == 1 and steps[0].digest is not None
        if keeps_answer and isinstance(results[0], Repeated):
            self.answers.append(results[0])
            return
        floor = self._floor(submission.restaurant_id) or Floor(restaurant_id=submission.restaurant_id)
        try:
            answer = submission.answer(results, floor)
        except Problem as refused:
            self.answers.append(refused)
            return
        self.answers.append(answer)
        if keeps_answer and isinstance(results[0], Done) and results[0].entry is not None:
            self.records[-1] = msgspec.structs.replace(self.records[-1], answer=packed(answer))

    def _decide(self, restaurant_id: int, step: Step) -> Result:
        used = self._used(restaurant_id, step.key)
        if used is not None:
            return Repeated(used)
        if isinstance(step.command, Refused):
            return step.command
        before = self._floor(restaurant_id)
        if before is None:
            return restaurant_not_found(restaurant_id)
        stamp = Stamp(before.revision + 1, max(self._now, before.time), step.transaction_id)
        verdict = self._verdict(before, step.command, stamp)
        if not isinstance(verdict, Accepted):
            return verdict
        entry, after = self._commit(before, verdict, step, stamp) if verdict.changes else (None, before)
        return Done(
            accepted=verdict,
            entry=entry,
            before=before,
            after=after,
            transaction_id=step.transaction_id,
            time=after.time,
        )

    def _verdict(self, before: Floor, command: Command, stamp: Stamp) -> Accepted | Refused | BatchRefused:
        if isinstance(command, DirectoryCommand):
            return decide_directory(self.directory, {**self._published, **self.floors}, command, stamp)
        return decide(before, command, stamp)

    def _commit(self, before: Floor, verdict: Accepted, step: Step, stamp: Stamp) -> tuple[Entry, Floor]:
        """The entry of an accepted step and the floor after it, as the steps that follow see it."""
        atomic = step.atomic or len(verdict.changes) > 1
        entry = Entry(before.restaurant_id, stamp.revision, stamp.time, step.transaction_id, atomic, verdict.changes)
        if step.key is not None:
            self.keys[before.restaurant_id, step.key] = stamp.revision
        self.records.append(Record(entry, step.key, step.digest))
        if before.restaurant_id != DIRECTORY_ID:
            after = self.floors[before.restaurant_id] = apply(before, entry)
            return entry, after
        self.directory = apply_directory(self.directory, entry)
        for change in entry.changes:
            if change.action == "create":
                self.floors[int(change.id)] = Floor(restaurant_id=int(change.id), time=entry.time)
        return entry, Floor(restaurant_id=DIRECTORY_ID, revision=entry.revision, time=entry.time)

    def _floor(self, restaurant_id: int) -> Floor | None:
        """The floor as the group so far leaves it, None where the restaurant does not exist."""
        if restaurant_id == DIRECTORY_ID:
            return Floor(restaurant_id=DIRECTORY_ID, revision=self.directory.revision, time=self.directory.time)
        if restaurant_id not in self.directory.restaurants:
            return None
        return self.floors.get(restaurant_id) or self._published.get(restaurant_id)

    def _used(self, restaurant_id: int, key: str | None) -> int | None:
        """The revision that was committed with this key."""
        if key is None:
            return None
        return self.keys.get((restaurant_id, key)) or self._published_keys.revision(restaurant_id, key)
