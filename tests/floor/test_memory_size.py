"""What a floor keeps beside its guests and tables, held against the same made anew, whatever happens."""

from __future__ import annotations

import sys
from random import Random

import pytest
from msgspec import structs

from restohub.floor.apply import measured
from restohub.floor.commands import Create, GuestFields, Update
from restohub.floor.contacts import contact_keys
from restohub.floor.memory_size import GUEST_BYTES, growth, weight
from restohub.floor.model import Finished, Floor, Guest, Table
from restohub.floor.outcomes import Accepted
from restohub.floor.visit_index import KEPT_BACK_MAX, index_of
from tests.floor.floor_harness import FloorHarness
from tests.floor.strategies import Closing, Wish, some_deed

DEEDS = 400


def happen(story: FloorHarness, random: Random) -> None:
    """Anything at all."""
    story.now += random.randrange(60)
    match some_deed(random.choice):
        case Wish() as wish:
            story.wish(wish)
        case Closing(_, age_s):
            story.close_day(story.now - age_s)
        case batch:
            story.tell(tuple(story.operation(one) for one in batch if isinstance(one, Wish)))


def plain_index(floor: Floor) -> dict[str, set[str]]:
    """Who finished a visit, walked over."""
    found: dict[str, set[str]] = {}
    for guest in floor.guests.values():
        if guest.status == "finished":
            for key in contact_keys(guest.phone, guest.email):
                found.setdefault(key, set()).add(guest.id)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_size_that_is_kept_is_the_size_that_is_counted(seed: int) -> None:
    story, random = FloorHarness().furnish(), Random(seed)
    sizes = set()
    for _ in range(DEEDS):
        happen(story, random)
        assert story.floor.size == measured(story.floor).size
        sizes.add(story.floor.size)
    assert len(sizes) > DEEDS // 10


@pytest.mark.parametrize("seed", range(8))
def test_the_index_of_visits_says_what_a_walk_over_the_guests_says(seed: int) -> None:
    story, random = FloorHarness().furnish(), Random(seed)
    seen, floors = 0, [story.floor]
    for number in range(DEEDS):
        happen(story, random)
        phone, status = random.choice(("1", "+1", "2")), random.choice(("finished", "waitlist"))
        fields = GuestFields(first_name="Ada", party_size=1, phone=phone, status=status)
        story.tell(Create(kind="guest", id=f"v{number % 50}", fields=fields))
        story.tell(Update(kind="guest", id=f"v{random.randrange(50)}", fields=fields))
        if random.randrange(5) == 0:
            index = index_of(story.floor.finished, story.floor.guests)
            assert index == plain_index(story.floor)
            seen += len(index)
            floors.append(story.floor)
    assert seen > 20
    for floor in random.sample(floors, 10):  # as after changes that could not be saved
        assert index_of(floor.finished, floor.guests) == plain_index(floor)


def test_an_index_that_nobody_asks_for_keeps_few_changes_back() -> None:
    story = FloorHarness()
    for number in range(KEPT_BACK_MAX + 10):
        story.tell(Create(kind="guest", id=f"g{number}", fields=GuestFields(first_name="A", party_size=1, phone="1")))
        story.tell(Update(kind="guest", id=f"g{number}", fields=GuestFields(status="finished")))
    assert chain(story.floor.finished) <= KEPT_BACK_MAX
    assert len(index_of(story.floor.finished, story.floor.guests)["phone:1"]) == KEPT_BACK_MAX + 10
    assert chain(story.floor.finished) == 0


def chain(finished: Finished) -> int:
    length = 0
    while finished.earlier is not None:
        finished, length = finished.earlier, length + 1
    return length


@pytest.mark.parametrize("text", ["plain", "Müller", "Łukasz", "寿司 for six", "🎂" * 7, "x" * 100 + "🎂"])
def test_a_text_weighs_what_it_takes_in_memory_with_the_bytes_that_it_is_sent_in(text: str) -> None:
    bare = Guest(id="g", first_name="", party_size=1)
    weighed = growth(bare, structs.replace(bare, notes=text))
    sent = 0 if text.isascii() else len(text.encode())
    assert sys.getsizeof(text) + sent <= weighed + 32
    assert weighed <= 2 * (sys.getsizeof(text) + sent)


def test_one_astral_character_makes_a_whole_text_heavy() -> None:
    bare = Guest(id="g", first_name="", party_size=1)
    assert weight(structs.replace(bare, notes="x" * 1999 + "🎂")) > GUEST_BYTES + 8_000


def test_a_guest_or_table_without_texts_weighs_some_500_bytes() -> None:
    for entity in (Guest(id="g", first_name="", party_size=1), Table(id="t", table_number="", capacity=2)):
        assert 400 < weight(entity) < 800


def test_a_change_of_nothing_that_is_text_weighs_nothing_and_an_equal_text_neither() -> None:
    guest = Guest(id="g", first_name="Ada", party_size=1, notes="".join(["by the ", "window"]))
    assert growth(guest, structs.replace(guest, status="seated", party_size=9)) == 0
    assert growth(guest, structs.replace(guest, notes="".join(["by the", " window"]))) == 0
    table = Table(id="t", table_number="1", capacity=2)
    assert growth(table, structs.replace(table, status="dirty")) == 0


def test_an_accepted_command_says_by_how_much_it_makes_the_floor_heavier() -> None:
    story = FloorHarness().furnish()
    verdict = story.decide(Update(kind="guest", id="g1", fields=GuestFields(notes="🎂")))
    assert isinstance(verdict, Accepted)
    assert 50 < verdict.grown < 100
