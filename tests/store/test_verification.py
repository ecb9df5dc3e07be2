"""That a stopped hub's data are read whole without a byte changed, and each kind of damage is named."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from restohub.floor.commands import Delete
from restohub.floor.model import DIRECTORY_ID, Change, Entry, Guest, Table
from restohub.live.ports import Record
from restohub.store.codec import image_of, log_checksum, position_of, removal_checksum, row_checksum
from restohub.store.data_folder import DATABASE, LOCK, FolderError, FolderLock, wal_path
from restohub.store.verification import Defect, VerificationReport, verify_folder
from tests.conftest import Hub
from tests.contract.requests import new_guest
from tests.floor.floor_harness import START, FloorHarness
from tests.store.database_files import checkpointed, fill, ledger, loaded, sql
from tests.store.test_damage import another, bits, cut_in_half
from tests.store.test_round_trip import tell_randomly

NewHub = Callable[..., Hub]
REMOVED = "restaurant_id, kind, id, revision, time, phone, email"


@pytest.fixture
def story() -> FloorHarness:
    """Guests and tables, seated and finished, and one guest gone."""
    told = tell_randomly(4, 40)
    told.tell(Delete(kind="guest", id=next(iter(told.floor.guests))))
    return told


@pytest.fixture
def folder(tmp_path: Path, story: FloorHarness) -> Path:
    """The story on disk, all of it in the database file."""
    data = tmp_path / "data"
    data.mkdir()
    asyncio.run(fill(data, story))
    checkpointed(data)
    return data


def check(folder: Path) -> VerificationReport:
    """What is found, while not a byte and not a time of the folder changes."""
    before = picture(folder)
    report = verify_folder(folder, ignored)
    assert picture(folder) == before
    assert report.sound == (report.faults == [])
    return report


def ignored(done: int, total: int) -> None:
    """How far it has come is nothing to these tests."""


def picture(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file of a folder with its bytes, its time and its mode, and the folder's own time."""
    files = {path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.iterdir()}
    return {**files, ".": (b"", folder.stat().st_mtime_ns, folder.stat().st_mode)}


def only(folder: Path) -> Defect:
    """The one fault that there is."""
    [fault] = check(folder).faults
    return fault


def details(folder: Path) -> str:
    """Every fault, a line each."""
    return "\n".join(fault.detail for fault in check(folder).faults)


@pytest.mark.parametrize("seed", range(5))
def test_sound_data_are_sound(tmp_path: Path, seed: int) -> None:
    story = tell_randomly(seed, 150)
    asyncio.run(fill(tmp_path, story))
    checkpointed(tmp_path)
    report = check(tmp_path)
    assert report.faults == []
    assert (report.restaurants, report.guests, report.tables) == (1, len(story.floor.guests), len(story.floor.tables))
    assert report.logs == {0: (1, 1), 1: (1, story.floor.revision)}
    assert report.commits == story.floor.revision + 1


def test_a_pruned_log_is_sound(folder: Path, story: FloorHarness) -> None:
    revision = story.floor.revision
    sql(folder, "DELETE FROM log WHERE position BETWEEN ? AND ?", position_of(1, 1), position_of(1, revision - 4))
    assert check(folder).faults == []


def delete_whole(folder: Path) -> None:
    """Delete restaurant 1 with all that it has."""
    gone = Change("restaurant", "1", "delete", None, 1)

    async def deleting() -> None:
        async with ledger(folder) as writing:
            await writing.append([Record(Entry(DIRECTORY_ID, 2, START, "tx", False, (gone,)))])

    asyncio.run(deleting())
    checkpointed(folder)


def test_of_a_restaurant_that_went_whole_no_row_is_left_and_what_is_forgotten_later_is_sound(
    folder: Path, story: FloorHarness
) -> None:
    assert story.floor.guests
    assert sql(folder, "SELECT count(*) FROM removal WHERE restaurant_id = 1") > [(0,)]
    delete_whole(folder)
    assert sql(folder, "SELECT * FROM entity") == []
    found = check(folder)
    assert (found.faults, found.restaurants, found.guests) == ([], 0, 0)
    assert asyncio.run(loaded(folder)).floors == {}
    sql(folder, "DELETE FROM log WHERE position >= ?", position_of(1, 0))
    assert check(folder).faults == []


