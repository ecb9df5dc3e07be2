"""Group commit: submissions are decided one after the other, before any of them is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from math import ceil

import msgspec
from msgspec import Struct

from restohub.floor.apply import apply, apply_directory, without_surplus_removals
from restohub.floor.commands import CloseDay, Create, Delete, DeleteRestaurant, DirectoryCommand, Update
from restohub.floor.decide import Batch, decide
from restohub.floor.device_changes import OwnChange, OwnWork
from restohub.floor.model import DIRECTORY_ID, Directory, Entry, Floor, Stamp
from restohub.floor.outcomes import (
    Accepted,
    Done,
    Refused,
    Repeated,
    Result,
    rate_limited,
    restaurant_not_found,
)
from restohub.floor.restaurant_rules import decide_directory
from restohub.limits import HUB_REMOVALS_MAX, RESTAURANTS_MAX
from restohub.text import duration
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer, packed

from .address_usage import Caller
from .clock import Clock
from .key_index import KeyIndex
from .ports import Record

# Held for no longer than so, the loop serves the others in time.
HOLD_S = 0.02
# Compressing more bytes than this takes longer than that; another thread does it without the interpreter's lock.
PACKED_AT_ONCE = 256 * 1024
TOO_MUCH = "This device has made very much in a short time. Nothing was done; it can go on in {}."

Command = Create | Update | Delete | CloseDay | Batch | DirectoryCommand


class Step(Struct, frozen=True, kw_only=True):
    """One commit that is asked for. `atomic`: the sockets tell it as one transaction, whatever it touches.

    A `command` that is Refused was malformed: it is passed on to the answer in its place.

    `device` is the id of the one that asks, where it is known, and `person` of whoever does there.

    Of an off-line queue: `own` is what its device had changed before, the same for all its steps, and `used` the
    revision that was committed with this one's key. Both are as of when the queue was read.
    """

    command: Command | Refused
    transaction_id: str
    atomic: bool = False
    key: str | None = None
    digest: bytes | None = None
    own: Sequence[OwnChange] | None = None
    used: int | None = None
    device: str | None = None
    person: str | None = None


# Makes a submission's answer. It goes down with the commands, since a kept answer is a column of the commit's own row.
Responder = Callable[[Sequence[Result], Floor], Answer]


class Holdings(Struct, frozen=True):
    """What all floors of the hub hold: their weight in bytes, their removals in memory, and how many there may be."""

    size: int
    removals: int
    restaurants_max: int = RESTAURANTS_MAX

    @classmethod
    def of(cls, floors: Iterable[Floor], restaurants_max: int) -> Holdings:
        """The holdings, counted from the floors."""
        counted = tuple(floors)
        return cls(sum(one.size for one in counted), sum(len(one.removals) for one in counted), restaurants_max)


class Submission:
    """One caller's steps on one restaurant, in the queue; the hub itself is no caller."""

    __slots__ = ("caller", "future", "respond", "restaurant_id", "since", "steps")

    def __init__(
        self,
        restaurant_id: int,
        steps: Sequence[Step],
        respond: Responder,
        future: asyncio.Future[Answer | Repeated],
        since: float,
        caller: Caller | None = None,
    ) -> None:
        self.restaurant_id = restaurant_id
        self.steps = steps
        self.respond = respond
        self.future = future
        self.since = since
        self.caller = caller

    def fail(self, fault: Problem) -> None:
        """Tell its caller, if there still is one who waits."""
        if not self.future.done():
            self.future.set_exception(fault)

    @property
    def operations(self) -> int:
        """How many operations its steps are."""
        count = len(self.steps)
        for step in self.steps:
            if isinstance(step.command, tuple):
                count += len(step.command) - 1
        return count

    @property
    def shrinks(self) -> bool:
        """Whether all that it asks for is to be deleted."""
        return all(_shrinks(step.command) for step in self.steps)


