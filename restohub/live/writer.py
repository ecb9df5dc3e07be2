"""This file is the one task that changes anything: it decides what waits, commits it as a group, publishes, answers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from restohub.floor.apply import apply, apply_directory
from restohub.floor.commands import CloseDay, Create, Delete, DirectoryCommand, Update
from restohub.floor.decide import Batch, decide
from restohub.floor.directory import decide_directory
from restohub.floor.nouns import DIRECTORY_ID, Directory, Entry, Floor, Stamp
from restohub.floor.verdicts import Accepted, BatchRefused, Refused, restaurant_not_found
from restohub.store.append import Ledger, Record
from restohub.store.faults import StorageFailedError, StorageFullError, StorageUnavailableError
from restohub.wire.answers import Answer
from restohub.wire.problems import RETRY_AFTER_S, Problem, problem

from .clock import Clock

log = logging.getLogger("restohub.writer")

QUEUE_MAX = 1024
GROUP_STEPS_MAX = 256
OUTCOME_WAIT_S = 10.0
SWEEP_S = 0.5
RECOVERY_PROBE_S = 1.0
# A checkpoint writes each page of the WAL once more, so many changes share one; an idle hub brings it forward.
CHECKPOINT_PAGES = 1000
IDLE_CHECKPOINT_PAGES = 250
IDLE_S = 1.0

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


class Publisher(Protocol):
    """Whoever is told of commits once they are durable."""

    def publish(self, entries: Sequence[Entry]) -> None:
        """Take these commits in; called in one step with the floors' change, and must not wait."""


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


class Pending:
    """What the group that is being decided would leave: laid over what is published."""

    def __init__(self, directory: Directory, floors: dict[int, Floor], keys: dict[tuple[int, str], int]) -> None:
        self.directory = directory
        self.published = floors
        self.published_keys = keys
        self.floors: dict[int, Floor] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.records: list[Record] = []
        self.answers: list[Answer | Repeated | Problem] = []

    def floor(self, restaurant_id: int) -> Floor | None:
        """The floor as the group so far leaves it, None where the restaurant does not exist."""
        if restaurant_id == DIRECTORY_ID:
            return Floor(restaurant_id=DIRECTORY_ID, revision=self.directory.revision, time=self.directory.time)
        if restaurant_id not in self.directory.restaurants:
            return None
        return self.floors.get(restaurant_id) or self.published.get(restaurant_id)

    def all_floors(self) -> dict[int, Floor]:
        """Every floor as the group so far leaves it."""
        return {**self.published, **self.floors}

    def used(self, restaurant_id: int, key: str | None) -> int | None:
        """The revision that was committed with this key."""
        if key is None:
            return None
        where = (restaurant_id, key)
        return self.keys.get(where) or self.published_keys.get(where)


