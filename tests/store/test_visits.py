"""Visits in the store: written with each removal, held against the log, read for a report."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from restohub.floor.commands import CloseDay, Create, Delete, GuestFields, TableFields, Update
from restohub.floor.leaving import visit_left
from restohub.floor.model import DONE, Entry, Guest
from restohub.floor.visits import Visit
from restohub.live.ports import Record
from restohub.reports.business_day import business_day_at
from restohub.reports.making import latest_day, report_night
from restohub.store.codec import DamageError, position_of, visit_row
from restohub.store.verification import verify_folder
from restohub.wire.night_report import NightReport
from tests.floor.floor_harness import START, FloorHarness
from tests.store.database_files import RESTAURANT, fill, history, ledger, sql
from tests.store.test_round_trip import tell_randomly

DAY_S = 86_400
COLUMNS = "restaurant_id, at, guest_id, revision, status, walk_in, size, quoted, booked, arrived, seated, ended, " + (
    "table_number, capacity, section, server, phone, email, checksum"
)


def last_images(log: list[Entry]) -> list[Visit]:
    """The visits that there must be: the last image before each removal, where it was done."""
    guests: dict[str, Guest] = {}
    found = []
    for entry in log:
        for change in entry.changes:
            if isinstance(change.entity, Guest):
                guests[change.id] = change.entity
            elif change.kind == "guest" and change.entity is None and change.id in guests:
                visit = visit_left(guests.pop(change.id), entry.revision, b"")
                found += [visit] if visit is not None else []
    return found


def rows(folder: Path) -> list[tuple[object, ...]]:
    """Every visit of the store."""
    return sql(folder, f"SELECT {COLUMNS} FROM visit ORDER BY restaurant_id, at, guest_id")


def expected_rows(log: list[Entry]) -> list[tuple[object, ...]]:
    return sorted((visit_row(1, visit) for visit in last_images(log)), key=lambda row: row[:3])


def assert_every_prefix(folder: Path, story: FloorHarness) -> None:
    async def run() -> None:
        async with ledger(folder) as writing:
            for number, entry in enumerate(story.log, 1):
                await writing.append([Record(entry)])
                assert rows(folder) == expected_rows(story.log[:number]), f"after revision {number}"

    asyncio.run(run())
    assert verify_folder(folder, lambda *_: None).faults == []


def report_of(folder: Path, story: FloorHarness, seconds: int) -> NightReport:
    """The report of the business day of a time, of the floor as it is."""

    async def run() -> NightReport:
        async with history(folder) as past:
            day = business_day_at(seconds, RESTAURANT.timezone)
            return (await report_night(past, story.floor, RESTAURANT, day))[0]

    return asyncio.run(run())


def assert_same_after_the_close(folder: Path, story: FloorHarness) -> None:
    asyncio.run(fill(folder, story))
    times = {START, 1_700_000_000, 1_800_000_000, story.now}
    times |= {guest.created_at for guest in story.floor.guests.values()}
    days = {business_day_at(time, RESTAURANT.timezone).start for time in times}
    before = {day: report_of(folder, story, day) for day in days}
    written = len(story.log)
    gone = [guest.id for guest in story.floor.guests.values() if guest.status in DONE]
    for some in (gone[::2], gone[1::2]):  # not all of them at once
        story.tell(CloseDay(tuple(some), story.now))
        append(folder, story.log[written:])
        written = len(story.log)
        assert {day: report_of(folder, story, day) for day in days} == before
    assert not [guest for guest in story.floor.guests.values() if guest.status in DONE]


def append(folder: Path, entries: list[Entry]) -> None:
    async def run() -> None:
        async with ledger(folder) as writing:
            await writing.append([Record(entry) for entry in entries])

    if entries:
        asyncio.run(run())


@pytest.mark.parametrize("seed", range(4))
def test_for_every_prefix_of_the_log_visits_are_the_last_images_before_each_removal(tmp_path: Path, seed: int) -> None:
    story = tell_randomly(seed, 120)

    assert_every_prefix(tmp_path, story)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_for_every_prefix_of_very_many_logs_visits_are_the_last_images_before_each_removal(tmp_path: Path) -> None:
    for seed in range(5000, 5150):
        (tmp_path / str(seed)).mkdir()
        assert_every_prefix(tmp_path / str(seed), tell_randomly(seed, 200))


@pytest.mark.parametrize("seed", range(6))
def test_a_days_report_is_the_same_before_it_is_closed_and_afterwards(tmp_path: Path, seed: int) -> None:
    assert_same_after_the_close(tmp_path, tell_randomly(seed, 120))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_report_of_very_many_days_is_the_same_before_they_are_closed_and_afterwards(tmp_path: Path) -> None:
    for seed in range(6000, 6300):
        (tmp_path / str(seed)).mkdir()
        assert_same_after_the_close(tmp_path / str(seed), tell_randomly(seed, 250))


def an_evening() -> FloorHarness:
    """g1 finished at table 7, g2 did not come; both left the floor, g2 by a DELETE; g3 finished and is there."""
    story = FloorHarness()
    table = TableFields(table_number="7", capacity=4, section="Terrace", server="Mia")
    story.tell(Create(kind="table", id="t7", fields=table))
    fields = GuestFields(first_name="Ada", party_size=3, arrived_count=2, quoted_wait=20)
    for guest_id in ("g2", "g3"):
        story.tell(Create(kind="guest", id=guest_id, fields=fields))
    fields = structs.replace(fields, phone="+39 06 1", status="waitlist", reservation_time=START + 600)
    story.tell(Create(kind="guest", id="g1", fields=fields))
    for guest_id in ("g1", "g3"):
        story.now += 900
        story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(table_id="t7")))
        story.now += 3600
        story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(status="finished")))
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(status="no_show")))
    story.now += DAY_S
    story.tell(CloseDay(("g1",), story.now))
    story.tell(Delete(kind="guest", id="g2"))
    return story


@pytest.fixture
def evening(tmp_path: Path) -> Path:
    asyncio.run(fill(tmp_path, an_evening()))
    return tmp_path


def faults(folder: Path) -> list[str]:
    return [fault.detail for fault in verify_folder(folder, lambda *_: None).faults]


def test_a_visit_says_what_is_known_of_the_party(evening: Path) -> None:
    story = an_evening()
    one, other = sorted(last_images(story.log), key=lambda visit: visit.guest_id)
    assert one.served is not None
    assert (one.served.table_number, one.served.capacity, one.served.section, one.served.server) == (
        "7", 4, "Terrace", "Mia",
    )  # fmt: skip
    assert (one.status, one.party_size, one.quoted_wait, one.reservation_time, one.at) == (
        "finished", 3, 20, START + 600, START + 600,
    )  # fmt: skip
    assert (one.check_in_time, one.seated_time, one.ended) == (START, START + 900, START + 4500)
    assert one.phone is not None
    assert "391" not in one.phone
    assert (other.status, other.served, other.phone, other.ended) == ("no_show", None, None, START + 9000)
    assert faults(evening) == []


def test_a_visit_has_no_name_and_no_note_and_of_contacts_hashes_under_the_hubs_key() -> None:
    guest = Guest(id="g1", first_name="Ada", party_size=2, status="left", notes="by the window")
    guest = structs.replace(guest, phone="+39 06-1", email="Ada@Example.com")

    def kept(of: Guest, key: bytes) -> Visit:
        visit = visit_left(of, 7, key)
        assert visit is not None
        return visit

    one = kept(guest, b"one")
    assert not re.search("ada|window|example|06-1|39061", msgspec.json.encode(one).decode(), re.IGNORECASE)
    alike = kept(structs.replace(guest, phone="(39) 061", email="ADA@example.com"), b"one")
    assert (alike.phone, alike.email) == (one.phone, one.email)
    other = kept(guest, b"two")
    assert {other.phone, other.email} & {one.phone, one.email, None} == set()


def test_a_delete_keeps_the_visit_and_counts_no_regular(evening: Path) -> None:
    assert sql(evening, "SELECT id, phone IS NULL FROM removal ORDER BY id") == [("g1", 0), ("g2", 1)]
    assert {row[2] for row in rows(evening)} == {"g1", "g2"}


def test_a_visit_that_is_lost_is_found(evening: Path) -> None:
    sql(evening, "DELETE FROM visit WHERE guest_id = 'g1'")
    assert faults(evening) == ["The log says that a guest was done when he left, and his visit is not there."]


def test_a_flipped_bit_in_a_visit_is_found_and_is_reported_to_nobody_as_true(evening: Path) -> None:
    sql(evening, "UPDATE visit SET size = 4 WHERE guest_id = 'g1'")
    assert faults(evening) == ["A visit fails its checksum."]
    with pytest.raises(DamageError):
        report_of(evening, an_evening(), START)


def test_a_visit_that_differs_from_the_log_is_found_and_one_whose_contacts_were_forgotten_is_sound(
    evening: Path,
) -> None:
    [visit] = [one for one in last_images(an_evening().log) if one.guest_id == "g1"]
    rewrite(evening, structs.replace(visit, phone=None))
    assert faults(evening) == []
    rewrite(evening, structs.replace(visit, party_size=9))
    assert faults(evening) == ["A visit is not as the log left the guest."]


def rewrite(folder: Path, visit: Visit) -> None:
    row = visit_row(1, visit)
    sql(folder, "DELETE FROM visit WHERE guest_id = ?", visit.guest_id)
    sql(folder, f"INSERT INTO visit ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", *row)


def test_a_visit_without_its_removal_is_found(evening: Path) -> None:
    [visit] = [one for one in last_images(an_evening().log) if one.guest_id == "g2"]
    row = visit_row(1, structs.replace(visit, guest_id="g9"))
    sql(evening, f"INSERT INTO visit ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", *row)
    assert faults(evening) == ["A visit names a revision that did not remove the guest."]


def test_where_the_log_is_pruned_visits_stay(evening: Path) -> None:
    last = an_evening().floor.revision
    sql(evening, "DELETE FROM log WHERE position BETWEEN ? AND ?", position_of(1, 1), position_of(1, last - 1))
    assert len(rows(evening)) == 2
    assert faults(evening) == []


def test_the_visits_of_a_deleted_restaurant_go_with_its_removals(evening: Path) -> None:
    async def run() -> list[int]:
        async with ledger(evening) as writing:
            return [await writing.forget_removals(1, 1) for _ in range(3)]

    assert asyncio.run(run()) == [2, 2, 0]
    assert rows(evening) == []


def test_the_latest_day_is_tonight_once_a_party_is_done_and_in_the_morning_last_night(evening: Path) -> None:
    story = an_evening()
    last_night = business_day_at(START, RESTAURANT.timezone)

    async def run(now: int) -> int:
        async with history(evening) as past:
            return (await latest_day(past, story.floor, RESTAURANT, now)).start

    assert asyncio.run(run(START + 600)) == last_night.start
    assert asyncio.run(run(START + 3 * DAY_S)) == last_night.start
    # Before there was anything it is the day itself.
    month_before = business_day_at(START - 30 * DAY_S, RESTAURANT.timezone)
    assert asyncio.run(run(START - 30 * DAY_S)) == month_before.start
    assert month_before.date < last_night.date - timedelta(days=20)


def test_what_changes_the_floor_after_a_report_was_begun_is_not_counted_twice(evening: Path) -> None:
    story = an_evening()
    before = report_of(evening, story, START)
    floor, count = story.floor, len(story.log)
    story.tell(CloseDay(("g3",), story.now))
    append(evening, story.log[count:])
    story.floor = floor  # g3 is on the floor of the report, and his visit is in the file already
    assert report_of(evening, story, START) == before
