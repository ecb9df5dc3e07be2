"""Which keys are remembered: the newest of the hub, each its restaurant's own, in few bytes."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from restohub.floor.model import Change, Entry, Guest
from restohub.limits import KEYS_MAX
from restohub.live import key_index as remembering
from restohub.live.key_index import GENERATION_KEYS, KeyIndex
from restohub.live.ports import Record
from restohub.store import load as loading
from tests.floor.floor_harness import START
from tests.live.writer_harness import keys
from tests.store.database_files import RESTAURANT, ledger, loaded, open_restaurant

BYTES_A_KEY_MAX = 150
# A generation's digests and revisions, and the dict that they are in.
STEP_BYTES_MAX = 600_000


def test_a_key_is_its_restaurants_own_and_known_by_all_of_it() -> None:
    used = keys((1, "a" * 199 + "b", 7), (2, "k", 8))
    assert used.revision(1, "a" * 199 + "b") == 7
    assert [used.revision(1, "a" * 199 + "c"), used.revision(1, "k"), used.revision(3, "k")] == [None] * 3
    assert (used.revision(2, "k"), len(used)) == (8, 2)


def test_a_key_is_forgotten_with_its_commit_unless_it_was_used_anew() -> None:
    used = keys((1, "k", 7), (1, "l", 8), (1, "k", 9))
    used.forget(1, "k", 7)
    assert (used.revision(1, "k"), used.oldest(1)) == (9, 8)
    used.forget(1, "k", 9)
    used.forget(1, "m", 9)
    assert (used.revision(1, "k"), len(used)) == (None, 1)


def test_a_restaurant_is_forgotten_whole() -> None:
    used = keys(*((at, f"k{n}", n) for n in range(1, 10) for at in (1, 2)))
    used.forget_restaurant(1)
    used.forget_restaurant(3)
    assert used == keys(*((2, f"k{n}", n) for n in range(1, 10)))
    assert used.oldest(1) is None


def test_the_newest_200000_are_remembered_and_a_fortieth_more_at_most() -> None:
    used, last = KeyIndex(), KEYS_MAX + GENERATION_KEYS + 5_000
    for number in range(1, last + 1):
        used.add(number % 3 + 1, f"key:{number:036}", number)
    assert KEYS_MAX <= len(used) <= KEYS_MAX + GENERATION_KEYS
    newest = range(last - KEYS_MAX + 1, last + 1, 7)
    assert all(used.revision(n % 3 + 1, f"key:{n:036}") == n for n in newest)
    assert used.revision(4_000 % 3 + 1, f"key:{4_000:036}") is None


def test_a_key_takes_no_more_memory_for_being_long() -> None:
    tracemalloc.start()
    used = keys(*((1, f"key:{number:0196}", number) for number in range(1, 22_001)))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size / len(used) <= BYTES_A_KEY_MAX


def test_memory_hardly_rises_and_falls_as_the_oldest_go() -> None:
    used = KeyIndex()
    tracemalloc.start()
    sizes: list[int] = []
    for number in range(KEYS_MAX + 8 * GENERATION_KEYS):
        used.add(1, f"key:{number}", number)
        if number > KEYS_MAX + 2 * GENERATION_KEYS and number % 100 == 0:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(sizes) - min(sizes) <= STEP_BYTES_MAX


def test_the_oldest_of_the_hub_go_whichever_restaurants_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEYS_MAX", 10)
    monkeypatch.setattr(remembering, "GENERATION_KEYS", 1)
    used = KeyIndex()
    for number in range(1, 31):
        used.add(1 if number in (5, 22, 29) else 2, f"k{number}", number)
    assert used == keys(*((1 if n in (22, 29) else 2, f"k{n}", n) for n in range(20, 31)))
    assert (used.oldest(1), used.oldest(2)) == (22, 20)


def test_a_start_brings_the_newest_of_all_restaurants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "KEYS_MAX", 8)

    def record(restaurant_id: int, revision: int, time: int) -> Record:
        image = Guest(id="g", first_name="Ada", party_size=2, version=revision, created_revision=1)
        change = Change("guest", "g", "update" if revision > 1 else "create", image, revision - 1)
        return Record(Entry(restaurant_id, revision, time, "tx", False, (change,)), f"k{revision}", b"d", b"a")

    async def run() -> None:
        async with ledger(tmp_path) as writing:
            second = msgspec.structs.replace(RESTAURANT, id="2", version=2, created_revision=2)
            await writing.append([open_restaurant(second)])
            await writing.append([record(1, n, START + 10 * n) for n in range(1, 7)])
            await writing.append([record(2, n, START + 24 + n) for n in range(1, 6)])
        found = await loaded(tmp_path)
        kept = [(2, f"k{n}", n) for n in range(2, 6)] + [(1, f"k{n}", n) for n in range(3, 7)]
        assert found.keys == keys(*kept)
        found.keys.add(1, "new", 7)
        assert found.keys.oldest(2) == 2

    asyncio.run(run())
