"""What is shown as facts: codes that are the URL's, names that harm no terminal, tables that fit."""

from __future__ import annotations

import io
import os
import pty
import unicodedata
from collections.abc import Iterator
from typing import TextIO

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from restohub.cli.hub_table import hub_table
from restohub.cli.qr import qr_lines
from restohub.cli.terminal import print_text
from restohub.net.mdns_discover import FoundHub, State
from restohub.text import printable, width
from tests.cli.pty_terminal import code_of

URL = "http://192.168.1.20:8000/"
IDS = ("01a20459-96ae-7fe3-ae8b-9b68f55edadb", "01a20459-96ae-7fe3-ae8b-9b68f5aaaaaa")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A terminal that has every character and colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize("url", [URL, "http://[fd12:3456:789a:1:abcd:ef01:2345:6789]:18765/", "http://10.0.0.1:80/"])
def test_the_code_that_is_drawn_is_the_url_s(screen: TextIO, url: str) -> None:
    drawn = "\n".join(f"  {line}" for line in qr_lines(url, screen))
    assert code_of(drawn) == [list(row) for row in segno.make_qr(url).matrix]


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_a_terminal_without_colours_gets_no_code(
    screen: TextIO, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert qr_lines(URL, screen) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_blocks_gets_no_code(screen: TextIO, encoding: str) -> None:
    with os.fdopen(os.dup(screen.fileno()), "w", encoding=encoding) as stream:
        assert qr_lines(URL, stream) == []


def test_a_pipe_gets_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert qr_lines(URL, io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == []


@given(st.text(), st.integers(1, 80))
def test_a_name_moves_no_cursor_and_fits(text: str, columns: int) -> None:
    shown = printable(text, columns)
    assert width(shown) <= columns
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


def test_what_an_encoding_does_not_have_is_a_question_mark() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_text("Änna", to=stream)
    stream.seek(0)
    assert stream.read() == "?nna\n"


def a_hub(name: str = "Rossi", of: str = IDS[0], state: State = "healthy", **more: str) -> FoundHub:
    """A hub as it is found."""
    local = more.get("local", "http://restohub-5edadb.local:8000/")
    return FoundHub(name, of, more.get("version", "0.1.0"), [URL], local, state)


def test_two_hubs_of_one_name_are_told_apart_by_their_ids() -> None:
    lines = hub_table([a_hub(of=one) for one in IDS], 200)
    assert [line.split()[-2:] for line in lines] == [["Id", "Answers"], ["5edadb", "yes"], ["aaaaaa", "yes"]]


def test_a_table_that_does_not_fit_stands_one_fact_beneath_the_other() -> None:
    lines = hub_table([a_hub(), a_hub(of=IDS[1])], 80)
    assert max(map(len, lines)) <= 80
    assert [line.split()[-1] for line in lines if line.startswith("Id")] == ["5edadb", "aaaaaa"]
    assert lines.count("") == 1


def test_a_hub_that_does_not_answer_is_explained() -> None:
    assert "switched off" in hub_table([a_hub(state="no answer")], 200)[-1]
    assert "another hub is there" in hub_table([a_hub(state="another hub")], 200)[1]


@given(st.text(), st.text(), st.text(), st.text())
def test_what_a_hostile_neighbour_announces_moves_no_cursor(name: str, of: str, version: str, local: str) -> None:
    for columns in (80, 500):
        lines = hub_table([a_hub(name, of, version=version, local=local)], columns)
        assert all(line.isprintable() for line in lines)
