"""What the contract says of times and orders that can be told apart only where a second lies between two changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok, problem
from tests.contract.quick_hub import date_alone, needs_quick_clock, running
from tests.contract.requests import (
    delta,
    full_sync,
    new_guest,
    new_table,
    op,
    patch_guest,
    patch_table,
    post_batch,
    post_updates,
)
from tests.contract.sockets import REALTIME

pytestmark = needs_quick_clock
WAIT_S = 20.0


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """The hub of this module: a second of its date is a twentieth of ours."""
    with running(date_alone()) as hub:
        yield hub


def now(api: httpx.Client) -> str:
    """The hub's time."""
    return str(ok(api.get("/health"))["timestamp"])


def later(api: httpx.Client) -> str:
    """The hub's time, once it is another second."""
    was, deadline = now(api), time.monotonic() + WAIT_S
    while (found := now(api)) == was:
        assert time.monotonic() < deadline, "the hub's time stands still"
    return found


def ids(rows: Any) -> list[Any]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize("kind", ["guest", "table"])
def test_a_list_is_in_the_order_of_creation_and_only_within_a_second_in_that_of_ids(
    api: httpx.Client, restaurant: int, kind: str
) -> None:
    numbers = iter(range(10))

    def create(*made: str) -> None:
        steps = [
            op(kind, "create", one, **({"name": "Ada", "partySize": 2} if kind == "guest" else {"capacity": 2}))
            for one in made
        ]
        for step in steps if kind == "table" else []:
            step["data"]["tableNumber"] = str(next(numbers))
        ok(post_batch(api, restaurant, *steps))
        later(api)

    create("m")
    create("b", "Z", "a")
    create("0")
    path = f"/restaurants/{restaurant}/{kind}s/"
    assert ids(api.get(path).json()) == ["m", "Z", "a", "b", "0"]
    api.patch(f"{path}m", json={"notes": "changed last"})
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.get(path, params=query)
        found += ids(page.json())
        if "Restohub-Next-Cursor" not in page.headers:
            break
        query["cursor"] = page.headers["Restohub-Next-Cursor"]
    assert found == ["m", "Z", "a", "b", "0"]


def test_a_page_of_a_delta_says_when_its_last_revision_was(api: httpx.Client, restaurant: int) -> None:
    times = [(new_guest(api, restaurant, id=f"g{n}")["lastUpdated"], later(api))[0] for n in range(3)]
    assert len({*times}) == 3
    for n, made in enumerate(times):
        page = delta(api, restaurant, since_revision=n, limit=1)
        assert (page["revision"], page["timestamp"], page["changes"][0]["timestamp"]) == (n + 1, made, made)
    whole = delta(api, restaurant, since_revision=0)
    assert [change["timestamp"] for change in whole["changes"]] == times
    assert (whole["timestamp"], full_sync(api, restaurant)["timestamp"]) == (times[2], times[2])


def test_since_brings_what_changed_in_that_second_and_after_and_nothing_before(
    api: httpx.Client, restaurant: int
) -> None:
    times = [(new_guest(api, restaurant, id=f"g{n}")["lastUpdated"], later(api))[0] for n in range(3)]
    for n, made in enumerate(times):
        changes = delta(api, restaurant, since=made)["changes"]
        assert [change["entity_id"] for change in changes] == [f"g{one}" for one in range(n, 3)]
    assert delta(api, restaurant, since=later(api))["changes"] == []


