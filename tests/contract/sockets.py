"""The sockets of the contract tests: opening, listening to the end, and what a commit says on both."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.protocol import CONNECTING
from websockets.sync.client import ClientConnection
from websockets.uri import parse_uri

from tests.conftest import WAIT_S, Hub, next_message
from tests.contract.answers import revision_of
from tests.contract.requests import new_guest

Entity = dict[str, Any]
Message = dict[str, Any]
REALTIME = "/realtime"
SYNC = "/ws/restaurant/sync"
MESSAGE_BYTES_MAX = 256 * 1024
NAMES = {"create": "created", "update": "updated", "delete": "deleted"}
on_both_sockets = pytest.mark.parametrize("path", [REALTIME, SYNC])


def listen(hub: Hub, path: str, restaurant: int, **options: Any) -> ClientConnection:
    """A socket that has taken its hello and its snapshot: what comes next is what happens next."""
    sock = hub.socket(f"{path}?restaurant_id={restaurant}", **options)
    assert next_message(sock)["type"] == "connection_established"
    if path == SYNC:
        message = next_message(sock)
        while message["part"] < message["parts"]:
            message = next_message(sock)
    return sock


@contextlib.contextmanager
def both_sockets(hub: Hub, restaurant: int) -> Iterator[tuple[ClientConnection, ClientConnection]]:
    """One listener on `/realtime` and one on `/ws/restaurant/sync`."""
    with listen(hub, REALTIME, restaurant) as realtime, listen(hub, SYNC, restaurant) as sync:
        yield realtime, sync


def until_closed(sock: ClientConnection, wait_s: float = WAIT_S) -> tuple[list[Message], int | None]:
    """What the hub still said, and the code it closed with."""
    heard: list[Message] = []
    try:
        while True:
            heard.append(next_message(sock, wait_s))
    except ConnectionClosed as closed:
        return heard, closed.rcvd.code if closed.rcvd else None


def say(sock: ClientConnection, **message: Any) -> None:
    """Send one JSON message."""
    sock.send(json.dumps(message))


def answers_pings(sock: ClientConnection) -> bool:
    """Whether the connection stays, and has nothing else to say before its pong."""
    say(sock, type="ping")
    return bool(next_message(sock)["type"] == "pong")


def take_parts(sock: ClientConnection) -> list[Message]:
    """The next message with all of its parts, each one asserted to be numbered, alike and within 256 KiB."""
    parts: list[Message] = []
    while not parts or len(parts) < parts[0]["parts"]:
        raw = sock.recv(timeout=WAIT_S, decode=False)
        assert len(raw) <= MESSAGE_BYTES_MAX
        message: Message = json.loads(raw)
        assert "part" in message, f"{message['type']} after {len(parts)} parts"
        parts.append(message)
        for key in ("type", "restaurant_id", "revision", "previous_revision", "parts", "transaction_id"):
            assert message.get(key) == parts[0].get(key), key
        assert message["part"] == len(parts)
    return parts


def changes_of(parts: Iterable[Message]) -> list[Entity]:
    """The changes of a message that came in parts."""
    return [change for part in parts for change in part["changes"]]


def assert_quiet(api: httpx.Client, restaurant: int, *socks: ClientConnection) -> None:
    """Fail unless the next message of each socket is that of a change made now."""
    guest = new_guest(api, restaurant, name="Next")
    for sock in socks:
        message = next_message(sock)
        assert sock.request is not None
        if sock.request.path.startswith(SYNC):
            assert message["type"] == "delta_update", message
            assert [one["entity_id"] for one in message["changes"]] == [guest["id"]], message
        else:
            assert (message["type"], message["guestId"]) == ("guest_created", guest["id"]), message


def by_id(entities: Iterable[Entity]) -> list[Entity]:
    """Entities or changes in an order that can be compared."""
    return sorted(entities, key=lambda entity: str(entity.get("id") or entity.get("entity_id")))


def change(kind: str, action: str, entity_id: str, data: Entity | None) -> Entity:
    """One entry of a message's `changes`."""
    return {"entity_type": kind, "entity_id": entity_id, "action": action, "data": data}


