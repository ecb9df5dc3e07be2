"""A world in which nothing is by chance: a loop of virtual time, a disk in line, a network that delays."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from restohub.live.clock import Clock
from restohub.store.append import KEYED_LOG, LOG
from restohub.store.codec import name_checksum, revision_at
from restohub.store.contact_visits import CONTACT_KEY
from restohub.store.schema import migrate
from tests.live.feed_harness import Message, messages

T = TypeVar("T")

START = 1_700_000_000
HIGH_WATER_BYTES = 2_000
NOWHERE = Path("in memory")


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose time goes on when nothing else can, and which takes any of what is ready next."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.trace = sha256()
        self._at = 0.0
        self.clock_off_s = 0.0
        self._selector = self
        self._ready: deque[Any] = deque()

    def note(self, *what: object) -> None:
        """Add to the trace: two runs of one seed must come to the same."""
        self.trace.update(f"{self._at:.6f} {what}\n".encode())

    def time(self) -> float:
        """Virtual seconds."""
        return self._at

    def pass_by(self, seconds: float) -> None:
        """Let time go by at once: whatever was due meanwhile is late."""
        self._at += seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Nobody waits: the time is later."""
        assert timeout is not None, "nobody would ever go on"
        self._at += timeout
        return []

    def _run_once(self) -> None:
        rest = self._ready
        if len(rest) > 1:
            chosen = self.random.randrange(len(rest))
            self._ready = deque([rest[chosen]])
            del rest[chosen]
            super()._run_once()  # type: ignore[misc]  # typeshed hides it
            rest.extend(self._ready)
            self._ready = rest
        else:
            super()._run_once()  # type: ignore[misc]  # typeshed hides it

    def _process_events(self, events: list[Any]) -> None:
        """There are none: no file, no socket, no thread."""

    def _write_to_self(self) -> None:
        """Nobody wakes the loop from outside."""


def virtual() -> VirtualLoop:
    """The running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


class VirtualClock(Clock):
    """The hub's clock over the loop's time; the machine's own is off by the loop's `clock_off_s`."""

    def machine_time(self) -> float:
        """UTC seconds of the machine's clock."""
        return START + virtual().time() + virtual().clock_off_s

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return virtual().time()


@cache
def empty_database() -> bytes:
    """A database with the hub's schema."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database, 0)
    key = "ab" * 32  # the same in each run: what is on the disk follows from the seed
    database.execute("UPDATE hub SET value = ?, checksum = ?", (key, name_checksum(CONTACT_KEY, key)))
    return database.serialize()


class SimulatedDisk:
    """What survives: one database. It may be full, or slow; `head` is the last revision that is durable."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        self.database.deserialize(empty_database())
        self.head = self._written = 0
        self.full = False
        self.slow_s: Sequence[float] = (0,)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement; a full disk takes no row."""
        self._take(sql)
        done = self.database.execute(sql, values)
        if sql.startswith("BEGIN"):
            self._written = 0
        elif sql == "COMMIT":
            self.head = max(self.head, self._written)
        return done

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        """Run a statement for each row."""
        self._take(sql)
        rows = list(rows)
        if sql in (LOG, KEYED_LOG):
            self._written = max(self._written, *(revision_at(row[0]) for row in rows))
        return self.database.executemany(sql, rows)

    def _take(self, sql: str) -> None:
        if self.full and self.database.in_transaction and sql.startswith("INSERT"):
            raise _full()


class Connection:
    """A connection as the store sees it, run in line: a crash finds a transaction on the disk whole, or not at all."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.disk = disk
        self.dead = False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.disk.database.in_transaction

    async def run(self, work: Callable[[Any], T]) -> T:
        """Do this work at the disk, which may be slow."""
        await self._hop()
        await asyncio.sleep(virtual().random.choice(self.disk.slow_s))
        self._alive()
        done = work(self.disk)
        await self._hop()
        return done

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives no rows."""
        await self._hop()
        self.disk.execute(sql, values)

    async def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        """Run a statement for each row."""
        await self._hop()
        self.disk.executemany(sql, rows)

    async def execute_fetchall(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query: of what is committed alone."""
        await self._hop()
        return self.disk.database.execute(sql, values).fetchall()

    async def rollback(self) -> None:
        """Forget the transaction."""
        self.disk.database.rollback()

    async def _hop(self) -> None:
        self._alive()
        await asyncio.sleep(0)
        self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError


def _full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class SimulatedConnection:
    """The hub's way to one client: what is written waits, travels, and is read when the client reads."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.loop = virtual()
        self.disk = disk
        self.heard_at = self.loop.time()
        self.arrived: asyncio.Queue[Message | None] = asyncio.Queue()
        self.stalled_until = 0.0
        self.cut = False
        self.taken = 0
        self._waiting: deque[tuple[int, list[Message | None]]] = deque()
        self._waiting_bytes = 0
        self._due_at = 0.0
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def client(self) -> tuple[str, int]:
        """Where it connects from."""
        return "127.0.0.1", 1

    @property
    def ready(self) -> bool:
        """Whether the client took enough for more to be sent."""
        return self._writable.is_set()

    @property
    def waiting(self) -> bool:
        """Whether something written has not been taken yet."""
        return self._waiting_bytes > 0

    def write(self, frames: bytes) -> None:
        """Send ready frames; none may tell of what is not durable."""
        told: list[Message | None] = list(messages(frames))
        for message in told:
            assert message is not None
            revision = message.get("revision")
            assert revision is None or revision <= self.disk.head, "published before it was durable"
        self._send(len(frames), told)

    def let_wait(self, bytes_max: int) -> None:
        """It counts as slow from HIGH_WATER_BYTES on, always."""

    async def drained(self) -> None:
        """Return when the client took enough, or is gone."""
        await self._writable.wait()

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 (a link's own signature)
        """The client hears it after all that was written."""
        self.loop.note("close", code)
        self._send(1, [None])

    def ping(self) -> None:
        """The client's own protocol answers, if it is there."""
        self.loop.call_later(self.loop.random.random(), self.sign_of_life)

    def sign_of_life(self) -> None:
        """Something came from the client."""
        if not self.cut:
            self.heard_at = self.loop.time()

    def _send(self, size: int, told: list[Message | None]) -> None:
        self._waiting.append((size, told))
        self._waiting_bytes += size
        if self._waiting_bytes >= HIGH_WATER_BYTES:
            self._writable.clear()
        travel_s = self.loop.random.choice((0.0, 0.001, 0.02, 0.5))
        self._due_at = max(self._due_at, self.loop.time() + travel_s)
        self.loop.call_at(self._due_at, self._take)

    def _take(self) -> None:
        if self.cut:
            self._writable.set()
            return
        if self.loop.time() < self.stalled_until:
            self.loop.call_at(self.stalled_until, self._take)
            return
        size, told = self._waiting.popleft()
        self._waiting_bytes -= size
        self.taken += size
        if self._waiting_bytes < HIGH_WATER_BYTES / 4:
            self._writable.set()
        for message in told:
            self.arrived.put_nowait(message)
