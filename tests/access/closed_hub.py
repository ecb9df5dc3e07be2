"""A hub that is closed to strangers, with a device of each role, as the tests of access meet it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from restohub.access.tokens import new_token
from tests.cli.pty_terminal import printed
from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem

REPLY_S = 20.0


class Device(Struct, frozen=True):
    """A device that was paired: its id and its token."""

    id: str
    token: str


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def machine_token(hub: Hub) -> str:
    """The token of the hub's own machine."""
    return (hub.data / "restohub.token").read_text()


def hash_of(token: str) -> str:
    """What a new device sends of its token."""
    return sha256(token.encode()).hexdigest()


def manager(hub: Hub) -> httpx.Client:
    """A client that asks as the hub's own machine."""
    return hub.client(headers=bearer(machine_token(hub)))


def ask_to_pair(api: httpx.Client, token: str, **beside: Any) -> str:
    """The code of a device that asks to be let in."""
    return str(ok(api.post("/api/pairing", json={"token_sha256": hash_of(token), **beside}), 201)["code"])


def pair(hub: Hub, role: str, name: str = "") -> Device:
    """A device of this role, paired by its code."""
    token = new_token()
    with hub.client() as api, manager(hub) as trusted:
        code = ask_to_pair(api, token)
        body = {"code": code, "name": name or role.title(), "role": role}
        return Device(ok(trusted.post("/api/devices", json=body), 201)["id"], token)


def revoke(hub: Hub, device: Device) -> None:
    """Shut a device out."""
    with manager(hub) as trusted:
        assert trusted.delete(f"/api/devices/{device.id}").status_code == 204


def end_of(socket: ClientConnection) -> tuple[int, str]:
    """The close code of a socket that ends, and the error code that came before it."""
    said = ""
    while True:
        try:
            said = next_message(socket, REPLY_S).get("error_code", said)
        except ConnectionClosed as closed:
            return (closed.rcvd.code if closed.rcvd else 1006), said


def shown_later(hub: Hub, path: str, token: str) -> ClientConnection:
    """A socket that shows a token as a browser does, after the first message, which tells nothing."""
    socket = hub.socket(path)
    first = next_message(socket)
    assert (first["type"], first["access"]) == ("connection_established", "closed")
    assert (first["restaurant_id"], first["restaurant"], first["revision"], first["epoch"]) == (None, None, None, "")
    socket.send(json.dumps({"type": "auth", "token": token}))
    return socket


def told(*args: str, status: int = 0) -> str:
    """What a command prints, on either of its outputs."""
    done = printed(*args)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def files_below(folder: Path) -> bytes:
    """All that lies in a folder, end to end."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@contextmanager
def person(hub: Hub, name: str, role: str, pin: str) -> Iterator[str]:
    """The id of somebody of the staff, who is removed again."""
    with manager(hub) as trusted:
        made = ok(trusted.post("/api/staff", json={"name": name, "role": role, "pin": pin}), 201)
        yield made["id"]
    with manager(hub) as trusted:
        gone = trusted.delete(f"/api/staff/{made['id']}")
        assert gone.status_code in (204, 404), "there, unless the test itself removed them"


@contextmanager
def signing_in(hub: Hub, device: Device) -> Iterator[httpx.Client]:
    """A client that shows a device's token; nobody is signed in there afterwards."""
    with hub.client(headers=bearer(device.token)) as api:
        yield api
        assert api.delete("/api/sign-in").status_code == 204


def typed(person_id: str, pin: str) -> dict[str, str]:
    """What a device sends of a PIN that was typed in."""
    return {"person_id": person_id, "pin": pin}


def wrong_pin(answer: httpx.Response) -> dict[str, Any]:
    """A problem without what differs each time."""
    body = dict(problem(answer, 403, "pin_wrong"))
    del body["timestamp"]
    return body
