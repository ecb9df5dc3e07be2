"""The cost of a request to its address: one unit, one for each operation, one for each 64 KiB answered."""

from __future__ import annotations

import math

from restohub.floor.outcomes import rate_limited
from restohub.limits import RATE_WAIT_S, UNITS_A_SECOND
from restohub.live.address_usage import Caller
from restohub.wire.problems import Problem


async def pay(caller: Caller, units: int) -> None:
    """Take so many units once the address owes none; raises Problem `rate_limited` where that takes too long."""
    try:
        await caller.pay(units)
    except TimeoutError:
        wait_s = max(1, math.ceil(caller.owes_s()))
        detail = f"This device asks for too much at a time. Nothing was done; it can go on in {wait_s} s."
        hint = f"This address asks for more than {UNITS_A_SECOND} units a second, and waited for {RATE_WAIT_S:.0f} s."
        raise Problem(rate_limited(detail, wait_s, hint)) from None
