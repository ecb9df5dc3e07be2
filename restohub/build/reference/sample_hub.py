"""The sample hub, which keeps nothing: the reference's examples are what its own routes answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence, Set
from contextlib import asynccontextmanager
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from restohub.access.devices import Access, Device, Kept
from restohub.access.pairing import Pairings
from restohub.access.pins import keep_pin
from restohub.access.staff import Person as StaffPerson
from restohub.access.staff import Staff
from restohub.access.tokens import digest_of
from restohub.access.visitors import Visitor, Visitors, Watched
from restohub.floor.commands import Visits
from restohub.floor.forgetting import Person, ids_on_floor
from restohub.floor.model import Directory, Entity, Entry, Floor, Guest, Removal, Restaurant
from restohub.floor.visits import Visit
from restohub.live.address_usage import Callers
from restohub.live.client_ahead import Claims
from restohub.live.clock import Clock
from restohub.live.epoch import Epoch
from restohub.live.feed import Feed
from restohub.live.hub import Hub
from restohub.live.hub_address import Endpoint
from restohub.live.key_index import KeyIndex
from restohub.live.list_index import Listings
from restohub.live.ports import ALL, Author, BackupState, Erasure, Held, KeptAnswer, Record, Revision, Version, Wanted
from restohub.live.snapshots import Snapshots
from restohub.live.writer import Writer
from restohub.store.append import Ledger
from restohub.store.history import History
from restohub.web.application import application
from restohub.web.guard import Guard
from restohub.wire.responses import Discovery

OPENING = 1705343400  # 2024-01-15T18:30:00Z, an evening
STEP_S = 60
UPTIME_S = 93_784
VERSION = "0.1.0"
EPOCH = "5f1c0a9e44d2"
ENDPOINT = Endpoint(
    "0197ac3e-5c10-7d21-b4a8-60f3279e44d2", "restohub", "::", 8000, None, True, "0197ac40-10c2-7b06-9d15-4be1f7a6c3d8"
)
ERASURE = "0198c0de-0000-7000-8000-00000000e7a5"
BACKED_UP = BackupState(OPENING - 14 * 3600, 412_000)
FOUND = Discovery("announced", "restohub", "restohub-9e44d2.local", ["192.168.1.20"])
UNTOLD_HEADERS = {"content-length", "content-type"}
JSON_HEADERS = {"content-type": "application/json"}
# Made up: the token of the hub's own machine, and a device that was paired on an earlier day.
MANAGER_TOKEN = "rsto_Zm9yLXRoZS1yZWZlcmVuY2UtYWxvbmUtbm9ib2R5cw0"
PEPPER, PIN = bytes(32), "4711"
ANNA = StaffPerson("0197ac53-1b20-7e44-8c3a-9d07f2b1e6a8", "Anna", "host", None, OPENING - 86_400)
BAR = Device("0197ac52-7f30-7c11-9a02-5be18d3c60f4", "Bar", "view", b"", OPENING - 86_400, "machine")
# And an app that cannot pair: it has sent the header of a former sign-in since the day before.
ITS_HEADER = Watched(sha256(b"Bearer made up for the reference").digest(), OPENING - 2 * 86_400, OPENING - 600)
UNPAIRED = Visitor("192.168.1.31", "HostStand/4.2", OPENING - 600, sent=(ITS_HEADER,))


class Exchange(Struct, frozen=True):
    """One request and what was answered; `sent` are the request's headers, `got` the answer's in lower case."""

    method: str
    target: str
    sent: dict[str, str]
    body: bytes
    status: int
    got: dict[str, str]
    answer: bytes

    def request_lines(self, type_: str) -> list[str]:
        """Its line and the headers that matter; its body too, as it is, where that is of no type."""
        head = [f"{self.method} {self.target}"]
        head += [f"{name}: {text}" for name, text in self.sent.items() if name != "content-type" or not type_]
        return head if type_ or not self.body else [*head, "", self.body.decode()]

    def answer_lines(self) -> list[str]:
        """The status of the answer and the headers that matter."""
        told = [(name, text) for name, text in self.got.items() if name not in UNTOLD_HEADERS]
        spelled = [f"{'ETag' if name == 'etag' else name.title()}: {text}" for name, text in told]
        return [f"{self.status} {HTTPStatus(self.status).phrase}", *spelled]


class SampleClock(Clock):
    """An evening that goes on by a minute with each commit."""

    def __init__(self) -> None:
        self._evening = OPENING
        super().__init__(OPENING)
        self.started = self.monotonic() - UPTIME_S
        self.started_at = OPENING - UPTIME_S

    def now(self) -> int:
        """The evening's time."""
        return self._evening

    def commit_time(self) -> int:
        """A minute later."""
        self._evening += STEP_S
        return self._evening

    def behind_s(self) -> int:
        """An evening that is played is never behind."""
        return 0


