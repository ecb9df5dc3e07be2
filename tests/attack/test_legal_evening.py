"""What a busy house does within its rights: none of it may ever be refused, whatever the limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from restohub.limits import GROWTH_BYTES_BURST
from tests.attack.stranger import client, ws
from tests.conftest import Hub

OFFICE, DESK, ROUTER = "127.0.5.1", "127.0.5.2", "127.0.5.3"
IPADS, BANQUET, RESERVATIONS, TABLES = 50, 300, 800, 60
NewHub = Callable[..., Hub]


@pytest.fixture(scope="module")
def floor(target: Hub) -> int:
    """The floor of the evening: what one test puts on it, the next one reads."""
    return target.new_restaurant("Evening")


def guest(number: int) -> dict[str, Any]:
    """A reservation with all that an app fills in."""
    return {
        "name": f"Famiglia Müller-Rossi {number}",
        "partySize": number % 8 + 1,
        "phone": f"+39 06 {number:07d}",
        "email": f"rossi{number}@example.com",
        "notes": "Am Fenster, ruhig; kommt mit Kinderwagen.",
        "dietaryRestrictions": ["vegetarian", "nuts"],
        "tags": ["regular"],
        "reservationTime": "2031-01-15T19:30:00Z",
    }


def operation(kind: str, entity_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """A create in a batch."""
    return {"entity_type": kind, "entity_id": entity_id, "action": "create", "data": data}


def test_a_banquet_of_300_is_written_down_one_by_one(target: Hub, floor: int) -> None:
    with client(target, DESK) as api:
        for number in range(BANQUET):
            answer = api.post(f"/restaurants/{floor}/guests", json={"name": f"Guest {number}", "partySize": 1})
            assert answer.status_code == 201, answer.text


def test_800_reservations_are_imported(target: Hub, floor: int) -> None:
    with client(target, OFFICE) as api:
        for first in range(0, RESERVATIONS // 2, 200):
            batch = [operation("guest", f"a{first + n}", guest(first + n)) for n in range(200)]
            answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": floor, "operations": batch})
            assert answer.status_code == 200, answer.text
        for first in range(0, RESERVATIONS // 2, 200):
            queue = [operation("guest", f"b{first + n}", guest(first + n)) for n in range(200)]
            answer = api.post(f"/api/sync/batch?restaurant_id={floor}", json={"updates": queue})
            assert answer.json()["processed_count"] == 200, answer.text


def test_60_tables_come_in_one_batch(target: Hub, floor: int) -> None:
    batch = [operation("table", f"t{n}", {"tableNumber": str(n), "capacity": 4}) for n in range(TABLES)]
    with client(target, OFFICE) as api:
        answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": floor, "operations": batch})
        assert answer.status_code == 200, answer.text


def wake_up(hub: Hub, restaurant: int, address: str, ready: Callable[[], object]) -> list[str]:
    """One iPad after a power cut: both sockets, the whole floor by both ways, and a change; what went wrong."""
    sockets: list[ClientConnection] = []
    try:
        for path in ("/realtime", "/ws/restaurant/sync"):
            sockets.append(ws(hub, f"{path}?restaurant_id={restaurant}", address, open_timeout=60))
        hello = json.loads(sockets[1].recv(60))
        parts = [json.loads(sockets[1].recv(60))]
        while len(parts) < parts[0]["parts"]:
            parts.append(json.loads(sockets[1].recv(60)))
        held = sum(len(part["data"]["guests"]) for part in parts)
        # A connection for each: one that is kept may just end where a busy machine lets its client wait, which iPads
        # repeat by themselves.
        with client(hub, address, timeout=60, headers={"Connection": "close"}) as api:
            full = api.get(f"/api/sync/full?restaurant_id={restaurant}")
            lists = [api.get(f"/restaurants/{restaurant}/{kind}/") for kind in ("guests", "tables")]
        ready()  # all hold their sockets at once
        faults = [
            f"{answer.status_code}: {answer.text[:200]}" for answer in (full, *lists) if answer.status_code != 200
        ]
        if hello["type"] != "connection_established" or held != full.json()["total_guests"]:
            faults.append(f"{hello['type']}, {held} guests")
    except Exception as fault:  # noqa: BLE001 (a thread's fault must reach the test)
        ready()
        faults = [f"{address}: {type(fault).__name__}: {fault}"]
    finally:
        for sock in sockets:
            sock.close()
    return faults


def all_wake_up(hub: Hub, restaurant: int, addresses: list[str]) -> list[str]:
    """Every iPad at once, until each has what it wants; what went wrong."""
    barrier = Barrier(len(addresses), timeout=60)

    def ready() -> None:
        try:
            barrier.wait()
        except BrokenBarrierError as broken:
            raise AssertionError("not all iPads came as far") from broken

    with ThreadPoolExecutor(len(addresses)) as pool:
        told = [pool.submit(wake_up, hub, restaurant, address, ready) for address in addresses]
        return [fault for one in told for fault in one.result(120)]


def test_50_ipads_come_back_at_once_after_a_power_cut(target: Hub, floor: int) -> None:
    assert all_wake_up(target, floor, [f"127.0.6.{n + 1}" for n in range(IPADS)]) == []


def test_50_ipads_come_back_at_once_behind_one_shared_address(new_hub: NewHub) -> None:
    hub = new_hub(None, "--shared-addresses", f"127.0.0.1,{ROUTER}").start()
    with client(hub, ROUTER) as api:
        batch = [operation("guest", f"g{n}", guest(n)) for n in range(200)]
        assert api.post("/api/v1/atomic/batch", json={"operations": batch}).status_code == 200
        busy = [api.post("/restaurants/1/guests", json={"name": f"G{n}", "partySize": 2}) for n in range(200)]
    assert {answer.status_code for answer in busy} == {201}
    assert all_wake_up(hub, 1, [ROUTER] * IPADS) == []
    assert hub.stop() == 0


def test_an_evening_weighs_less_than_one_address_may_add() -> None:
    weight = sum(len(json.dumps(guest(n), ensure_ascii=False).encode()) for n in range(RESERVATIONS))
    assert weight * 4 < GROWTH_BYTES_BURST, "each character may take 4 bytes in memory"
