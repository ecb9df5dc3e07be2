"""Encrypted backups: opened by their key, here and with the program `age`, and by nothing else."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from restohub.store.backup import Made, Wish, make_backup
from restohub.store.backup_file import BackupError, check_bytes, description_path, read_header
from restohub.store.backup_folder import found_in, own_folder, place_folder
from restohub.store.data_folder import DATABASE
from restohub.store.encryption import KeyPair, encrypt, new_pair
from restohub.store.restore import check_backup, manifest_of, restore
from tests.faults.disk_fault_checks import rows
from tests.faults.loaded_hub import left
from tests.faults.strace_run import need
from tests.store.test_backup import NOW, filled, unhurried

PAIR = new_pair()
FLIPS = 60


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return kept(tmp_path / "key.txt", PAIR)


def kept(file: Path, pair: KeyPair) -> Path:
    """A file of a secret key, as `age-keygen` writes one."""
    file.write_text(f"# public key: {pair.public}\n{pair.secret}\n")
    return file


def sealed(data: Path, now: int = NOW, places: tuple[Path, ...] = ()) -> Made:
    """An encrypted backup of a stopped hub's folder."""
    return make_backup(Wish(data, now, "1.2.3", 28, new_places=places, key=PAIR.public), unhurried)


def test_a_restore_with_the_key_brings_back_every_row(data: Path, tmp_path: Path, key: Path) -> None:
    made = sealed(data)
    assert made.path.suffix == ".age"
    assert check_backup(made.path, unhurried, key) == made.manifest
    restore(made.path, tmp_path / "new", NOW, unhurried, key)
    assert rows(tmp_path / "new")["log"] == rows(data)["log"]
    assert [path.name for path in (tmp_path / "new").glob(".partial*")] == []


def test_the_program_age_opens_it(data: Path, tmp_path: Path, key: Path) -> None:
    packed = subprocess.run([need("age"), "-d", "-i", key, sealed(data).path], capture_output=True, check=True).stdout
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / DATABASE).write_bytes(gzip.decompress(packed))
    assert rows(tmp_path / "copy") == rows(data)


