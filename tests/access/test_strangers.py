"""Strangers: what health tells them on a closed hub, and what managers are told of them before they close it."""

from __future__ import annotations

from collections.abc import Callable

from restohub.access.visitors import Visitor, Visitors
from restohub.live.epoch import PUT_BACK
from tests.access.closed_hub import bearer, manager, pair
from tests.attack.stranger import client as stranger_at
from tests.attack.stranger import ws
from tests.commands import run_command
from tests.conftest import Hub, next_message
from tests.contract.answers import ok
from tests.faults.loaded_hub import backed_up

NewHub = Callable[..., Hub]
FORWARDED = {"X-Forwarded-For": "192.168.1.66"}
DAY_S = 86_400


def test_a_stranger_is_told_nothing_by_health(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    token = pair(hub, "view").token
    assert hub.stop() == 0
    backup = backed_up(hub.data)
    assert run_command("restore", str(backup), "--data", str(hub.data)).returncode == 0
    hub.start()
    with manager(hub) as trusted:
        ok(trusted.patch("/restaurants/1", json={"timezone": "Pacific/Apia"}))
    with hub.client() as api, hub.socket("/realtime", additional_headers=bearer(token)) as socket:
        next_message(socket)
        health = {**FORWARDED, **bearer(token)}
        while not ((known := ok(api.get("/health", headers=health)))["uptime_seconds"] and known["backup"]["last"]):
            pass
        told = ok(api.get("/health", headers=FORWARDED))
        browser = {**FORWARDED, "Accept": "text/html"}
        page = api.get("/health", headers=browser).text
        devices_page = api.get("/health", headers={**browser, **bearer(token)}).text
    assert told.keys() == known.keys()
    assert (told["access"], known["access"]) == ("closed", "closed")
    assert (told["restaurants"], told["connections"], told["uptime_seconds"]) == (0, 0, 0)
    assert (known["restaurants"], known["connections"]) == (1, 1)
    assert (told["database"]["warnings"], known["database"]["warnings"]) == ([], [PUT_BACK])
    assert (told["backup"]["last"], known["backup"]["last"] is None) == (None, False)
    assert PUT_BACK not in page
    assert ("(Pacific/Apia)" in page, "(UTC)" in page, "(Pacific/Apia)" in devices_page) == (False, True, True)


def test_managers_are_told_who_came_without_a_token_the_latest_first(new_hub: NewHub) -> None:
    hub = new_hub().start()
    device = pair(hub, "host")
    with (
        manager(hub) as trusted,
        ws(hub, "/realtime", "127.0.7.1", user_agent_header="iPad/1") as socket,
        ws(hub, "/realtime", "127.0.7.2", additional_headers=bearer(device.token)) as paired,
        stranger_at(hub, "127.0.7.3") as changes,
        stranger_at(hub, "127.0.7.4") as looks,
        stranger_at(hub, "127.0.7.5") as queues,
    ):
        next_message(socket)
        next_message(paired)
        ok(changes.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}), 201)
        update = {"entity_type": "guest", "action": "create", "data": {"name": "Weber", "partySize": 2}}
        ok(queues.post("/api/sync/batch", json={"updates": [update]}))
        ok(looks.get("/restaurants/1"))
        told = ok(trusted.get("/api/access"))
        before = ok(trusted.get("/api/devices"))["devices"][0]["paired_at"]
        now = ok(looks.get("/health"))["timestamp"]
    assert told["access"] == "open"
    assert all(before <= one["last_seen"] <= now for one in told["unpaired"])
    weak = "It is known by its address {} alone: whoever has this address passes for this device."
    assert [(one["weakness"], one["device"]) for one in told["unpaired"]] == [
        (weak.format(address), None) for address in ("127.0.7.5", "127.0.7.3", "127.0.7.1")
    ]
    assert [(one["address"], one["agent"], one["sockets"]) for one in told["unpaired"]] == [
        ("127.0.7.5", "", 0),
        ("127.0.7.3", "", 0),
        ("127.0.7.1", "iPad/1", 1),
    ]


def test_whoever_was_not_here_for_fourteen_days_is_not_told() -> None:
    visitors = Visitors([Visitor("a", "", 0), Visitor("b", "", 1)])
    assert [one.address for one in visitors.latest(14 * DAY_S)] == ["b", "a"]
    assert [one.address for one in visitors.latest(14 * DAY_S + 1)] == ["b"]
