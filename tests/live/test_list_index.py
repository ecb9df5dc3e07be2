"""The order of lists over any changes of a floor: never another one than sorting it anew would give."""

from __future__ import annotations

import asyncio

import pytest

from restohub.floor.model import Floor, Guest
from restohub.floor.text_folding import fold
from restohub.limits import SEARCHED_MAX
from restohub.live.list_index import LISTINGS_MAX, Listings
from tests.live.feed_harness import FeedHarness
from tests.live.test_writer import at_once


def place(guest: Guest) -> tuple[int, str]:
    return guest.created_at, guest.id


def found_by(floor: Floor, part: str) -> list[Guest]:
    """What a plain look through the floor finds."""
    guests = sorted(floor.guests.values(), key=place)
    return [one for one in guests if part in one.name.casefold() or part in (one.phone or "").casefold()]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_and_what_is_found_follow_every_change(seed: int) -> None:
    @at_once
    async def run() -> None:
        one, listings = FeedHarness(seed), Listings()
        for _ in range(60):
            one.happen(one.random.randrange(1, 4))
            floor = one.floor
            listing = listings.guests(floor)
            in_order = sorted(floor.guests.values(), key=place)
            assert list(listing.after(floor.guests, None)) == in_order
            for part in ("a", "ß".casefold(), "39", "zzz"):
                assert list(listing.matching(floor.guests, None, part)) == found_by(floor, part)
            if in_order:
                cursor = one.random.choice(in_order)
                later = [guest for guest in in_order if place(guest) > place(cursor)]
                assert list(listing.after(floor.guests, place(cursor))) == later
            tables = sorted(floor.tables.values(), key=lambda table: (table.created_at, table.id))
            assert list(listings.tables(floor).after(floor.tables, None)) == tables
        await one.close()

    run()


def test_nothing_is_found_across_name_and_phone() -> None:
    guest = Guest(id="g1", first_name="Anna", party_size=2, phone="0039", version=1)
    floor = Floor(restaurant_id=1, revision=1, guests={"g1": guest})
    listing = Listings().guests(floor)
    assert list(listing.matching(floor.guests, None, "\0")) == []
    assert list(listing.matching(floor.guests, None, "a0")) == []
    assert list(listing.matching(floor.guests, None, "anna")) == [guest]


def test_a_text_is_folded_once_while_others_come_and_go() -> None:
    listings = Listings()
    anna, bo, cem = (Guest(id=f"g{n}", first_name=name, party_size=2, version=n + 1) for n, name in enumerate("ABC"))
    folded = []
    for revision, there in enumerate(((anna, bo), (anna, bo, cem), (anna, cem), (anna,)), 1):
        guests = {guest.id: guest for guest in there}
        listing = listings.guests(Floor(restaurant_id=1, revision=revision, guests=guests))
        assert [guest.id for guest in listing.matching(guests, None, "a")] == ["g0"]
        assert listing._folded.keys() == guests.keys(), "nobody is kept who is gone"
        folded.append(listing._folded["g0"])
    assert all(one is folded[0] for one in folded)


@at_once
async def test_a_floor_of_long_names_is_folded_with_pauses() -> None:
    name = "\ufdfa" * 100  # each is 18 characters when it is folded
    guests = {f"g{n}": Guest(id=f"g{n}", first_name=name, party_size=2, version=1) for n in range(1_000)}
    floor, listings = Floor(restaurant_id=1, revision=1, guests=guests), Listings()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            listings.guests(Floor(restaurant_id=1, revision=1 + turns))
            await asyncio.sleep(0)

    meanwhile = asyncio.create_task(others())
    await listings.guests(floor).fold_ahead(guests)
    meanwhile.cancel()
    assert turns > 1
    assert len(list(listings.guests(floor).matching(guests, None, fold(name)[:9]))) == 1_000
    assert {len(text) for _, text in listings.guests(floor)._folded.values()} == {SEARCHED_MAX}


def test_the_lists_of_the_few_restaurants_that_were_asked_for_last_are_kept() -> None:
    listings = Listings()
    for number in range(3 * LISTINGS_MAX):
        listings.guests(Floor(restaurant_id=0, revision=1))
        listings.guests(Floor(restaurant_id=number, revision=1))
    assert listings._guests.keys() == {0, *range(2 * LISTINGS_MAX + 1, 3 * LISTINGS_MAX)}
