"""Every route and both sockets of a closed hub, for each kind of token: let in exactly as the route table says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from restohub.access.tokens import new_token
from restohub.web.route import Route
from restohub.web.routes import ROUTES
from restohub.web.routing import EVERY_ROUTE, SOCKET_PATHS
from tests.access.adopting import adopted, jwt
from tests.access.closed_hub import Device, bearer, end_of, hash_of, machine_token, pair, revoke, shown_later
from tests.conftest import Hub, next_message
from tests.contract.answers import any_problem

# Of whom each route of the frozen list asks nothing: health, pairing, the page's own files, the errors, security.txt.
STRANGERS_HAVE = {"health", "openPairing", "getPairing", "board", "boardFile", "errors", "securityTxt"}
RANKS = {"view": 1, "host": 2, "manager": 3}
RANK_OF = {**RANKS, "machine": 3, "adopted view": 1, "adopted host": 2}
UNKNOWN = ("garbage", "jwt", "prefix", "other case", "longer", "its hash", "revoked", "nobody's", "adopted and revoked")
Tokens = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A closed hub."""
    hub = Hub(tmp_path_factory.mktemp("closed") / "data", "--access", "closed").start()
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def tokens(closed: Hub) -> Tokens:
    """The headers of every kind of caller."""
    paired = {role: pair(closed, role).token for role in RANKS}
    gone = pair(closed, "manager", "Gone")
    revoke(closed, gone)
    host = paired["host"]
    stale = {role: jwt(1, role) for role in ("view", "host", "gone")}
    left = adopted(closed, "127.0.0.1", stale["gone"])
    adopted(closed, "127.0.0.1", stale["view"], "view")
    adopted(closed, "127.0.0.1", stale["host"])
    revoke(closed, Device(left["id"], ""))
    return {
        "none": {},
        "empty": {"Authorization": ""},
        "empty bearer": {"Authorization": "Bearer"},
        "basic": {"Authorization": f"Basic {host}"},
        "garbage": bearer("rsto_" + "!" * 43),
        "jwt": bearer("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln"),
        "prefix": bearer(host[:-1]),
        "other case": bearer(host[:5] + host[5:].swapcase()),
        "longer": bearer(host + "A"),
        "its hash": bearer(hash_of(host)),
        "revoked": bearer(gone.token),
        "nobody's": bearer(new_token()),
        **{role: bearer(token) for role, token in paired.items()},
        "machine": bearer(machine_token(closed)),
        "adopted view": stale["view"],
        "adopted host": stale["host"],
        "adopted and revoked": stale["gone"],
    }


def wanted(route: Route, kind: str) -> str:
    """What the route table says of a caller: the error code, "" where he passes."""
    if route.needs == "anyone":
        return ""
    if kind in UNKNOWN:
        return "token_invalid"
    rank = RANK_OF.get(kind)
    if rank is None:
        return "token_required"
    return "" if rank >= RANKS[route.needs] else "not_permitted"


def asked(api: httpx.Client, route: Route, headers: dict[str, str]) -> httpx.Response:
    """An answer of a route; nothing that is asked for is there, or could be done."""
    path = re.sub(r"\{\w+:\w+\}", "404", route.path)
    body: Any = {} if route.method in ("POST", "PUT", "PATCH") else None
    return api.request(route.method, path, json=body, headers=headers)


@pytest.mark.parametrize("route", EVERY_ROUTE, ids=[route.name for route in EVERY_ROUTE])
def test_a_route_lets_in_whom_the_table_says(closed: Hub, tokens: Tokens, route: Route) -> None:
    with closed.client() as api:
        for kind, headers in tokens.items():
            answer = asked(api, route, headers)
            assert answer.is_success or any_problem(answer), kind
            refused = answer.status_code in (401, 403)
            code = answer.json()["error_code"] if refused else ""
            if route.name == "getPairing" and kind not in (*RANKS, "machine"):
                assert answer.status_code == 401, "who has asked nothing waits for nothing"
                continue
            assert code == wanted(route, kind), (route.name, kind, answer.text[:300])
            assert answer.headers.get("www-authenticate", "Bearer").startswith("Bearer")
            assert (answer.status_code == 401) is ("www-authenticate" in answer.headers)


@pytest.mark.parametrize("path", ["/api/health", "/health/", "/api/restaurants/", "/api/restaurants/1/guests/"])
def test_another_spelling_of_a_path_is_the_same_route(closed: Hub, path: str) -> None:
    with closed.client() as api:
        assert api.get(path).status_code == (200 if "health" in path else 401)


def test_a_head_is_asked_for_a_token_as_a_get_is(closed: Hub) -> None:
    with closed.client() as api:
        assert api.head("/restaurants").status_code == 401


def test_which_routes_there_are_is_told_before_a_token_is_asked_for(closed: Hub) -> None:
    with closed.client() as api:
        assert api.options("/restaurants").headers["allow"] == "GET, POST, HEAD"
        assert (api.options("/restaurants").status_code, api.options("/restaurants").content) == (204, b"")
        assert [api.get("/nowhere").status_code, api.put("/restaurants").status_code] == [404, 405]


def test_the_list_for_strangers_is_frozen() -> None:
    assert {route.name for route in EVERY_ROUTE if route.needs == "anyone"} == STRANGERS_HAVE


def test_each_role_has_what_the_contract_says() -> None:
    """The routes are held against the table; the table itself against the contract's words."""
    for route in EVERY_ROUTE:
        if route.name in STRANGERS_HAVE:
            continue
        if route.group == "staff":
            managers = ("createPerson", "changePerson", "removePerson")
            assert route.needs == ("manager" if route.name in managers else "host"), route.name
            continue
        own = route.group in ("devices", "people") or route.name == "listMade"
        if own or (route.group == "restaurants" and route.method != "GET"):
            assert route.needs == "manager", route.name
        else:
            assert route.needs == ("view" if route.method == "GET" else "host"), route.name


def test_what_is_a_managers_is_his_on_an_open_hub_too() -> None:
    always = {route.name for route in EVERY_ROUTE if route.even_open}
    assert always == {route.name for route in ROUTES if route.group in ("devices", "staff")} - STRANGERS_HAVE
    assert all(route.needs == "manager" for route in EVERY_ROUTE if route.even_open and route.group != "staff")


def test_a_route_without_a_policy_cannot_be_made() -> None:
    made: Callable[..., Route] = Route
    with pytest.raises(TypeError, match="needs"):
        made(method="GET", path="/new", name="new", handler=None, says="", answers={})


@pytest.mark.parametrize("path", [f"{path}?restaurant_id=1" for path in SOCKET_PATHS])
def test_a_socket_lets_in_by_its_handshake(closed: Hub, tokens: Tokens, path: str) -> None:
    for kind, headers in tokens.items():
        if kind in RANK_OF:
            with closed.socket(path, additional_headers=headers) as socket:
                assert next_message(socket)["restaurant"]["id"] == 1
        elif kind in UNKNOWN:
            with closed.socket(path, additional_headers=headers) as socket:
                assert end_of(socket) == (4401, "token_invalid"), kind


@pytest.mark.parametrize("path", [f"{path}?restaurant_id=1" for path in SOCKET_PATHS])
def test_a_socket_lets_in_by_its_first_message(closed: Hub, tokens: Tokens, path: str) -> None:
    for kind, headers in tokens.items():
        token = headers.get("Authorization", "").removeprefix("Bearer ").strip()
        with shown_later(closed, path, token) as socket:
            if kind in (*RANKS, "machine"):
                assert next_message(socket)["restaurant"]["id"] == 1
            else:
                assert end_of(socket) == (4401, "token_invalid"), kind
