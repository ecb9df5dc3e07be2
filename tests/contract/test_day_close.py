"""The contract of the day's end at 04:00 and of a clock set back, by hubs whose clock is put ahead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok, problem
from tests.contract.floor_client import Floor
from tests.contract.quick_hub import SPEED, clock, needs_quick_clock
from tests.fields import DONE
from tests.preload.libraries import preloaded

DAY_S = 24 * 3600
StartAt = Callable[[int], Hub]


@pytest.fixture
def start_at(tmp_path: Path, new_hub: Callable[..., Hub]) -> StartAt:
    """Starts a hub over this test's one data folder, its clock so many seconds ahead of the machine's."""

    def start(ahead_s: int) -> Hub:
        env = {"LD_PRELOAD": preloaded("shifted_clock"), "CLOCK_OFFSET_S": str(ahead_s)}
        return new_hub(tmp_path / "data", env=env).start()

    return start


def wait_until_deleted(hub: Hub, guest_ids: set[str], since_revision: int) -> list[Json]:
    """The messages of restaurant 1 after a revision, up to the one by which all these guests are gone."""
    messages: list[Json] = []
    with hub.socket(f"/realtime?restaurant_id=1&since_revision={since_revision}") as sock:
        while guest_ids:
            message = next_message(sock, wait_s=90)
            if message.get("echo") or not message.get("revision"):
                continue
            messages.append(message)
            if message["type"] == "guest_deleted":
                guest_ids = guest_ids - {message["guestId"]}
            for change in message.get("changes", []):
                if change["action"] == "delete":
                    guest_ids = guest_ids - {change["entity_id"]}
    return messages


def batch(api: httpx.Client, operations: list[dict[str, Any]]) -> None:
    ok(api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": operations}))


def test_guests_who_are_done_for_a_day_leave_the_floor_at_the_next_start(start_at: StartAt) -> None:
    evening = start_at(0)
    with evening.client() as api:
        floor = Floor(api, 1)
        for status in (*DONE, "waitlist", "confirmed"):
            floor.new_guest(id=status, status=status, phone="39 06 1234")
        seated, table = floor.party_at_table()
        before = floor.revision()
        report = ok(api.get("/restaurants/1/reports/latest"))
    evening.stop()
    later = start_at(3 * DAY_S)
    wait_until_deleted(later, set(DONE), before)
    later.says(f"The day is closed for Restaurant: {len(DONE)} guests left the floor.")
    with later.client() as api:
        floor = Floor(api, 1)
        assert floor.ids("guests") == {"waitlist", "confirmed", seated["id"]}
        assert (floor.guest(seated["id"]), floor.table(table["id"])) == (seated, table)
        for status in DONE:
            problem(api.get(f"/restaurants/1/guests/{status}"), 404, "guest_not_found")
            problem(floor.post_guest(id=status), 409, "already_exists")
        assert floor.new_guest(phone="+39-06-1234")["totalVisits"] == 1
        assert report["finished"] == {"parties": 1, "covers": 2}
        assert ok(api.get(f"/restaurants/1/reports/{report['date']}")) == report
        floor.check()
        delta = ok(api.get(f"/api/sync/delta?restaurant_id=1&since_revision={before}"))
        gone = {change["entity_id"] for change in delta["changes"] if change["action"] == "delete"}
        assert gone == set(DONE)


def test_expected_guests_leave_seven_days_after_their_time_or_their_creation(start_at: StartAt) -> None:
    def at(days: int) -> str:
        return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")

    first = start_at(0)
    with first.client() as api:
        floor = Floor(api, 1)
        table = floor.new_table()["id"]
        floor.new_guest(id="past", reservationTime=at(-8), tableId=table)
        floor.new_guest(id="recent", reservationTime=at(-1))
        floor.new_guest(id="future", reservationTime=at(30))
        floor.new_guest(id="timeless", status="confirmed")
        floor.new_guest(id="waiting", status="arrived", reservationTime=at(-8))
    first.stop()
    second = start_at(4 * DAY_S)
    wait_until_deleted(second, {"past"}, 6)
    second.says("The day is closed for Restaurant: 1 guest left the floor.")
    with second.client() as api:
        floor = Floor(api, 1)
        assert floor.ids("guests") == {"recent", "future", "timeless", "waiting"}
        assert (floor.table(table)["status"], floor.table(table)["currentGuestId"]) == ("available", None)
        before = floor.revision()
    second.stop()
    third = start_at(9 * DAY_S + 3600)
    wait_until_deleted(third, {"recent", "timeless"}, before)
    with third.client() as api:
        assert Floor(api, 1).ids("guests") == {"future", "waiting"}


def test_at_most_500_leave_in_one_commit(start_at: StartAt) -> None:
    evening = start_at(0)
    fields = {"firstName": "Ada", "partySize": 2, "status": "finished"}
    create = [{"entity_type": "guest", "action": "create", "entity_id": f"g{n}", "data": fields} for n in range(501)]
    with evening.client() as api:
        batch(api, create[:300])
        batch(api, create[300:])
    evening.stop()
    later = start_at(3 * DAY_S)
    wait_until_deleted(later, {f"g{n}" for n in range(501)}, 2)
    with later.client() as api:
        floor = Floor(api, 1)
        assert floor.every("guests") == []
        assert floor.revision() == 4
        delta = ok(api.get("/api/sync/delta?restaurant_id=1&since_revision=2&limit=1"))
        assert len(delta["changes"]) == 500


@needs_quick_clock
def test_the_day_is_closed_at_four_of_the_restaurants_zone_and_whoever_came_later_stays(
    new_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    def start(begin: str, speed: int = 1) -> Hub:
        return new_hub(tmp_path / "data", env=clock(f"@{begin}", speed)).start()

    # It is 04:00 in New York at 09:00 of UTC on the 7th of March, at 08:00 on the 8th: the clocks went forward.
    evening = start("2026-03-07 07:59:00")
    with evening.client() as api:
        ok(api.patch("/restaurants/1", json={"timezone": "America/New_York"}))
        early = Floor(api, 1).new_guest(status="finished")
    evening.stop()
    night = start("2026-03-07 08:00:10")
    with night.client() as api:
        late = Floor(api, 1).new_guest(status="finished")
    night.stop()
    assert early["finishedTime"] < "2026-03-07T08:00:00Z" < late["finishedTime"], "the machine is too slow for this"
    next_night = start("2026-03-08 07:59:30", SPEED)
    *_, closed = wait_until_deleted(next_night, {early["id"]}, 2)
    assert "2026-03-08T08:00:00Z" <= closed["timestamp"] < "2026-03-08T08:02:00Z"
    with next_night.client() as api:
        assert Floor(api, 1).every("guests") == [late]


def test_commit_times_never_run_backwards_with_a_clock_set_back(start_at: StartAt) -> None:
    ahead = start_at(2 * DAY_S)
    with ahead.client() as api:
        first = Floor(api, 1).new_guest()
    ahead.stop()
    with start_at(0).client() as api:
        floor = Floor(api, 1)
        second = floor.new_guest()
        changed = floor.change_guest(first["id"], notes="x")
    times = [first["createdAt"], second["createdAt"], changed["lastUpdated"]]
    assert times == sorted(times)
