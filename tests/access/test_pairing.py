"""A new device is let in by a manager alone: codes, invitations, and what strangers can do against it."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import segno

from restohub.access.tokens import new_token
from tests.access.closed_hub import ask_to_pair, bearer, hash_of, manager, pair, revoke
from tests.attack.stranger import client as stranger_at
from tests.conftest import Hub
from tests.contract.answers import ok, problem

REQUESTS = 300
MANY_REQUESTS, A_PAIRING = 10_000, 2_000
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A closed hub."""
    hub = Hub(tmp_path_factory.mktemp("closed") / "data", "--access", "closed").start()
    yield hub
    hub.stop()


@pytest.fixture
def api(closed: Hub) -> Iterator[httpx.Client]:
    """A client at an address that no other test asks from."""
    with stranger_at(closed, f"127.0.1.{next(NUMBERS)}") as client:
        yield client


@pytest.fixture
def trusted(closed: Hub) -> Iterator[httpx.Client]:
    """The hub's own machine."""
    with manager(closed) as client:
        yield client


def approve(trusted: httpx.Client, code: str, **said: Any) -> httpx.Response:
    return trusted.post("/api/devices", json={"code": code, "name": "Host stand", "role": "host", **said})


def test_a_device_waits_is_let_in_and_belongs(api: httpx.Client, trusted: httpx.Client) -> None:
    token = new_token()
    code = ask_to_pair(api, token, name="iPad")
    waiting = ok(api.get("/api/pairing", headers=bearer(token)))
    assert (waiting["state"], waiting["code"], waiting["device"]) == ("waiting", code, None)
    assert 100 < waiting["expires_in_seconds"] <= 120, "seconds may have passed"
    [listed] = [one for one in ok(trusted.get("/api/devices"))["waiting"] if one["code"] == code]
    assert (listed["name"], listed["address"].rpartition(".")[0]) == ("iPad", "127.0.1")
    assert 100 < listed["expires_in_seconds"] <= waiting["expires_in_seconds"]
    made = ok(approve(trusted, f" {code[:3].lower()}-{code[3:]} "), 201)
    assert (made["name"], made["role"], made["paired_by"]) == ("Host stand", "host", "The hub's own machine")
    assert (made["known_by"], made["weakness"], made["suspended_at"]) == ("token", None, None)
    paired = ok(api.get("/api/pairing", headers=bearer(token)))
    assert paired == {"state": "paired", "code": None, "expires_in_seconds": None, "device": made}
    assert api.get("/restaurants", headers=bearer(token)).status_code == 200


def test_asking_again_goes_on_waiting(api: httpx.Client) -> None:
    token = new_token()
    assert ask_to_pair(api, token) == ask_to_pair(api, token)


def test_a_code_is_good_once(api: httpx.Client, trusted: httpx.Client) -> None:
    code = ask_to_pair(api, new_token())
    ok(approve(trusted, code), 201)
    problem(approve(trusted, code), 422, "validation_failed")


def test_only_a_manager_lets_in(closed: Hub, api: httpx.Client) -> None:
    code = ask_to_pair(api, new_token())
    for role in ("view", "host"):
        with closed.client(headers=bearer(pair(closed, role).token)) as paired:
            problem(approve(paired, code), 403, "not_permitted")
    with closed.client(headers=bearer(pair(closed, "manager").token)) as paired:
        assert ok(approve(paired, code), 201)["paired_by"] == "Manager"


def test_an_open_hub_lets_in_by_a_manager_alone_too(hub: Hub) -> None:
    with hub.client() as anyone:
        code = ask_to_pair(anyone, new_token())
        problem(approve(anyone, code), 401, "token_required")
        problem(anyone.get("/api/devices"), 401, "token_required")
        problem(anyone.put("/api/access", json={"access": "closed"}), 401, "token_required")


def test_an_invitation_lets_in_one_device_at_once(api: httpx.Client, trusted: httpx.Client) -> None:
    invited = ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "view"}), 201)
    secret, token = invited["invitation"], new_token()
    assert (len(urlsafe_b64decode(secret + "==")), invited["expires_in_seconds"]) == (16, 120)
    asked = {"token_sha256": hash_of(token), "invitation": secret}
    made = ok(api.post("/api/pairing", json=asked), 201)
    assert (made["state"], made["device"]["name"], made["device"]["role"]) == ("paired", "Bar", "view")
    assert api.get("/restaurants", headers=bearer(token)).status_code == 200
    problem(api.post("/api/pairing", json={**asked, "token_sha256": "0" * 64}), 422, "validation_failed")


