"""The filling of a floor, a hub and their memory, by one address and by many; staff can always delete."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attack.house_ipads import friends
from tests.attack.probe import probed
from tests.attack.stranger import RSS_MB_MAX, client, confined, peak_rss_mb
from tests.cli.pty_terminal import printed
from tests.conftest import Hub

Json = dict[str, Any]
HEAVY = "x" * 1_999 + "🎂"
PHONE = {"phone": "+39 06 1234"}
# The hub's own CPU for the largest batch there is, answer and disk included; the loop has turns in between.
BATCH_CPU_S = 1.0
RESTART_S = 10.0
NewHub = Callable[..., Hub]


def guests(first: int, count: int, **data: Any) -> list[Json]:
    whole = {"name": "Junk", "partySize": 2, **data}
    return [
        {"entity_type": "guest", "action": "create", "entity_id": f"j{number}", "data": whole}
        for number in range(first, first + count)
    ]


def batch(api: httpx.Client, operations: list[Json], restaurant: int = 1) -> httpx.Response:
    return api.post("/api/v1/atomic/batch", json={"restaurant_id": restaurant, "operations": operations})


def code_of(answer: httpx.Response) -> str | None:
    return None if answer.status_code == 200 else str(answer.json()["error_code"])


def cpu_s(hub: Hub) -> float:
    """The CPU seconds that the hub's process has taken (proc(5): fields 14 and 15, in ticks of 10 ms)."""
    assert hub.process is not None
    fields = Path(f"/proc/{hub.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def fill(hub: Hub, batches: int, restaurants: int) -> dict[str, int]:
    """Batches of 240 creates with long notes, each of another address, over so many restaurants: the answers' codes."""
    with hub.client() as house:
        numbers = [1, *(house.post("/restaurants", json={"name": "R"}).json()["id"] for _ in range(restaurants - 1))]
    codes: dict[str, int] = {}
    for number in range(batches):
        with client(hub, f"127.0.9.{number + 1}") as stranger:
            answer = batch(
                stranger,
                guests(number * 240, 240, notes=HEAVY, specialRequests=HEAVY[:400]),
                numbers[number % restaurants],
            )
            code = code_of(answer) or "taken"
            codes[code] = codes.get(code, 0) + 1
    return codes


def restarted_s(hub: Hub) -> float:
    """How long the hub takes to be there again after a kill, in seconds."""
    hub.kill()
    began = time.monotonic()
    hub.start()
    return time.monotonic() - began


def assert_staff_can_delete(hub: Hub) -> None:
    with hub.client() as house:
        there = [guest["id"] for guest in house.get("/restaurants/1/guests").json()]
        assert house.delete(f"/restaurants/1/guests/{there[0]}").status_code == 204
        assert house.patch(f"/restaurants/1/guests/{there[1]}", json={"status": "seated"}).status_code == 200


def test_one_address_adds_its_share_and_waits_while_the_house_works_on(target: Hub) -> None:
    with client(target) as stranger, client(target, "127.0.0.67") as house:
        assert code_of(batch(stranger, guests(0, 240, notes=HEAVY))) is None
        second = batch(stranger, guests(240, 500, notes=HEAVY[-500:]))
        assert (code_of(second), int(second.headers["Retry-After"]) > 0) == ("rate_limited", True)
        for _ in range(5):
            assert code_of(batch(stranger, guests(240, 500, notes=HEAVY[-500:]))) == "rate_limited"
        assert house.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}).status_code == 201
        assert len(house.get("/restaurants/1/guests").json()) == 241