class SampleLedger(Ledger):
    """A ledger on paper: it keeps the commits for as long as it is held, and touches no disk."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.pages_due = 0

    async def append(self, records: Sequence[Record]) -> None:
        """Note the commits."""
        self.records += records

    async def keep_access(self, what: Kept) -> int:  # noqa: ARG002 (Ledger's own form)
        """What belongs to the hub is held in memory."""
        return 1

    async def probe(self) -> None:
        """Paper is never full."""

    async def upkeep(self) -> None:
        """Nothing to bring anywhere."""


class SampleHistory(History):
    """What can be asked of the past, answered from the paper."""

    def __init__(self, ledger: SampleLedger) -> None:
        self.resets = {}
        self._ledger = ledger

    async def kept_answer(self, restaurant_id: int, revision: int) -> KeptAnswer | None:
        """The answer that the commit of this revision was made with."""
        for record in self._ledger.records:
            if (record.entry.restaurant_id, record.entry.revision) == (restaurant_id, revision):
                return KeptAnswer(record.digest, record.answer)
        return None

    async def authors(self, restaurant_id: int, upto: int, many: int, wanted: Wanted = ALL) -> list[Author]:  # noqa: ARG002 (History's own form)
        """Who made the latest commits: nobody who is known, on this evening."""
        entries = [one for one in self._entries(restaurant_id) if one.revision <= upto][-many:]
        return [
            Author(one.revision, one.time, None, tuple((c.kind, c.id, c.action) for c in one.changes))
            for one in reversed(entries)
        ]

    async def was_used(self, restaurant_id: int, kind: str, entity_id: str) -> bool:  # noqa: ARG002 (History's own form)
        """The floor itself remembers the removals of one evening."""
        return False

    async def visits(self, floor: Floor, phone: str | None, email: str | None) -> Visits:  # noqa: ARG002 (History's own form)
        """Nobody was here before this evening."""
        return Visits(floor.revision)

    async def visits_between(self, floor: Floor, after: tuple[int, str], until: int, many: int) -> list[Visit]:  # noqa: ARG002 (History's own form)
        """Who left the floor of this evening was not done."""
        return []

    async def images(
        self,
        floor: Floor,
        versions: Iterable[Version],
        around: Set[int] = frozenset(),  # noqa: ARG002 (History's own form)
    ) -> dict[Version, Entity]:
        """The entities as they were at these versions; no queue of this evening is sent twice."""
        wanted = list(versions)
        found: dict[Version, Entity] = {}
        for entry in self._entries(floor.restaurant_id):
            for change in entry.changes:
                same = [
                    v for v in wanted if (v.kind, v.id) == (change.kind, change.id) and v.revision >= entry.revision
                ]
                if change.entity is not None:
                    found |= dict.fromkeys(same, change.entity)
        return found

    async def removals(self, floor: Floor, since: int, many: int) -> list[Removal]:  # noqa: ARG002 (History's own form)
        """The floor itself remembers the removals of one evening."""
        return []

    async def first_revision(self, restaurant_id: int) -> Revision | None:
        """The first one: nothing is ever pruned here."""
        return Revision(1) if self._entries(restaurant_id) else None

    async def revision_before(self, floor: Floor, time: int) -> Revision | None:
        """The last revision committed before a time."""
        return Revision(sum(entry.time < time for entry in self._entries(floor.restaurant_id)))

    def _entries(self, restaurant_id: int) -> list[Entry]:
        return [one.entry for one in self._ledger.records if one.entry.restaurant_id == restaurant_id]


class SampleErasures:
    """Hands over what the paper says, and has forgotten everybody already."""

    def __init__(self, ledger: SampleLedger) -> None:
        self._ledger = ledger

    async def held(self, floor: Floor, person: Person) -> Held:
        """The guest, and what the commits made of him."""
        ids = ids_on_floor(floor, person, b"")
        logged = [
            (record.entry.revision, record.entry.time, change.action, change.entity)
            for record in self._ledger.records
            for change in record.entry.changes
            if change.id in ids and (change.entity is None or isinstance(change.entity, Guest))
        ]
        return Held([floor.guests[one] for one in ids], logged, [])

    async def ask(self, restaurant_id: int, person: Person, renew: bool, now: int) -> Erasure:
        """Note nothing."""
        return Erasure(id=ERASURE, restaurant_id=restaurant_id, person=person, asked=now, renew=renew)

    def count(self) -> int:
        """None."""
        return 0

    def find(self, restaurant_id: int, erasure_id: str) -> Erasure | None:
        """Done at once."""
        return Erasure(
            id=erasure_id, restaurant_id=restaurant_id, person=Person(), asked=OPENING, ids=("g2",), done=OPENING + 4
        )

    def is_running(self, erasure_id: str) -> bool:  # noqa: ARG002 (Erasures' own form)
        """Never."""
        return False


class SamplePairings(Pairings):
    """Pairings whose codes are always the same."""

    def new_code(self) -> str:
        """The code of the reference."""
        return "K7XR2M"

    def new_secret(self) -> str:
        """The secret of the reference."""
        return "Yi1yZWZlcmVuY2UtMQ"


class SampleHub:
    """The whole application over a hub in memory, asked without a network."""

    def __init__(self, hub: Hub, ledger: SampleLedger) -> None:
        self.hub = hub
        self._ledger = ledger
        self._application = application(hub, Guard((), lambda _: True, hub.clock.monotonic))

    @property
    def entries(self) -> list[Entry]:
        """The commits so far."""
        return [record.entry for record in self._ledger.records]

    async def ask(
        self, method: str, target: str, body: Any = None, sent: dict[str, str] | None = None, raw: bytes = b""
    ) -> Exchange:
        """Make a request as the network would; `body` is sent as JSON, `raw` as it is."""
        content = raw or (b"" if body is None else msgspec.json.encode(body))
        headers = {**(JSON_HEADERS if content else {}), **(sent or {})}
        told: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self._application(_scope(method, target, headers), receive, send)
        got = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        answer = b"".join(message.get("body", b"") for message in told[1:])
        return Exchange(method, target, headers, content, told[0]["status"], got, answer)


def _scope(method: str, target: str, headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    named = {"host": "localhost", **{name.lower(): text for name, text in headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 8000),
        "state": {},
        "extensions": {},
    }  # fmt: skip


@asynccontextmanager
async def sample_hub(callers: Callers | None = None) -> AsyncIterator[SampleHub]:
    """A hub with one empty restaurant; its callers are counted only where they are given."""
    clock, ledger = SampleClock(), SampleLedger()
    history = SampleHistory(ledger)
    first = Restaurant(
        id="1", name="Trattoria da Carlo", timezone="Europe/Rome", created_at=OPENING, last_updated=OPENING,
        version=1, created_revision=1,
    )  # fmt: skip
    directory = Directory(revision=1, time=OPENING, restaurants={1: first}, last_id=1)
    floors = {1: Floor(restaurant_id=1, time=OPENING)}
    snapshots = Snapshots(Epoch(EPOCH), floors)
    feed = Feed(floors, history, snapshots)
    writer = Writer(directory, floors, KeyIndex(), ledger=ledger, publisher=feed, clock=clock)
    present = Epoch(EPOCH)
    anna = msgspec.structs.replace(ANNA, pin=keep_pin(PIN, PEPPER))
    staff = Staff([anna], PEPPER, clock.monotonic)
    visitors = Visitors([UNPAIRED])
    access = Access("open", [BAR], digest_of(MANAGER_TOKEN.encode()), visitors, staff=staff)
    access.pairings = SamplePairings(clock.monotonic)
    hub = Hub(
        version=VERSION, present=present, endpoint=ENDPOINT, folder=Path(), zone="Europe/Rome",
        knows_zone=lambda _: True, clock=clock, callers=callers or Callers(["127.0.0.1"], lambda: 0.0, str),
        writer=writer, history=history, feed=feed, snapshots=snapshots, listings=Listings(), discovery=lambda: FOUND,
        claims=Claims(present, writer, feed, clock), backups=lambda: BACKED_UP, access=access,
        erasures=SampleErasures(ledger), contact_key=b"",
    )  # fmt: skip
    writing = asyncio.create_task(writer.run())
    try:
        yield SampleHub(hub, ledger)
    finally:
        writer.stop()
        await writing
