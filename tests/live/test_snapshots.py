"""How large floors are held: shared by revision, few at a time, and one stranger is in nobody's way."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from msgspec import structs

from restohub.floor.model import Floor, Guest
from restohub.limits import SNAPSHOTS_BYTES_MAX, WHOLE_BYTES_MAX
from restohub.live.address_usage import Caller
from restohub.live.epoch import Epoch
from restohub.live.snapshots import RestaurantGoneError, Snapshot, Snapshots
from tests.live.test_feed import large_floor
from tests.live.test_writer import at_once


def stranger(address: str = "10.0.0.66") -> Caller:
    return Caller(address, time.monotonic, shared=False)


HOUSE = Caller("127.0.0.1", time.monotonic, shared=True)


class Hall:
    """Snapshots of one large floor that is changed by hand."""

    def __init__(self) -> None:
        self.floors = {1: large_floor(400)}
        self.snapshots = Snapshots(Epoch("epoch"), self.floors)

    def change(self, weight: int = 2_000) -> None:
        floor = self.floors[1]
        guest = structs.replace(floor.guests["g0"], version=floor.revision + 1)
        self.floors[1] = structs.replace(floor, revision=floor.revision + 1, guests={**floor.guests, "g0": guest})
        self.snapshots.replaced(1, weight)

    async def waits(self, caller: Caller, least: int | None = None) -> bool:
        """Whether a reader has to wait now."""
        try:
            async with asyncio.timeout(0.01):
                self.snapshots.release(await self.snapshots.take(1, caller, least), caller)
        except TimeoutError:
            return True
        return False


@at_once
async def test_readers_of_one_revision_share_it() -> None:
    hall = Hall()
    first, second = await hall.snapshots.take(1, HOUSE), await hall.snapshots.take(1, stranger())
    assert first is second
    hall.change()
    assert await hall.snapshots.take(1, HOUSE) is not first


@at_once
async def test_a_floor_that_did_not_change_is_encoded_once_for_those_who_come_after_each_other() -> None:
    hall = Hall()
    first = await (await hall.snapshots.take(1, HOUSE)).measured()
    hall.snapshots.release(first, HOUSE)
    second = await hall.snapshots.take(1, HOUSE)
    assert second is first
    assert next(iter(first._guests)) is next(iter(second._guests))
    hall.snapshots.release(second, HOUSE)
    hall.change()
    assert hall.snapshots._newest is None, "an old floor is held on to by nobody"


@at_once
async def test_an_old_floor_is_let_go_by_its_last_reader() -> None:
    hall = Hall()
    held = await hall.snapshots.take(1, HOUSE)
    hall.change()
    hall.snapshots.release(held, HOUSE)
    assert (hall.snapshots._newest, hall.snapshots._alive) == (None, [])


@at_once
async def test_one_address_holds_two_revisions_and_then_waits_while_others_do_not() -> None:
    hall, one = Hall(), stranger()
    first = await hall.snapshots.take(1, one)
    hall.change()
    await hall.snapshots.take(1, one)
    hall.change()
    assert await hall.waits(one)
    assert not await hall.waits(stranger("10.0.0.67"))
    assert not await hall.waits(HOUSE)
    hall.snapshots.release(first, one)
    assert not await hall.waits(one)


@at_once
async def test_beyond_two_revisions_what_they_keep_in_memory_is_bounded() -> None:
    hall = Hall()
    for _ in range(5):
        await hall.snapshots.take(1, HOUSE)
        hall.change()
    assert not await hall.waits(HOUSE)
    hall.change(SNAPSHOTS_BYTES_MAX)
    assert await hall.waits(HOUSE)


@at_once
async def test_a_reader_who_would_wait_takes_an_older_revision_where_that_will_do() -> None:
    hall, one = Hall(), stranger()
    for _ in range(2):
        held = await hall.snapshots.take(1, one)
        hall.change()
    assert not await hall.waits(one, held.floor.revision)
    assert await hall.snapshots.take(1, one, held.floor.revision) is held
    assert await hall.waits(one, held.floor.revision + 1)


@at_once
async def test_what_was_replaced_is_counted_once_and_by_whoever_holds_on_to_it_longest() -> None:
    hall = Hall()
    first = await hall.snapshots.take(1, HOUSE)
    alone = first.weight
    hall.change()
    second = await hall.snapshots.take(1, HOUSE)
    hall.change(5_000)
    assert first.weight == alone + 2_000
    hall.snapshots.release(second, HOUSE)
    assert first.weight == 2 * alone + 7_000, "with what the second held: its dicts, and what was replaced since"


@at_once
async def test_whoever_waits_for_a_restaurant_that_is_deleted_is_told() -> None:
    hall, one = Hall(), stranger()
    for _ in range(2):
        held = await hall.snapshots.take(1, one)
        hall.change()
    waiting = asyncio.create_task(hall.snapshots.take(1, one))
    await asyncio.sleep(0)
    del hall.floors[1]
    hall.snapshots.release(held, one)
    with pytest.raises(RestaurantGoneError):
        await waiting


@at_once
async def test_the_body_in_pieces_is_as_long_as_it_says_and_holds_the_floor() -> None:
    snapshot = await Snapshot(large_floor(400)).measured()
    size, pieces = snapshot.body("epoch")
    body = b"".join(pieces)
    assert len(body) == size
    told = msgspec.json.decode(body)
    assert [guest["id"] for guest in told["guests"]] == list(snapshot.floor.guests)
    assert (told["epoch"], told["total_guests"], told["tables"]) == ("epoch", 400, [])


@at_once
async def test_a_piece_that_is_no_longer_kept_is_made_again_as_it_was() -> None:
    snapshot = await Snapshot(large_floor(400)).measured()
    kept = list(snapshot.frames())
    snapshot.let_go()
    assert list(snapshot.frames()) == kept


@at_once
async def test_small_floors_are_kept_whole_within_a_bound() -> None:
    floors = {
        number: Floor(
            restaurant_id=number,
            revision=1,
            guests={
                f"g{n}": Guest(id=f"g{n}", first_name="A", party_size=1, notes="x" * 2000, version=1) for n in range(45)
            },
        )
        for number in range(1, 201)
    }
    snapshots = Snapshots(Epoch("epoch"), floors)
    for floor in floors.values():
        assert snapshots.body(floor) is not None
        assert snapshots.frame(floor) is not None
    kept = sum(len(encoded or b"") for _, encoded in snapshots._whole.values())
    assert kept == snapshots._whole_bytes <= 8_000_000
    assert snapshots.body(large_floor(400)) is None
    assert len(snapshots.body(floors[200]) or b"") <= WHOLE_BYTES_MAX
