"""The note in the data folder as facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from restohub.live.hub_address import Endpoint
from restohub.net.runfile import RUNFILE, read_runfile, write_runfile

PLACE = Endpoint("01a20459-96ae-7fe3-ae8b-9b68f55edadb", "Trattoria Änna", "::", 8000, None, True)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_runfile(tmp_path, PLACE)
    assert read_runfile(tmp_path) == PLACE
    assert [path.name for path in tmp_path.iterdir()] == [RUNFILE]


def test_a_folder_that_takes_no_note_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    write_runfile(tmp_path / "file", PLACE)
    assert "`restohub where` will not find this hub" in caplog.text


@pytest.mark.parametrize("text", [b"", b"\x00" * 100, b"\xff", b'{"id": 1}', b'{"id"', b"[" * 100_000])
def test_a_note_that_a_power_cut_spoiled_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / RUNFILE).write_bytes(text)
    assert read_runfile(tmp_path) is None


def test_where_there_is_no_folder_there_is_no_note(tmp_path: Path) -> None:
    assert read_runfile(tmp_path / "none") is None
    (tmp_path / "file").write_text("")
    assert read_runfile(tmp_path / "file") is None
