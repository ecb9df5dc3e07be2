"""An app that cannot pair, adopted by its header or its address: let in as it is, asked for again when it changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from restohub.access.adoption import Adopted
from restohub.access.devices import Access, Device
from restohub.access.headers import digest_of_header, sent_by
from restohub.access.tokens import new_token
from restohub.access.visitors import Sighting
from restohub.limits import HEADERS_LOOKED_AT
from restohub.web.adopted import adopted_socket, is_looked_at, note_visitor, still_speaks
from restohub.web.adoption_routes import adoptable
from tests.access.adopting import PARTY, adopt, adopted, app, device_of, jwt, listed
from tests.access.closed_hub import Device as Paired
from tests.access.closed_hub import bearer, end_of, manager, pair, revoke
from tests.attack.stranger import ws
from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem
from tests.upkeep.jumping_clock import JumpingClockHub

NewHub = Callable[..., Hub]
SYNC = "/ws/restaurant/sync"
GUESTS = "/restaurants/1/guests"
STEADY = {"Authorization": "Bearer " + "k" * 32}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A closed hub; each test has addresses of its own."""
    hub = Hub(tmp_path_factory.mktemp("closed") / "data", "--access", "closed").start()
    yield hub
    hub.stop()


def test_a_stale_jwt_is_a_device_wherever_it_comes_from(closed: Hub) -> None:
    header = jwt(1, "wherever")
    device = adopted(closed, "127.0.20.1", header)
    assert (device["known_by"], device["role"], device["suspended_at"]) == ("header", "host", None)
    assert device["weakness"] == "Whoever sends the same header passes for this device."
    for address in ("127.0.20.1", "127.0.20.2"):
        with app(closed, address, header) as api:
            answer = api.post(GUESTS, json=PARTY)
            assert (answer.status_code, answer.headers["restohub-by"]) == (201, "iPad")
    for other in ({}, jwt(2, "wherever"), STEADY):
        with app(closed, "127.0.20.1", other) as api:
            problem(api.get("/restaurants/1"), 401, "token_invalid" if other else "token_required")
    assert device_of(closed, device["id"])["suspended_at"] is None


def test_a_device_is_known_by_its_address_alone_where_it_sends_nothing_of_its_own(closed: Hub) -> None:
    device = adopted(closed, "127.0.20.3")
    assert device["known_by"] == "address"
    assert "127.0.20.3 alone" in device["weakness"]
    with app(closed, "127.0.20.3") as api, app(closed, "127.0.20.4") as elsewhere:
        ok(api.post(GUESTS, json=PARTY), 201)
        problem(elsewhere.get("/restaurants/1"), 401, "token_required")
    with ws(closed, SYNC, "127.0.20.3") as socket:
        assert next_message(socket)["restaurant"]["id"] == 1
        assert device_of(closed, device["id"])["sockets"] == 1
    with ws(closed, SYNC, "127.0.20.4") as socket:
        assert next_message(socket)["access"] == "closed"


def test_a_fresh_jwt_is_not_enough_to_be_known_by(closed: Hub) -> None:
    assert adopted(closed, "127.0.20.5", jwt(int(time.time()) + 1800))["known_by"] == "address"


def test_two_devices_of_one_header_are_known_by_their_addresses(closed: Hub) -> None:
    both = jwt(1, "one key for every iPad")
    with app(closed, "127.0.20.6", both) as first, app(closed, "127.0.20.7", both) as second:
        for api in (first, second, first):
            assert api.get("/restaurants/1").status_code == 401
        visitors = [listed(closed, one)[0] for one in ("127.0.20.6", "127.0.20.7")]
        assert [one["known_by"] for one in visitors] == ["address", "address"]
        device = adopt(closed, visitors[0])
        ok(first.get("/restaurants/1"))
        problem(second.get("/restaurants/1"), 401, "token_invalid")
        assert device_of(closed, device["id"])["suspended_at"] is None, "it was never its own"


def put_ahead(machine: JumpingClockHub, seconds: int) -> None:
    """Put the hub's clock ahead of the true time, and return when the hub goes by it."""
    machine.set(seconds)
    wanted = time.time() + seconds - 60
    with machine.hub.client() as api:
        while datetime.fromisoformat(ok(api.get("/health"))["timestamp"]).timestamp() < wanted:
            time.sleep(0.05)


