"""That damage is found at the start and named, and never answered by an empty floor."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from restohub.floor.commands import Delete
from restohub.floor.model import Guest, Table
from restohub.live.ports import StorageFailedError
from restohub.store import load as loading
from restohub.store.codec import DamageError, image_of, log_checksum, position_of, row_checksum
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE, wal_path
from restohub.store.load import Loaded, initialise, load
from tests.floor.floor_harness import START, FloorHarness
from tests.store.database_files import checkpointed, fill, sql
from tests.store.test_round_trip import tell_randomly

PAGE_BYTES = 1024


@pytest.fixture
def story() -> FloorHarness:
    """Guests and tables, seated and finished, and one guest gone."""
    told = tell_randomly(4, 40)
    told.tell(Delete(kind="guest", id=next(iter(told.floor.guests))))
    return told


@pytest.fixture
def folder(tmp_path: Path, story: FloorHarness) -> Path:
    """The story on disk, all of it in the database file."""
    asyncio.run(fill(tmp_path, story))
    checkpointed(tmp_path)
    return tmp_path


def start(folder: Path) -> Loaded:
    """What a start reads, after it gave a store that is new to it its names, as every start does."""

    async def run() -> Loaded:
        connection = await open_writer(folder)
        try:
            await initialise(connection, "new install", "new epoch")
            return await load(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def another(value: object) -> object:
    """Another value, as near as can be."""
    match value:
        case int():
            return value ^ 1
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case str():
            return value + "x"
        case _:
            return b"x"


def test_an_undamaged_store_is_read(folder: Path, story: FloorHarness) -> None:
    assert start(folder).floors[1] == story.floor


@pytest.mark.parametrize("column", ["restaurant_id", "kind", "id", "version", "checksum", "image"])
def test_a_changed_value_in_any_row_is_found(folder: Path, column: str) -> None:
    for rowid, value in sql(folder, f"SELECT rowid, {column} FROM entity"):
        sql(folder, f"UPDATE entity SET {column} = ? WHERE rowid = ?", another(value), rowid)
        with pytest.raises(DamageError, match=r"the row of .+ fails its checksum"):
            start(folder)
        sql(folder, f"UPDATE entity SET {column} = ? WHERE rowid = ?", value, rowid)
    start(folder)


@pytest.mark.parametrize("column", ["time", "checksum", "key", "digest", "changes", "answer"])
def test_a_changed_value_in_any_commit_of_the_log_is_found(folder: Path, column: str) -> None:
    for position, value in sql(folder, f"SELECT position, {column} FROM log"):
        wrong = "x" if column == "key" else another(value)
        sql(folder, f"UPDATE log SET {column} = ? WHERE position = ?", wrong, position)
        with pytest.raises(DamageError, match=r"revision \d+ of restaurant \d fails its checksum in the log"):
            start(folder)
        sql(folder, f"UPDATE log SET {column} = ? WHERE position = ?", value, position)
    start(folder)


def test_every_flipped_byte_of_an_image_is_found_and_its_row_named(folder: Path, story: FloorHarness) -> None:
    guest = next(iter(story.floor.guests.values()))
    image = image_of(guest)
    for at in range(len(image)):
        wrong = image[:at] + bytes([image[at] ^ 0x20]) + image[at + 1 :]
        sql(folder, "UPDATE entity SET image = ? WHERE kind = 'guest' AND id = ?", wrong, guest.id)
        with pytest.raises(DamageError, match=f"guest {guest.id} of restaurant 1"):
            start(folder)


@pytest.mark.parametrize("back", [1, 2, 10])
def test_a_gap_in_the_log_is_found_and_named(folder: Path, story: FloorHarness, back: int) -> None:
    gone = story.floor.revision - back
    sql(folder, "DELETE FROM log WHERE position = ?", position_of(1, gone))
    with pytest.raises(DamageError, match=f"gap: revision {gone} of restaurant 1 is missing"):
        start(folder)


def test_a_commit_from_before_the_one_that_it_follows_is_found(folder: Path, story: FloorHarness) -> None:
    """Its checksum is right: a page of another history was written here."""
    position = position_of(1, story.floor.revision)
    [(changes,)] = sql(folder, "SELECT changes FROM log WHERE position = ?", position)
    checksum = log_checksum(position, START, None, None, changes, None)
    sql(folder, "UPDATE log SET time = ?, checksum = ? WHERE position = ?", START, checksum, position)
    with pytest.raises(DamageError, match="committed before the one that it follows"):
        start(folder)


def test_a_log_that_ends_before_the_rows_is_found(folder: Path, story: FloorHarness) -> None:
    revision = story.floor.revision
    sql(folder, "DELETE FROM log WHERE position = ?", position_of(1, revision))
    with pytest.raises(DamageError, match=f"row of revision {revision}, its log ends at {revision - 1}"):
        start(folder)


def test_a_log_that_lost_the_commit_of_a_removal_is_found(folder: Path, story: FloorHarness) -> None:
    sql(folder, "DELETE FROM log WHERE position = ?", position_of(1, story.floor.revision))
    with pytest.raises(DamageError, match="restaurant 1"):
        start(folder)


def test_rows_without_any_log_are_found(folder: Path) -> None:
    sql(folder, "DELETE FROM log WHERE position > ?", position_of(1, 0))
    with pytest.raises(DamageError, match="and no log"):
        start(folder)


def test_a_lost_row_is_found(folder: Path, story: FloorHarness) -> None:
    for guest_id in story.floor.guests:
        [row] = sql(folder, "SELECT * FROM entity WHERE kind = 'guest' AND id = ?", guest_id)
        sql(folder, "DELETE FROM entity WHERE kind = 'guest' AND id = ?", guest_id)
        with pytest.raises(DamageError, match=f"guest {guest_id} of restaurant 1 is not as revision"):
            start(folder)
        sql(folder, "INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?)", *row)


def test_a_row_that_came_back_as_it_once_was_is_found(folder: Path, story: FloorHarness) -> None:
    """A page that was not written passes every checksum."""
    stale = next(images[0] for (kind, _), images in story.images.items() if kind == "table" and len(images) > 1)
    assert isinstance(stale, Table)
    image = image_of(stale)
    checksum = row_checksum(1, "table", stale.id, stale.version, image)
    sql(
        folder,
        "UPDATE entity SET version = ?, checksum = ?, image = ? WHERE kind = 'table' AND id = ?",
        *(stale.version, checksum, image, stale.id),
    )
    with pytest.raises(DamageError, match=f"table {stale.id} of restaurant 1 is not as revision"):
        start(folder)


def test_a_row_that_the_log_does_not_know_is_found(folder: Path, story: FloorHarness) -> None:
    stranger = Guest(id="stranger", first_name="Ada", party_size=2, version=story.floor.revision)
    image = image_of(stranger)
    checksum = row_checksum(1, "guest", stranger.id, stranger.version, image)
    sql(folder, "INSERT INTO entity VALUES (1, 'guest', 'stranger', ?, ?, ?)", stranger.version, checksum, image)
    with pytest.raises(DamageError, match=r"guest stranger .+ does not name it in the log"):
        start(folder)


def test_rows_of_a_restaurant_that_does_not_exist_are_found(folder: Path) -> None:
    stranger = Guest(id="stranger", first_name="Ada", party_size=2, version=1)
    image = image_of(stranger)
    checksum = row_checksum(7, "guest", stranger.id, 1, image)
    sql(folder, "INSERT INTO entity VALUES (7, 'guest', 'stranger', 1, ?, ?)", checksum, image)
    with pytest.raises(DamageError, match="restaurant 7 that does not exist"):
        start(folder)


def test_a_restaurant_whose_row_is_lost_is_found(folder: Path) -> None:
    sql(folder, "DELETE FROM entity WHERE kind = 'restaurant'")
    with pytest.raises(DamageError):
        start(folder)


@pytest.mark.parametrize("column", ["id", "revision", "phone", "email"])
def test_a_changed_value_in_a_removal_is_found(folder: Path, column: str) -> None:
    """A wrong id is given again, a wrong revision is missed by a delta, a wrong phone makes it another's visit."""
    [(entity_id, value)] = sql(folder, f"SELECT id, {column} FROM removal ORDER BY revision DESC LIMIT 1")
    sql(folder, f"UPDATE removal SET {column} = ? WHERE id = ?", "x" if value is None else another(value), entity_id)
    with pytest.raises(DamageError):
        start(folder)