def test_it_is_listed_checked_and_removed_without_the_key(data: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    for second in range(5):
        made = sealed(data, NOW + second, (stick,))
        assert [one.fault for one in made.places] == [None]
    for folder in (own_folder(data), place_folder(stick, "install")):
        found = found_in(folder)
        assert [one.number for one in found] == [5, 4, 3]
        assert found[0].manifest == made.manifest
        assert check_bytes(found[0].path) == made.manifest
        described = {description_path(one.path).name for one in found}
        assert left(folder) == described


def test_nothing_in_it_can_be_read(data: Path) -> None:
    made = sealed(data).path
    written = made.read_bytes() + description_path(made).read_bytes()
    assert b"SQLite" not in written
    assert b"\x1f\x8b" not in made.read_bytes()[:2]
    assert PAIR.secret.encode() not in b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_a_description_that_is_lost_costs_the_listing_alone(data: Path, tmp_path: Path, key: Path) -> None:
    made = sealed(data)
    description_path(made.path).unlink()
    [one] = found_in(own_folder(data))
    assert one.fault is not None
    assert "its description" in one.fault
    assert manifest_of(made.path, key) == made.manifest
    restore(made.path, tmp_path / "new", NOW, unhurried, key)
    assert rows(tmp_path / "new")["log"] == rows(data)["log"]


def test_a_description_without_its_backup_is_swept_up(data: Path) -> None:
    made = sealed(data)
    made.path.unlink()
    sealed(data, NOW + 1)
    assert len(list(own_folder(data).glob("*.about"))) == 1


def refused(file: Path, data: Path, key: Path | None, match: str) -> None:
    """Both ways to use a backup refuse it, and the folder is as it was."""
    before = rows(data)
    with pytest.raises(BackupError, match=match):
        check_backup(file, unhurried, key)
    with pytest.raises(BackupError, match=match):
        restore(file, data, NOW, unhurried, key)
    assert rows(data) == before
    assert {path for path in data.iterdir() if path.is_dir()} <= {own_folder(data)}


def test_without_the_key_or_with_another_it_is_refused(data: Path, tmp_path: Path, key: Path) -> None:
    made = sealed(data).path
    refused(made, data, None, "is encrypted")
    refused(made, data, kept(tmp_path / "other", new_pair()), "another key")
    refused(made, data, tmp_path / "none", "cannot be read")
    key.write_text(PAIR.public)
    refused(made, data, key, "no whole secret key")
    key.write_text(PAIR.secret[:-1])
    refused(made, data, key, "no whole secret key")


@pytest.mark.parametrize("kept_bytes", [25, 100, 250, -1, -17, -300])
def test_a_cut_off_one_is_refused(kept_bytes: int, data: Path, tmp_path: Path, key: Path) -> None:
    (tmp_path / "cut.gz.age").write_bytes(sealed(data).path.read_bytes()[:kept_bytes])
    refused(tmp_path / "cut.gz.age", data, key, "damaged")


def test_bytes_behind_its_end_are_refused(data: Path, tmp_path: Path, key: Path) -> None:
    (tmp_path / "long.gz.age").write_bytes(sealed(data).path.read_bytes() + b"\0")
    refused(tmp_path / "long.gz.age", data, key, "damaged")


def test_a_flipped_bit_anywhere_is_refused(data: Path, tmp_path: Path, key: Path) -> None:
    whole = sealed(data).path.read_bytes()
    random = Random(7)
    passed = []
    for offset in [*range(250), *random.choices(range(len(whole)), k=FLIPS)]:
        spoilt = bytearray(whole)
        spoilt[offset] ^= 1 << random.randrange(8)
        path = tmp_path / "spoilt.gz.age"
        path.write_bytes(spoilt)
        try:
            check_backup(path, unhurried, key)
            passed.append(offset)
        except BackupError:
            pass
    assert passed == []


def test_what_is_encrypted_to_the_key_but_no_backup_is_refused(data: Path, tmp_path: Path, key: Path) -> None:
    (tmp_path / "letter").write_text("Dear Ada, " * 1000)
    encrypt(tmp_path / "letter", tmp_path / "letter.age", PAIR.public, unhurried)
    refused(tmp_path / "letter.age", data, key, r"letter\.age is no backup")


def test_a_key_that_is_misspelled_stops_the_backup_before_it_begins(data: Path) -> None:
    other = "q" if PAIR.public[-1] != "q" else "p"
    with pytest.raises(BackupError, match="misspelled"):
        make_backup(Wish(data, NOW, "1.2.3", 28, key=PAIR.public[:-1] + other), unhurried)
    assert not own_folder(data).exists()


def test_a_hundred_megabytes_take_little_memory(tmp_path: Path, key: Path) -> None:
    plain = tmp_path / "plain"
    with plain.open("wb") as file:
        for number in range(100):
            file.write(bytes([number]) * 1_000_000)
    program = (
        "import resource, sys; from pathlib import Path; from restohub.store.encryption import *\n"
        "plain, sealed, back = (Path(one) for one in sys.argv[1:4])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "encrypt(plain, sealed, sys.argv[4], lambda done: None)\n"
        "decrypt(sealed, back, secret_keys(Path(sys.argv[5])), lambda done: None)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    files = [str(tmp_path / name) for name in ("plain", "sealed", "back")]
    command = [sys.executable, "-c", program, *files, PAIR.public, str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (tmp_path / "back").read_bytes() == plain.read_bytes()
    assert int(done.stdout) < 16_000


def test_one_that_was_made_before_there_was_a_key_needs_none(data: Path, key: Path) -> None:
    plain = make_backup(Wish(data, NOW, "1.2.3", 28), unhurried)
    sealed(data, NOW + 1)
    assert [one.manifest is not None for one in found_in(own_folder(data))] == [True, True]
    assert check_backup(plain.path, unhurried, key) == read_header(plain.path).manifest