@pytest.mark.parametrize(
    ("asked_at", "led_to"),
    [("restohub-abc.local:8000", "http://restohub-abc.local:8000/"), ("localhost:8000", None), ("127.0.0.1", None)],
)
def test_an_invitation_comes_with_its_url_and_the_qr_code_of_it(
    closed: Hub, trusted: httpx.Client, asked_at: str, led_to: str | None
) -> None:
    body = {"name": "Bar", "role": "view"}
    made = ok(trusted.post("/api/invitations", json=body, headers={"Host": asked_at}), 201)
    # At the hub's own machine it is the address by which others reach it: this one listens on the loopback alone.
    assert made["url"] == f"{led_to or f'{closed.url}/'}#pair={made['invitation']}"
    rows = made["qr"]
    assert [*map(len, rows)] == [len(rows)] * len(rows)
    eye = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    corners = [[row[at] for row in part] for part in (rows[:7], rows[-7:]) for at in (slice(7), slice(-7, None))]
    assert [corner == eye for corner in corners] == [True, True, True, False]
    assert rows == ["".join(map(str, row)) for row in segno.make_qr(made["url"]).matrix]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/token_sha256"}),
        ({"token_sha256": "A" * 64}, {"/token_sha256"}),
        ({"token_sha256": "a" * 64, "name": 5}, {"/name"}),
        ({"token_sha256": "a" * 64, "token": "rsto_"}, {"/token"}),
        ([], {""}),
    ],
)
def test_what_cannot_be_asked_is_said(api: httpx.Client, body: Any, pointers: set[str]) -> None:
    said = problem(api.post("/api/pairing", json=body), 422, "validation_failed")
    assert {one["pointer"] for one in said["errors"]} == pointers


def test_one_address_has_five_places(api: httpx.Client) -> None:
    codes = {ask_to_pair(api, new_token()) for _ in range(5)}
    assert len(codes) == 5
    refused = api.post("/api/pairing", json={"token_sha256": hash_of(new_token())})
    assert problem(refused, 429, "rate_limited")["params"]["seconds"] == 120
    assert refused.headers["retry-after"] == "120"


def test_those_who_hold_several_places_give_way_and_a_device_that_waits_does_not(tmp_path: Any, new_hub: Any) -> None:
    hub = new_hub(tmp_path / "full", "--access", "closed").start()
    token = new_token()
    with stranger_at(hub, "127.0.2.1") as api, manager(hub) as trusted:
        code = ask_to_pair(api, token)
        for number in range(2, 12):
            with stranger_at(hub, f"127.0.2.{number}") as flood:
                for _ in range(6):
                    flood.post("/api/pairing", json={"token_sha256": hash_of(new_token())})
        assert len(ok(trusted.get("/api/devices"))["waiting"]) == 20
        assert ok(api.get("/api/pairing", headers=bearer(token)))["code"] == code
        with stranger_at(hub, "127.0.2.99") as late:
            ask_to_pair(late, new_token())
        ok(approve(trusted, code), 201)


def test_where_all_hold_one_place_nobody_is_thrown_out(tmp_path: Any, new_hub: Any) -> None:
    hub = new_hub(tmp_path / "full", "--access", "closed").start()
    codes = []
    for number in range(1, 21):
        with stranger_at(hub, f"127.0.5.{number}") as one:
            codes.append(ask_to_pair(one, new_token()))
    with stranger_at(hub, "127.0.5.99") as late, manager(hub) as trusted:
        refused = late.post("/api/pairing", json={"token_sha256": hash_of(new_token())})
        problem(refused, 429, "rate_limited")
        assert [one["code"] for one in ok(trusted.get("/api/devices"))["waiting"]] == codes
        secret = ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "view"}), 201)["invitation"]
        asked = {"token_sha256": hash_of(new_token()), "invitation": secret}
        assert ok(late.post("/api/pairing", json=asked), 201)["state"] == "paired"


