"""A device that is revoked: its sockets end, its next request is refused, what it had begun is done once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from restohub.access.devices import Device as Known
from restohub.access.tokens import new_token
from restohub.store.data_folder import DATABASE
from restohub.store.device_rows import PUT_DEVICE, device_row
from tests.access.closed_hub import ask_to_pair, bearer, end_of, machine_token, manager, pair, revoke, shown_later
from tests.attack.stranger import raw, read_to_end, status_of
from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem

NewHub = Callable[..., Hub]
SOCKETS = ["/realtime?restaurant_id=1", "/ws/restaurant/sync"]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A closed hub."""
    hub = Hub(tmp_path_factory.mktemp("closed") / "data", "--access", "closed").start()
    yield hub
    hub.stop()


@pytest.mark.parametrize("path", SOCKETS)
def test_its_sockets_end_and_those_of_others_go_on(closed: Hub, path: str) -> None:
    gone, stays = pair(closed, "host"), pair(closed, "view")
    with (
        closed.socket(path, additional_headers=bearer(gone.token)) as by_header,
        shown_later(closed, path, gone.token) as by_message,
        closed.socket(path, additional_headers=bearer(stays.token)) as other,
        closed.client(headers=bearer(gone.token)) as api,
    ):
        assert api.get("/restaurants").status_code == 200
        for socket in (by_header, by_message, other):
            assert next_message(socket)["type"] == "connection_established"
        with manager(closed) as trusted:
            held = {one["id"]: one["sockets"] for one in ok(trusted.get("/api/devices"))["devices"]}
        assert (held[gone.id], held[stays.id]) == (2, 1)
        revoke(closed, gone)
        assert end_of(by_header) == (4401, "token_invalid")
        assert end_of(by_message) == (4401, "token_invalid")
        other.send('{"type": "ping"}')
        while next_message(other)["type"] != "pong":
            pass
        problem(api.get("/restaurants"), 401, "token_invalid")


def test_it_stays_revoked_after_a_restart_and_so_does_the_mode(tmp_path: object, new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    gone, stays = pair(hub, "manager"), pair(hub, "view")
    revoke(hub, gone)
    machine = machine_token(hub)
    assert hub.stop() == 0
    hub.args = ()
    hub.start()
    with hub.client() as api:
        problem(api.get("/restaurants", headers=bearer(gone.token)), 401, "token_invalid")
        problem(api.get("/restaurants", headers=bearer(machine)), 401, "token_invalid")
        problem(api.get("/restaurants"), 401, "token_required")
        assert api.get("/restaurants", headers=bearer(stays.token)).status_code == 200


def test_there_may_be_a_thousand_devices_revoked_ones_included(new_hub: NewHub) -> None:
    hub = new_hub().start()
    pair(hub, "host")
    assert hub.stop() == 0
    gone = [Known(f"d{n}", "Gone", "view", n.to_bytes(32, "big"), 1, "machine", revoked_at=2) for n in range(998)]
    with closing(sqlite3.connect(hub.data / DATABASE)) as database, database:
        database.executemany(PUT_DEVICE, [device_row(one) for one in gone])
    hub.start()
    pair(hub, "host")
    with hub.client() as api, manager(hub) as trusted:
        code = ask_to_pair(api, new_token())
        refused = trusted.post("/api/devices", json={"code": code, "name": "Bar", "role": "host"})
        told = problem(refused, 409, "limit_reached")
        assert told["params"] == {"counted": "devices", "count": 1000, "limit": 1000}
        assert code in [one["code"] for one in ok(trusted.get("/api/devices"))["waiting"]], "it goes on waiting"


def test_a_batch_under_way_is_decided_once_as_a_whole(closed: Hub) -> None:
    device = pair(closed, "host")
    guest = {"entity_type": "guest", "action": "create", "data": {"name": "Rossi", "partySize": 2}}
    body = json.dumps({"operations": [guest] * 100}).encode()
    head = (
        "POST /api/v1/atomic/batch HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Authorization: Bearer {device.token}\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with raw(closed, "127.0.0.1") as sock:
        sock.sendall(head.encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 "), "it has begun: the hub asks for the body"
        sock.sendall(body[: len(body) // 2])
        revoke(closed, device)
        sock.sendall(body[len(body) // 2 :])
        assert status_of(read_to_end(sock)) == 200, "looked at once, when it begins"
    with manager(closed) as trusted, closed.client(headers=bearer(device.token)) as gone:
        assert len(ok(trusted.get("/api/sync/full"))["guests"]) == 100
        problem(gone.post("/api/v1/atomic/batch", json={"operations": [guest]}), 401, "token_invalid")


def test_a_hub_that_closes_ends_the_sockets_of_strangers(new_hub: NewHub) -> None:
    hub = new_hub().start()
    device = pair(hub, "view")
    with hub.socket("/ws/restaurant/sync") as stranger, hub.socket("/ws/restaurant/sync") as paired:
        for socket in (stranger, paired):
            next_message(socket)
        paired.send(json.dumps({"type": "auth", "token": device.token}))
        paired.send('{"type": "ping"}')
        while (message := next_message(paired))["type"] != "pong":
            assert message["type"] != "error", "an open hub takes an `auth` in silence"
        with manager(hub) as trusted:
            problem(trusted.put("/api/access", json={"access": "closed"}), 409, "devices_unpaired")
            next_message(stranger)
            assert ok(trusted.put("/api/access", json={"access": "closed", "anyway": True}))["access"] == "closed"
            assert end_of(stranger) == (4401, "token_required")
            paired.send('{"type": "ping"}')
            while next_message(paired)["type"] != "pong":
                pass
            assert ok(trusted.put("/api/access", json={"access": "open"}))["access"] == "open"
    with hub.client() as api:
        assert api.get("/restaurants").status_code == 200


def test_what_a_manager_set_counts_after_a_restart(new_hub: NewHub) -> None:
    hub = new_hub().start()
    for mode, status in (("closed", 401), ("open", 200)):
        with manager(hub) as trusted:
            ok(trusted.put("/api/access", json={"access": mode}))
        assert hub.stop() == 0
        with hub.start().client() as api:
            assert api.get("/restaurants").status_code == status


def test_an_open_hub_minds_no_token(hub: Hub, restaurant: int) -> None:
    for header in ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "Basic dXNlcjpwYXNz", "Bearer rsto_gone", ""):
        with hub.client(headers={"Authorization": header}) as api:
            assert api.get(f"/restaurants/{restaurant}").status_code == 200
            made = api.post(f"/restaurants/{restaurant}/guests", json={"name": "Rossi", "partySize": 2})
            assert made.status_code == 201
        with hub.socket("/realtime", additional_headers={"Authorization": header}) as socket:
            first = next_message(socket)
            assert "access" not in first
            socket.send('{"type": "auth", "token": "rsto_nobody"}')
            socket.send('{"type": "ping"}')
            assert next_message(socket)["type"] == "pong"
