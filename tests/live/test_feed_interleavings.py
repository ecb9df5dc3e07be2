"""The feed under any interleaving of commits, slow links, slow history and requests."""

from __future__ import annotations

import asyncio

import pytest

from restohub.live import feed as feeding
from restohub.wire.socket_state import SendDelta, SendFullSync
from tests.live.feed_harness import settle
from tests.live.test_feed import PONG, stage


async def rehearse(seed: int, steps: int) -> None:
    """Commits, slow links, slow history, requests, joins and leaves, in any order; then all is drained."""
    async with stage(seed) as one:
        random = one.random
        await one.enter("sync")
        await one.enter("sync")
        await one.enter("realtime")
        await one.enter("realtime", None)
        for _ in range(steps):
            cursor, client = random.choice(one.cursors)
            match random.randrange(12):
                case 0 | 1 | 2 | 3:
                    one.happen(random.randrange(1, 6))
                case 4 | 5:
                    client.link.fill()
                case 6:
                    client.link.drain()
                case 7:
                    one.past.hold()
                case 8:
                    one.past.free.set()
                case 9:
                    client.read_all()
                    cursor.request(random.choice((SendDelta(1, client.revision), SendFullSync(1))))
                    cursor.send(PONG)
                case 10 if len(one.cursors) < 8:
                    one.past.free.set()
                    await one.enter(random.choice(("sync", "realtime")))
                case _:
                    one.past.first = min(one.floor.revision, one.past.first + random.randrange(3))
            await settle(random.randrange(4))
            client.read_all()
        one.past.free.set()
        for _, client in one.cursors:
            client.link.drain()
        await settle(100)
        one.assert_agreed()
        assert all(cursor.live for cursor, _ in one.cursors)


@pytest.mark.parametrize("ring_bytes", [0, 8000, 1024 * 1024], ids=["no ring", "small ring", "ring"])
@pytest.mark.parametrize("seed", range(20))
def test_no_interleaving_loses_repeats_or_reorders_a_commit(
    seed: int, ring_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "RING_BYTES_MAX", ring_bytes)
    asyncio.run(rehearse(seed, 150))