def test_a_lost_removal_is_found(folder: Path, story: FloorHarness) -> None:
    sql(folder, "DELETE FROM removal WHERE revision = ?", story.floor.revision)
    with pytest.raises(DamageError):
        start(folder)


def test_only_the_newest_part_of_the_log_is_held_against_the_rows(
    folder: Path, story: FloorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "COMPARED_MAX", 5)
    sql(folder, "UPDATE log SET checksum = 0 WHERE position = ?", position_of(1, story.floor.revision - 5))
    assert start(folder).floors[1] == story.floor
    sql(folder, "UPDATE log SET checksum = 0 WHERE position = ?", position_of(1, story.floor.revision - 4))
    with pytest.raises(DamageError, match="fails its checksum in the log"):
        start(folder)


def test_a_log_whose_old_end_was_pruned_is_read(folder: Path, story: FloorHarness) -> None:
    revision = story.floor.revision
    sql(folder, "DELETE FROM log WHERE position BETWEEN ? AND ?", position_of(1, 1), position_of(1, revision - 4))
    assert start(folder).floors[1] == story.floor


def bits(folder: Path, many: int | None) -> Iterator[tuple[int, int]]:
    """Bits of the pages that hold rows and log: all of them, or some picked by a seeded Random."""
    [(pages,)] = sql(folder, "PRAGMA page_count")
    every = range(PAGE_BYTES * 8, pages * PAGE_BYTES * 8)
    for bit in every if many is None else Random(7).sample(every, many):
        yield bit // 8, 1 << bit % 8


