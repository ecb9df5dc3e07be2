"""Which claims to hold more than the hub are believed."""

from __future__ import annotations

import pytest

from restohub.limits import CLAIM_EVERY_S
from restohub.live.client_ahead import doubt
from restohub.live.epoch import BEGAN, PUT_BACK, Epoch
from restohub.live.ports import REVISION_MAX

NOW = 1_700_000_000
DAY_S = int(CLAIM_EVERY_S)


def test_the_first_claim_is_believed() -> None:
    assert doubt(Epoch("e"), 7, NOW) is None
    assert doubt(Epoch("e"), REVISION_MAX, NOW) is None


def test_a_revision_that_the_store_cannot_hold_is_not() -> None:
    assert "no hub ever had" in str(doubt(Epoch("e"), REVISION_MAX + 1, NOW))


@pytest.mark.parametrize(("ago_s", "believed"), [(0, False), (DAY_S - 1, False), (DAY_S, True), (-400 * DAY_S, True)])
def test_a_second_claim_is_believed_after_a_day(ago_s: int, believed: bool) -> None:
    """In the future: the clock was ahead then, and was set right."""
    assert (doubt(Epoch("e", claimed_at=NOW - ago_s), 7, NOW) is None) == believed


def test_none_is_believed_of_an_epoch_that_began_in_this_run() -> None:
    assert "within a run nothing is lost" in str(doubt(Epoch("e", PUT_BACK), 7, NOW))
    present = Epoch("e")
    present.begin("f", f"Why. {BEGAN}")
    assert doubt(present, 7, NOW) is not None


def test_a_claim_is_warned_of_for_a_day_beside_what_else_is_wrong() -> None:
    present = Epoch("e", PUT_BACK)
    present.clock = "The clock."
    present.doubt("A client says.", 100.0)
    assert present.warnings(100.0 + CLAIM_EVERY_S - 1) == [PUT_BACK, "A client says.", "The clock."]
    assert present.warnings(100.0 + CLAIM_EVERY_S) == [PUT_BACK, "The clock."]
