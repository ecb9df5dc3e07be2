"""Tables for a spreadsheet: no text in them is a formula, and what a report says is in its table."""

from __future__ import annotations

import csv
import io

import pytest

from restohub.floor.visits import Served
from restohub.reports.spreadsheet import REPORT_COLUMNS, harmless, report_csv, rows_as_csv, visit_cells
from tests.reports.test_night import EVENING, report, visit


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+39 06",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\tx",
        "\rx",
        "\nx",
        " =1",
        "  @x",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "=cmd|' /C calc'!A0",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["Ada", "3-4", "O'Neill", "", -3, 0, None, "a=b"])
def test_any_other_cell_stays_as_it_is(cell: str | int | None) -> None:
    assert harmless(cell) == cell


def test_a_cell_keeps_what_is_in_it() -> None:
    rows = [['a "quoted" one', "two\nlines", "comma, semicolon;", "naïve ☕"]]
    assert list(csv.reader(io.StringIO(rows_as_csv(rows), newline=""))) == rows
    assert rows_as_csv([[True, False, ("nuts", "milk")]]) == 'yes,no,"nuts, milk"\r\n'


def test_a_report_as_a_table_has_every_number_and_a_mark_for_excel() -> None:
    served = Served("7", 4, "=Terrace", "Mia")
    waited = {"quoted_wait": 20, "check_in_time": EVENING - 1500}
    found = report(
        visit(served=served, seated_time=EVENING, ended=EVENING + 4800, party_size=3, **waited),
        *(visit(status=status, party_size=size) for status, size in (("no_show", 4), ("cancelled", 5), ("left", 6))),
    )
    body = report_csv(found)
    assert body.startswith(b"\xef\xbb\xbfpart,")
    heading, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    assert tuple(heading) == REPORT_COLUMNS
    assert {len(row) for row in rows} == {len(REPORT_COLUMNS)}
    told = {(row[0], row[1]): dict(zip(heading, row, strict=True)) for row in rows}
    names = ("finished", "walk-ins", "reservations", "no-shows", "cancelled", "left")
    assert [told[name, "2026-11-27"]["covers"] for name in names] == ["3", "3", "0", "4", "5", "6"]
    assert [told["quotes", name]["parties"] for name in ("sooner", "on time", "later")] == ["0", "1", "0"]
    hour = told["waits by hour", "2026-11-27T17:00:00Z"]
    for row in (told["waits", "2026-11-27"], told["waits by size", "3-4"], hour):
        assert (row["parties"], row["quoted"], row["actual"]) == ("1", "20", "25")
    assert told["turns by size", "3-4"]["median"] == "80"
    assert told["covers by quarter hour", "2026-11-27T18:00:00Z"]["covers"] == "3"
    assert sum(row[0] == "covers by quarter hour" for row in rows) == 96
    assert told["section", "'=Terrace"]["parties"] == "1"
    assert told["tables used", "1"]["chairs"] == "4"


def test_a_visit_as_a_row_says_nothing_of_contacts() -> None:
    cells = visit_cells(1, visit(phone="hash of a phone", email="hash of a mail", served=Served("7", 4)))
    assert not {"hash of a phone", "hash of a mail"} & {*cells}
    assert cells[2] == "2026-11-27T18:00:00Z"