def told(folder: Path, expected: Loaded) -> str | None:
    """What is wrong with a start on a damaged file: None where it says so, or reads all as it was."""
    try:
        found = start(folder)
    except (DamageError, StorageFailedError):
        return None
    except Exception as fault:  # noqa: BLE001 (any other is what is looked for)
        return f"ended with {fault!r}"
    parts = ("directory", "floors", "keys")
    wrong = [part for part in parts if getattr(found, part) != getattr(expected, part)]
    return f"read other {wrong}" if wrong else None


def assert_found_or_harmless(folder: Path, scratch: Path, many: int | None) -> None:
    """With any one bit of the file flipped, a start either says so or reads all as it was."""
    whole, expected = checkpointed(folder).read_bytes(), start(folder)
    missed: list[str] = []
    for number, (at, bit) in enumerate(bits(folder, many)):
        here = scratch / str(number)
        here.mkdir()
        (here / DATABASE).write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        if (wrong := told(here, expected)) is not None:
            missed.append(f"byte {at % PAGE_BYTES} of page {at // PAGE_BYTES + 1}, bit {bit:#x}: {wrong}")
        shutil.rmtree(here)
    assert missed == []


def varint(number: int) -> bytes:
    """A number of up to 56 bits as SQLite writes it (the file format, section 1.6)."""
    septets = [number >> shift & 0x7F for shift in range(49, -1, -7)]
    while septets[0] == 0:
        del septets[0]
    return bytes([*(septet | 0x80 for septet in septets[:-1]), septets[-1]])


@pytest.mark.parametrize("back", [0, 1, 5])
def test_a_flipped_bit_in_the_key_of_a_commit_is_found(folder: Path, story: FloorHarness, back: int) -> None:
    """The commit stands where it did, under a number far from its own, and a search between the two finds nothing."""
    path = checkpointed(folder)
    whole = path.read_bytes()
    keys = [varint(position_of(1, revision)) for revision in range(story.floor.revision, 0, -1)]
    key = [one for one in keys if whole.count(one) == 1][back]  # some stand in the tree's upper pages as well
    at = whole.index(key)
    silent: list[str] = []
    for bit in range(7 * len(key)):
        byte = at + len(key) - 1 - bit // 7
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1 << bit % 7]) + whole[byte + 1 :])
        wal_path(folder).unlink(missing_ok=True)
        try:
            found = start(folder).floors[1]
        except (DamageError, StorageFailedError):  # found by the hub, or by SQLite
            continue
        silent.append(f"bit {bit}: revision {found.revision}, committed at {found.time}")
    assert silent == []


def test_a_flipped_bit_anywhere_in_the_file_is_found_or_changes_nothing(folder: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "flips"
    scratch.mkdir()
    assert_found_or_harmless(folder, scratch, 150)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_flipped_bit_of_the_file_is_found_or_changes_nothing(folder: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "flips"
    scratch.mkdir()
    assert_found_or_harmless(folder, scratch, None)


def zero_a_page(number: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        whole = path.read_bytes()
        at = number * PAGE_BYTES
        path.write_bytes(whole[:at] + bytes(PAGE_BYTES) + whole[at + PAGE_BYTES :])

    return damage


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES])


def cut_to_nothing(path: Path) -> None:
    path.write_bytes(b"")


def lose(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [cut_in_half, cut_to_nothing, lose, *(zero_a_page(number) for number in range(8))],
    ids=["half", "nothing", "lost", *(f"page{number + 1}" for number in range(8))],
)
def test_a_file_that_lost_a_part_is_never_an_empty_floor(
    folder: Path, story: FloorHarness, damage: Callable[[Path], None]
) -> None:
    damage(checkpointed(folder))
    wal_path(folder).unlink(missing_ok=True)
    try:
        found = start(folder)
    except (DamageError, StorageFailedError):
        return
    assert found.floors.get(1) == story.floor, "a hub that begins anew"


def test_an_entity_whose_version_is_not_its_rows_is_found(folder: Path, story: FloorHarness) -> None:
    """The checksum was made over them both, so only a fault of the hub's own could do this."""
    table = next(iter(story.floor.tables.values()))
    image = image_of(structs.replace(table, version=table.version - 1))
    checksum = row_checksum(1, "table", table.id, table.version, image)
    sql(folder, "UPDATE entity SET checksum = ?, image = ? WHERE id = ?", checksum, image, table.id)
    with pytest.raises(DamageError):
        start(folder)


def test_a_damaged_store_opens_no_second_time_either(folder: Path) -> None:
    sql(folder, "UPDATE entity SET checksum = checksum + 1 WHERE kind = 'table'")
    for _ in range(2):
        with pytest.raises(DamageError):
            start(folder)

    async def close() -> None:
        await (await open_writer(folder)).close()

    asyncio.run(close())
