"""A sample client: it holds one restaurant's floor through cuts, gaps and restarts of the hub.

All of the sync protocol that an app needs is here; it takes Python 3.11 and the package `websockets`.
To watch a floor: `python sync_client.py HOST:8000`; on a closed hub name the token of a paired device after it, and for
TLS (`HOST:8443`) after that the SHA-256 of the hub's certificate.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
import sys
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Json = dict[str, Any]
SILENCE_S = 75  # the hub pings every 30 s: who says nothing for so long is gone
PAUSE_MAX_S = 30
QUEUE_MAX, APPLIED_MAX = 500, 2_000
DONE = ("applied", "duplicate")
HOPELESS = (4400, 4401, 4404)  # the address or the token is wrong: to ask again changes nothing


class AnotherHubError(Exception):
    """What answers has another certificate than the hub that was meant: a person must look."""


class SyncClient:
    """One restaurant's floor. `revision` None: what is held is no place to go on from, the whole floor is needed."""

    def __init__(self, host: str, restaurant_id: int = 1, token: str = "", pin: str = "") -> None:
        self.host, self.restaurant_id = host, restaurant_id
        self.pin, self.secure = pin.replace(":", "").lower(), "s" if pin else ""
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}  # a closed hub asks for it
        self.floor: dict[str, dict[str, Json]] = {"guest": {}, "table": {}}
        self.revision: int | None = None
        self.epoch = ""
        self.restaurant: Json = {}  # its name and its zone
        self.queue: list[Json] = []  # an app keeps all of these on its disk
        self.applied: list[str] = []  # of updates that are off the queue, for the hub to know them as this client's
        self.answered = 0
        self._parts: list[Json] = []

    def show(self) -> None:
        """What an app does after each change: draw the floor."""
        held = f"{len(self.floor['guest'])} guests, {len(self.floor['table'])} tables"
        print(f"{self.restaurant.get('name')}, revision {self.revision}: {held}")

    # ---- With a socket.

    async def follow(self) -> None:
        """Stay in step for as long as the hub has the restaurant; returns where it is hopeless to ask again."""
        pause_s = 1
        while True:
            try:
                where = f"ws{self.secure}://{self.host}/ws/restaurant/sync?{self._resume()}"
                tls = await asyncio.to_thread(self._tls)
                async with connect(where, ssl=tls, additional_headers=self.headers) as socket:
                    while True:
                        async with asyncio.timeout(SILENCE_S):
                            message = json.loads(await socket.recv())
                        pause_s = 1
                        await self._hear(socket, message)
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in HOPELESS:
                    return
            except AnotherHubError as error:
                print(error, file=sys.stderr)
                return
            except (OSError, InvalidHandshake, TimeoutError):
                pass  # no network, no hub, or a hub that says nothing: try again
            self._parts = []  # the rest of a message never comes over another connection
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _hear(self, socket: ClientConnection, message: Json) -> None:
        match message["type"]:
            case "connection_established" if message.get("access") == "closed":
                pass  # it shows that a token is asked for; without one 4401 follows
            case "connection_established":
                if not message["resumed"]:
                    self.revision = None  # the whole floor follows; if it is cut off, ask for all of it again
                self.epoch, self.restaurant = message["epoch"], message["restaurant"]
            case "restaurant_updated":
                self.restaurant = message["restaurant"]
                self.show()
            case "full_sync" | "delta_update" | "atomic_transaction_complete":
                self._parts = [*self._parts, message] if message["part"] > 1 else [message]
                if message["part"] == message["parts"]:
                    whole, self._parts = self._parts, []
                    await self._take(socket, whole)
            case "ping":
                await socket.send('{"type": "pong"}')
                if self.revision is not None and message["revision"] > self.revision:
                    await self._ask_delta(socket)
            case "error":
                print(f"The hub says: {message['detail']}", file=sys.stderr)

    async def _take(self, socket: ClientConnection, parts: list[Json]) -> None:
        """All parts of one message: apply it by its revisions."""
        first = parts[0]
        if first["type"] == "full_sync":
            self._replace(first["revision"], *(part["data"] for part in parts))
        elif self.revision is None or first["revision"] <= self.revision:
            return  # it is in what is held, or in the whole floor that is on its way
        elif first["previous_revision"] <= self.revision:
            self._apply(first["revision"], [change for part in parts for change in part["changes"]])
        else:
            await self._ask_delta(socket)  # something between was missed

    async def _ask_delta(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"type": "request_delta", "since_revision": self.revision}))

    # ---- Without one.

    def catch_up(self) -> None:
        """Ask once for what changed since: all pages, then apply them together."""
        changes: list[Json] = []
        revision, more = self.revision, True
        while more:
            try:
                page = {} if revision is None else self._ask(f"/sync/delta?{self._resume(revision)}")
            except HTTPError as refused:
                if refused.code != 410:
                    raise
                page = {}
            if not page:  # no way from here to there: the floor is forgotten, the queue is kept
                whole = self._ask(f"/sync/full?restaurant_id={self.restaurant_id}")
                self.epoch = whole["epoch"]
                self._replace(whole["revision"], whole)
                return
            changes += page["changes"]
            revision, more = page["revision"], page["has_more"]
        self._apply(revision, changes)

    def change(self, kind: str, entity_id: str, action: str = "update", **data: Any) -> None:
        """Queue a change that the host made, on-line or off; it is sent by `send_queue`."""
        seen = self.floor[kind].get(entity_id)
        update = {"mutation_id": secrets.token_hex(8), "entity_type": kind, "entity_id": entity_id, "action": action}
        base = {"base_version": seen["version"]} if seen and action != "create" else {}
        self.queue.append({**update, **base, "data": None if action == "delete" else data})

    def send_queue(self) -> list[Json]:
        """Send what is queued; the results that a host must see (`conflict`, `rejected`).

        Raises OSError where no answer came: then the queue stands, and what was applied is a `duplicate` next time.
        """
        to_show: list[Json] = []
        while sent := self.queue[:QUEUE_MAX]:
            asked = {"updates": sent, "applied_mutation_ids": self.applied[-APPLIED_MAX:]}
            answer = self._ask(f"/sync/batch?restaurant_id={self.restaurant_id}", asked)
            self.answered = answer["revision"]
            self.applied += [one["mutation_id"] for one in answer["results"] if one["status"] in DONE]
            to_show += [one for one in answer["results"] if one["status"] in ("conflict", "rejected")]
            self.queue = self.queue[len(sent) :]
        return to_show

    # ---- What both do.

    def _replace(self, revision: int, *parts: Json) -> None:
        for kind in self.floor:
            self.floor[kind] = {one["id"]: one for part in parts for one in part[f"{kind}s"]}
        self.revision = revision
        self._forget_applied()
        self.show()

    def _apply(self, revision: int | None, changes: list[Json]) -> None:
        for change in changes:
            held = self.floor[change["entity_type"]]
            if change["action"] == "delete":
                held.pop(change["entity_id"], None)
            else:
                held[change["entity_id"]] = change["data"]  # each is the whole entity, so twice does no harm
        self.revision = revision
        self._forget_applied()
        self.show()

    def _forget_applied(self) -> None:
        """What is queued from now on was changed on top of all that the hub has answered."""
        if not self.queue and self.revision is not None and self.revision >= self.answered:
            self.applied.clear()

    def _resume(self, revision: int | None = None) -> str:
        since = self.revision if revision is None else revision
        place = {} if since is None else {"since_revision": since, "epoch": self.epoch}
        return urlencode({"restaurant_id": self.restaurant_id, **place})

    def _ask(self, path: str, body: Json | None = None) -> Json:
        content = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        request = Request(f"http{self.secure}://{self.host}/api{path}", content, headers)
        with urlopen(request, timeout=30, context=self._tls()) as answer:
            found: Json = json.load(answer)
            return found

    def _tls(self) -> ssl.SSLContext | None:
        """TLS with the hub of this certificate alone: no other gets a byte. Raises OSError, AnotherHubError."""
        if not self.pin:
            return None
        parts = urlsplit(f"//{self.host}")
        address = (parts.hostname or "", parts.port or 443)
        shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address, timeout=30))
        if sha256(shown).hexdigest() != self.pin:
            raise AnotherHubError(f"What answers at {self.host} is another hub, by its certificate.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the certificate itself says who it is
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME: it is known by its SHA-256, not by its dates
        context.load_verify_locations(cadata=shown)
        return context


if __name__ == "__main__":
    asyncio.run(SyncClient(sys.argv[1], 1, *sys.argv[2:4]).follow())
