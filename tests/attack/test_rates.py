"""Floods of requests: the address that sends them waits, the house does not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.attack.house_ipads import friends
from tests.attack.large_floors import new_restaurant, write
from tests.attack.stranger import STRANGER, client, peak_rss_mb, raw, status_of
from tests.conftest import Hub

QUEUE = "/api/sync/batch"
NOBODY = {"entity_type": "guest", "entity_id": "nobody", "action": "delete"}
UNITS_BURST, UNITS_A_SECOND, OWED = 2_000, 200, 500


def spend(api: httpx.Client, units: int) -> httpx.Response:
    """Use about so many units, in queues of 500 updates that change nothing."""
    answer: httpx.Response | None = None
    for _ in range(max(1, units // 500)):
        answer = api.post(QUEUE, json={"updates": [NOBODY] * min(units, 500)})
    assert answer is not None
    return answer


def test_an_address_over_its_rate_waits_and_the_others_do_not(target: Hub) -> None:
    with (
        client(target) as api,
        client(target, "127.0.0.67") as other,
        target.client() as house,
        raw(target) as sock,
        ThreadPoolExecutor(1) as waiting,
    ):
        began = time.monotonic()
        spend(api, UNITS_BURST + OWED)
        sock.sendall(f"GET /restaurants HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n".encode())
        answered = waiting.submit(lambda: (status_of(sock.recv(12) + b" "), time.monotonic()))
        for asking in (other, house):
            assert [asking.get("/restaurants").status_code for _ in range(10)] == [200] * 10
        status, at = answered.result()
        assert (status, at - began >= OWED / UNITS_A_SECOND) == (200, True), "it was answered before it owed nothing"
    with target.client() as house:
        for _ in range(10):
            assert spend(house, 500).status_code == 200, "shared by many: no limit"


@pytest.mark.long
@pytest.mark.timeout(120)
def test_more_connections_than_can_be_served_in_ten_seconds_are_told_429(target: Hub) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        with client(target, "127.0.0.68", timeout=60) as api:
            answers.append(api.post(QUEUE, json={"updates": [NOBODY] * 500}))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sorted(answer.status_code for answer in answers)
    assert set(told) == {200, 429}
    assert 8 <= told.count(200) <= 11, "2,000 at once and 200 a second for ten seconds"
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["error_code"] == "rate_limited"
            assert int(answer.headers["Retry-After"]) >= 1


def flood(hub: Hub, path: str, stop: threading.Event, taken: list[int]) -> None:
    """Ask as fast as it goes."""
    with client(hub, STRANGER, timeout=60) as api:
        while not stop.is_set():
            taken.append(api.get(path).status_code)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_floods_of_pages_and_searches_of_a_full_floor_slow_nobody_down(besieged: Hub) -> None:
    with besieged.client(timeout=120) as api:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", 5_000, 20, "n")
        head = api.get(f"/api/sync/full?restaurant_id={restaurant}").json()["revision"]
    list_path = f"/restaurants/{restaurant}/guests/"
    figures: dict[str, Any] = {}
    with friends(besieged, 1):  # the first come to a floor that nobody has asked for yet
        time.sleep(5)
    for path in (
        None,
        f"{list_path}?limit=10",
        f"{list_path}?limit=10&q=nobody",
        f"/api/sync/delta?restaurant_id={restaurant}&since_revision={head - 1}",
        list_path,
        f"/api/sync/full?restaurant_id={restaurant}",
    ):
        stop = threading.Event()
        taken: list[int] = []
        threads = [threading.Thread(target=flood, args=(besieged, path, stop, taken)) for _ in range(8 if path else 0)]
        with client(besieged, timeout=60) as api:
            if "closed" in besieged.args:  # what is refused costs what a request does
                for _ in range(2 * UNITS_BURST):
                    api.get("/restaurants")
            else:
                spend(api, UNITS_BURST + 500)
        for thread in threads:
            thread.start()
        with friends(besieged, 1) as told:
            time.sleep(15)
        count = len(taken) / 15
        if "closed" in besieged.args:
            assert set(taken) <= {401, 429}, "429: it waited for ten seconds"
        stop.set()
        for thread in threads:
            thread.join()
        assert not told.faults
        figures[str(path)] = (told.slowest_percent_s() * 1e3, count)
        print(f"{path}: p99 of friends {told.slowest_percent_s() * 1e3:.0f} ms, {count:.0f} answers/s")
        assert count <= 220
    alone = figures["None"][0]
    print(f"{peak_rss_mb(besieged):.0f} MB")
    assert all(p99 < 5 * alone for p99, _ in figures.values()), figures
