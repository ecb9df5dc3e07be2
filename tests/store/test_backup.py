"""The making of backups: a copy that equals its source, a file that hides no flipped bit, and which ones are kept."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from restohub.live.ports import DAY_S
from restohub.store import backup_folder
from restohub.store.backup import Made, Wish, make_backup
from restohub.store.backup_file import BackupError, Manifest, pack, read_header, unpack
from restohub.store.backup_folder import Backup, found_in, next_name, own_folder, place_folder, set_aside, surplus
from restohub.store.codec import DamageError, name_checksum
from restohub.store.data_folder import DATABASE, FolderLock, ServedError
from restohub.store.erasure_list import FILE as ERASURES
from restohub.store.erasure_list import ListError
from restohub.store.restore import check_backup, restore
from restohub.store.schema import FormatError
from tests.faults.disk_fault_checks import rows
from tests.floor.floor_harness import START
from tests.store.database_files import checkpointed, fill, sql
from tests.store.test_round_trip import tell_randomly

NOW = START + 10 * DAY_S
FLIPS = 60


def unhurried(_done: int) -> None:
    """Rest not at all."""


def filled(folder: Path) -> Path:
    """A data folder with a story in it."""
    folder.mkdir(parents=True)
    asyncio.run(fill(folder, tell_randomly(3, 60)))
    return folder


def backed_up(data: Path, now: int = NOW, places: tuple[Path, ...] = (), new_places: tuple[Path, ...] = ()) -> Made:
    """A backup of a stopped hub's folder."""
    return make_backup(Wish(data, now, "1.2.3", 28, places, new_places), unhurried)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data")


def test_a_backup_holds_every_row_and_gunzip_opens_it(data: Path, tmp_path: Path) -> None:
    made = backed_up(data)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / DATABASE).write_bytes(gzip.decompress(made.path.read_bytes()))
    assert rows(tmp_path / "copy") == rows(data)
    assert (made.manifest.time, made.manifest.version, made.manifest.hub) == (NOW, "1.2.3", "install")
    assert made.manifest.revisions == len(rows(data)["log"])


