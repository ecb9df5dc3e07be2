"""The minimum rate of a request: weak Wi-Fi may be slow, but bytes must keep coming."""

from __future__ import annotations

from restohub.floor.outcomes import Refused
from restohub.limits import REQUEST_WAIT_S, UPLOAD_BYTES_A_SECOND, UPLOAD_WAIT_S

TOO_SLOW = Refused(
    "request_timeout",
    hint=f"The request came too slowly: from its {REQUEST_WAIT_S:.0f}th second on it must have brought "
    f"{UPLOAD_BYTES_A_SECOND // 1000} KB a second on average, and be whole after {UPLOAD_WAIT_S:.0f} s. "
    "Send it again, with the same `Idempotency-Key`, or in smaller parts.",
)


def is_too_slow(received: int, lasted_s: float) -> bool:
    """Whether a request is given up that has brought so many bytes, and is not whole, so long after its first one."""
    return lasted_s >= UPLOAD_WAIT_S or (lasted_s >= REQUEST_WAIT_S and received < UPLOAD_BYTES_A_SECOND * lasted_s)