def flood_while_pairing(closed: Hub, requests: int) -> list[int]:
    """What a stranger sends in all the ways that he knows of; none is let in, and the pairing goes on.

    The statuses of his hashes: every seventh the one that he has read, the others his own.
    """
    token, hashes = new_token(), []
    with (
        stranger_at(closed, "127.0.3.1") as api,
        stranger_at(closed, "127.0.3.66") as other,
        manager(closed) as trusted,
    ):
        code = ask_to_pair(api, token)
        asked: list[tuple[str, str, Any, dict[str, str], int]] = [
            ("POST", "/api/pairing", {"token_sha256": hash_of(token), "invitation": "guessed"}, {}, 422),
            ("POST", "/api/devices", {"code": code, "name": "Mine", "role": "manager"}, {}, 401),
            ("POST", "/api/devices", {"code": code, "name": "Mine", "role": "manager"}, bearer(new_token()), 401),
            ("DELETE", f"/api/pairing?code={code}", None, {}, 405),
            ("GET", "/api/pairing", None, bearer(hash_of(token)), 401),
            ("POST", "/api/invitations", {"name": "Mine", "role": "manager"}, {}, 401),
        ]
        for number in range(requests // 2):
            answer = other.post("/api/pairing", json={"token_sha256": hash_of(new_token() if number % 7 else token)})
            hashes.append(answer.status_code)
            assert "paired" not in answer.text.partition('"state":"')[2][:8], answer.text
            method, path, body, headers, status = asked[number % len(asked)]
            answer = other.request(method, path, json=body, headers=headers)
            assert answer.status_code == status, answer.text
            assert "paired" not in answer.text.partition('"state":"')[2][:8], answer.text
        made = ok(approve(trusted, code), 201)
        assert ok(api.get("/api/pairing", headers=bearer(token)))["device"] == made
        mine = [one for one in ok(trusted.get("/api/devices"))["devices"] if one["name"] == "Mine"]
        assert mine == []
    return hashes


def test_nothing_that_a_stranger_sends_opens_blocks_or_uses_up_a_pairing(closed: Hub) -> None:
    told = flood_while_pairing(closed, REQUESTS)
    assert told == [201 if number < 5 or number % 7 == 0 else 429 for number in range(REQUESTS // 2)]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nothing_that_a_stranger_sends_ten_thousand_times_does(tmp_path: Any, new_hub: Any) -> None:
    hub = new_hub(tmp_path / "flooded", "--access", "closed").start()
    for _ in range(MANY_REQUESTS // A_PAIRING):  # at his rate, more would take longer than a code is good
        # He has all of his five places until his two minutes are over.
        assert set(flood_while_pairing(hub, A_PAIRING)) == {201, 429}


def test_a_token_that_was_revoked_is_not_let_in_again(closed: Hub, api: httpx.Client, trusted: httpx.Client) -> None:
    device = pair(closed, "host")
    revoke(closed, device)
    listed = {one["id"]: one for one in ok(trusted.get("/api/devices"))["devices"]}
    assert listed[device.id]["revoked_at"] >= listed[device.id]["paired_at"], "the same, within one second"
    problem(api.post("/api/pairing", json={"token_sha256": hash_of(device.token)}), 422, "validation_failed")


def test_a_device_is_renamed_and_given_another_role(closed: Hub, trusted: httpx.Client) -> None:
    device = pair(closed, "view", "Old")
    changed = ok(trusted.patch(f"/api/devices/{device.id}", json={"name": "New", "role": "host"}))
    assert (changed["name"], changed["role"]) == ("New", "host")
    problem(trusted.patch("/api/devices/nobody", json={"name": "New"}), 404, "device_not_found")
    problem(trusted.patch(f"/api/devices/{device.id}", json={"role": "owner"}), 422, "validation_failed")
    with closed.client(headers=bearer(device.token)) as api:
        assert api.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}).status_code == 201


def test_an_idempotency_key_counts_for_nothing_here(closed: Hub, api: httpx.Client, trusted: httpx.Client) -> None:
    device, other = pair(closed, "view", "Old"), pair(closed, "view", "Other")
    for key in ("once", "x" * 300):
        trusted.headers["Idempotency-Key"] = key
        for name in ("First", "Second"):
            changed = trusted.patch(f"/api/devices/{device.id}", json={"name": name})
            assert (ok(changed)["name"], "idempotency-replayed" in changed.headers) == (name, False)
        invited = [ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "view"}), 201) for _ in range(2)]
        assert invited[0]["invitation"] != invited[1]["invitation"]
    for one in (device, other):
        assert trusted.delete(f"/api/devices/{one.id}").status_code == 204
    api.headers["Idempotency-Key"] = "once"
    assert ask_to_pair(api, new_token()) != ask_to_pair(api, new_token())