def named_message(said: Entity, whole: Message, echo: bool) -> Message:
    """What `/realtime` says under its own name of one change, told in `whole`."""
    guest = said["entity_type"] == "guest"
    return {
        "type": f"{said['entity_type']}_{NAMES[said['action']]}",
        "timestamp": whole["timestamp"],
        "restaurant_id": whole["restaurant_id"],
        "revision": whole["revision"],
        "previous_revision": whole["previous_revision"],
        "guest": said["data"] if guest else None,
        "table": None if guest else said["data"],
        "guestId": said["entity_id"] if guest else None,
        "tableId": None if guest else said["entity_id"],
        "echo": echo,
    }


def assert_told_plainly(
    realtime: ClientConnection, sync: ClientConnection, restaurant: int, answer: httpx.Response, said: Entity
) -> None:
    """Fail unless the one change comes under its name on `/realtime` and as a `delta_update` on the other socket."""
    delta, revision = next_message(sync), revision_of(answer)
    assert delta == {
        "type": "delta_update",
        "timestamp": said["data"]["lastUpdated"] if said["data"] else delta["timestamp"],
        "restaurant_id": restaurant,
        "revision": revision,
        "previous_revision": revision - 1,
        "part": 1,
        "parts": 1,
        "changes": [said],
    }
    assert next_message(realtime) == named_message(said, delta, echo=False)


def assert_told_whole(
    realtime: ClientConnection, sync: ClientConnection, restaurant: int, answer: httpx.Response, said: list[Entity]
) -> None:
    """Fail unless the changes come whole on both sockets, and then one by one as echoes on `/realtime` alone."""
    whole = next_message(sync)
    assert whole == {
        "type": "atomic_transaction_complete",
        "transaction_id": answer.headers["Restohub-Transaction"],
        "timestamp": whole["timestamp"],
        "restaurant_id": restaurant,
        "revision": revision_of(answer),
        "previous_revision": revision_of(answer) - 1,
        "part": 1,
        "parts": 1,
        "changes": said,
    }
    assert next_message(realtime) == whole
    for one in said:
        assert next_message(realtime) == named_message(one, whole, echo=True)


class ManualSocket:
    """A WebSocket client that does only what it is told: it reads, answers a ping and closes when asked, not before."""

    def __init__(self, hub: Hub, path: str, receive_bytes: int | None = None) -> None:
        self.tcp = socket.socket()
        if receive_bytes is not None:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.tcp.settimeout(WAIT_S)
        self.tcp.connect(("127.0.0.1", hub.port))
        self.protocol = ClientProtocol(parse_uri(hub.ws_url + path), max_size=None)
        self.protocol.send_request(self.protocol.connect())
        self.tcp.sendall(b"".join(self.protocol.data_to_send()))
        while self.protocol.state is CONNECTING:
            self.protocol.receive_data(self.tcp.recv(1))
        self.protocol.events_received()

    def __enter__(self) -> ManualSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.tcp.close()

    def say(self, text: bytes) -> None:
        """Send one text message."""
        self.protocol.send_text(text)
        self.tcp.sendall(b"".join(self.protocol.data_to_send()))

    def take(self, bytes_max: int) -> int:
        """Read and forget up to so many bytes; how many there were."""
        taken = 0
        while taken < bytes_max:
            chunk = self.tcp.recv(min(65536, bytes_max - taken))
            if not chunk:
                break
            taken += len(chunk)
        return taken

    def frames(self, wait_s: float) -> Iterator[Frame]:
        """All frames to the end of the connection, each within `wait_s`; nothing is answered."""
        self.tcp.settimeout(wait_s)
        with contextlib.suppress(ConnectionResetError):  # the end, where something was left unread
            while chunk := self.tcp.recv(65536):
                self.protocol.receive_data(chunk)
                yield from (event for event in self.protocol.events_received() if isinstance(event, Frame))
