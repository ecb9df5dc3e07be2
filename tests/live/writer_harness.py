"""A writer at work over a disk and a clock that do as they are told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import UNSET

from restohub.floor.commands import Create, GuestFields, Update
from restohub.floor.model import Directory, Entry, Floor, Restaurant
from restohub.floor.outcomes import Done, Refused, Repeated, Result
from restohub.live.clock import Clock
from restohub.live.group_commit import Command, Responder, Step
from restohub.live.key_index import KeyIndex
from restohub.live.ports import Record
from restohub.live.writer import Writer
from restohub.store.append import Ledger
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer

START = 1_700_000_000


class ScriptedLedger(Ledger):
    """A ledger that remembers what it was given, waits while it is held, and fails as it is told."""

    def __init__(self) -> None:
        self.pages_due = 0
        self.appends: list[list[Record]] = []
        self.faults: deque[Exception | None] = deque()
        self.checkpoint_faults: deque[Exception | None] = deque()
        self.checkpoints = 0
        self.guilty: Callable[[Record], bool] = lambda _: False
        self.asked = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    @property
    def entries(self) -> list[Entry]:
        """Every commit that is durable."""
        return [record.entry for records in self.appends for record in records]

    def hold(self) -> None:
        """Let the next append take as long as it takes until `free` is set."""
        self.free.clear()
        self.asked.clear()

    async def append(self, records: Sequence[Record]) -> None:
        """Take the records in, or fail."""
        self.asked.set()
        await self.free.wait()
        if any(self.guilty(record) for record in records):
            raise RuntimeError("a constraint failed")
        self._fail(self.faults)
        self.appends.append(list(records))

    async def probe(self) -> None:
        """Fail as an append would."""
        self._fail(self.faults)

    async def upkeep(self) -> None:
        """Count, or fail."""
        self.checkpoints += 1
        self._fail(self.checkpoint_faults)
        self.pages_due = 0

    async def prune(self, restaurant_id: int, first: int, last: int) -> list[tuple[int, str | None]]:
        """Let go of these revisions, or fail."""
        self._fail(self.faults)
        mine = [record for records in self.appends for record in records]
        gone = [r for r in mine if r.entry.restaurant_id == restaurant_id and first <= r.entry.revision <= last]
        self.appends = [[r for r in mine if r not in gone]]
        return [(record.entry.revision, record.key) for record in gone]

    @staticmethod
    def _fail(faults: deque[Exception | None]) -> None:
        fault = faults.popleft() if faults else None
        if fault is not None:
            raise fault


class StillClock(Clock):
    """A clock that stands until it is set: `wall` in UTC seconds, `ticks` in monotonic seconds."""

    def __init__(self) -> None:
        self.wall = START
        self.ticks = 0.0
        super().__init__()

    def now(self) -> int:
        """The time that was set."""
        return self.wall

    def commit_time(self) -> int:
        """The time that was set, even where it is earlier than the last: the writer must hold on to its floor's."""
        return self.wall

    def monotonic(self) -> float:
        """The ticks that were set."""
        return self.ticks


class Desk:
    """A writer, its disk and clock, and all that it published; restaurant 1 is there and empty."""

    def __init__(self) -> None:
        restaurant = Restaurant(id="1", name="Trattoria", timezone="Europe/Rome", version=1, created_revision=1)
        self.disk, self.clock = ScriptedLedger(), StillClock()
        self.published: list[list[Entry]] = []
        self.at_publish: list[tuple[int, int]] = []
        self.writer = Writer(
            Directory(revision=1, time=START, restaurants={1: restaurant}, last_id=1),
            {1: Floor(restaurant_id=1, time=START)},
            KeyIndex(),
            ledger=self.disk,
            publisher=self,
            clock=self.clock,
        )

    def publish(self, entries: Sequence[Entry]) -> None:
        """Note what is published, what is durable by then, and at which revision the floor stands."""
        self.published.append(list(entries))
        floor = self.writer.floors.get(1)
        self.at_publish.append((len(self.disk.entries), floor.revision if floor else -1))

    @property
    def floor(self) -> Floor:
        """The published floor of restaurant 1."""
        return self.writer.floors[1]

    def submit(
        self, *commands: Command | Refused, keys: Sequence[str | None] = (), digest: bytes | None = None, at: int = 1
    ) -> asyncio.Task[Answer | Repeated]:
        """Submit these commands as one caller would; the answer's body is what became of each, in words."""
        steps = [
            Step(command=command, transaction_id=f"tx{n}", key=keys[n] if keys else None, digest=digest)
            for n, command in enumerate(commands)
        ]
        return self.ask(at, steps, answering)

    def ask(self, at: int, steps: Sequence[Step], answering: Responder) -> asyncio.Task[Answer | Repeated]:
        """Submit these steps, as a request of its own."""

        async def asking() -> Answer | Repeated:
            return await self.writer.submit(at, steps, answering)

        return asyncio.create_task(asking())


def answering(results: Sequence[Result], floor: Floor) -> Answer:
    """The answer: what became of each step, and the revision that the floor has."""
    if len(results) == 1 and isinstance(results[0], Refused):
        raise Problem(results[0])
    return Answer(200, [], msgspec.json.encode({"steps": [word(one) for one in results], "revision": floor.revision}))


def word(result: Result) -> str:
    """What became of a step."""
    match result:
        case Done(entry=entry):
            return f"committed {entry.revision}" if entry else "unchanged"
        case Repeated(revision):
            return f"repeated {revision}"
        case Refused(code):
            return code
        case _:
            return "batch refused"


def said(answer: Answer | Repeated) -> Any:
    """The answer's body as data."""
    assert isinstance(answer, Answer)
    return msgspec.json.decode(answer.body)


async def outcome(task: Awaitable[Answer | Repeated]) -> str:
    """How a caller fared: the fate of his one step, `repeated N`, or the code of the problem."""
    try:
        answer = await task
    except Problem as fault:
        return fault.refused.code
    return f"repeated {answer.revision}" if isinstance(answer, Repeated) else str(said(answer)["steps"][0])


async def outcomes(*tasks: Awaitable[Answer | Repeated]) -> list[str]:
    """How these callers fared."""
    return [await outcome(task) for task in tasks]


def keys(*used: tuple[int, str, int]) -> KeyIndex:
    """What a hub remembers that has used these keys: each of a restaurant, with the revision that it made."""
    made = KeyIndex()
    for restaurant_id, key, revision in used:
        made.add(restaurant_id, key, revision)
    return made


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk whose writer runs; it is stopped at the end, and what it raises comes out."""
    one = Desk()
    running = asyncio.create_task(one.writer.run())
    try:
        yield one
    finally:
        one.disk.free.set()
        one.writer.stop()
        await running


def guest(guest_id: str, name: str = "Ada", status: str | None = None) -> Create:
    """The command that makes a guest."""
    fields = GuestFields(first_name=name, party_size=2, status=status if status is not None else UNSET)
    return Create(kind="guest", id=guest_id, fields=fields)


def note(guest_id: str, notes: str) -> Update:
    """The command that changes a guest's notes."""
    return Update(kind="guest", id=guest_id, fields=GuestFields(notes=notes))


async def settle(rounds: int = 20) -> None:
    """Let every task that can go on do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)