def test_a_row_that_a_deleted_restaurant_left_behind_is_named(folder: Path) -> None:
    [row] = sql(folder, "SELECT * FROM entity WHERE kind = 'guest' LIMIT 1")
    delete_whole(folder)
    sql(folder, f"INSERT INTO entity VALUES ({','.join('?' * len(row))})", *row)
    assert details(folder) == "An entity's restaurant does not exist."


@pytest.mark.parametrize("column", ["version", "checksum", "image"])
def test_a_changed_row_is_named(folder: Path, column: str) -> None:
    for rowid, value, kind, entity_id in sql(folder, f"SELECT rowid, {column}, kind, id FROM entity"):
        sql(folder, f"UPDATE entity SET {column} = ? WHERE rowid = ?", another(value), rowid)
        fault = only(folder)
        assert (fault.kind, fault.entity_id) == (kind, entity_id)
        assert "checksum" in fault.detail
        sql(folder, f"UPDATE entity SET {column} = ? WHERE rowid = ?", value, rowid)


@pytest.mark.parametrize("column", ["time", "checksum", "key", "digest", "changes", "answer"])
def test_a_changed_commit_is_named(folder: Path, column: str) -> None:
    for position, value in sql(folder, f"SELECT position, {column} FROM log"):
        sql(
            folder,
            f"UPDATE log SET {column} = ? WHERE position = ?",
            "x" if column == "key" else another(value),
            position,
        )
        faults = check(folder).faults
        assert (position >> 40, position & (1 << 40) - 1) in {(f.restaurant_id, f.revision) for f in faults}
        assert any("checksum" in fault.detail for fault in faults)
        sql(folder, f"UPDATE log SET {column} = ? WHERE position = ?", value, position)


@pytest.mark.parametrize("column", ["revision", "time", "phone", "email", "checksum"])
def test_a_changed_removal_is_named(folder: Path, column: str) -> None:
    for kind, entity_id, value in sql(folder, f"SELECT kind, id, {column} FROM removal"):
        wrong = "x" if value is None else another(value)
        sql(folder, f"UPDATE removal SET {column} = ? WHERE kind = ? AND id = ?", wrong, kind, entity_id)
        fault = only(folder)
        assert (fault.kind, fault.entity_id, fault.detail) == (kind, entity_id, "A removal fails its checksum.")
        sql(folder, f"UPDATE removal SET {column} = ? WHERE kind = ? AND id = ?", value, kind, entity_id)


@pytest.mark.parametrize("name", ["install_id", "epoch"])
def test_the_hubs_own_names_are_checked(folder: Path, name: str) -> None:
    sql(folder, "UPDATE hub SET value = value || 'x' WHERE name = ?", name)
    assert only(folder).detail == f"The hub's own {name} fails its checksum."
    sql(folder, "DELETE FROM hub WHERE name = ?", name)
    assert only(folder).detail == f"The hub's own {name} is missing."


def test_a_gap_in_the_log_is_named(folder: Path, story: FloorHarness) -> None:
    sql(folder, "DELETE FROM log WHERE position BETWEEN ? AND ?", position_of(1, 10), position_of(1, 12))
    faults = check(folder).faults
    assert (faults[0].restaurant_id, faults[0].revision) == (1, 10)
    assert faults[0].detail == "The log has a gap: revision 10 to 12 is missing."


def test_a_lost_head_is_found(folder: Path, story: FloorHarness) -> None:
    sql(folder, "DELETE FROM log WHERE position = ?", position_of(1, story.floor.revision))
    assert f"its log, which ends at {story.floor.revision - 1}" in details(folder)


def test_a_lost_row_is_named(folder: Path, story: FloorHarness) -> None:
    guest_id = next(guest.id for guest in story.floor.guests.values() if guest.table_id is None)
    sql(folder, "DELETE FROM entity WHERE id = ?", guest_id)
    fault = only(folder)
    assert (fault.kind, fault.entity_id) == ("guest", guest_id)
    assert fault.detail == "The row of an entity that the log knows is missing."


def test_a_lost_removal_is_named(folder: Path, story: FloorHarness) -> None:
    [(kind, entity_id)] = sql(folder, "SELECT kind, id FROM removal WHERE revision = ?", story.floor.revision)
    sql(folder, "DELETE FROM removal WHERE kind = ? AND id = ?", kind, entity_id)
    fault = only(folder)
    assert (fault.entity_id, fault.revision) == (entity_id, story.floor.revision)
    assert "its removal is not there" in fault.detail