def test_a_backup_leaves_the_database_and_its_log_as_they_were(data: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    backed_up(data)
    assert {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()} == before
    assert [path.name for path in own_folder(data).iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("beside_hub", [True, False])
def test_what_a_killed_hub_left_of_its_backup_keeps_no_hub_from_starting(data: Path, beside_hub: bool) -> None:
    free: list[bool] = []
    with FolderLock(data):
        pass  # the file that a hub locks is there

    def start(_done: int) -> None:
        try:
            with FolderLock(data):
                free.append(True)
        except ServedError:
            free.append(False)

    make_backup(Wish(data, NOW, "1.2.3", 28, beside_hub=beside_hub), start)
    assert len(free) > 1
    assert all(free) is beside_hub, "a person's backup of a hub that is stopped keeps it so while it is copied"


def test_what_a_cut_off_run_left_in_the_log_is_in_the_backup(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / DATABASE, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO hub VALUES ('probe', 'late', 0)")
        for path in [*data.glob(f"{DATABASE}*")]:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    cut = tmp_path / "cut"
    cut.mkdir()
    for path in tmp_path.glob(f"{DATABASE}*"):
        if not path.name.endswith("-shm"):
            path.replace(cut / path.name)
    made = backed_up(cut)
    unpack(made.path, tmp_path / "unpacked.db", unhurried)
    with closing(sqlite3.connect(tmp_path / "unpacked.db")) as database:
        assert database.execute("SELECT value FROM hub WHERE name = 'probe'").fetchall() == [("late",)]


def test_damaged_data_are_never_called_a_backup(data: Path) -> None:
    good = backed_up(data).path
    sql(data, "UPDATE entity SET version = version + 1 WHERE rowid = 3")
    checkpointed(data)
    with pytest.raises(DamageError):
        backed_up(data)
    assert [path.name for path in own_folder(data).iterdir() if path.suffix == ".gz"] == [good.name]


def test_beside_a_damaged_list_of_erasures_no_backup_is_made(data: Path) -> None:
    own = backed_up(data).path.parent
    (own / ERASURES).write_bytes(b'[{"id": "\xff"}]')
    before = sorted(own.iterdir())
    with pytest.raises(ListError, match="Put another in its place: one lies beside the data,"):
        backed_up(data, NOW + DAY_S)
    assert sorted(own.iterdir()) == before


def test_a_flipped_bit_anywhere_is_refused(data: Path, tmp_path: Path) -> None:
    whole = backed_up(data).path.read_bytes()
    header = read_header(next(own_folder(data).glob("*.gz"))).length
    random = Random(7)
    # Every byte of what the file says of itself and of its end; and a few of the rest.
    offsets = [*range(header), *range(len(whole) - 12, len(whole)), *random.choices(range(len(whole)), k=FLIPS)]
    passed = []
    for number, offset in enumerate(offsets):
        spoilt = bytearray(whole)
        spoilt[offset] ^= 1 << random.randrange(8)
        path = tmp_path / f"{number}.gz"
        path.write_bytes(spoilt)
        try:
            unpack(path, tmp_path / f"{number}.db", unhurried)
            passed.append(offset)
        except BackupError:
            pass
    assert passed == []


@pytest.mark.parametrize("kept", [0, 1, 9, 200, -1, -9, -5000])
def test_a_cut_off_file_is_refused_with_a_sentence_and_the_folder_stays(kept: int, data: Path, tmp_path: Path) -> None:
    whole = backed_up(data).path.read_bytes()
    (tmp_path / "cut.gz").write_bytes(whole[:kept])
    before = rows(data)
    with pytest.raises(BackupError, match=r"damaged|no backup"):
        restore(tmp_path / "cut.gz", data, NOW, unhurried)
    assert rows(data) == before
    assert set_aside(data) == []


def test_bytes_behind_its_end_are_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "long.gz").write_bytes(backed_up(data).path.read_bytes() + b"\0")
    with pytest.raises(BackupError, match="damaged"):
        check_backup(tmp_path / "long.gz", unhurried)


def test_a_restore_brings_back_every_row_under_a_new_epoch_and_sets_the_old_ones_aside(data: Path) -> None:
    before = rows(data)
    made = backed_up(data)
    sql(data, "DELETE FROM log")
    later = rows(data)
    done = restore(made.path, data, NOW, unhurried)
    after = rows(data)
    assert {name: value for name, value, _ in after.pop("hub")} == {
        **{name: value for name, value, _ in before.pop("hub")},
        "mark": "restored",
    }
    assert after == before
    assert done.set_aside is not None
    assert rows(done.set_aside) == later
    assert set_aside(data) == [(done.set_aside, NOW)]


def test_another_hubs_backup_is_refused_where_there_are_data(data: Path, tmp_path: Path) -> None:
    other = filled(tmp_path / "other")
    sql(
        other,
        "UPDATE hub SET value = 'another', checksum = ? WHERE name = 'install_id'",
        name_checksum("install_id", "another"),
    )
    before = rows(data)
    with pytest.raises(BackupError, match="of another hub"):
        restore(backed_up(other).path, data, NOW, unhurried)
    assert rows(data) == before
    restore(backed_up(other).path, tmp_path / "new", NOW, unhurried)
    assert rows(tmp_path / "new")["log"] == rows(other)["log"]


def test_a_place_is_written_only_where_it_was_set_up(data: Path, tmp_path: Path) -> None:
    stick, mount_point = tmp_path / "stick", tmp_path / "empty"
    stick.mkdir()
    mount_point.mkdir()
    made = backed_up(data, new_places=(stick,))
    assert [one.fault for one in made.places] == [None]
    made = backed_up(data, NOW + 1, places=(stick, mount_point, tmp_path / "gone"))
    assert [one.fault is None for one in made.places] == [True, False, False]
    assert list(mount_point.iterdir()) == []
    copy = place_folder(stick, "install") / made.path.name
    assert copy.read_bytes() == made.path.read_bytes()
    assert backup_folder.places_state(data) == made.places


def test_after_a_new_disk_a_place_goes_on_with_its_own_numbers(data: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    for second in range(4):
        backed_up(data, NOW + second, new_places=(stick,))
    for path in own_folder(data).glob("*.gz"):
        path.unlink()
    made = backed_up(data, NOW + 9, places=(stick,))
    newest = found_in(place_folder(stick, "install"))[0]
    assert (newest.number, newest.manifest) == (5, made.manifest)
    assert [one.number for one in found_in(own_folder(data))] == [1]


def listed(*days: float) -> list[Backup]:
    """Good backups of so many days ago, made in this order; the newest first."""
    made = [
        Backup(Path(f"{number}"), number, 1, Manifest("h", int(NOW - ago * DAY_S), 1, 2, "1", 1))
        for number, ago in enumerate(days)
    ]
    return made[::-1]


def kept(found: list[Backup], days: int = 28) -> list[int]:
    """Which of them stay."""
    gone = surplus(found, NOW, days)
    return [one.number for one in found if one not in gone]


def test_seven_days_and_four_weeks_are_kept_and_nothing_older() -> None:
    found = listed(*range(60, -1, -1))
    ages = [60 - number for number in kept(found)]
    assert ages == [0, 1, 2, 3, 4, 5, 6, 9, 16], "the newest of each of 7 days, and of 4 weeks: 0, 2, 9, 16"


def test_the_newest_three_stay_whatever_the_clock_says() -> None:
    assert kept(listed(90, 80, 70, 60)) == [3, 2, 1]
    assert kept(listed(2, 1, -4000, -4001, -4002, -4003)) == [5, 4, 3, 1, 0]
    assert kept(listed(400, 399, 398), days=1) == [2, 1, 0]


def test_a_file_that_is_no_good_counts_for_nothing_and_goes_once_three_good_ones_are_there() -> None:
    bad = Backup(Path("bad"), 99, 0, fault="damaged")
    assert surplus([bad, *listed(0)], NOW, 28) == []
    assert surplus([bad, *listed(2, 1, 0)], NOW, 28) == [bad]


def test_what_was_set_aside_goes_after_a_week(data: Path) -> None:
    made = backed_up(data)
    aside = restore(made.path, data, NOW, unhurried).set_aside
    assert aside is not None
    backed_up(data, NOW + 7 * DAY_S)
    assert aside.exists()
    backed_up(data, NOW + 7 * DAY_S + 1)
    assert not aside.exists()


def test_a_name_follows_all_others(tmp_path: Path) -> None:
    assert next_name(tmp_path, START) == "restohub-backup-000001-20231114-221320.gz"


def test_a_newer_format_is_refused_and_called_that(data: Path, tmp_path: Path) -> None:
    made = backed_up(data)
    newer = structs.replace(made.manifest, format=99)
    unpack(made.path, tmp_path / "newer.db", unhurried)
    with closing(sqlite3.connect(tmp_path / "newer.db", isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")
    pack(tmp_path / "newer.db", tmp_path / "newer.gz", newer, unhurried)
    before = rows(data)
    with pytest.raises(FormatError, match=r"written by a newer restohub .*It is not damaged"):
        restore(tmp_path / "newer.gz", data, NOW, unhurried)
    assert rows(data) == before


def test_a_restore_that_is_refused_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "text.gz").write_text("not a backup")
    with pytest.raises(BackupError, match="no backup of restohub"):
        restore(tmp_path / "text.gz", tmp_path / "new", NOW, unhurried)
    assert not (tmp_path / "new").exists()
