"""The size of each restaurant's log, in bytes."""

from __future__ import annotations

from restohub.limits import LOG_BYTES_MAX
from restohub.live.ports import History, Oldest

# Rows counted in one query: it holds the connection that all history is read on for a few milliseconds.
ROWS_A_QUERY = 2_000


class LogSize:
    """Counts each log once, and from then on only what is new in it.

    As long as the whole file holds no more than all logs together may, nothing is counted: no log can be too long.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._bytes: dict[int, int] = {}
        self._upto: dict[int, int] = {}

    @property
    def too_large(self) -> bool:
        """Whether all logs together take more than they may."""
        return sum(self._bytes.values()) > LOG_BYTES_MAX

    def largest(self) -> int:
        """The restaurant whose log is the largest."""
        return max(self._bytes, key=self._bytes.__getitem__)

    async def count(self, heads: dict[int, int]) -> None:
        """Count up to these last revisions of each restaurant."""
        if not self._bytes and await self._history.bytes_in_use() <= LOG_BYTES_MAX:
            return
        for restaurant_id in self._bytes.keys() - heads.keys():
            del self._bytes[restaurant_id]
            self._upto.pop(restaurant_id, None)
        for restaurant_id, head in heads.items():
            self._bytes.setdefault(restaurant_id, 0)
            while (upto := self._upto.get(restaurant_id, 0)) < head:
                last, size = await self._history.size_of(restaurant_id, upto, head, ROWS_A_QUERY)
                self._upto[restaurant_id] = last
                self._bytes[restaurant_id] += size

    def pruned(self, restaurant_id: int, commits: list[Oldest]) -> None:
        """Subtract what was pruned from a log."""
        upto = self._upto.get(restaurant_id, 0)
        gone = sum(commit.size for commit in commits if commit.revision <= upto)
        if gone:
            self._bytes[restaurant_id] -= gone
