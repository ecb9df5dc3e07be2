"""PocketBase under the same load: REST for changes, its realtime events for subscribers."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from tests.bench.lane import ask, request
from tests.bench.subject import GUESTS, TABLES, free_port
from tests.fields import GUEST, TABLE, taken

EMAIL, WORD = "bench@example.com", "bench-bench-bench"
STATUSES = ("arrived", "notified", "waitlist")
EVENT = re.compile(rb'"id":"(\w{15})"[^\n]*?"seq":(\d+)')
KINDS = {"int": "number", "number": "number", "bool": "bool", "time or null": "date", "int or null": "number"}
KINDS |= {"string": "text", "string or null": "text"}  # all else is JSON
GUEST_FIELDS, TABLE_FIELDS = (
    {name: KINDS.get(kind, "json") for name, kind in taken(entity).items()} for entity in (GUEST, TABLE)
)
del GUEST_FIELDS["name"]  # two others joined
GUEST_FIELDS |= {"totalVisits": "number", "seq": "number"}


class EventSubscriber(asyncio.Protocol):
    """A subscriber of its server-sent events: each guest's changes must come in order."""

    transport: asyncio.Transport

    def __init__(self, on_delivery: Callable[[], None]) -> None:
        self.heard = 0
        self.disorder = 0
        self.client_id: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_delivery = on_delivery
        self._got = b""
        self._last: dict[bytes, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"GET /api/realtime HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Take whole events."""
        *events, self._got = (self._got + data).split(b"\n\n")
        for event in events:
            if b"event:guests" in event:
                self._take(event)
            elif b"PB_CONNECT" in event and not self.client_id.done():
                found = re.search(rb'"clientId":"(\w+)"', event)
                assert found is not None
                self.client_id.set_result(found[1].decode())

    def _take(self, event: bytes) -> None:
        found = EVENT.search(event)
        assert found is not None, event
        guest, number = found[1], int(found[2])
        self.heard += 1
        self.disorder += number != self._last.get(guest, number - 1) + 1
        self._last[guest] = number
        self._on_delivery()

    def hold(self) -> None:
        """Stop reading, as an iPad that hangs."""
        self.transport.pause_reading()

    def close(self) -> None:
        """Hang up."""
        self.transport.abort()


class PocketBase:
    """PocketBase 0.22 as it comes: it does not sync its commits, so a power cut loses acknowledged changes."""

    name = "pocketbase"

    def __init__(self, program: Path) -> None:
        self.port = free_port()
        self._program = program

    def command(self, folder: Path) -> list[str]:
        """`pocketbase serve`, on the loopback; `--dev=false`, else it prints every statement."""
        where = ["--dir", str(folder), "--migrationsDir", str(folder / "migrations"), "--dev=false"]
        if not (folder / "data.db").exists():
            for step in (["migrate", "up"], ["admin", "create", EMAIL, WORD]):
                subprocess.run([str(self._program), *step, *where], check=True, capture_output=True)
        return [str(self._program), "serve", "--http", f"127.0.0.1:{self.port}", *where]

    def health(self) -> bytes:
        """`GET /api/health`."""
        return request("GET", "/api/health")

    async def fill(self) -> None:
        """Make the collections, open to all, and their records."""
        sign_in = json.dumps({"identity": EMAIL, "password": WORD}).encode()
        (signed_in,) = await ask(self.port, request("POST", "/api/admins/auth-with-password", sign_in))
        token = f"authorization: {json.loads(signed_in)['token']}\r\n"
        for name, fields in (("guests", GUEST_FIELDS), ("tables", TABLE_FIELDS)):
            body = json.dumps(_collection(name, fields)).encode()
            await ask(self.port, request("POST", "/api/collections", body, token))
        tables = [{"id": _id(n), "tableNumber": str(n), "capacity": 4, "status": "available"} for n in range(TABLES)]
        guests = [
            {
                "id": _id(n), "firstName": "Anna", "lastName": f"Rossi {n}", "partySize": 4, "status": "waitlist",
                "phone": f"+39 055 {n:07d}", "dietaryRestrictions": [], "tags": [], "isWalkIn": True,
                "checkInTime": "2026-01-15 10:30:00Z", "seq": 0,
            }
            for n in range(GUESTS)
        ]  # fmt: skip
        for name, records in (("tables", tables), ("guests", guests)):
            path = f"/api/collections/{name}/records"
            await ask(self.port, *(request("POST", path, json.dumps(record).encode()) for record in records))

    def change(self, guest: int, number: int) -> bytes:
        """Another status of a guest."""
        body = b'{"status":"%s","seq":%d}' % (STATUSES[number % 3].encode(), number)
        return request("PATCH", f"/api/collections/guests/records/{_id(guest)}", body)

    def full_sync(self) -> Sequence[bytes]:
        """The whole floor: guests, then tables."""
        return [
            request("GET", f"/api/collections/{name}/records?perPage=500&skipTotal=1") for name in ("guests", "tables")
        ]

    async def subscribe(self, on_delivery: Callable[[], None]) -> EventSubscriber:
        """An event stream that asks for the guests."""
        made: Any = await asyncio.get_running_loop().create_connection(
            lambda: EventSubscriber(on_delivery), "127.0.0.1", self.port
        )
        ear: EventSubscriber = made[1]
        client_id = await asyncio.wait_for(ear.client_id, 10)
        body = json.dumps({"clientId": client_id, "subscriptions": ["guests"]}).encode()
        await ask(self.port, request("POST", "/api/realtime", body))
        return ear


def _collection(name: str, fields: dict[str, str]) -> dict[str, object]:
    schema = [
        {"name": field, "type": kind, "options": {"maxSize": 2000} if kind == "json" else {}}
        for field, kind in fields.items()
    ]
    rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
    return {"name": name, "type": "base", "schema": schema, **rules}


def _id(number: int) -> str:
    return f"{number:015d}"
