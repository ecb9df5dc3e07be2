"""The facts of times: what is read, what is written, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restohub.wire.times import EARLIEST, LATEST, read_time, time_text


@given(st.integers(EARLIEST, LATEST - 1))
def test_a_time_that_was_written_reads_as_itself(seconds: int) -> None:
    assert read_time(time_text(seconds)) == seconds


@given(st.integers(EARLIEST, LATEST - 1), st.text("0123456789", min_size=1, max_size=12))
def test_fractions_are_dropped_not_rounded(seconds: int, fraction: str) -> None:
    assert read_time(time_text(seconds).replace("Z", f".{fraction}Z")) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1900-01-01T00:00:00Z", -2_208_988_800),
        ("9998-12-31T23:59:59Z", 253_370_764_799),
    ],
)
def test_an_offset_is_taken_off(text: str, seconds: int) -> None:
    assert read_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-15",
        "2024-01-15T10:30:00",
        "2024-01-15T10:30Z",
        "2024-01-15 10:30:00Z",
        "2024-02-30T10:30:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:30:61Z",
        "2024-01-15T10:30:00+0100",
        "2024-01-15T10:30:00+25:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "٢٠٢٤-01-15T10:30:00Z",
        " 2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00Z\n",
    ],
)
def test_what_is_no_rfc_3339_date_time_with_an_offset_is_refused(text: str) -> None:
    assert read_time(text) is None
