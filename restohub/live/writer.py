"""The writer: the one task that changes anything, which decides what waits, commits a group, publishes, answers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from restohub.access.devices import Kept
from restohub.floor.apply import apply, apply_directory
from restohub.floor.model import DIRECTORY_ID, Directory, Entry, Floor
from restohub.floor.outcomes import Repeated
from restohub.limits import QUEUE_MAX, RESTAURANTS_MAX
from restohub.logs.events import event
from restohub.text import duration
from restohub.wire.problems import Problem, problem, refusal
from restohub.wire.responses import Answer

from .address_usage import Caller
from .clock import Clock, new_id
from .group_commit import Group, Holdings, Responder, Step, Submission
from .key_index import KeyIndex
from .ports import IDLE_S, ClockReset, Ledger, StorageFailedError, StorageFullError, StorageUnavailableError

log = logging.getLogger("restohub.writer")

GROUP_STEPS_MAX = 256
# A batch is one step of up to 500: two of them are decided, encoded and written together.
GROUP_OPERATIONS_MAX = 1_000
OUTCOME_WAIT_S = 10.0
SWEEP_S = 0.5
NOT_KNOWN = "The change may or may not have been made."
ONLY_DELETES = "the disk is full, and the space kept in reserve takes only deletes"
RECOVERY_PROBE_S = 1.0


class Publisher(Protocol):
    """Whoever is told of commits once they are durable."""

    def publish(self, entries: Sequence[Entry]) -> None:
        """Take these commits in; called in one step with the floors' change, and must not wait."""


