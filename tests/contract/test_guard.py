"""The contract of who may ask and who is told what: the guard, the headers of every answer, two faces."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import WAIT_S, Hub
from tests.contract.answers import ok, problem

FORWARDED = (
    ("Forwarded", "for=192.168.1.66"),
    ("Via", "1.1 proxy"),
    ("X-Forwarded-For", "192.168.1.66"),
    ("X-Forwarded-Host", "hub.example.com"),
    ("X-Real-IP", "192.168.1.66"),
    ("X-Client-IP", "192.168.1.66"),
    ("CF-Connecting-IP", "192.168.1.66"),
    ("True-Client-IP", "192.168.1.66"),
)
UNTOLD = {"sqlite_version": "", "size_bytes": 0, "wal_bytes": 0, "free_bytes": 0}
EVERYWHERE = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
ROOT = Path(__file__).parents[2]


def test_the_guard_answers_before_all_else(api: httpx.Client) -> None:
    for path, method in (("/nowhere", "GET"), ("/restaurants", "DELETE"), ("/restaurants/1/guests/", "POST")):
        for headers, code in (
            ({"Host": "evil.example"}, "host_not_allowed"),
            ({"Origin": "http://evil.example"}, "origin_not_allowed"),
        ):
            problem(api.request(method, path, headers=headers, content=b"{"), 403, code)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.20", "[fd77::1]", "[fe80::1%25en0]", "hub", "hub.local", "HUB.lan", "my_hub.home", "hub.internal.",
        "a.home.arpa", "xn--kche-0ra.local",
    ],
)  # fmt: skip
@pytest.mark.parametrize("port", ["", ":80", ":8000"])
def test_a_name_that_only_the_hub_can_have_passes(api: httpx.Client, host: str, port: str) -> None:
    ok(api.get("/health", headers={"Host": host + port}))


def test_a_refused_name_is_told_the_setting_that_lets_it_in(api: httpx.Client) -> None:
    refused = problem(api.get("/restaurants", headers={"Host": "hub.example.com"}), 403, "host_not_allowed")
    assert "`allowed_hosts`" in refused["hint"]
    assert "hub.example.com" in refused["detail"]
    assert refused["params"] == {"host": "hub.example.com"}
    page = api.get("/", headers={"Host": "hub.example.com", "Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "<code>allowed_hosts</code>" in page.text


def test_the_setting_lets_a_name_and_its_pages_in(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub(None, "--allowed-hosts", "Hub.Example.com,Küche.example").start()
    with hub.client() as api:
        for host in ("hub.example.com", "HUB.example.com.:443", "xn--kche-0ra.example"):
            ok(api.get("/health", headers={"Host": host}))
        ok(api.get("/health", headers={"Origin": "https://hub.example.com"}))
        problem(api.get("/restaurants", headers={"Host": "x.hub.example.com"}), 403, "host_not_allowed")


def test_a_page_of_the_hub_and_a_native_app_pass_and_every_other_page_does_not(hub: Hub, api: httpx.Client) -> None:
    own = f"127.0.0.1:{hub.port}"
    for origin in (f"http://{own}", f"ws://{own}", f"wss://{own}"):
        ok(api.get("/health", headers={"Origin": origin}))
        hub.socket("/realtime", additional_headers={"Origin": origin}).close()
    for origin in ("null", f"http://localhost:{hub.port}", "http://127.0.0.1", f"http://{own}.evil.example"):
        problem(api.get("/restaurants", headers={"Origin": origin}), 403, "origin_not_allowed")
        for path in ("/realtime", "/ws/restaurant/sync"):
            with pytest.raises(InvalidStatus) as refused:
                hub.socket(path, additional_headers={"Origin": origin})
            answer = refused.value.response
            assert answer.status_code == 403
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert b'"error_code":"origin_not_allowed"' in answer.body


def test_a_port_that_is_not_written_is_the_scheme_s(api: httpx.Client) -> None:
    for host, origin in (
        ("hub.local", "http://hub.local:80"),
        ("hub.local:443", "https://hub.local"),
        ("hub.local:80", "ws://hub.local"),
        ("hub.local:443", "wss://hub.local"),
    ):
        ok(api.get("/health", headers={"Host": host, "Origin": origin}))
    foreign = {"Host": "hub.local:443", "Origin": "http://hub.local"}
    problem(api.get("/restaurants", headers=foreign), 403, "origin_not_allowed")


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/errors", "/health", "/restaurants", "/nowhere", "/realtime"])
def test_every_answer_keeps_browsers_from_guessing_telling_and_framing(hub: Hub, api: httpx.Client, path: str) -> None:
    for answer in (api.get(path), api.options(path), api.get(path, headers={"Host": "evil.example"})):
        for name, value in EVERYWHERE.items():
            assert answer.headers.get_list(name) == [value]
        [policy] = answer.headers.get_list("content-security-policy")
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_what_is_no_http_and_a_refused_handshake_have_these_headers_too(hub: Hub) -> None:
    upgrade = b"GET %b HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n%b\r\n"
    whole = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    for sent in (b"nonsense\r\n\r\n", upgrade % (b"/realtime", b""), upgrade % (b"/nowhere", whole)):
        with socket.create_connection(("127.0.0.1", hub.port), timeout=WAIT_S) as sock:
            sock.sendall(sent)
            answer = b"".join(iter(partial(sock.recv, 65536), b"")).lower()
        assert b"\r\ncontent-type: application/problem+json\r\n" in answer, answer
        assert b"\r\nx-content-type-options: nosniff\r\n" in answer
        assert b"frame-ancestors 'none'" in answer


def shape(value: Any) -> Any:
    """The keys and types of a JSON value."""
    return {key: shape(one) for key, one in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize(("name", "value"), FORWARDED)
@pytest.mark.parametrize("path", ["/health", "/api/sync/health"])
def test_for_another_behind_a_proxy_health_says_nothing_of_the_machine(
    api: httpx.Client, path: str, name: str, value: str
) -> None:
    own, told = ok(api.get(path)), ok(api.get(path, headers={name: value}))
    assert shape(told) == shape(own)
    assert own["database"]["sqlite_version"]
    assert own["database"]["free_bytes"] > 0
    assert own["discovery"]["name"] == "restohub"
    assert told["database"] == {"status": "ok", **UNTOLD, "warnings": []}
    assert told["discovery"] == {"state": own["discovery"]["state"], "name": "", "host": "", "addresses": []}
    assert re.fullmatch(r"\d+\.\d+", told["version"])
    assert own["version"].startswith(f"{told['version']}.")
    for key in ("status", "service", "id", "connections", "restaurants", "clock_behind_seconds"):
        assert told[key] == own[key]


def test_security_txt_says_where_to_report_a_weakness_and_has_not_expired(api: httpx.Client) -> None:
    answer = api.get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=366)
    assert fields["Contact"].removeprefix("mailto:") in (ROOT / "SECURITY.md").read_text("utf-8")


def test_what_the_hub_makes_on_disk_is_its_own_user_s_alone(hub: Hub) -> None:
    assert hub.data.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in hub.data.iterdir() if path.is_file()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert len(modes) >= 5
