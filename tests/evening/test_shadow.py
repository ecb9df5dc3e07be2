"""The proof that the browser's shadow floor sees what it is there to see: breaches, seeded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Hub
from tests.evening.chromium import Chromium, chromium

Message = dict[str, Any]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("shadow") / "chromium") as running:
        yield running


def guest(guest_id: str, table_id: str | None = None) -> Message:
    """A change that makes a guest."""
    return {"entity_type": "guest", "entity_id": guest_id, "data": {"id": guest_id, "tableId": table_id}}


def whole(revision: int, *changes: Message, **other: Any) -> Message:
    """A commit on top of the one before it."""
    numbers = {"revision": revision, "previous_revision": revision - 1, "part": 1, "parts": 1}
    return {"type": "delta_update", **numbers, "changes": changes, **other}


WELL: dict[str, list[Message]] = {
    "two commits": [whole(1, guest("g1")), whole(2, guest("g2"))],
    "two parts": [whole(1, guest("g1"), parts=2), whole(1, guest("g2"), part=2, parts=2)],
    "a delta over several": [whole(5, guest("g1"), previous_revision=0)],
}
BREACHES: dict[str, list[Message]] = {
    "a gap": [whole(2, guest("g1"))],
    "a repeat": [whole(1, guest("g1")), whole(1, guest("g1"))],
    "half a transaction": [whole(1, guest("g1", "t1"))],
    "a part missing": [whole(1, guest("g1"), part=2, parts=2)],
    "a commit between two parts": [whole(1, guest("g1"), parts=2), whole(2, guest("g2"))],
    "an unknown type": [{"type": "dessert"}],
    "a ping that knows more": [{"type": "ping", "revision": 3}],
}


def faults(hub: Hub, browser: Chromium, messages: list[Message]) -> int:
    """How many of these messages the shadow found fault with."""

    async def told() -> int:
        async with browser.page(f"{hub.url}/health") as page:
            url = f"{hub.ws_url}/realtime?restaurant_id={hub.new_restaurant()}"
            await page.run(f"shadows.push(new Shadow({json.dumps(url)})); shadows[0].greeted")
            for message in messages:
                await page.run(f"shadows[0].socket.onmessage({{ data: {json.dumps(json.dumps(message))} }})")
            return len((await page.run("shadows[0].at(0, 0)"))["faults"])

    return asyncio.run(told())


@pytest.mark.parametrize("breach", BREACHES)
def test_the_shadow_sees_a_breach(hub: Hub, browser: Chromium, breach: str) -> None:
    assert faults(hub, browser, BREACHES[breach]) == 1


@pytest.mark.parametrize("case", WELL)
def test_the_shadow_finds_no_fault_with_what_the_contract_says(hub: Hub, browser: Chromium, case: str) -> None:
    assert faults(hub, browser, WELL[case]) == 0