def test_a_header_of_a_day_is_known_and_one_of_less_is_not(tmp_path: Path) -> None:
    machine = JumpingClockHub(Hub, tmp_path)
    hub = machine.hub
    try:
        with app(hub, "127.0.20.8", STEADY) as api:
            ok(api.post(GUESTS, json=PARTY), 201)
            assert listed(hub, "127.0.20.8")[0]["known_by"] == "address"
            put_ahead(machine, 23 * 3600)
            ok(api.post(GUESTS, json=PARTY), 201)
            early = listed(hub, "127.0.20.8")[0]
            assert early["known_by"] == "address"
            put_ahead(machine, 24 * 3600 + 60)
            ok(api.post(GUESTS, json=PARTY), 201)
            [late] = listed(hub, "127.0.20.8")
            assert late["known_by"] == "header"
            with manager(hub) as trusted:
                body = {"visitor": early["id"], "name": "iPad", "role": "host"}
                problem(trusted.post("/api/adoptions", json=body), 422, "validation_failed")
            assert adopt(hub, late)["known_by"] == "header"
    finally:
        hub.stop()


def test_another_header_from_its_address_suspends_a_device_until_it_is_confirmed(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    device = adopted(hub, "127.0.20.9", STEADY)
    assert device["known_by"] == "address"
    with app(hub, "127.0.20.9", STEADY) as api, app(hub, "127.0.20.9", jwt(1)) as changed:
        ok(api.get("/restaurants/1"))
        with ws(hub, SYNC, "127.0.20.9") as socket:
            assert next_message(socket)["restaurant"]["id"] == 1
            problem(changed.get("/restaurants/1"), 401, "token_invalid")
            assert end_of(socket) == (4401, "token_required")
        problem(api.get("/restaurants/1"), 401, "token_invalid")
        shown = device_of(hub, device["id"])
        assert shown["suspended_at"] is not None
        assert shown["weakness"].startswith("Another header came from its address")
        hub.says("it waits until a manager confirms it")
        assert hub.stop() == 0
        hub.start()
        problem(api.get("/restaurants/1"), 401, "token_invalid")
        problem(changed.get("/restaurants/1"), 401, "token_invalid")
        [visitor] = listed(hub, "127.0.20.9")
        assert (visitor["device"], visitor["known_by"]) == (device["id"], "header")
        assert adopt(hub, visitor, name="Bar")["id"] == device["id"]
        assert ok(changed.get("/restaurants/1"))
        assert listed(hub, "127.0.20.9") == []


def test_its_header_from_another_address_suspends_a_device_until_it_is_confirmed(closed: Hub) -> None:
    header = {"Authorization": "Bearer " + "m" * 40}
    device = adopted(closed, "127.0.20.10", header)
    with app(closed, "127.0.20.10", header) as before, app(closed, "127.0.20.11", header) as after:
        ok(before.get("/restaurants/1"))
        problem(after.get("/restaurants/1"), 401, "token_invalid")
        problem(before.get("/restaurants/1"), 401, "token_invalid")
        assert device_of(closed, device["id"])["suspended_at"] is not None
        [visitor] = listed(closed, "127.0.20.11")
        assert (visitor["device"], visitor["known_by"]) == (device["id"], "address")
        assert adopt(closed, visitor)["id"] == device["id"]
        ok(after.get("/restaurants/1"))
    with app(closed, "127.0.20.10") as left:
        problem(left.get("/restaurants/1"), 401, "token_required")


def test_the_first_header_from_an_address_is_its_own_and_the_second_is_anothers(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    device = adopted(hub, here := "127.0.20.12")
    with app(hub, here, STEADY) as api, app(hub, here, jwt(1)) as other, app(hub, "127.0.20.32", STEADY) as away:
        ok(api.get("/restaurants/1"))
        assert hub.stop() == 0
        hub.start()
        problem(away.get("/restaurants/1"), 401, "token_invalid")
        ok(api.get("/restaurants/1"))
        problem(other.get("/restaurants/1"), 401, "token_invalid")
    assert device_of(hub, device["id"])["suspended_at"] is not None


def test_a_device_that_is_revoked_is_a_stranger_at_once(closed: Hub) -> None:
    header = jwt(1, "revoked")
    by_header, by_address = adopted(closed, "127.0.20.13", header), adopted(closed, "127.0.20.14")
    with (
        ws(closed, SYNC, "127.0.20.13", additional_headers=header) as first,
        ws(closed, SYNC, "127.0.20.14") as second,
    ):
        for socket, device in ((first, by_header), (second, by_address)):
            next_message(socket)
            revoke(closed, Paired(device["id"], ""))
            assert end_of(socket) == (4401, "token_invalid")
    with app(closed, "127.0.20.13", header) as api, app(closed, "127.0.20.14") as bare:
        problem(api.get("/restaurants/1"), 401, "token_invalid")
        problem(bare.get("/restaurants/1"), 401, "token_required")
    with ws(closed, SYNC, "127.0.20.13") as socket:
        assert next_message(socket)["access"] == "closed"


def test_who_is_adopted_again_after_it_was_revoked_stays_over_a_restart(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    header = jwt(1)
    for address, sent in (("127.0.20.29", header), ("127.0.20.30", {})):
        revoke(hub, Paired(adopted(hub, address, sent)["id"], ""))
    for address, sent in (("127.0.20.29", header), ("127.0.20.31", {})):
        adopted(hub, address, sent)
    assert hub.stop() == 0
    hub.start()
    for address, sent, status in (("127.0.20.29", header, 200), ("127.0.20.31", {}, 200), ("127.0.20.30", {}, 401)):
        with app(hub, address, sent) as api:
            assert api.get("/restaurants/1").status_code == status, address


def test_one_that_may_only_look_changes_nothing_and_none_is_a_manager(closed: Hub) -> None:
    header = jwt(1, "looks")
    device = adopted(closed, "127.0.20.15", header, role="view")
    with app(closed, "127.0.20.15", header) as api, manager(closed) as trusted:
        ok(api.get("/restaurants/1"))
        problem(api.post(GUESTS, json=PARTY), 403, "not_permitted")
        problem(api.get("/api/devices"), 403, "not_permitted")
        path = f"/api/devices/{device['id']}"
        problem(trusted.patch(path, json={"role": "manager"}), 422, "validation_failed")
        ok(trusted.patch(path, json={"role": "host", "name": "Bar"}))
        ok(api.post(GUESTS, json=PARTY), 201)
        body = {"visitor": "0" * 16, "name": "Bar", "role": "manager"}
        assert "never a manager" in problem(trusted.post("/api/adoptions", json=body), 422, "validation_failed")["hint"]


def test_nobody_is_adopted_by_an_address_that_many_share(closed: Hub) -> None:
    header = jwt(1, "behind the proxy")
    with closed.client() as bare, closed.client(headers=header) as api, manager(closed) as trusted:
        for client in (bare, api):
            assert client.get("/restaurants/1").status_code == 401
        found = listed(closed, "127.0.0.1")
        assert [one["known_by"] for one in found] == ["header", None]
        by_header, by_nothing = found
        body = {"visitor": by_nothing["id"], "name": "Bar", "role": "host"}
        told = problem(trusted.post("/api/adoptions", json=body), 422, "validation_failed")
        assert "many devices share its address" in told["detail"]
        adopt(closed, by_header)
        ok(api.get("/restaurants/1"))
        problem(bare.get("/restaurants/1"), 401, "token_required")
    with closed.socket(SYNC) as socket:
        assert next_message(socket)["access"] == "closed", "the device spoke from here, and so do others"
    with closed.socket(SYNC, additional_headers=header) as socket:
        assert next_message(socket)["restaurant"]["id"] == 1


def test_eight_headers_of_an_address_are_looked_at_until_the_list_is_asked_for(closed: Hub) -> None:
    before = {one["id"] for one in listed(closed, "127.0.0.1")}
    for number in range(10):
        with closed.client(headers=jwt(1, f"one of many {number}")) as api:
            problem(api.get("/restaurants/1"), 401, "token_invalid")
    assert len({one["id"] for one in listed(closed, "127.0.0.1")} - before) == HEADERS_LOOKED_AT
    with closed.client(headers=jwt(1, "one more")) as api:
        problem(api.get("/restaurants/1"), 401, "token_invalid")
    assert len({one["id"] for one in listed(closed, "127.0.0.1")} - before) == HEADERS_LOOKED_AT + 1


def test_a_header_that_is_watched_at_a_shared_address_is_looked_at_whatever_else_comes_from_there() -> None:
    """A stranger behind the same proxy uses up the eight of each five minutes of a day, and all 16 places."""
    now = strangers = 0
    hub = cast(Any, SimpleNamespace(access=Access("closed"), clock=SimpleNamespace(now=lambda: now)))
    caller = cast(Any, SimpleNamespace(address="192.168.1.31", shared=True))
    ipad = b"Bearer " + b"k" * 40
    for now in range(0, 86_401, 300):
        caller.looks = HEADERS_LOOKED_AT if now else 1
        while caller.looks:
            note_visitor(hub, ipad if not now else b"Bearer %040d" % strangers, caller, "http")
            strangers += 1
        assert [is_looked_at(hub, one, caller) for one in (ipad, b"Bearer " + b"x" * 40, None)] == [True, False, False]
        note_visitor(hub, ipad, caller, "http")
    [found] = [one for one in adoptable(hub) if one.digest == digest_of_header(ipad)]
    assert (found.known_by, found.seen_at) == ("header", now)


def test_a_socket_without_a_header_is_that_of_the_device_that_spoke_from_its_address(closed: Hub) -> None:
    header = jwt(1, "spoke")
    device = adopted(closed, "127.0.20.16", header)
    with ws(closed, SYNC, "127.0.20.16") as socket:
        assert next_message(socket)["restaurant"]["id"] == 1
        assert device_of(closed, device["id"])["sockets"] == 1
    with ws(closed, SYNC, "127.0.20.17") as socket:
        assert next_message(socket)["access"] == "closed"
    with ws(closed, SYNC, "127.0.20.17") as waiting, app(closed, "127.0.20.17", header) as api:
        assert next_message(waiting)["access"] == "closed"
        ok(api.get("/restaurants/1"))
        assert next_message(waiting)["restaurant"]["id"] == 1, "the first request came after the socket"
    with ws(closed, SYNC, "127.0.20.17") as socket:
        assert next_message(socket)["restaurant"]["id"] == 1
    with ws(closed, SYNC, "127.0.20.17", additional_headers=STEADY) as socket:
        assert end_of(socket) == (4401, "token_invalid"), "who sends a header is known by that"
    for authorization, where in (("Token " + "k" * 40, "closed"), ("Bearer null", None), ("", None)):
        with ws(closed, SYNC, "127.0.20.17", additional_headers={"Authorization": authorization}) as socket:
            assert next_message(socket).get("access") == where, authorization


def test_an_open_socket_keeps_its_address_over_a_restart_of_the_hub(new_hub: NewHub) -> None:
    hub = new_hub(None, "--access", "closed").start()
    device = adopted(hub, "127.0.20.23", jwt(1))
    with ws(hub, SYNC, "127.0.20.23") as socket:
        next_message(socket)
        assert hub.stop() == 0
    hub.start()
    with ws(hub, SYNC, "127.0.20.23") as socket, ws(hub, SYNC, "127.0.20.24") as other:
        assert next_message(socket)["restaurant"] is not None
        assert next_message(other)["access"] == "closed"
        assert device_of(hub, device["id"])["sockets"] == 1


def test_an_address_speaks_for_a_device_for_ten_minutes() -> None:
    device = Device("d1", "iPad", "host", sha256(b"header").digest(), 1, "machine", adopted=Adopted("header", "", True))
    caller = SimpleNamespace(address="192.168.1.31", shared=False, spoke_as="d1", spoke_at=1000.0)
    for now, found in ((1600.0, device), (1600.1, None)):
        hub = SimpleNamespace(access=Access("closed", [device]), callers=SimpleNamespace(now=lambda now=now: now))
        assert adopted_socket(cast(Any, hub), None, cast(Any, caller)) == found


def test_an_address_speaks_for_a_device_as_long_as_its_socket_is_open() -> None:
    device = Device("d1", "iPad", "host", sha256(b"header").digest(), 1, "machine", adopted=Adopted("header", "", True))
    caller = SimpleNamespace(address="192.168.1.31", shared=False, spoke_as="d1", spoke_at=0.0)
    hub = cast(Any, SimpleNamespace(access=Access("closed", [device]), callers=SimpleNamespace(now=lambda: 9000.0)))
    still_speaks(hub, cast(Any, SimpleNamespace(device="d1", caller=caller)))
    assert adopted_socket(hub, None, cast(Any, caller)) == device


def test_two_devices_that_changed_their_addresses_keep_their_names(closed: Hub) -> None:
    headers = [{"Authorization": "Bearer " + letter * 40} for letter in "pq"]
    addresses = ["127.0.20.25", "127.0.20.26"]
    devices = [adopted(closed, *one)["id"] for one in zip(addresses, headers, strict=True)]
    for address, header in zip(addresses, reversed(headers), strict=True):
        with app(closed, address, header) as api:
            problem(api.get("/restaurants/1"), 401, "token_invalid")
    visitors = [listed(closed, address)[0] for address in addresses]
    assert [one["device"] for one in visitors] == [*reversed(devices)]
    assert [adopt(closed, one)["id"] for one in visitors] == [*reversed(devices)]
    for address, header in zip(addresses, reversed(headers), strict=True):
        with app(closed, address, header) as api:
            ok(api.get("/restaurants/1"))


def test_where_an_adopted_device_was_before_nobody_is_left_to_be_adopted() -> None:
    access, sent = Access("closed"), sent_by(jwt(1)["Authorization"].encode())
    hub = cast(Any, SimpleNamespace(access=access, clock=SimpleNamespace(now=lambda: 1000)))
    for address, at in (("192.168.1.31", 900), ("192.168.1.32", 1000)):
        access.note_visitor(Sighting(address, at, "", sent))
    assert [one.known_by for one in adoptable(hub)] == ["header", "header"]
    access.put(Device("d1", "iPad", "host", sent.digest, 1000, "machine", adopted=Adopted("header", "", True)))
    access.forget_visitor("192.168.1.32", sent.digest)
    assert adoptable(hub) == []


def test_who_shows_a_token_is_known_by_that_alone(closed: Hub) -> None:
    adopted(closed, "127.0.20.18")
    paired = pair(closed, "view", "Board")
    with app(closed, "127.0.20.18") as api:
        problem(api.get("/restaurants/1", headers=bearer(new_token())), 401, "token_invalid")
        problem(api.post(GUESTS, json=PARTY, headers=bearer(paired.token)), 403, "not_permitted")
        problem(api.get("/api/pairing", headers=bearer(new_token())), 401, "token_invalid")
        ok(api.get("/restaurants/1"))


def test_who_was_adopted_while_the_hub_was_open_stays_when_it_closes(new_hub: NewHub) -> None:
    hub = new_hub().start()
    header = jwt(1)
    with (
        app(hub, "127.0.20.19", header) as api,
        app(hub, "127.0.20.20") as bare,
        ws(hub, SYNC, "127.0.20.19") as first,
        ws(hub, SYNC, "127.0.20.20") as second,
        manager(hub) as trusted,
    ):
        assert "restohub-by" not in api.post(GUESTS, json=PARTY).headers
        refused = problem(trusted.put("/api/access", json={"access": "closed"}), 409, "devices_unpaired")
        assert refused["params"]["devices"] == 2
        for address, by in (("127.0.20.19", "header"), ("127.0.20.20", "address")):
            [visitor] = listed(hub, address)
            assert (visitor["known_by"], visitor["sockets"]) == (by, 1)
            assert adopt(hub, visitor, name=address)["sockets"] == 1
        assert ok(trusted.get("/api/access"))["unpaired"] == []
        assert api.post(GUESTS, json=PARTY).headers["restohub-by"] == "127.0.20.19"
        ok(trusted.put("/api/access", json={"access": "closed"}))
        assert bare.post(GUESTS, json=PARTY).headers["restohub-by"] == "127.0.20.20"
        for socket in (first, second):
            while next_message(socket).get("revision") != 3:
                pass
        audit = ok(trusted.get("/api/audit"))["entries"]
        assert [one["device"] for one in audit] == ["127.0.20.20", "127.0.20.19", None]


def test_a_socket_that_was_open_before_its_device_spoke_from_there_stays_when_the_hub_closes(new_hub: NewHub) -> None:
    hub = new_hub().start()
    header = jwt(1)
    with app(hub, "127.0.20.21", header) as first, app(hub, "127.0.20.22", header) as moved, manager(hub) as trusted:
        ok(first.post(GUESTS, json=PARTY), 201)
        adopt(hub, listed(hub, "127.0.20.21")[0])
        with ws(hub, SYNC, "127.0.20.22") as socket:
            next_message(socket)
            problem(trusted.put("/api/access", json={"access": "closed"}), 409, "devices_unpaired")
            ok(moved.post(GUESTS, json=PARTY), 201)
            ok(trusted.put("/api/access", json={"access": "closed"}))
            ok(moved.post(GUESTS, json=PARTY), 201)
            while next_message(socket).get("revision") != 3:
                pass
