"""An evening in the virtual world: a hub that crashes, five clients who notice everything, and faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from restohub.floor.commands import EntityKind, GuestFields, TableFields
from restohub.floor.model import DIRECTORY_ID, GUEST_STATUSES, Change, Entry, Floor, Restaurant
from restohub.floor.outcomes import Done, Repeated, Result
from restohub.live.address_usage import Callers
from restohub.live.client_ahead import Claims
from restohub.live.cursor import Cursor
from restohub.live.epoch import Epoch
from restohub.live.feed import Feed
from restohub.live.group_commit import Step
from restohub.live.hub import Hub
from restohub.live.list_index import Listings
from restohub.live.ports import Record
from restohub.live.snapshots import Snapshots
from restohub.live.writer import Writer
from restohub.store.append import Ledger
from restohub.store.codec import revision_at
from restohub.store.history import History
from restohub.store.load import initialise, load
from restohub.web.atomic_batches import commands_of
from restohub.web.sockets import catch_up_first, new_cursor
from restohub.wire.batch_inputs import ParsedOperation
from restohub.wire.messages import Dialect
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer
from tests.faults.simulation import (
    NOWHERE,
    START,
    Connection,
    SimulatedConnection,
    SimulatedDisk,
    VirtualClock,
    virtual,
)
from tests.live.feed_harness import Client, Held, SlowLink, served

CLIENTS: tuple[Dialect, ...] = ("sync", "sync", "sync", "realtime", "realtime")
CHAOS_S, PEACE_S = 12.0, 400.0
TRY_AGAIN = ("storage_full", "storage_unavailable", "busy", "outcome_unknown", "shutting_down")


class Params:
    """What a client asks for when it connects."""

    def __init__(self, since: int | None, epoch: str | None) -> None:
        self.restaurant_id, self.since, self.epoch = 1, since, epoch


class Core:
    """One life of the hub: all that a process holds in memory, over what the disk has kept."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.connection = Connection(disk)
        self.disk = disk
        self.tasks: list[asyncio.Task[Any]] = []
        self.wires: dict[Cursor, SimulatedConnection] = {}
        self.joined: set[Cursor] = set()
        self.ended = asyncio.Event()

    async def start(self) -> Core:
        """Load and begin to work, as `app` does."""
        store: Any = self.connection
        await initialise(store, "install", "epoch")
        loaded = await load(store)
        ledger = Ledger(store, NOWHERE)
        if loaded.directory.revision == 0:
            made = Restaurant(id="1", name="Trattoria", timezone="Europe/Rome", version=1, created_revision=1)
            change = Change("restaurant", "1", "create", made)
            await ledger.append([Record(Entry(DIRECTORY_ID, 1, START, "first", False, (change,)))])
            loaded = await load(store)
        clock = VirtualClock(max([loaded.directory.time, *(floor.time for floor in loaded.floors.values())]))
        history = History(store, contact_key=loaded.contact_key)
        snapshots = Snapshots(Epoch(loaded.epoch), loaded.floors)
        feed = Feed(loaded.floors, history, snapshots)
        writer = Writer(
            loaded.directory,
            loaded.floors,
            loaded.keys,
            ledger=ledger,
            publisher=feed,
            clock=clock,
            contact_key=loaded.contact_key,
        )
        absent: Any = None
        present = Epoch(loaded.epoch)
        self.hub = Hub(
            version="0",
            present=present,
            endpoint=absent,
            folder=Path(),
            zone="UTC",
            knows_zone=absent,
            clock=clock,
            callers=Callers(("127.0.0.1",), clock.monotonic, str),
            writer=writer,
            history=history,
            feed=feed,
            snapshots=snapshots,
            listings=Listings(),
            claims=Claims(present, writer, feed, clock),
            discovery=absent,
            backups=absent,
            erasures=absent,
            contact_key=loaded.contact_key,
        )
        self.spawn(writer.run())
        self.spawn(feed.watch())
        return self

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that ends with the hub."""
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    def connect(self, dialect: Dialect, since: int | None, epoch: str | None) -> tuple[Cursor, SimulatedConnection]:
        """A socket as the routes open it."""
        wire = SimulatedConnection(self.disk)
        cursor = new_cursor(self.hub, wire, dialect, 1)  # type: ignore[arg-type]  # the virtual wire stands for a link
        self.wires[cursor] = wire
        self.joined.add(cursor)
        self.hub.feed.join(cursor)
        self.spawn(self._send(cursor, Params(since, epoch)))
        return cursor, wire

    async def _send(self, cursor: Cursor, params: Any) -> None:
        await catch_up_first(self.hub, cursor, params)
        await self.hub.feed.follow(cursor)

    def disconnect(self, cursor: Cursor) -> None:
        """The hub has learnt that the client is gone."""
        if cursor in self.joined:
            self.joined.remove(cursor)
            self.hub.feed.leave(cursor)

    async def crash(self) -> None:
        """All that was in memory is gone; what was on its way to the disk did not arrive."""
        self.connection.dead = True
        self.ended.set()
        for wire in self.wires.values():
            wire.cut = True
            wire.arrived.put_nowait(None)
        faults = [task.exception() for task in self.tasks if task.done() and not task.cancelled()]
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        assert [fault for fault in faults if fault is not None and not isinstance(fault, Problem)] == []


class SimulatedEvening:
    """The disk, the hub of the moment, five clients, and what they were promised."""

    def __init__(self) -> None:
        self.loop = virtual()
        self.random = self.loop.random
        self.disk = SimulatedDisk()
        self.core: Core | None = None
        self.up = asyncio.Event()
        self.peace = False
        self.acknowledged: dict[str, int] = {}
        self.clients = [SimulatedIPad(self, number, dialect) for number, dialect in enumerate(CLIENTS)]
        self.crashes = 0

    async def play(self) -> None:
        """Chaos, then peace; everybody must come to the floor that the disk has."""
        self.disk.slow_s = (0, 0, 0.001, 0.02, 0.4)
        self.core = await Core(self.disk).start()
        self.up.set()
        pads = [asyncio.create_task(pad.live()) for pad in self.clients]
        hosts = [asyncio.create_task(pad.change()) for pad in self.clients]
        while self.loop.time() < CHAOS_S:
            await asyncio.sleep(self.random.random() * 2)
            await self._fault()
        self.peace, self.disk.full, self.disk.slow_s = True, False, (0,)
        for pad in self.clients:
            pad.wire.stalled_until = 0.0
        await self._finished(hosts)
        until = self.loop.time() + PEACE_S
        while not all(self._agrees(pad) for pad in self.clients):
            for task in pads:
                if task.done():
                    task.result()
            assert self.loop.time() < until, [
                (pad.view.revision, self.core.hub.writer.floors[1].revision) for pad in self.clients
            ]
            await asyncio.sleep(1)
        await self._keeps_its_promises()
        for task in pads:
            task.cancel()
        for ended in await asyncio.gather(*pads, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        await self.core.crash()

    async def _fault(self) -> None:
        """Something that happens in restaurants."""
        assert self.core is not None
        pad = self.random.choice(self.clients)
        match self.random.randrange(9):
            case 0 | 1:
                self.loop.note("crash")
                self.up.clear()
                self.crashes += 1
                await self.core.crash()
                await asyncio.sleep(self.random.random() * 3)
                self.core = await Core(self.disk).start()
                self.up.set()
            case 2:
                self.disk.full = not self.disk.full
            case 3:
                self.disk.slow_s = self.random.choice([(0,), (0, 0.001, 0.4), (0, 0, 3, 11)])
            case 4:
                virtual().clock_off_s += self.random.choice([-86_400, -60, 3600, 400 * 86_400])
            case 5 | 6:
                pad.wire.stalled_until = self.loop.time() + self.random.choice([1, 10, 50])
            case _:
                self.loop.note("cut", pad.number)
                pad.wire.cut = True
                if self.random.random() < 0.7:
                    pad.wire.arrived.put_nowait(None)

    async def _finished(self, hosts: list[asyncio.Task[None]]) -> None:
        done, late = await asyncio.wait(hosts, timeout=PEACE_S)
        assert not late, "a change was never answered"
        for task in done:
            task.result()

    def _agrees(self, pad: SimulatedIPad) -> bool:
        assert self.core is not None
        floor = self.core.hub.writer.floors[1]
        return (pad.view.revision, pad.view.held) == (floor.revision, served(floor))

    async def _keeps_its_promises(self) -> None:
        """What the disk has is the published floor, without a gap, with every acknowledged change once."""
        assert self.core is not None
        loaded = await load(Connection(self.disk))  # type: ignore[arg-type]  # the virtual disk's connection
        floor = self.core.hub.writer.floors[1]
        assert loaded.floors[1] == floor
        rows = self.disk.database.execute("SELECT position, key FROM log WHERE position >= 1 << 40 ORDER BY position")
        log = [(revision_at(position), key) for position, key in rows]
        assert [revision for revision, _ in log] == list(range(1, floor.revision + 1))
        assert {key: revision for revision, key in log}.items() >= self.acknowledged.items()
        keys = [key for _, key in log]
        assert len(keys) == len(set(keys)), "a change was made twice"
        self.loop.note("end", floor.revision, sorted(served(floor)))


class SimulatedIPad:
    """An iPad: it shows what it is told, connects again when it hears nothing, and asks for changes."""

    def __init__(self, evening: SimulatedEvening, number: int, dialect: Dialect) -> None:
        self.evening, self.number, self.dialect = evening, number, dialect
        self.random = evening.random
        self.view = Client(SlowLink())
        self.wire = SimulatedConnection(evening.disk)
        self.epoch: str | None = None
        self.changes = 0

    async def live(self) -> None:
        """Connect, listen, and connect again."""
        while True:
            await self.evening.up.wait()
            await asyncio.sleep(self.random.random())
            core = self.evening.core
            if core is None or core.ended.is_set():
                continue
            resumes = self.dialect == "realtime" or self.random.random() < 0.7
            held: Held = dict(self.view.held) if resumes else {}
            self.view = Client(SlowLink(), revision=self.view.revision if resumes else 0, held=held)
            cursor, self.wire = core.connect(self.dialect, self.view.revision if resumes else None, self.epoch)
            await self._listen(cursor, self.wire)
            self.wire.cut = True
            self.wire.loop.call_later(self.random.random() * 5, core.disconnect, cursor)

    async def _listen(self, cursor: Cursor, wire: SimulatedConnection) -> None:
        """Take what comes until nothing did for a minute; speak each half minute, and ask now and then."""
        heard_at = spoken_at = wire.loop.time()
        while wire.loop.time() < heard_at + 60:
            try:
                message = await asyncio.wait_for(wire.arrived.get(), 15)
            except TimeoutError:
                message = {}
            if message is None:
                return
            if message:
                heard_at = wire.loop.time()
                self._hear(message)
            if wire.loop.time() >= spoken_at + 25 and not wire.cut:
                spoken_at = wire.loop.time()
                wire.sign_of_life()
                asked = self.random.choice(("ping", "request_delta", "request_full_sync"))
                message = {"type": asked, "since_revision": self.view.revision}
                cursor.receive(json.dumps(message), {1})

    def _hear(self, message: dict[str, Any]) -> None:
        self.evening.loop.note(self.number, message["type"], message.get("revision"))
        if message["type"] == "connection_established":
            self.epoch = message["epoch"]
        else:
            self.view.hear(message)

    async def change(self) -> None:
        """Ask for one change after the other, each until it is answered, with one key."""
        while not self.evening.peace:
            await asyncio.sleep(self.random.choice((0.0, 0.0, 0.0, 0.2, 2.0)))
            self.changes += 1
            assert self.evening.core is not None
            key, wanted = f"{self.number}/{self.changes}", self._wish(self.evening.core.hub.writer.floors[1])
            while not await self._asked(key, wanted):
                await asyncio.sleep(self.random.random() * 3)

    async def _asked(self, key: str, wanted: ParsedOperation) -> bool:
        """Whether the change was answered; False where it must be asked again."""
        await self.evening.up.wait()
        core = self.evening.core
        if core is None or core.ended.is_set():
            return False
        task = core.spawn(self._submit(core, key, wanted))
        await asyncio.wait([task])
        if task.cancelled():
            return False
        try:
            revision = task.result()
        except Problem as fault:
            return fault.refused.code not in TRY_AGAIN
        if revision is not None:
            self.evening.loop.note("acknowledged", key, revision)
            self.evening.acknowledged[key] = revision
        return True

    async def _submit(self, core: Core, key: str, wanted: ParsedOperation) -> int | None:
        floor = core.hub.writer.floors[1]
        (command,) = await commands_of(core.hub, floor, [wanted])
        step = Step(command=command, transaction_id=key, key=key, digest=b"")
        answer = await core.hub.writer.submit(1, [step], answering)
        return answer.revision if isinstance(answer, Repeated) else int(answer.body or 0) or None

    def _wish(self, floor: Floor) -> ParsedOperation:
        """Some change of what is there, or something new."""
        pick = self.random.choice
        kind: EntityKind = pick(("guest", "guest", "guest", "table"))
        there = list(floor.guests if kind == "guest" else floor.tables)
        action = pick(("create", "update", "update", "update", "update", "delete")) if len(there) > 2 else "create"
        chosen = f"{kind}-{self.number}-{self.changes}" if action == "create" else pick(there)
        fields: GuestFields | TableFields
        if kind == "guest":
            needed: dict[str, Any] = {"first_name": "Ada", "party_size": 2} if action == "create" else {}
            seat: dict[str, Any] = {"table_id": pick([*floor.tables, None])}
            fields = GuestFields(
                **needed, **pick(({"status": pick(GUEST_STATUSES)}, seat, {"notes": "n" * pick((1, 900))}))
            )
        else:
            needed = {"capacity": 4, "table_number": chosen[-20:]} if action == "create" else {}
            more: dict[str, Any] = pick(({"notes": chosen}, {"status": "dirty"}, {"status": "available"}))
            fields = TableFields(**needed, **more)
        return ParsedOperation(kind=kind, action=action, id=chosen, fields=fields)


def answering(results: Sequence[Result], floor: Floor) -> Answer:
    """The revision of the commit, nothing where there was none."""
    result = results[0]
    if not isinstance(result, Done):
        raise Problem(result)  # type: ignore[arg-type]  # no batch is sent in this evening
    return Answer(200, [], b"%d" % result.entry.revision if result.entry else b"")