class Group:
    """What the submissions so far would leave, laid over what is published: forgotten where it cannot be committed.

    `records` are their commits in order, `answers` one for each submission; `added` is what each caller would have made
    (entities, bytes).
    """

    def __init__(
        self,
        directory: Directory,
        floors: dict[int, Floor],
        keys: KeyIndex,
        clock: Clock,
        holdings: Holdings,
        contact_key: bytes = b"",
    ) -> None:
        self.directory = directory
        self.floors: dict[int, Floor] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.records: list[Record] = []
        self.answers: list[Answer | Repeated | Problem] = []
        self.added: dict[Caller, tuple[int, int]] = {}
        self.holdings = holdings
        self._published = floors
        self._published_keys = keys
        self._clock = clock
        self._contact_key = contact_key
        self._now = clock.now()
        self._paused_at = clock.monotonic()

    async def take(self, submission: Submission) -> None:
        """Decide a submission's steps, each seeing those before it, and make its answer."""
        steps = submission.steps
        own = OwnWork(steps[0].own) if steps[0].own is not None else None
        if own is not None and (newly_used := self._newly_used(submission)):
            self.answers.append(newly_used)
            return
        if len(steps) == 1:
            results: list[Result] = [self._decide(submission, steps[0], own)]
            if self._clock.monotonic() - self._paused_at > HOLD_S:
                await self._pause()
        else:
            results = await self._decide_queue(submission, own)
        keeps_answer = len(steps) == 1 and steps[0].digest is not None
        if keeps_answer and isinstance(results[0], Repeated):
            self.answers.append(results[0])
            return
        floor = self._floor(submission.restaurant_id) or Floor(restaurant_id=submission.restaurant_id)
        try:
            answer = submission.respond(results, floor)
        except Problem as refused:
            self.answers.append(refused)
            return
        self.answers.append(answer)
        large = len(answer.body) > PACKED_AT_ONCE
        if large:
            await self._pause()
        if keeps_answer and isinstance(results[0], Done) and results[0].entry is not None:
            kept = await asyncio.to_thread(packed, answer) if large else packed(answer)
            self.records[-1] = msgspec.structs.replace(self.records[-1], answer=kept)

    async def _decide_queue(self, submission: Submission, own: OwnWork | None) -> list[Result]:
        """Decide many steps. Their answer says revisions alone: 500 deletes would hold 500 copies of all that left."""
        results: list[Result] = []
        for step in submission.steps:
            result = self._decide(submission, step, own)
            results.append(_without_floors(result) if isinstance(result, Done) else result)
            if self._clock.monotonic() - self._paused_at > HOLD_S:
                await self._pause()
        return results

    async def _pause(self) -> None:
        """Let others have the loop, which the group has held for long; nobody else changes a floor meanwhile."""
        await asyncio.sleep(0)
        self._paused_at = self._clock.monotonic()

    def _newly_used(self, submission: Submission) -> Repeated | None:
        """The first update that was committed since its queue was read, by an earlier try of it that still waited.

        What that try changed is not yet among the queue's `own`: it must be read anew.
        """
        for step in submission.steps:
            used = self._used(submission.restaurant_id, step.key)
            if used != step.used:
                return Repeated(used or 0)
        return None

    def _decide(self, submission: Submission, step: Step, own: OwnWork | None) -> Result:
        restaurant_id, caller, command = submission.restaurant_id, submission.caller, step.command
        used = self._used(restaurant_id, step.key)
        before = self._floor(restaurant_id)
        if own is not None and before is not None and isinstance(command, Update | Delete):
            command = own.rebased(command, before)
        if used is not None:
            if own is not None and before is not None and isinstance(command, Update):
                own.sent(command, before, used)
            return Repeated(used)
        if isinstance(command, Refused):
            return command
        if before is None:
            return restaurant_not_found(restaurant_id)
        created_from = caller.address if caller else None
        time = max(self._now, before.time)
        stamp = Stamp(before.revision + 1, time, step.transaction_id, created_from, self._contact_key)
        verdict = (
            self._decide_directory(command, stamp)
            if isinstance(command, DirectoryCommand)
            else decide(before, command, stamp, self.holdings.size)
        )
        if not isinstance(verdict, Accepted):
            return verdict
        if caller is not None and not caller.shared and (too_much := self._add(caller, verdict)):
            return too_much
        if own is not None:
            own.committed(before, verdict.changes)
            if isinstance(command, Update):
                own.sent(command, before, stamp.revision)
        entry, after = self._commit(before, verdict, step, stamp) if verdict.changes else (None, before)
        return Done(
            accepted=verdict,
            entry=entry,
            before=before,
            after=after,
            transaction_id=step.transaction_id,
            time=after.time,
        )

    def _decide_directory(self, command: DirectoryCommand, stamp: Stamp) -> Accepted | Refused:
        floors = {**self._published, **self.floors}
        return decide_directory(self.directory, floors, command, stamp, self.holdings.restaurants_max)

    def _add(self, caller: Caller, accepted: Accepted) -> Refused | None:
        """Note what a caller makes, or say in how many seconds this address may make so much."""
        made = sum(change.action == "create" for change in accepted.changes)
        grown = max(0, accepted.grown)
        if not made and not grown:
            return None
        made_before, grown_before = self.added.get(caller, (0, 0))
        now = self._clock.monotonic()
        wait_s = max(
            caller.creations.wait_for(made, made_before, now) if made else 0,
            caller.growth.wait_for(grown, grown_before, now) if grown else 0,
        )
        if wait_s > 0:
            return rate_limited(TOO_MUCH.format(duration(wait_s)), ceil(wait_s))
        self.added[caller] = made_before + made, grown_before + grown
        return None

    def _commit(self, before: Floor, verdict: Accepted, step: Step, stamp: Stamp) -> tuple[Entry, Floor]:
        """The entry of an accepted step and the floor after it, as the steps that follow see it."""
        atomic = step.atomic or len(verdict.changes) > 1
        entry = Entry(before.restaurant_id, stamp.revision, stamp.time, step.transaction_id, atomic, verdict.changes)
        if step.key is not None:
            self.keys[before.restaurant_id, step.key] = stamp.revision
        self.records.append(Record(entry, step.key, step.digest, device=step.device, person=step.person))
        if before.restaurant_id != DIRECTORY_ID:
            after = self.floors[before.restaurant_id] = apply(before, entry, verdict.grown)
            removed = len(after.removals) - len(before.removals)
            if verdict.grown or removed:
                self._hold(verdict.grown, removed)
            return entry, after
        self.directory = apply_directory(self.directory, entry)
        for change in entry.changes:
            if change.action == "create":
                self.floors[int(change.id)] = Floor(restaurant_id=int(change.id), time=entry.time)
        return entry, Floor(restaurant_id=DIRECTORY_ID, revision=entry.revision, time=entry.time)

    def _hold(self, grown: int, removed: int) -> None:
        """The hub holds so many bytes and removals more; beyond its limit the oldest removals leave memory."""
        held = self.holdings
        self.holdings = Holdings(held.size + grown, held.removals + removed, held.restaurants_max)
        if removed and self.holdings.removals > HUB_REMOVALS_MAX:
            floors = {**self._published, **self.floors}
            for fewer in without_surplus_removals(floors):
                self.floors[fewer.restaurant_id] = floors[fewer.restaurant_id] = fewer
            self.holdings = Holdings.of(floors.values(), self.holdings.restaurants_max)

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


def _without_floors(done: Done) -> Done:
    """What became of a step, with no more of its floors than where they stand."""
    at = Floor(restaurant_id=done.after.restaurant_id, revision=done.after.revision, time=done.after.time)
    return msgspec.structs.replace(done, before=at, after=at)


def _shrinks(command: Command | Refused) -> bool:
    if isinstance(command, tuple):
        return all(isinstance(operation, Delete | Refused) for operation in command)
    return isinstance(command, Delete | CloseDay | DeleteRestaurant | Refused)
