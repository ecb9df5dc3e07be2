"""The memory that unfinished requests take, and which of them is refused when it is too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from restohub.floor.outcomes import Refused
from restohub.limits import BODIES_BYTES_AN_ADDRESS, BODIES_BYTES_MAX, HEAD_BYTES_MAX, SMALL_BODY_BYTES
from restohub.live.address_usage import Caller

MB = 1_000_000
# What is weighed is all of a request that came: a small body, with a head of any size, is never in anybody's way.
UNCOUNTED_BYTES = SMALL_BODY_BYTES + HEAD_BYTES_MAX
ALL_BODIES = Refused(
    "busy",
    hint=f"Your address has more than {BODIES_BYTES_AN_ADDRESS // MB} MB of requests under way that are not whole. "
    "Send them one after the other.",
)
FULL_OF_BODIES = Refused("busy", hint="The hub has too many large requests under way. Send it again in a second.")


class Upload(Protocol):
    """A connection on which a large request is under way."""

    caller: Caller

    def give_up(self, why: Refused) -> None:
        """Refuse the request, and forget what came of it."""


class Bodies:
    """The large requests that are not whole yet. A small one always passes, and is not even counted."""

    def __init__(self) -> None:
        self.total = 0
        self._sizes: dict[Upload, int] = {}

    def weigh(self, upload: Upload, size: int) -> bool:
        """A request has grown to this size; 0 once it is whole or has ended. Say whether it is counted."""
        if size <= UNCOUNTED_BYTES:
            size = 0
        counted = self._sizes.pop(upload, 0)
        if size:
            self._sizes[upload] = size
        caller = upload.caller
        caller.body_bytes += size - counted
        self.total += size - counted
        if size > counted:
            if caller.body_bytes > BODIES_BYTES_AN_ADDRESS and not caller.shared:
                self._end_largest((one for one in self._sizes if one.caller is caller), ALL_BODIES)
            if self.total > BODIES_BYTES_MAX:
                most = max((one.caller for one in self._sizes), key=lambda one: one.body_bytes)
                self._end_largest((one for one in self._sizes if one.caller is most), FULL_OF_BODIES)
        return upload in self._sizes

    def _end_largest(self, uploads: Iterable[Upload], why: Refused) -> None:
        largest = max(uploads, key=self._sizes.__getitem__)
        self.weigh(largest, 0)
        largest.give_up(why)
