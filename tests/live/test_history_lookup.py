"""What a command is told of the past before it is decided, from a real log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import structs

from restohub.floor.commands import CloseDay, Create, GuestFields, TableFields, Update, Visits
from restohub.floor.device_changes import OwnChange
from restohub.floor.model import Guest
from restohub.live.history_lookup import look_up_for_create, look_up_for_update, own_changes
from restohub.live.ports import Version
from restohub.store.history import History
from tests.floor.floor_harness import FloorHarness
from tests.store.database_files import history
from tests.store.test_history import add, note, written


def recall(folder: Path, story: FloorHarness, asking: Callable[[History], Awaitable[None]]) -> None:
    written(folder, story)

    async def run() -> None:
        async with history(folder) as past:
            await asking(past)

    asyncio.run(run())


def with_visitors() -> FloorHarness:
    """g1 finished with phone 391 and left the floor; so did g2 with an e-mail."""
    story = FloorHarness()
    add(story, "g1", phone="391")
    add(story, "g2", email="a@b")
    for guest_id in ("g1", "g2"):
        story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(status="finished")))
    story.tell(CloseDay(("g1", "g2"), story.now))
    return story


def test_a_chosen_id_that_is_gone_is_taken(tmp_path: Path) -> None:
    story = with_visitors()
    fields = GuestFields(first_name="Ada", party_size=2)

    async def asking(past: History) -> None:
        for guest_id, chosen, taken in (("g1", True, True), ("g9", True, False), ("g1", False, False)):
            command = Create(kind="guest", id=guest_id, fields=fields)
            assert (await look_up_for_create(past, story.floor, command, chosen=chosen)).taken is taken
            elsewhere = structs.replace(story.floor, restaurant_id=2)
            assert (await look_up_for_create(past, elsewhere, command, chosen=chosen)).taken is False

    recall(tmp_path, story, asking)


def test_the_visits_of_a_new_guests_contacts_come_along(tmp_path: Path) -> None:
    story = with_visitors()

    async def asking(past: History) -> None:
        fields = GuestFields(first_name="Ada", party_size=2, phone="39-1", email="A@B")
        command = await look_up_for_create(past, story.floor, Create(kind="guest", id="g3", fields=fields), chosen=True)
        assert command.visits.ids == {"phone:391": frozenset({"g1"}), "email:a@b": frozenset({"g2"})}
        assert command.visits.revision == story.floor.revision
        story.tell(command)
        assert story.floor.guests["g3"].total_visits == 2
        fields = GuestFields(first_name="Ada", party_size=2, email="A@B")
        command = await look_up_for_create(past, story.floor, Create(kind="guest", id="g4", fields=fields), chosen=True)
        assert command.visits.ids == {"email:a@b": frozenset({"g2"})}, "by his e-mail alone"

    recall(tmp_path, story, asking)


def test_a_table_and_a_guest_without_contacts_ask_for_no_visits(tmp_path: Path) -> None:
    story = with_visitors()

    async def asking(past: History) -> None:
        table = Create(kind="table", id="t1", fields=TableFields(table_number="1", capacity=2))
        assert (await look_up_for_create(past, story.floor, table, chosen=True)).visits == Visits()
        bare = Create(kind="guest", id="g3", fields=GuestFields(first_name="Ada", party_size=2))
        assert (await look_up_for_create(past, story.floor, bare, chosen=True)).visits == Visits()

    recall(tmp_path, story, asking)


def test_the_contact_that_is_not_sent_is_asked_for_too(tmp_path: Path) -> None:
    story = with_visitors()
    add(story, "g3", phone="391")

    async def asking(past: History) -> None:
        command = Update(kind="guest", id="g3", fields=GuestFields(email="a@b"))
        story.tell(await look_up_for_update(past, story.floor, command, None))
        assert story.floor.guests["g3"].total_visits == 2

    recall(tmp_path, story, asking)


def test_the_contact_that_an_echo_leaves_as_it_is_is_asked_for_too(tmp_path: Path) -> None:
    """The client read him before he had a phone, and sends him back whole with a new e-mail."""
    story = with_visitors()
    add(story, "g3")
    seen = story.floor.guests["g3"].version
    story.tell(Update(kind="guest", id="g3", fields=GuestFields(phone="391")))

    async def asking(past: History) -> None:
        command = Update(kind="guest", id="g3", fields=GuestFields(phone=None, email="a@b"))
        story.tell(await look_up_for_update(past, story.floor, command, seen))
        guest = story.floor.guests["g3"]
        assert (guest.phone, guest.email) == ("391", "a@b")
        assert guest.total_visits == 2

    recall(tmp_path, story, asking)


def test_what_the_client_had_seen_and_its_base_come_along(tmp_path: Path) -> None:
    story = FloorHarness()
    add(story, "g1")
    note(story, "g1", "a")
    note(story, "g1", "b")

    async def asking(past: History) -> None:
        command = Update(kind="guest", id="g1", fields=GuestFields(notes="c"), base_version=2)
        known = await look_up_for_update(past, story.floor, command, 1)
        assert (known.seen, known.base) == tuple(story.image_at(("guest", "g1"), version) for version in (1, 2))
        assert known.base is not None
        of_a_batch = await look_up_for_update(past, story.floor, command, 1, {Version("guest", "g1", 2): known.base})
        assert (of_a_batch.seen, of_a_batch.base) == (None, known.base), "what was not asked for is not known"
        nobody = Update(kind="guest", id="g9", fields=GuestFields(notes="c"))
        assert await look_up_for_update(past, story.floor, nobody, 1) is nobody

    recall(tmp_path, story, asking)


def test_what_own_commits_changed_is_known_with_what_they_replaced(tmp_path: Path) -> None:
    story = FloorHarness()
    add(story, "g1")
    for notes in "abcd":
        note(story, "g1", notes)

    def image(revision: int) -> Guest:
        found = story.image_at(("guest", "g1"), revision)
        assert isinstance(found, Guest)
        return found

    async def asking(past: History) -> None:
        for base, own, changes in (
            (1, {3}, [(2, 3)]),
            (1, {2, 3, 5, 9}, [(1, 2), (2, 3), (4, 5)]),
            (3, {2, 4}, [(3, 4)]),
            (0, {1, 2}, [(0, 1), (1, 2)]),
            (5, {5}, []),
        ):
            images = await past.images(story.floor, [Version("guest", "g1", base)], frozenset(own))
            told = own_changes(images, frozenset(own))
            assert told == [OwnChange(image(was) if was else None, image(now)) for was, now in changes]

    recall(tmp_path, story, asking)


def test_an_own_commit_whose_past_is_not_known_is_left_out() -> None:
    story = FloorHarness()
    add(story, "g1")
    note(story, "g1", "a")
    present = story.floor.guests["g1"]
    assert own_changes({Version("guest", "g1", 2): present}, {2}) == []