def test_many_addresses_fill_the_hub_to_its_limit_and_no_further(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with confined(hub):
        codes = fill(hub, batches=14, restaurants=3)
        assert codes.pop("taken") + codes.pop("limit_reached") == 14
        assert codes == {}
        with hub.client() as house:
            warnings = " ".join(house.get("/health").json()["database"]["warnings"])
        assert "of 32 MB" in warnings
        assert_staff_can_delete(hub)
        removed = printed("remove", "--data", str(hub.data), "--from", "127.0.9.1", "--since", "1h", "--yes")
        assert (removed.returncode, "Removed: 239 guests" in removed.stdout) == (0, True), removed.stdout
        assert peak_rss_mb(hub) <= RSS_MB_MAX
    restarted_s(hub)
    assert peak_rss_mb(hub) <= RSS_MB_MAX
    assert_staff_can_delete(hub)


def test_a_batch_over_a_floor_of_finished_guests_with_one_phone_costs_what_any_batch_costs(target: Hub) -> None:
    restaurant = target.new_restaurant()
    with target.client() as api:
        for first in range(0, 2_000, 500):
            assert code_of(batch(api, guests(first, 500, status="finished", **PHONE), restaurant)) is None
        answer = batch(api, guests(2_000, 500, **PHONE), restaurant)
        assert [one["data"]["totalVisits"] for one in answer.json()["results"]] == [2_000] * 500


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_full_restaurant_that_goes_whole_holds_nobody_up_and_takes_no_memory(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with confined(hub), hub.client(timeout=60) as api:
        for turn in range(2):  # what the first one weighed is there for the second
            restaurant = hub.new_restaurant("Old Harbour")
            for first in range(0, 5_000, 250):
                texts = {"notes": HEAVY[-500:-1], "specialRequests": HEAVY[-1_401:-1], "phone": f"555-{first}"}
                assert code_of(batch(api, guests(first, 250, **texts), restaurant)) is None
            with friends(hub, hub.new_restaurant(), 10) as house, probed(hub) as found:
                time.sleep(2)
                query = {"with": "guests,tables", "name": "Old Harbour"}
                assert api.delete(f"/restaurants/{restaurant}", params=query).status_code == 204
                time.sleep(2)
            assert found.longest_s <= 0.1, (turn, found.longest_s)
            assert max(house.took_s) <= 1.0
            assert house.faults == []
        assert peak_rss_mb(hub) <= RSS_MB_MAX
    assert restarted_s(hub) <= RESTART_S


@pytest.mark.long
@pytest.mark.timeout(600)
def test_96_batches_of_long_notes_do_not_end_the_hub_nor_keep_it_from_starting(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with confined(hub), friends(hub, hub.new_restaurant()) as house:
        codes = fill(hub, batches=96, restaurants=4)
        assert set(codes) == {"taken", "limit_reached"}
        assert_staff_can_delete(hub)
        assert peak_rss_mb(hub) <= RSS_MB_MAX
    assert house.faults == []
    assert restarted_s(hub) <= RESTART_S
    assert peak_rss_mb(hub) <= RSS_MB_MAX
    assert_staff_can_delete(hub)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_largest_batches_over_the_fullest_floors_take_little(new_hub: NewHub) -> None:
    """4,500 finished guests on the floor, more that have left it, all with one phone; and a floor of tables."""
    hub = new_hub().start()
    with hub.client(timeout=60) as api:
        for first in range(0, 4_500, 500):
            assert code_of(batch(api, guests(first, 500, status="finished", **PHONE))) is None
        before = cpu_s(hub)
        assert code_of(batch(api, guests(4_500, 500, **PHONE))) is None
        visits = cpu_s(hub) - before
        tables = [
            {"entity_type": "table", "action": "create", "data": {"tableNumber": f"T{number}", "capacity": 2}}
            for number in range(1_000)
        ]
        before = cpu_s(hub)
        assert code_of(batch(api, tables[:500])) is None
        assert code_of(batch(api, tables[500:])) is None
        furniture = (cpu_s(hub) - before) / 2
        assert (visits < BATCH_CPU_S, furniture < BATCH_CPU_S) == (True, True), (visits, furniture)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_restaurants_with_10_000_removals_each_take_little_memory_and_start_soon(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with confined(hub), hub.client(timeout=60) as api:
        for _ in range(50):
            restaurant = hub.new_restaurant()
            for first in range(0, 10_000, 500):
                made = guests(first, 500, email="ada.rossi@example.com")
                assert code_of(batch(api, made, restaurant)) is None
                gone = [{"entity_type": "guest", "action": "delete", "entity_id": one["entity_id"]} for one in made]
                assert code_of(batch(api, gone, restaurant)) is None
        assert peak_rss_mb(hub) <= RSS_MB_MAX
    assert restarted_s(hub) <= RESTART_S
    assert peak_rss_mb(hub) <= RSS_MB_MAX