class Writer:
    """The queue, the published floors, and the task that brings the one into the other."""

    def __init__(
        self,
        directory: Directory,
        floors: dict[int, Floor],
        keys: dict[tuple[int, str], int],
        *,
        ledger: Ledger,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self.directory = directory
        self.floors = floors
        self.keys = keys
        self.storage_fault: str | None = None
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._queue: deque[Submission] = deque()
        self._group: list[Submission] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._failure_code = "storage_unavailable"

    async def submit(self, restaurant_id: int, steps: Sequence[Step], answer: Answering) -> Answer | Repeated:
        """Have these steps decided and committed, and return the answer when they are durable.

        Raises Problem: the refusal, or `busy`, `shutting_down`, `storage_full`, `storage_unavailable` (nothing was
        done), `outcome_unknown` (it may be done), `internal_error` (nothing was done). A command once taken is
        committed whether or not its caller is still there.
        """
        if self._stopping:
            raise refusal("shutting_down", "The hub is stopping. Nothing was changed.")
        if len(self._queue) >= QUEUE_MAX:
            raise refusal("busy", "The hub has too much to do at this moment. Nothing was changed; ask again.")
        future: asyncio.Future[Answer | Repeated] = asyncio.get_running_loop().create_future()
        self._queue.append(Submission(restaurant_id, steps, answer, future, self._clock.monotonic()))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Work until `stop`; raises StorageFailedError when the disk can no longer be trusted."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            while self._queue or not self._stopping:
                if not self._queue:
                    await self._rest()
                    continue
                self._group = self._take()
                await self._commit(self._group)
                self._group = []
                if self._ledger.pages_due >= CHECKPOINT_PAGES:
                    await self._checkpoint()
        finally:
            sweeper.cancel()
            self._abandon()

    def stop(self) -> None:
        """Take nothing new; `run` returns when what was taken is committed and answered."""
        self._stopping = True
        self._wake.set()

    def trouble(self) -> str | None:
        """Why a change could not be saved now, None where it could."""
        if self.storage_fault is not None:
            return self.storage_fault
        if self._stopping:
            return "the hub is stopping"
        waiting = self._group or self._queue
        if waiting and self._clock.monotonic() - waiting[0].since > OUTCOME_WAIT_S:
            return "the disk does not answer"
        return None

    def _take(self) -> list[Submission]:
        group: list[Submission] = []
        steps = 0
        while self._queue and steps < GROUP_STEPS_MAX:
            group.append(self._queue.popleft())
            steps += len(group[-1].steps)
        return group

    async def _rest(self) -> None:
        """Wait for work; an idle hub checkpoints, and one whose disk was full tries whether it still is."""
        self._wake.clear()
        if self._queue or self._stopping:
            return
        busy_again_s = RECOVERY_PROBE_S if self.storage_fault else IDLE_S
        idle_work = self.storage_fault is not None or self._ledger.pages_due >= IDLE_CHECKPOINT_PAGES
        try:
            await asyncio.wait_for(self._wake.wait(), busy_again_s if idle_work else None)
        except TimeoutError:
            await (self._probe() if self.storage_fault else self._checkpoint())

    async def _commit(self, group: list[Submission]) -> None:
        """Decide and commit a group; where a fault of our own comes up, its members one at a time."""
        try:
            pending = self._decide(group)
            if pending.records:
                await self._ledger.append(pending.records)
        except (StorageFullError, StorageUnavailableError) as fault:
            self._refuse(group, fault)
        except StorageFailedError:
            raise
        except Exception:
            if len(group) == 1:
                log.exception("A change failed by a fault of the hub")
                _fail(group[0], problem("internal_error", "The hub made a mistake. Nothing was changed."))
                return
            for submission in group:
                await self._commit([submission])
        else:
            self._publish(group, pending)

    def _decide(self, group: list[Submission]) -> Pending:
        pending = Pending(self.directory, self.floors, self.keys)
        for submission in group:
            results: list[Result] = []
            made_before = len(pending.records)
            for step in submission.steps:
                results.append(self._decide_step(pending, submission.restaurant_id, step))
            floor = pending.floor(submission.restaurant_id)
            alone = results[0] if len(results) == 1 else None
            if isinstance(alone, Repeated) and submission.steps[0].digest is not None:
                pending.answers.append(alone)
                continue
            try:
                answer = submission.answer(results, floor or Floor(restaurant_id=submission.restaurant_id))
            except Problem as refused:
                pending.answers.append(refused)
                continue
            pending.answers.append(answer)
            if len(submission.steps) == 1 and submission.steps[0].digest and len(pending.records) > made_before:
                kept = msgspec.msgpack.encode(answer)
                pending.records[-1] = msgspec.structs.replace(pending.records[-1], answer=kept)
        return pending

    def _decide_step(self, pending: Pending, restaurant_id: int, step: Step) -> Result:
        used = pending.used(restaurant_id, step.key)
        if used is not None:
            return Repeated(used)
        if isinstance(step.command, Refused):
            return step.command
        before = pending.floor(restaurant_id)
        if before is None:
            return restaurant_not_found(restaurant_id)
        time = self._clock.commit_time()
        stamp = Stamp(before.revision + 1, max(time, before.time), step.transaction_id)
        verdict = self._verdict(pending, before, step.command, stamp)
        if not isinstance(verdict, Accepted):
            return verdict
        if not verdict.changes:
            return Done(
                accepted=verdict,
                entry=None,
                before=before,
                after=before,
                transaction_id=step.transaction_id,
                time=before.time,
            )
        atomic = step.atomic or len(verdict.changes) > 1
        entry = Entry(restaurant_id, stamp.revision, stamp.time, step.transaction_id, atomic, verdict.changes)
        after = self._apply(pending, before, entry)
        if step.key is not None:
            pending.keys[restaurant_id, step.key] = stamp.revision
        pending.records.append(Record(entry, step.key, step.digest))
        return Done(
            accepted=verdict,
            entry=entry,
            before=before,
            after=after,
            transaction_id=step.transaction_id,
            time=stamp.time,
        )

    @staticmethod
    def _verdict(pending: Pending, before: Floor, command: Command, stamp: Stamp) -> Accepted | Refused | BatchRefused:
        if isinstance(command, DirectoryCommand):
            return decide_directory(pending.directory, pending.all_floors(), command, stamp)
        return decide(before, command, stamp)

    @staticmethod
    def _apply(pending: Pending, before: Floor, entry: Entry) -> Floor:
        if entry.restaurant_id != DIRECTORY_ID:
            after = pending.floors[entry.restaurant_id] = apply(before, entry)
            return after
        pending.directory = apply_directory(pending.directory, entry)
        for change in entry.changes:
            if change.action == "create":
                made = int(change.id)
                pending.floors[made] = Floor(restaurant_id=made, time=entry.time)
        return Floor(restaurant_id=DIRECTORY_ID, revision=entry.revision, time=entry.time)

    def _publish(self, group: list[Submission], pending: Pending) -> None:
        """In one step without an await: the pending floors are the published ones, entries are out, callers know."""
        self.storage_fault = None if pending.records else self.storage_fault
        self.floors.update(pending.floors)
        self.keys.update(pending.keys)
        if self.directory is not pending.directory:
            self.directory = pending.directory
            for gone in self.floors.keys() - pending.directory.restaurants.keys():
                del self.floors[gone]
        if pending.records:
            self._publisher.publish([record.entry for record in pending.records])
        for submission, answer in zip(group, pending.answers, strict=True):
            if isinstance(answer, Problem):
                _fail(submission, answer)
            elif not submission.future.done():
                submission.future.set_result(answer)

    def _refuse(self, group: list[Submission], fault: StorageFullError | StorageUnavailableError) -> None:
        """The disk takes nothing: these callers hear it, the floor stands as it is, reads go on."""
        full = isinstance(fault, StorageFullError)
        self._failure_code = "storage_full" if full else "storage_unavailable"
        if self.storage_fault != str(fault):
            log.warning("The store takes no changes: %s. Reading goes on; the hub tries again by itself.", fault)
        self.storage_fault = str(fault)
        detail = f"The hub cannot save changes: {fault}. Nothing was changed; what is shown stays true."
        for submission in group:
            _fail(submission, refusal(self._failure_code, detail))

    async def _probe(self) -> None:
        try:
            await self._ledger.probe()
        except (StorageFullError, StorageUnavailableError) as fault:
            self.storage_fault = str(fault)
            return
        self.storage_fault = None
        log.info("The store takes changes again.")

    async def _checkpoint(self) -> None:
        try:
            await self._ledger.checkpoint()
        except (StorageFullError, StorageUnavailableError) as fault:
            self.storage_fault = str(fault)
            log.warning("The store could not be checkpointed: %s", fault)

    async def _sweep(self) -> None:
        """Tell callers who have waited for long that nobody knows; their commands stay where they are."""
        detail = f"The hub's disk has not answered for {OUTCOME_WAIT_S:.0f} s. The change may be made or not."
        while True:
            await asyncio.sleep(SWEEP_S)
            overdue = self._clock.monotonic() - OUTCOME_WAIT_S
            for submission in (*self._group, *self._queue):
                if submission.since > overdue:
                    break
                _fail(submission, refusal("outcome_unknown", detail))

    def _abandon(self) -> None:
        """The task ends with work left over: those in the group cannot know, the others know that it was not done."""
        for submission in self._group:
            _fail(submission, refusal("outcome_unknown", "The hub's disk failed. The change may be made or not."))
        for submission in self._queue:
            _fail(submission, refusal("storage_unavailable", "The hub's disk failed. Nothing was changed."))
        self._stopping = True


def refusal(code: str, detail: str) -> Problem:
    """A problem that says when to ask again."""
    return problem(code, detail, Retry_After=str(RETRY_AFTER_S[code]))


def _fail(submission: Submission, fault: Problem) -> None:
    if not submission.future.done():
        submission.future.set_exception(fault)