def test_a_removal_that_the_log_does_not_know_is_named(folder: Path) -> None:
    removal = (1, "guest", "stranger", 5, START, None, None)
    values = (*removal, removal_checksum(removal))
    sql(folder, f"INSERT INTO removal ({REMOVED}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
    assert only(folder).entity_id == "stranger"


def test_swapped_images_are_named_though_their_checksums_are_right(folder: Path, story: FloorHarness) -> None:
    one, two = [guest for guest in story.floor.guests.values() if guest.table_id is None][:2]
    for guest, other in ((one, two), (two, one)):
        image = image_of(other)
        checksum = row_checksum(1, "guest", guest.id, guest.version, image)
        sql(folder, "UPDATE entity SET image = ?, checksum = ? WHERE id = ?", image, checksum, guest.id)
    faults = check(folder).faults
    assert {fault.entity_id for fault in faults} == {one.id, two.id}
    assert all("it holds another entity" in fault.detail for fault in faults)


def test_a_row_as_it_once_was_is_named(folder: Path, story: FloorHarness) -> None:
    stale = next(images[0] for (kind, _), images in story.images.items() if kind == "table" and len(images) > 1)
    assert isinstance(stale, Table)
    image = image_of(stale)
    checksum = row_checksum(1, "table", stale.id, stale.version, image)
    values = stale.version, checksum, image, stale.id
    sql(folder, "UPDATE entity SET version = ?, checksum = ?, image = ? WHERE id = ?", *values)
    assert "A row is not as the log left it." in details(folder)


def test_swapped_commits_are_named(folder: Path, story: FloorHarness) -> None:
    [(one,), (two,)] = sql(folder, "SELECT changes FROM log WHERE position IN (?, ?)", *map(position_in_1, (11, 12)))
    for revision, changes in ((11, two), (12, one)):
        [(time,)] = sql(folder, "SELECT time FROM log WHERE position = ?", position_in_1(revision))
        checksum = log_checksum(position_in_1(revision), time, None, None, changes, None)
        values = changes, checksum, position_in_1(revision)
        sql(folder, "UPDATE log SET changes = ?, checksum = ? WHERE position = ?", *values)
    assert {11, 12} <= {fault.revision for fault in check(folder).faults}, "and those that build upon them"


def position_in_1(revision: int) -> int:
    return position_of(1, revision)


def test_a_commit_older_than_the_one_it_follows_is_named(folder: Path, story: FloorHarness) -> None:
    position = position_of(1, story.floor.revision)
    [(changes,)] = sql(folder, "SELECT changes FROM log WHERE position = ?", position)
    checksum = log_checksum(position, START - 1, None, None, changes, None)
    sql(folder, "UPDATE log SET time = ?, checksum = ? WHERE position = ?", START - 1, checksum, position)
    assert "A commit is older than the one that it follows." in details(folder)


def test_a_guest_whose_table_does_not_have_him_is_named(tmp_path: Path) -> None:
    """Rows and log agree: only a fault of the hub's own could do this."""
    story = FloorHarness().furnish()
    asyncio.run(fill(tmp_path, story))
    guest = next(iter(story.floor.guests.values()))
    wrong = image_of(Guest(**{name: getattr(guest, name) for name in Guest.__struct_fields__} | {"table_id": "t1"}))
    [(changes,)] = sql(tmp_path, "SELECT changes FROM log WHERE position = ?", position_of(1, guest.version))
    changes = changes.replace(image_of(guest), wrong)
    checksum = log_checksum(position_of(1, guest.version), START, None, None, changes, None)
    sql(
        tmp_path,
        "UPDATE log SET changes = ?, checksum = ? WHERE position = ?",
        changes,
        checksum,
        position_of(1, guest.version),
    )
    checksum = row_checksum(1, "guest", guest.id, guest.version, wrong)
    sql(tmp_path, "UPDATE entity SET image = ?, checksum = ? WHERE id = ?", wrong, checksum, guest.id)
    checkpointed(tmp_path)
    assert only(tmp_path).detail == "A guest is at table t1, which does not have him."


def test_a_flipped_bit_anywhere_in_the_file_is_found_or_in_no_page_that_is_used(folder: Path) -> None:
    """At 150 places: what SQLite does not read, a rebuilt file does not have either."""
    path = checkpointed(folder)
    whole, sound = path.read_bytes(), check(folder)
    for at, bit in bits(folder, 150):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        report = check(folder)
        if report.sound:
            assert report == sound
            assert rows_of(folder) == rows_of_bytes(folder, whole), f"bit {bit} of byte {at} changes what is read"


def rows_of(folder: Path) -> list[object]:
    """Every row of every table but the one that is only written."""
    tables = ("entity", "removal", "log")
    return [sql(folder, f"SELECT * FROM {table}") for table in tables] + [
        sql(folder, "SELECT * FROM hub WHERE name <> 'probe'")
    ]


def rows_of_bytes(folder: Path, whole: bytes) -> list[object]:
    """The rows of a database file of these bytes."""
    other = folder.parent / "whole"
    other.mkdir(exist_ok=True)
    (other / DATABASE).write_bytes(whole)
    return rows_of(other)


@pytest.mark.parametrize("page", range(1, 9))
def test_a_page_of_zeros_is_found(folder: Path, page: int) -> None:
    path = checkpointed(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[: page * 1024] + bytes(1024) + whole[(page + 1) * 1024 :])
    assert not check(folder).sound


def test_a_file_cut_in_half_is_found(folder: Path) -> None:
    cut_in_half(folder / DATABASE)
    assert not check(folder).sound


def test_an_empty_a_lost_and_a_foreign_file_are_named(folder: Path) -> None:
    path = folder / DATABASE
    path.write_bytes(b"")
    assert "is empty" in only(folder).detail
    path.unlink()
    assert "is missing" in only(folder).detail
    path.write_bytes(b"These are the reservations of 1987.\n" * 100)
    assert "not a database" in details(folder)
    path.unlink()
    sql(folder, "CREATE TABLE recipes (name TEXT)")
    assert "The table log is missing." in details(folder)


def test_what_is_no_folder_or_of_a_newer_hub_is_refused(folder: Path) -> None:
    with pytest.raises(FolderError, match="is not a folder"):
        verify_folder(folder.parent / "nowhere", ignored)
    sql(folder, "PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="newer restohub"):
        check(folder)


def test_a_folder_that_a_hub_serves_is_refused(folder: Path) -> None:
    with FolderLock(folder), pytest.raises(FolderError, match="A hub serves the data folder"):
        check(folder)
    assert check(folder).sound
    (folder / LOCK).unlink()
    assert check(folder).sound
    assert not (folder / LOCK).exists()


def killed(new_hub: NewHub) -> Hub:
    """A hub that was killed in the middle of its evening, its WAL full of what it answered."""
    hub = new_hub().start()
    with hub.client() as api:
        for _ in range(30):
            new_guest(api, 1)
    hub.kill()
    assert wal_path(hub.data).stat().st_size > 0
    return hub


def test_what_stands_in_the_wal_alone_is_read_too(new_hub: NewHub) -> None:
    report = check(killed(new_hub).data)
    assert (report.faults, report.guests) == ([], 30)


def test_a_wal_of_another_history_is_found(new_hub: NewHub, tmp_path: Path) -> None:
    folder, hub = tmp_path / "mine", killed(new_hub)
    folder.mkdir()
    asyncio.run(fill(folder, tell_randomly(4, 200)))  # larger than the other: its pages are among this one's
    again = new_hub(hub.data).start()
    again.stop()
    again = new_hub(hub.data).start()
    with again.client() as api:
        new_guest(api, 1)
    again.kill()
    assert check(again.data).guests == 31
    checkpointed(folder)
    shutil.copyfile(wal_path(again.data), wal_path(folder))
    assert not check(folder).sound


def test_a_flipped_bit_in_the_wal_is_never_a_wrong_floor(new_hub: NewHub) -> None:
    """SQLite reads a WAL up to the first frame whose checksum is wrong: what is left is an older floor, and whole."""
    data = killed(new_hub).data
    whole = wal_path(data).read_bytes()
    guests: set[int] = set()
    for at in Random(5).sample(range(len(whole)), 20):
        wal_path(data).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        report = check(data)
        assert report.sound or report.guests == 0  # nothing is left where the first frame is wrong: no tables either
        guests.add(report.guests)
    assert guests != {30}
