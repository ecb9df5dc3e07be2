"""A stranger who uses up what the hub remembers: keys without end, and a log of long notes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from restohub.limits import KEYS_MAX, LOG_BYTES_MAX, OPERATIONS_MAX, RESTAURANTS_MAX
from tests.attack.stranger import RSS_MB_MAX, client, confined, peak_rss_mb
from tests.conftest import Hub

START_S_MAX = 10.0
# In pages of 1 KiB a commit takes up to half as much again, and pages that were freed are used again.
FILE_BYTES_MAX = 1.6 * LOG_BYTES_MAX
BIG_BODY_BYTES = 1_000_000


def queue(api: httpx.Client, restaurant: int, updates: list[dict[str, Any]]) -> list[str]:
    """Send an off-line queue; what became of each update."""
    answer = api.post("/api/sync/batch", params={"restaurant_id": restaurant}, json={"updates": updates})
    assert answer.status_code == 200, answer.text
    return [result["status"] for result in answer.json()["results"]]


def change(number: int, notes: str = "") -> dict[str, Any]:
    return {
        "entity_type": "guest",
        "entity_id": "junk",
        "data": {"notes": f"{number} {notes}"},
        "mutation_id": f"00000000-0000-4000-8000-{number:012d}",
    }


def make(api: httpx.Client, restaurant: int, guest_id: str) -> httpx.Response:
    """A guest, made under a key."""
    guest = {"id": guest_id, "name": "Ada", "partySize": 2}
    path = f"/restaurants/{restaurant}/guests"
    return api.post(path, json=guest, headers={"Idempotency-Key": f"key of {guest_id}"})


def use_keys(api: httpx.Client, restaurant: int, numbers: Iterator[int], many: int) -> None:
    for _ in range(0, many, OPERATIONS_MAX):
        updates = [change(number) for number in itertools.islice(numbers, OPERATIONS_MAX)]
        assert set(queue(api, restaurant, updates)) == {"applied"}


def test_a_flood_of_keys_in_one_restaurant_takes_none_from_the_ipads(target: Hub) -> None:
    other = target.new_restaurant()
    with target.client() as house, client(target) as stranger:
        first = make(house, 1, "guest")
        assert make(stranger, other, "junk").status_code == 201
        numbers = itertools.count()
        use_keys(stranger, other, numbers, 2 * OPERATIONS_MAX)
        again = make(house, 1, "guest")
        assert (again.headers["idempotency-replayed"], again.json()) == ("true", first.json())
        assert queue(stranger, other, [change(0)]) == ["duplicate"]
        house.delete(f"/restaurants/{other}/guests/junk")
        assert house.delete(f"/restaurants/{other}").status_code == 204
        assert make(house, 1, "guest").headers["idempotency-replayed"] == "true"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_keys_without_end_are_neither_refused_nor_kept(new_hub: Callable[..., Hub]) -> None:
    """From the hub's own machine, which stands for hundreds of addresses."""
    hub = new_hub().start()
    with confined(hub), hub.client(timeout=60) as api:
        made = [hub.new_restaurant() for _ in range(RESTAURANTS_MAX - 1)]
        for restaurant in made:
            assert make(api, restaurant, "junk").status_code == 201
        assert make(api, 1, "oldest").status_code == 201
        before, began = peak_rss_mb(hub), time.monotonic()
        numbers = itertools.count()
        for restaurant in itertools.islice(itertools.cycle(made), 500_000 // (5 * OPERATIONS_MAX)):
            use_keys(api, restaurant, numbers, 5 * OPERATIONS_MAX)
        told = f"500,000 keys in {time.monotonic() - began:.0f} s, from {before:.0f} to {peak_rss_mb(hub):.0f} MB"
        assert make(api, 1, "newest").status_code == 201
        assert peak_rss_mb(hub) <= RSS_MB_MAX
        last = next(numbers)
        at = {number: made[number // (5 * OPERATIONS_MAX) % len(made)] for number in (last - KEYS_MAX + 10, 1)}
        assert queue(api, at[last - KEYS_MAX + 10], [change(last - KEYS_MAX + 10)]) == ["duplicate"]
        assert queue(api, at[1], [change(1)]) == ["applied"], "decided anew"
        assert make(api, 1, "newest").headers["idempotency-replayed"] == "true"
        assert make(api, 1, "oldest").json()["error_code"] == "already_exists"
        hub.stop()
        began = time.monotonic()
        hub.start()
        started_s = time.monotonic() - began
        told += f"; started in {started_s:.1f} s with {peak_rss_mb(hub):.0f} MB"
        assert started_s <= START_S_MAX
        assert make(api, 1, "newest").headers["idempotency-replayed"] == "true"
        assert peak_rss_mb(hub) <= RSS_MB_MAX
        began = time.monotonic()
        for restaurant in made:
            api.delete(f"/restaurants/{restaurant}/guests/junk")
        emptied = time.monotonic()
        for restaurant in made:
            assert api.delete(f"/restaurants/{restaurant}").status_code == 204
        deleted_s = time.monotonic() - emptied
        print(f"keys: {told}; {len(made)} restaurants deleted in {deleted_s:.1f} s")
        assert make(api, 1, "newest").headers["idempotency-replayed"] == "true"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_log_of_long_notes_stays_within_its_bytes_and_takes_nothing_from_another(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    with confined(hub), hub.client(timeout=60) as api:
        first = make(api, 1, "guest")
        other = hub.new_restaurant()
        assert make(api, other, "junk").status_code == 201
        notes, numbers = "🍝" * 1_990, itertools.count()
        sent, largest, began = 0, 0, time.monotonic()
        while sent < 2 * LOG_BYTES_MAX:
            updates = [
                change(number, notes) for number in itertools.islice(numbers, BIG_BODY_BYTES // 2 // len(notes) // 4)
            ]
            assert set(queue(api, other, updates)) == {"applied"}
            sent += len(updates) * 4 * len(notes)
            largest = max(largest, (hub.data / "restohub.db").stat().st_size)
        told = f"{sent:,} bytes of notes in {time.monotonic() - began:.0f} s, file {largest:,}"
        print(f"log: {told}, {peak_rss_mb(hub):.0f} MB")
        assert largest <= FILE_BYTES_MAX
        assert make(api, 1, "guest").json() == first.json()
        for restaurant, status in ((1, 200), (other, 410)):
            query: Any = {"restaurant_id": restaurant, "since_revision": 0}
            assert api.get("/api/sync/delta", params=query).status_code == status
        assert queue(api, other, [change(1, notes)]) == ["applied"], "its key went with its commit"
        hub.stop()
        began = time.monotonic()
        hub.start()
        assert time.monotonic() - began <= START_S_MAX
        assert peak_rss_mb(hub) <= RSS_MB_MAX
