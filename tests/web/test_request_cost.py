"""What a request costs its address, on the whole application without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from restohub.build.reference.sample_hub import MANAGER_TOKEN, Exchange, SampleHub, sample_hub
from restohub.limits import BOARD_FILES_BURST, UNITS_A_SECOND, UNITS_BURST, VISITS_A_UNIT
from restohub.live import address_usage
from restohub.live.address_usage import Caller, Callers
from restohub.live.cursor import Cursor
from restohub.web.sockets import catch_up_first
from restohub.wire.socket_state import HEARTBEAT_S
from tests.live.feed_harness import SlowLink, messages, settle
from tests.live.test_address_usage import SetClock
from tests.live.test_writer import at_once

NOTES = "n" * 2000
NOBODY = {"entity_type": "guest", "entity_id": "nobody", "action": "delete"}


class Guarded:
    """A hub that counts the requests of 127.0.0.1, by a clock that stands still."""

    def __init__(self, stage: SampleHub, caller: Caller) -> None:
        self.stage = stage
        self.caller = caller

    async def cost(self, method: str, target: str, body: Any = None) -> tuple[float, Exchange]:
        """The units that a request takes, and its answer."""
        before = self.caller.units.left(0)
        answer = await self.stage.ask(method, target, body)
        return before - self.caller.units.left(0), answer


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    """A guarded hub with an empty floor."""
    known = Callers((), SetClock(), str)
    async with sample_hub(known) as stage:
        yield Guarded(stage, known.of("127.0.0.1"))


def queue(many: int) -> dict[str, Any]:
    return {"updates": [NOBODY] * many}


@at_once
async def test_a_request_is_one_unit_on_any_route_and_path() -> None:
    async with guarded() as one:
        for method, target in (("GET", "/restaurants/1/guests"), ("GET", "/nowhere"), ("DELETE", "/health")):
            assert (await one.cost(method, target))[0] == 1


@at_once
async def test_the_board_costs_nothing_until_it_is_loaded_too_often() -> None:
    async with guarded() as one:
        one.caller.units.spend(UNITS_BURST + 1, 0)  # it owes, so that all else would wait
        for target in ("/", "/board/0/nothing.js") * (BOARD_FILES_BURST // 2):
            cost, answer = await one.cost("GET", target)
            assert (cost, answer.status != 429) == (0, True), target
        one.caller.units.spend(-UNITS_BURST, 0)
        assert [(await one.cost("GET", target))[0] for target in ("/", "/board/0/nothing.js")] == [1, 1]


@at_once
async def test_each_operation_of_both_batches_is_one() -> None:
    async with guarded() as one:
        cost, answer = await one.cost("POST", "/api/sync/batch", queue(70))
        assert (cost, answer.status) == (71, 200)
        cost, answer = await one.cost("POST", "/api/v1/atomic/batch", {"operations": [NOBODY] * 30})
        assert (cost, answer.status) == (31, 404)


@at_once
async def test_each_64_kib_answered_is_one() -> None:
    async with guarded() as one:
        for number in range(100):
            guest = {"id": f"g{number}", "name": "Rossi", "partySize": 2, "notes": NOTES}
            assert (await one.stage.ask("POST", "/restaurants/1/guests", guest)).status == 201
        for target in ("/api/sync/full", "/restaurants/1/guests", "/api/sync/delta?since_revision=0"):
            cost, answer = await one.cost("GET", target)
            size = len(answer.answer)
            assert answer.status == 200
            assert size > 3 * 65_536
            assert cost == pytest.approx(1 + size / 65_536)
        cost, answer = await one.cost("GET", "/restaurants/1/guests?limit=30")
        assert (len(msgspec.json.decode(answer.answer)), cost) == (30, 2), "made at once: whole units alone"


@at_once
async def test_who_waited_too_long_is_told_429_and_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_usage, "RATE_WAIT_S", 0.01)
    async with guarded() as one:
        one.caller.spend(UNITS_BURST + 3 * UNITS_A_SECOND)
        cost, answer = await one.cost("POST", "/restaurants/1/guests", {"name": "Rossi", "partySize": 2})
        problem = msgspec.json.decode(answer.answer)
        assert (answer.status, problem["error_code"], cost) == (429, "rate_limited", 0)
        assert (answer.got["retry-after"], problem["params"]) == ("3", {"seconds": 3})
        assert "Nothing was done" in problem["detail"]
        assert one.stage.entries == []


@at_once
@pytest.mark.parametrize("sent", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
async def test_the_rate_answers_before_the_guard_which_costs_as_well(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, str]
) -> None:
    monkeypatch.setattr(address_usage, "RATE_WAIT_S", 0.01)
    async with guarded() as one:
        before = one.caller.units.left(0)
        assert (await one.stage.ask("GET", "/health", sent=sent)).status == 403
        assert before - one.caller.units.left(0) == 1
        one.caller.spend(UNITS_BURST + 3 * UNITS_A_SECOND)
        assert (await one.stage.ask("GET", "/health", sent=sent)).status == 429


@at_once
async def test_a_batch_that_is_not_paid_for_in_time_is_told_429_and_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address_usage, "RATE_WAIT_S", 0.01)
    create = {"entity_type": "guest", "action": "create", "data": {"name": "Rossi", "partySize": 2}}
    async with guarded() as one:
        one.caller.spend(UNITS_BURST)  # the request itself is let in, and owes one
        cost, answer = await one.cost("POST", "/api/v1/atomic/batch", {"operations": [create]})
        assert (answer.status, answer.got["retry-after"], cost) == (429, "1", 1)
        assert one.stage.entries == []


@at_once
async def test_what_waits_is_answered_once_its_address_owes_nothing() -> None:
    async with guarded() as one:
        one.caller.spend(UNITS_BURST + 1)
        asking = asyncio.create_task(one.stage.ask("GET", "/restaurants"))
        await asyncio.sleep(0.05)
        assert not asking.done()
        one.caller.spend(-1)
        assert (await asking).status == 200


@at_once
async def test_a_report_costs_a_unit_more_for_each_500_visits() -> None:
    async with guarded() as one:
        guest = {"name": "Ada", "partySize": 2, "status": "finished", "checkInTime": "2024-01-15T19:00:00Z"}
        made = {"operations": [{"entity_type": "guest", "action": "create", "data": guest}] * VISITS_A_UNIT}
        assert (await one.cost("POST", "/api/v1/atomic/batch", made))[1].status == 200
        units, answer = await one.cost("GET", "/restaurants/1/reports/2024-01-15")
        assert msgspec.json.decode(answer.answer)["finished"]["parties"] == VISITS_A_UNIT
        assert units == 2


@at_once
async def test_the_floor_that_a_socket_begins_with_costs_a_unit_and_is_waited_for() -> None:
    async with guarded() as one:
        hub, link, asked = one.stage.hub, SlowLink(), SimpleNamespace(restaurant_id=1, since=None, epoch=None)
        cursor = Cursor(link, "sync", 1, one.caller, hub.clock.now)
        one.caller.spend(UNITS_BURST + 1)
        opening = asyncio.create_task(catch_up_first(hub, cursor, cast(Any, asked)))
        await settle()
        link.heard_at = asyncio.get_running_loop().time()
        cursor.tick(link.heard_at + HEARTBEAT_S)
        assert link.written == [], "the socket waits while its address owes units, and no heartbeat comes first"
        one.caller.spend(-UNITS_BURST - 1)
        await opening
        assert [message["type"] for message in messages(b"".join(link.written))][-1] == "full_sync"
        assert one.caller.units.left(hub.callers.now()) == UNITS_BURST - 1


@at_once
async def test_a_pin_costs_forty_units() -> None:
    async with guarded() as one:
        new, shown = {"name": "Bea", "role": "host", "pin": "2580"}, {"Authorization": f"Bearer {MANAGER_TOKEN}"}
        before = one.caller.units.left(0)
        assert (await one.stage.ask("POST", "/api/staff", new, shown)).status == 201
        assert before - one.caller.units.left(0) == 1 + 40
