"""How slowly a request may come, by its bytes and seconds."""

from __future__ import annotations

from math import ceil

import pytest

from restohub.limits import BATCH_BYTES_MAX, HEAD_BYTES_MAX, REQUEST_WAIT_S, UPLOAD_BYTES_A_SECOND, UPLOAD_WAIT_S
from restohub.web.transport.minimum_rate import is_too_slow
from restohub.web.transport.pending_bodies import UNCOUNTED_BYTES

KIB = 1024


@pytest.mark.parametrize(
    ("received", "lasted_s", "too_slow"),
    [
        (0, 0, False),
        (0, 9.9, False),
        (0, 10, True),
        (159_999, 10, True),
        (160_000, 10, False),
        (160_000, 10.1, True),
        (320_000, 20, False),
        (319_999, 20, True),
        (1_199_000, 74.9, False),
        (10**9, 75, True),
    ],
)
def test_from_the_tenth_second_16_kb_a_second_on_average_and_75_s_at_most(
    received: int, lasted_s: float, too_slow: bool
) -> None:
    assert is_too_slow(received, lasted_s) == too_slow


@pytest.mark.parametrize(
    ("size", "bytes_a_second"),
    [(529 * KIB, 50_000), (BATCH_BYTES_MAX, 50_000), (BATCH_BYTES_MAX, UPLOAD_BYTES_A_SECOND), (100 * KIB, 11_000)],
)
def test_whatever_is_legal_comes_through_at_a_steady_pace(size: int, bytes_a_second: int) -> None:
    at_s = [tenth / 10 for tenth in range(1_000)]
    under_way = [second for second in at_s if bytes_a_second * second < size]
    assert under_way[-1] < UPLOAD_WAIT_S
    assert not any(is_too_slow(ceil(bytes_a_second * second), second) for second in under_way)


@pytest.mark.parametrize("size", [HEAD_BYTES_MAX, UNCOUNTED_BYTES])
def test_a_head_and_what_is_not_counted_among_unfinished_bodies_end_after_ten_seconds(size: int) -> None:
    assert is_too_slow(size, REQUEST_WAIT_S)