def test_each_status_stamps_its_own_time_and_what_is_stamped_stays(api: httpx.Client, restaurant: int) -> None:
    """contract.md, "What always holds", the fourth."""
    new_table(api, restaurant, id="t1")
    stamped: Json = dict.fromkeys(("checkInTime", "notifiedTime", "seatedTime", "finishedTime"))
    guest = new_guest(api, restaurant, id="g1", status="confirmed")
    assert {name: guest[name] for name in stamped} == stamped

    def becomes(status: str, *stamps: str, cleared: tuple[str, ...] = (), **more: Any) -> None:
        later(api)
        guest = patch_guest(api, restaurant, "g1", status=status, **more)
        stamped.update(dict.fromkeys(stamps, guest["lastUpdated"]), **dict.fromkeys(cleared))
        assert {name: guest[name] for name in stamped} == stamped, status

    becomes("arrived", "checkInTime")
    becomes("notified", "notifiedTime")
    becomes("partially_arrived")
    becomes("notified")
    becomes("seated", "seatedTime", tableId="t1")
    becomes("finished", "finishedTime")
    becomes("seated", cleared=("finishedTime",))
    becomes("finished", "finishedTime")
    becomes("arrived", cleared=("finishedTime", "seatedTime", "notifiedTime"))
    becomes("notified", "notifiedTime")
    becomes("waitlist", cleared=("notifiedTime",))
    becomes("seated", "seatedTime")
    becomes("left")
    assert len({time for time in stamped.values() if time is not None}) == 2


def test_a_change_moves_last_updated_alone_and_what_changes_nothing_moves_nothing(
    api: httpx.Client, restaurant: int
) -> None:
    guest, table = new_guest(api, restaurant, id="g1"), new_table(api, restaurant, id="t1")
    later(api)
    changed = patch_guest(api, restaurant, "g1", notes="window")
    moved = patch_table(api, restaurant, "t1", notes="window")
    for before, after in ((guest, changed), (table, moved)):
        assert after["createdAt"] == before["createdAt"] == before["lastUpdated"] < after["lastUpdated"]
    later(api)
    assert patch_guest(api, restaurant, "g1", notes="window") == changed
    assert patch_table(api, restaurant, "t1", notes="window") == moved
    place = ok(api.patch(f"/restaurants/{restaurant}", json={"name": "Osteria"}))
    assert place["createdAt"] < place["lastUpdated"]


def test_an_answer_has_the_time_of_its_commit_and_a_repeat_the_first_one(api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant, id="g1")

    def seat() -> Json:
        later(api)
        path = f"/restaurants/{restaurant}/guests/g1/status/atomic"
        return ok(api.put(path, json={"status": "seated"}, headers={"Idempotency-Key": "k"}))

    def note() -> Json:
        later(api)
        return ok(post_batch(api, restaurant, op("guest", "update", "g1", notes="window"), transaction_id="tx"))

    seated, noted = seat(), note()
    assert seated["processed_at"] == seated["timestamp"] == seated["guest"]["lastUpdated"]
    assert seated["timestamp"] < noted["timestamp"] == noted["results"][0]["data"]["lastUpdated"]
    assert (seat(), note()) == (seated, noted)
    queue = ok(post_updates(api, restaurant, op("guest", "update", "g1", partySize=3)))
    assert queue["timestamp"] == delta(api, restaurant, since_revision=3)["changes"][0]["timestamp"]


def test_a_refusal_and_the_greeting_have_the_present_time_and_the_run_its_beginning(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    made = new_guest(api, restaurant)["lastUpdated"]
    started: set[str] = set()
    for _ in range(2):
        before = later(api)
        told = problem(api.get(f"/restaurants/{restaurant}/guests/g9"), 404, "guest_not_found")
        assert made < before <= told["timestamp"]
        with hub.socket(f"{REALTIME}?restaurant_id={restaurant}") as sock:
            hello = next_message(sock)
        assert told["timestamp"] <= hello["timestamp"]
        started.add(hello["hub_started"])
    assert len(started) == 1
    assert started.pop() < made


def test_what_an_address_made_counts_from_that_second_on(api: httpx.Client, restaurant: int) -> None:
    made = [(new_guest(api, restaurant, id=f"g{n}")["createdAt"], later(api))[0] for n in range(2)]

    def told(since: str) -> list[str]:
        found = ok(api.get("/api/made", params={"from": "127.0.0.1", "since": since}))["restaurants"]
        return [guest["id"] for one in found if one["restaurant_id"] == restaurant for guest in one["guests"]]

    assert [told(since) for since in (*made, later(api))] == [["g0", "g1"], ["g1"], []]