class Writer:
    """The queue, the published floors, and the task that brings the one into the other."""

    def __init__(
        self,
        directory: Directory,
        floors: dict[int, Floor],
        keys: KeyIndex,
        *,
        ledger: Ledger,
        publisher: Publisher,
        clock: Clock,
        restaurants_max: int = RESTAURANTS_MAX,
        contact_key: bytes = b"",
    ) -> None:
        self.directory = directory
        self.floors = floors
        self.holdings = Holdings.of(floors.values(), restaurants_max)
        self.keys = keys
        self.storage_fault: str | None = ledger.refuses
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._contact_key = contact_key
        self._queue: deque[Submission] = deque()
        self._taken: list[Submission] = []
        self._wake = asyncio.Event()
        self._calls: list[asyncio.Future[None]] = []
        self._chores: deque[tuple[Callable[[], Awaitable[int]], asyncio.Future[int]]] = deque()
        self._idle_from = 0.0
        self._troubled_at = 0.0
        self._look_again_at = 0.0
        self._stopping = False
        self._failure_code = "storage_unavailable"

    def submit(
        self, restaurant_id: int, steps: Sequence[Step], respond: Responder, caller: Caller | None = None
    ) -> asyncio.Future[Answer | Repeated]:
        """Have these steps of a caller, or of the hub itself, decided and committed: the answer, when they are durable.

        Raises Problem: the refusal, or `busy`, `shutting_down`, `storage_full`, `storage_unavailable` (nothing was
        done), `outcome_unknown` (it may be done), `internal_error` (nothing was done). A command once taken is
        committed whether or not its caller is still there.
        """
        if self._stopping:
            raise refusal("shutting_down")
        if len(self._queue) >= QUEUE_MAX:
            raise refusal("busy")
        future: asyncio.Future[Answer | Repeated] = asyncio.get_running_loop().create_future()
        self._queue.append(Submission(restaurant_id, steps, respond, future, self._clock.monotonic(), caller))
        self._wake.set()
        return future

    async def run(self) -> None:
        """Work until `stop`; raises StorageFailedError when the disk can no longer be trusted, and StorageBackError."""
        sweeper = asyncio.create_task(self._expire_waiting())
        self._idle_from = asyncio.get_running_loop().time()
        try:
            while self._queue or not self._stopping:
                self._answer_calls()
                if not self._queue and not self._chores:
                    await self._rest()
                    continue
                if self._queue:
                    self._taken = self._take()
                    await self._commit(self._taken)
                    self._taken = []
                    self._idle_from = asyncio.get_running_loop().time()
                if self._chores:  # they put off neither the idle upkeep nor the look at a full disk
                    await self._do(*self._chores.popleft())
                if self._ledger.upkeep_due(0):
                    await self._upkeep()
        finally:
            sweeper.cancel()
            self._abandon()

    def stop(self) -> None:
        """Take nothing new; `run` returns when what was taken is committed and answered."""
        self._stopping = True
        self._wake.set()

    async def confirm_alive(self) -> None:
        """Return when the task has come by: at once where it rests, never where the disk does not let it go."""
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls.append(call)
        self._wake.set()
        await call

    async def prune(self, restaurant_id: int, first: int, last: int) -> None:
        """Take these revisions, the oldest, out of a restaurant's log; their keys are free again.

        Done between two groups, so few at a time delay nobody. Raises StorageFullError, StorageUnavailableError.
        """

        async def pruning() -> int:
            gone = await self._ledger.prune(restaurant_id, first, last)
            for revision, key in gone:
                if key is not None:
                    self.keys.forget(restaurant_id, key, revision)
            return len(gone)

        await self.between_groups(pruning)

    async def keep_access(self, what: Kept) -> int:
        """Keep a device, a person or the mode, durably; raises like `prune`."""
        return await self.between_groups(lambda: self._ledger.keep_access(what))

    async def begin_epoch(self, name: str, claimed_at: int | None, begun: Callable[[], None]) -> None:
        """Make this the present epoch, durably; `begun` is called before any commit of it. Raises like `prune`.

        `claimed_at`: when a client had it begin, None where none did.
        """

        async def beginning() -> int:
            await self._ledger.begin_epoch(name, claimed_at)
            begun()
            return 1

        await self.between_groups(beginning)

    async def restart_times(self, name: str, begun: Callable[[dict[int, ClockReset]], None]) -> None:
        """Begin an epoch whose times go by the machine's clock, though that is behind; else like `begin_epoch`.

        A commit without any change in each log says from where on.
        """

        async def restarting() -> int:
            now = int(self._clock.machine_time())
            heads = {DIRECTORY_ID: self.directory.revision} | {at: floor.revision for at, floor in self.floors.items()}
            resets = [Entry(at, head + 1, now, new_id(), False, ()) for at, head in heads.items()]
            await self._ledger.begin_epoch(name, resets=resets)
            self._clock.go_by_machine()
            self.directory = apply_directory(self.directory, resets[0])
            for entry in resets[1:]:
                self.floors[entry.restaurant_id] = apply(self.floors[entry.restaurant_id], entry, 0)
            begun({entry.restaurant_id: ClockReset(entry.revision, entry.time) for entry in resets})
            return 1

        await self.between_groups(restarting)

    async def forget_removals(self, restaurant_id: int, many: int) -> int:
        """Take so many removals of a deleted restaurant out of the store, and say how many; raises like `prune`."""
        return await self.between_groups(lambda: self._ledger.forget_removals(restaurant_id, many))

    async def between_groups(self, work: Callable[[], Awaitable[int]]) -> int:
        """Have work on the store done between two groups, few rows at a time; raises like `prune`."""
        if self._stopping:
            raise StorageUnavailableError("the hub is stopping")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._chores.append((work, future))
        self._wake.set()
        return await future

    def give_up(self) -> None:
        """The stop can wait no longer: those whose commit is under way cannot know, the others know it was not done."""
        for submission in self._taken:
            submission.fail(refusal("outcome_unknown", f"The hub is stopping, its disk does not answer. {NOT_KNOWN}"))
        while self._queue:
            self._queue.popleft().fail(refusal("shutting_down"))

    def trouble(self) -> str | None:
        """Why a change could not be saved now, None where it could."""
        if self.storage_fault is not None:
            return self.storage_fault
        if self._stopping:
            return "the hub is stopping"
        waiting = self._taken or self._queue
        if waiting and self._clock.monotonic() - waiting[0].since > OUTCOME_WAIT_S:
            return "the disk does not answer"
        return None

    def _take(self) -> list[Submission]:
        group: list[Submission] = []
        steps = operations = 0
        while self._queue and steps < GROUP_STEPS_MAX:
            operations += self._queue[0].operations
            if group and operations > GROUP_OPERATIONS_MAX:
                break
            group.append(self._queue.popleft())
            steps += len(group[-1].steps)
        return group

    def _answer_calls(self) -> None:
        for call in self._calls:
            if not call.done():
                call.set_result(None)
        self._calls.clear()

    async def _rest(self) -> None:
        """Wait for work; an idle hub looks after its store, and one whose disk was full tries whether it still is."""
        self._wake.clear()
        if self._queue or self._chores or self._stopping:
            return
        loop = asyncio.get_running_loop()
        # Counted from the last work, not from here: a roll call must not put idle work off.
        due_at = self._idle_from + (RECOVERY_PROBE_S if self.storage_fault else IDLE_S)
        idle_work = self.storage_fault is not None or self._ledger.upkeep_due(IDLE_S)
        try:
            await asyncio.wait_for(self._wake.wait(), due_at - loop.time() if idle_work else None)
        except TimeoutError:
            await (self._probe() if self.storage_fault else self._upkeep())
            self._idle_from = loop.time()

    async def _do(self, work: Callable[[], Awaitable[int]], future: asyncio.Future[int]) -> None:
        """Do what was asked for between two groups; whoever asked hears of a disk that takes nothing."""
        try:
            done = await work()
        except (StorageFullError, StorageUnavailableError) as fault:
            if not future.done():
                future.set_exception(fault)
            return
        if not future.done():
            future.set_result(done)

    async def _commit(self, group: list[Submission]) -> None:  # noqa: C901 (one branch for each thing that can fail)
        """Decide and commit a group; where a fault of our own comes up, its members one at a time."""
        try:
            if self._ledger.reserve_in_use and not all(submission.shrinks for submission in group):
                await self._leave_reserve()
            decided = Group(self.directory, self.floors, self.keys, self._clock, self.holdings, self._contact_key)
            for submission in group:
                await decided.take(submission)
            if decided.records:
                self._clock.commit_time()
                await self._ledger.append(decided.records)
        except StorageFullError as fault:
            await self._commit_on_full_disk(group, fault)
        except StorageUnavailableError as fault:
            self._refuse(group, fault)
        except StorageFailedError:
            raise
        except Exception:
            if len(group) == 1:
                log.exception("A change failed by a fault of the hub")
                group[0].fail(problem("internal_error"))
                return
            for submission in group:
                await self._commit([submission])
        else:
            self._publish(group, decided)

    async def _commit_on_full_disk(self, group: list[Submission], fault: StorageFullError) -> None:
        """The disk is full: refuse what makes anything larger, and give up the reserve for what deletes."""
        deletes = [submission for submission in group if submission.shrinks]
        self._refuse([submission for submission in group if not submission.shrinks], fault)
        if not deletes:
            return
        if len(deletes) < len(group) or await self._ledger.give_up_reserve():
            await self._commit(deletes)
        else:
            self._refuse(deletes, fault)

    async def _leave_reserve(self) -> None:
        """Have the reserve again, looking for room once a second at most; raises StorageFullError."""
        now = self._clock.monotonic()
        if now >= self._look_again_at:
            self._look_again_at = now + RECOVERY_PROBE_S
            if await self._ledger.restore_reserve():
                return
        raise StorageFullError(ONLY_DELETES)

    def _publish(self, group: list[Submission], decided: Group) -> None:
        """In one step without an await: the pending floors are the published ones, entries are out, callers know."""
        if decided.records and not self._ledger.reserve_in_use:
            self._recovered()
        self.holdings = decided.holdings
        for caller, (made, grown) in decided.added.items():
            caller.creations.spend(made, self._clock.monotonic())
            caller.growth.spend(grown, self._clock.monotonic())
        self.floors.update(decided.floors)
        for (restaurant_id, key), revision in decided.keys.items():
            self.keys.add(restaurant_id, key, revision)
        if self.directory is not decided.directory:
            self.directory = decided.directory
            for gone in self.floors.keys() - decided.directory.restaurants.keys():
                del self.floors[gone]
                self.keys.forget_restaurant(gone)
            self.holdings = Holdings.of(self.floors.values(), self.holdings.restaurants_max)
        if decided.records:
            self._publisher.publish([record.entry for record in decided.records])
        for submission, answer in zip(group, decided.answers, strict=True):
            if isinstance(answer, Problem):
                submission.fail(answer)
            elif not submission.future.done():
                submission.future.set_result(answer)

    def _refuse(self, group: list[Submission], fault: StorageFullError | StorageUnavailableError) -> None:
        """The disk takes nothing: these callers hear it, the floor stands as it is, reads go on."""
        self._failure_code = "storage_full" if isinstance(fault, StorageFullError) else "storage_unavailable"
        self._troubled(fault)
        detail = f"The hub cannot save changes: {fault}. Nothing was changed; what is shown stays true."
        for submission in group:
            submission.fail(refusal(self._failure_code, detail))

    async def _probe(self) -> None:
        try:
            if self._ledger.reserve_in_use:
                await self._leave_reserve()
            await self._ledger.probe()
        except (StorageFullError, StorageUnavailableError) as fault:
            self._troubled(fault)
            return
        self._recovered()

    async def _upkeep(self) -> None:
        try:
            await self._ledger.upkeep()
        except (StorageFullError, StorageUnavailableError) as fault:
            self._troubled(fault)

    def _troubled(self, fault: StorageFullError | StorageUnavailableError) -> None:
        """Storage trouble, in the log once: at its start, and where its reason changes."""
        if self.storage_fault is None:
            self._troubled_at = self._clock.monotonic()
        if self.storage_fault != str(fault):
            told = "Changes cannot be saved: %s. Reading still works; the hub tries again by itself."
            log.warning(told, fault, extra=event("storage_trouble", reason=str(fault)))
        self.storage_fault = str(fault)

    def _recovered(self) -> None:
        """The end of storage trouble, where there was any."""
        if self.storage_fault is not None:
            lasted = self._clock.monotonic() - self._troubled_at
            told = event("storage_well", seconds=round(lasted))
            log.info("Changes are saved again, after %s.", duration(lasted), extra=told)
        self.storage_fault = None

    async def _expire_waiting(self) -> None:
        """Tell callers who have waited for long that nobody knows; their commands stay where they are."""
        detail = f"The hub's disk has not answered for {OUTCOME_WAIT_S:.0f} s. {NOT_KNOWN}"
        while True:
            await asyncio.sleep(SWEEP_S)
            overdue = self._clock.monotonic() - OUTCOME_WAIT_S
            for submission in (*self._taken, *self._queue):
                if submission.since > overdue:
                    break
                submission.fail(refusal("outcome_unknown", detail))

    def _abandon(self) -> None:
        """The task ends with work left over: those in the group cannot know, the others know that it was not done."""
        for submission in self._taken:
            submission.fail(refusal("outcome_unknown", f"The hub's disk failed. {NOT_KNOWN}"))
        for submission in self._queue:
            submission.fail(refusal("storage_unavailable", "The hub's disk failed. Nothing was changed."))
        for _, future in self._chores:
            if not future.done():
                future.set_exception(StorageUnavailableError("the hub is stopping"))
        self._stopping = True
