"""The app's own check-list, run by Python's `websockets` and Chromium's WebSocket at once at one hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.evening.chromium import Chromium, chromium
from tests.evening.two_clients import Both, Message, both_at

REALTIME, SYNC = "/realtime", "/ws/restaurant/sync"
on_both_sockets = pytest.mark.parametrize("path", [REALTIME, SYNC])
Change = tuple[str, str, str]


@dataclass
class ChecklistRun:
    """A hub, a browser, and a restaurant for one test."""

    hub: Hub
    browser: Chromium
    api: httpx.Client
    restaurant: int

    def play(self, path: str, scene: Callable[[Both], Awaitable[None]]) -> None:
        """Connect both to `path`, past greeting and snapshot, and let the scene happen."""

        async def evening() -> None:
            async with both_at(self.browser, self.hub.url) as both:
                await both.open(self.at(path))
                if path == SYNC:
                    await both.hear()
                await scene(both)
                await both.hang_up()

        asyncio.run(evening())

    def at(self, path: str, **query: Any) -> str:
        return str(httpx.URL(path, params={"restaurant_id": self.restaurant, **query}))

    def ask(self, method: str, path: str, body: Message | None = None, **query: Any) -> Any:
        """Ask the API; a path that begins with a kind is of the restaurant."""
        own = path.startswith(("/guests", "/tables"))
        where = f"/restaurants/{self.restaurant}{path}" if own else self.at(path, **query)
        answer = self.api.request(method, where, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def furnish(self) -> None:
        """A table, and a party that waits."""
        self.ask("POST", "/tables", {"id": "t1", "tableNumber": "1", "capacity": 4})
        self.ask("POST", "/guests", {"id": "g1", "name": "Ada Rossi", "partySize": 2})

    def full(self) -> Any:
        return self.ask("GET", "/api/sync/full")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("checklist") / "chromium") as running:
        yield running


@pytest.fixture
def stage(hub: Hub, browser: Chromium, api: httpx.Client, restaurant: int) -> ChecklistRun:
    return ChecklistRun(hub, browser, api, restaurant)


def changes_of(message: Message) -> list[Change]:
    return [(change["entity_type"], change["entity_id"], change["action"]) for change in message["changes"]]


EACH_CHANGE: list[tuple[str, str, Message | None, str]] = [
    ("POST", "/tables", {"id": "t1", "tableNumber": "1", "capacity": 4}, "table_created"),
    ("PATCH", "/tables/t1", {"notes": "Wobbles."}, "table_updated"),
    ("POST", "/guests", {"id": "g1", "name": "Ada Rossi", "partySize": 2}, "guest_created"),
    ("PATCH", "/guests/g1", {"notes": "Nut allergy."}, "guest_updated"),
    ("DELETE", "/guests/g1", None, "guest_deleted"),
    ("DELETE", "/tables/t1", None, "table_deleted"),
]
DONE = {"created": "create", "updated": "update", "deleted": "delete"}


@on_both_sockets
def test_both_connect_and_are_greeted(stage: ChecklistRun, path: str) -> None:
    async def scene() -> None:
        async with both_at(stage.browser, stage.hub.url) as both:
            for hello in await both.open(stage.at(path)):
                assert hello["type"] == "connection_established"
                assert (hello["restaurant_id"], hello["revision"]) == (stage.restaurant, 2)
                assert (hello["heartbeat_seconds"], hello["resumed"]) == (30, False)
                assert hello["epoch"] == full["epoch"]
            await both.hang_up()

    stage.furnish()
    full = stage.full()
    asyncio.run(scene())


def test_both_get_the_whole_floor_without_asking(stage: ChecklistRun) -> None:
    async def scene() -> None:
        async with both_at(stage.browser, stage.hub.url) as both:
            await both.open(stage.at(SYNC))
            snapshot = await both.hear()
            assert (snapshot["type"], snapshot["revision"]) == ("full_sync", 2)
            assert snapshot["data"] == {"guests": full["guests"], "tables": full["tables"]}
            await both.silent()
            await both.hang_up()

    stage.furnish()
    full = stage.full()
    asyncio.run(scene())


@on_both_sockets
def test_both_get_the_whole_floor_when_they_ask(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        for snapshot in await both.answers({"type": "request_full_sync", "timestamp": "2024-01-15T10:30:00Z"}):
            assert (snapshot["type"], snapshot["revision"]) == ("full_sync", 2)
            assert snapshot["data"] == {"guests": full["guests"], "tables": full["tables"]}

    stage.furnish()
    full = stage.full()
    stage.play(path, scene)


def test_each_kind_of_change_arrives_at_both_under_its_name(stage: ChecklistRun) -> None:
    async def scene(both: Both) -> None:
        for revision, (method, path, body, named) in enumerate(EACH_CHANGE, 1):
            entity = stage.ask(method, path, body)
            message = await both.hear()
            kind, other = ("guest", "table") if named.startswith("guest") else ("table", "guest")
            assert (message["type"], message["echo"]) == (named, False)
            assert (message["revision"], message["previous_revision"]) == (revision, revision - 1)
            assert (message[kind], message[f"{kind}Id"]) == (entity, {"guest": "g1", "table": "t1"}[kind])
            assert (message[other], message[f"{other}Id"]) == (None, None)

    stage.play(REALTIME, scene)


def test_each_kind_of_change_arrives_at_both_as_a_delta(stage: ChecklistRun) -> None:
    async def scene(both: Both) -> None:
        for revision, (method, path, body, named) in enumerate(EACH_CHANGE, 1):
            entity = stage.ask(method, path, body)
            message = await both.hear()
            kind, done = named.split("_")
            assert message["type"] == "delta_update"
            assert (message["revision"], message["previous_revision"]) == (revision, revision - 1)
            assert changes_of(message) == [(kind, {"guest": "g1", "table": "t1"}[kind], DONE[done])]
            assert message["changes"][0]["data"] == entity

    stage.play(SYNC, scene)


@on_both_sockets
def test_a_seating_arrives_whole_at_both(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        done = stage.ask("PUT", "/guests/g1/status/atomic", {"status": "seated", "tableId": "t1"})
        message = await both.hear()
        assert message["type"] == "atomic_transaction_complete"
        assert message["transaction_id"] == done["transaction_id"]
        assert changes_of(message) == [("guest", "g1", "update"), ("table", "t1", "update")]
        assert message["changes"] == done["changes"]
        assert [change["data"] for change in message["changes"]] == [done["guest"], done["table"]]
        for kind in ("guest", "table") if path == REALTIME else ():
            echo = await both.hear()
            assert (echo["type"], echo["echo"]) == (f"{kind}_updated", True)
            assert (echo["revision"], echo[kind]) == (message["revision"], done[kind])
        await both.silent()

    stage.furnish()
    stage.play(path, scene)


@on_both_sockets
def test_a_ping_is_answered_at_both(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        for pong in await both.answers({"type": "ping", "timestamp": "2024-01-15T10:30:00Z"}):
            assert pong.keys() == {"type", "timestamp"}
            assert pong["type"] == "pong"

    stage.play(path, scene)


@on_both_sockets
def test_both_resume_after_a_cut_with_what_they_missed(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        await both.hang_up()
        stage.ask("PUT", "/guests/g1/status/atomic", {"status": "seated", "tableId": "t1"})
        stage.ask("PATCH", "/guests/g1", {"notes": "Birthday."})
        for hello in await both.open(stage.at(path, since_revision=2, epoch=epoch)):
            assert (hello["resumed"], hello["revision"]) == (True, 4)
        message = await both.hear()
        assert (message["type"], message["revision"], message["previous_revision"]) == ("delta_update", 4, 2)
        assert sorted(changes_of(message)) == [("guest", "g1", "update"), ("table", "t1", "update")]
        full = stage.full()
        held = {change["entity_type"]: change["data"] for change in message["changes"]}
        assert held == {"guest": full["guests"][0], "table": full["tables"][0]}
        stage.ask("PATCH", "/guests/g1", {"notes": "In a hurry."})
        assert (await both.hear())["revision"] == 5

    stage.furnish()
    epoch = stage.full()["epoch"]
    stage.play(path, scene)


@on_both_sockets
def test_both_resume_in_silence_where_they_missed_nothing(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        await both.hang_up()
        for hello in await both.open(stage.at(path, since_revision=2, epoch=epoch)):
            assert (hello["resumed"], hello["revision"]) == (True, 2)
        await both.silent()

    stage.furnish()
    epoch = stage.full()["epoch"]
    stage.play(path, scene)


BATCH: Message = {
    "transaction_id": "swap-1",
    "operations": [
        {"entity_type": "table", "action": "create", "data": {"id": "t2", "tableNumber": "2", "capacity": 2}},
        {"entity_type": "guest", "action": "update", "entity_id": "g1", "data": {"tableId": "t2"}},
        {"entity_type": "table", "action": "delete", "entity_id": "t1"},
    ],
}


@on_both_sockets
def test_a_batch_arrives_whole_at_both(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        done = stage.ask("POST", "/api/v1/atomic/batch", BATCH)
        message = await both.hear()
        assert (message["type"], message["transaction_id"]) == ("atomic_transaction_complete", done["transaction_id"])
        assert message["changes"] == done["changes"]
        assert sorted(changes_of(message)) == [
            ("guest", "g1", "update"), ("table", "t1", "delete"), ("table", "t2", "create"),
        ]  # fmt: skip
        for _ in message["changes"] if path == REALTIME else ():
            assert (await both.hear())["echo"] is True
        await both.silent()

    stage.furnish()
    stage.play(path, scene)


@on_both_sockets
def test_a_batch_that_fails_is_heard_of_by_neither(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        broken = {"operations": [*BATCH["operations"], {"entity_type": "guest", "action": "delete", "entity_id": "g9"}]}
        answer = stage.api.post(stage.at("/api/v1/atomic/batch"), json=broken)
        assert (answer.status_code, answer.json()["rolled_back"]) == (404, True)
        await both.silent()

    stage.furnish()
    stage.play(path, scene)


@on_both_sockets
def test_the_delta_over_http_equals_what_both_were_told(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        stage.ask("PUT", "/guests/g1/status/atomic", {"status": "seated", "tableId": "t1"})
        stage.ask("POST", "/guests", {"id": "g2", "name": "Bruno", "partySize": 3})
        stage.ask("PUT", "/tables/t1", {"status": "dirty"})
        stage.ask("DELETE", "/guests/g2")
        told: dict[tuple[str, str], Any] = {}
        revision = 2
        while revision < 6:
            message = await both.hear()
            revision = message["revision"]
            for change in message.get("changes", [_change_in(message)]):
                told[change["entity_type"], change["entity_id"]] = change["data"]
        delta = stage.ask("GET", "/api/sync/delta", since_revision=2)
        assert (delta["revision"], delta["has_more"]) == (6, False)
        assert {(one["entity_type"], one["entity_id"]): one["data"] for one in delta["changes"]} == told

    stage.furnish()
    stage.play(path, scene)


def _change_in(message: Message) -> Message:
    kind = str(message["type"]).partition("_")[0]
    if kind not in ("guest", "table"):
        return {"entity_type": "", "entity_id": "", "data": None}
    return {"entity_type": kind, "entity_id": message[f"{kind}Id"], "data": message[kind]}


@on_both_sockets
def test_the_delta_that_both_ask_for_equals_the_one_over_http(stage: ChecklistRun, path: str) -> None:
    async def scene(both: Both) -> None:
        delta = stage.ask("GET", "/api/sync/delta", since_revision=0)
        changes = [
            {key: one[key] for key in ("entity_type", "entity_id", "action", "data")} for one in delta["changes"]
        ]
        for message in await both.answers({"type": "request_delta", "since_revision": 0}):
            assert (message["type"], message["revision"], message["previous_revision"]) == ("delta_update", 2, 0)
            assert sorted(message["changes"], key=str) == sorted(changes, key=str)

    stage.furnish()
    stage.play(path, scene)


@on_both_sockets
@pytest.mark.parametrize("bad", ["no JSON {", {"type": "dessert"}, {"type": "request_delta", "since_revision": "two"}])
def test_a_bad_message_is_answered_by_an_error_and_the_connection_stays(
    stage: ChecklistRun, path: str, bad: Message | str
) -> None:
    async def scene(both: Both) -> None:
        for error in await both.answers(bad):
            assert error.keys() >= {"type", "timestamp", "error_code", "detail"}
            assert error["type"] == "error"
        await both.silent()
        stage.ask("PATCH", "/guests/g1", {"notes": "Vegan."})
        assert (await both.hear())["revision"] == 3

    stage.furnish()
    stage.play(path, scene)
