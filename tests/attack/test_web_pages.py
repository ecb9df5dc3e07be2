"""Foreign web pages: rebound names, other origins, on every route and both sockets, over both parsers."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attack.parsers import without_httptools
from tests.attack.stranger import STRANGER, client, raw, read_to_end, status_of
from tests.attack.web_pages import ALLOWED, OWN_LABEL, SEARCH, HostHeader, Origin, hosts, origins, right
from tests.conftest import Hub

STATUS = {"": 200, "invalid_json": 400, "host_not_allowed": 403, "origin_not_allowed": 403}
# Every so many pairs of the 20,200: all Hosts and all Origins are among them.
EVERY = 37
UPGRADE = (
    "GET {path} HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
SOCKETS = ("/realtime", "/ws/restaurant/sync?restaurant_id=1")


@pytest.fixture(scope="module", params=["httptools", "h11"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with each of uvicorn's two parsers."""
    place = tmp_path_factory.mktemp(request.param)
    env = without_httptools(place) if request.param == "h11" else {}
    running = Hub(place / "data", "--allowed-hosts", ",".join(ALLOWED), env=env).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.said()
    assert "fault" not in running.said()


def head(host: str, origin: str | None) -> str:
    return f"Host: {host}\r\n" + (f"Origin: {origin}\r\n" if origin is not None else "")


def answers(hub: Hub, requests: list[str]) -> list[tuple[int, dict[str, str], bytes]]:
    """The status, headers and body of each request's answer; a connection that the hub closes is made anew."""
    got: list[tuple[int, dict[str, str], bytes]] = []
    while len(got) < len(requests):
        with raw(hub) as sock, sock.makefile("rb") as file:
            for request in requests[len(got) :]:
                sock.sendall(request.encode())
                status = int(file.readline().split()[1])
                lines = iter(lambda file=file: file.readline().decode().strip(), "")  # type: ignore[misc]  # mypy infers no default of a lambda
                headers = dict(line.split(": ", 1) for line in lines)
                got.append((status, headers, file.read(int(headers.get("content-length", "0")))))
                if headers.get("connection", "").lower() == "close":
                    break
    return got


def code_of(body: bytes) -> str:
    found: dict[str, Any] = json.loads(body)
    return str(found.get("error_code", ""))


def sample() -> list[tuple[HostHeader, Origin | None]]:
    """Of all pairs, but for the names that this machine does not have (`test_strangers.py` gives them to one)."""
    named = [host for host in hosts() if not host.name.startswith(f"{OWN_LABEL}.") or not host.name.endswith(SEARCH)]
    return [(host, origin) for host in named for origin in (None, *origins())][::EVERY]


def test_over_the_network_hosts_and_origins_are_judged_as_they_are(hub: Hub) -> None:
    pairs = sample()
    assert len({host for host, _ in pairs}) > 180
    assert len({origin for _, origin in pairs}) == 101
    asked = [f"GET /health HTTP/1.1\r\n{head(h.spelled, o and o.spelled)}\r\n" for h, o in pairs]
    told = answers(hub, asked)
    wrong = [
        (host, origin, status, body)
        for (host, origin), (status, _, body) in zip(pairs, told, strict=True)
        if (status, code_of(body)) != (STATUS[right(host, origin)], right(host, origin))
    ]
    assert wrong == []


def upgraded(hub: Hub, path: str, headers: str) -> tuple[int, bytes]:
    """The status and the body of a handshake's answer (no body where it is accepted)."""
    with raw(hub) as sock:
        sock.sendall(UPGRADE.format(path=path, headers=headers).encode())
        answer = sock.recv(65536)
        if status_of(answer) != 101:
            answer += read_to_end(sock)
    return status_of(answer), answer.partition(b"\r\n\r\n")[2] if status_of(answer) != 101 else b""


def test_before_a_socket_is_opened_hosts_and_origins_are_judged_as_they_are(hub: Hub) -> None:
    wrong = []
    for host, origin in sample()[::6]:
        status, body = upgraded(hub, SOCKETS[0], head(host.spelled, origin and origin.spelled))
        expected = right(host, origin)
        # A hub that does not know the name says so before it looks at the rest of the handshake.
        if status != (STATUS[expected] if expected else 101) or (expected and code_of(body) != expected):
            wrong.append((host, origin, status, body))
    assert wrong == []


@pytest.mark.parametrize("path", SOCKETS)
def test_a_foreign_page_opens_no_socket_and_is_told_which_setting_lets_it_in(hub: Hub, path: str) -> None:
    for headers, code in (
        (head("rebound.example:8000", "http://rebound.example:8000"), "host_not_allowed"),
        (head("127.0.0.1:8000", "https://page.example"), "origin_not_allowed"),
        (head("127.0.0.1:8000", "null"), "origin_not_allowed"),
        (head("127.0.0.1:8000", "http://127.0.0.1:8000") + "Origin: http://127.0.0.1:8000\r\n", "origin_not_allowed"),
    ):
        status, body = upgraded(hub, path, headers)
        assert (status, code_of(body)) == (403, code)
    assert b"allowed_hosts" in upgraded(hub, path, head("rebound.example", None))[1]
    assert upgraded(hub, path, head("127.0.0.1:8000", "wss://127.0.0.1:8000"))[0] == 101


def routes(api: httpx.Client) -> list[tuple[str, str]]:
    """Each method and path of the hub, pages included, with ids filled in."""
    document = api.get("/schema/openapi.json").json()
    found = [
        (method.upper(), re.sub(r"\{\w+\}", "1", path)) for path, item in document["paths"].items() for method in item
    ]
    pages = ["/", "/docs", "/docs/errors", "/schema/openapi.json", "/.well-known/security.txt", "/nowhere", *SOCKETS]
    return [*found, *(("GET", path) for path in pages), ("OPTIONS", "/restaurants"), ("HEAD", "/health")]


def test_no_route_serves_a_rebound_name_or_a_foreign_page_and_none_speaks_of_cors(hub: Hub) -> None:
    foreign = (
        ({"Host": "rebound.example"}, "host_not_allowed"),
        ({"Origin": "https://page.example"}, "origin_not_allowed"),
        ({"Origin": "null", "Access-Control-Request-Method": "DELETE"}, "origin_not_allowed"),
    )
    with client(hub) as api:
        before = api.get("/api/sync/full").json()["revision"]
        every = routes(api)
        assert len(every) > 25
        for method, path in every:
            for headers, code in foreign:
                answer = api.request(method, path, headers=headers, json={} if method in ("POST", "PUT") else None)
                assert answer.status_code == 403, (method, path)
                assert method == "HEAD" or answer.json()["error_code"] == code, "a HEAD has no body"
                assert not [name for name in answer.headers if name.startswith("access-control")]
                assert answer.headers["x-content-type-options"] == "nosniff"
        assert api.get("/api/sync/full").json()["revision"] == before


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code"),
    [
        ("GET http://{own}/health HTTP/1.1", "Host: {own}\r\n", 200, ""),
        ("GET HTTP://{own}/health?x=1 HTTP/1.1", "Host: hub\r\nOrigin: http://{own}\r\n", 200, ""),
        ("GET http://{own}/api/restaurants/1/ HTTP/1.1", "Host: {own}\r\n", 200, ""),
        ("GET http://{own} HTTP/1.1", "Host: {own}\r\n", 200, ""),
        ("GET http://{own}?x=1 HTTP/1.1", "Host: {own}\r\n", 200, ""),
        ("GET http://{own}?x=/health HTTP/1.1", "Host: {own}\r\n", 200, ""),
        ("POST http://{own} HTTP/1.1", "Host: {own}\r\n", 405, "method_not_allowed"),
        ("GET http://rebound.example HTTP/1.1", "Host: {own}\r\n", 403, "host_not_allowed"),
        ("GET http://rebound.example?x=1 HTTP/1.1", "Host: {own}\r\n", 403, "host_not_allowed"),
        ("GET http://?x=1 HTTP/1.1", "Host: {own}\r\n", 400, "invalid_json"),
        ("GET http:///health HTTP/1.1", "Host: {own}\r\n", 400, "invalid_json"),
        ("GET http://{own} HTTP/1.1", "Host: {own}\r\nOrigin: http://hub\r\n", 403, "origin_not_allowed"),
        ("GET http://rebound.example/health HTTP/1.1", "Host: {own}\r\n", 403, "host_not_allowed"),
        ("GET ws://rebound.example/health HTTP/1.1", "Host: {own}\r\n", 403, "host_not_allowed"),
        ("GET http://{own}/health HTTP/1.1", "Host: rebound.example\r\n", 403, "host_not_allowed"),
        ("GET http://{own}/health HTTP/1.1", "Host: {own}\r\nOrigin: http://hub\r\n", 403, "origin_not_allowed"),
        ("GET http://a@{own}/health HTTP/1.1", "Host: {own}\r\n", 400, "invalid_json"),
        ("GET /health HTTP/1.1", "", 400, "invalid_json"),
        ("GET /health HTTP/1.1", "Host: {own}\r\nHost: {own}\r\n", 400, "invalid_json"),
        ("GET /health HTTP/1.1", "Host: {own}\r\nHost: rebound.example\r\n", 400, "invalid_json"),
        ("GET /health HTTP/1.1", "Host: \r\n", 400, "invalid_json"),
        ("GET /health HTTP/1.0", "", 200, ""),
        ("GET /health HTTP/1.0", "Host: rebound.example\r\n", 403, "host_not_allowed"),
        ("GET /health HTTP/1.1", "Host: {own}\r\n" + 2 * "Origin: http://{own}\r\n", 403, "origin_not_allowed"),
        ("GET //rebound.example/health HTTP/1.1", "Host: {own}\r\n", 404, "route_not_found"),
    ],
)  # fmt: skip
def test_a_request_is_judged_by_its_one_host_and_by_that_of_its_target(
    either: Hub, request_line: str, headers: str, status: int, code: str
) -> None:
    own = f"127.0.0.1:{either.port}"
    [(got, _, body)] = answers(either, [f"{request_line}\r\n{headers}\r\n".format(own=own)])
    assert (got, code_of(body) if code else "") == (status, code), body


def test_a_socket_s_target_may_be_absolute_and_is_judged_too(hub: Hub) -> None:
    own = f"127.0.0.1:{hub.port}"
    assert upgraded(hub, f"ws://{own}/realtime", head(own, None))[0] == 101
    status, body = upgraded(hub, "ws://rebound.example/realtime", head(own, None))
    assert (status, code_of(body)) == (403, "host_not_allowed")


def test_a_browser_is_shown_a_page_that_says_which_setting_lets_the_name_in(hub: Hub) -> None:
    accept = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    [(status, headers, body)] = answers(hub, [f"GET / HTTP/1.1\r\nHost: hub.trattoria.example\r\n{accept}\r\n"])
    assert (status, headers["content-type"]) == (403, "text/html; charset=utf-8")
    for part in (b"hub.trattoria.example", b"<code>allowed_hosts</code>", b"--allowed-hosts"):
        assert part in body
    assert b"127.0.0.1" not in body, "the page that rebound the name can read this"


def test_what_is_refused_cannot_be_used_to_inject_html(hub: Hub) -> None:
    accept = "Accept: text/html\r\n"
    origin = "http://<script>alert(1)</script>"
    [(status, headers, body)] = answers(hub, [f"GET / HTTP/1.1\r\nHost: hub\r\nOrigin: {origin}\r\n{accept}\r\n"])
    assert status == 403
    assert b"<script" not in body
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_every_address_that_the_hub_tells_passes(hub: Hub, tmp_path: Path) -> None:
    """What the README, the start, `where` and discovery give: addresses, the machine's name, a `.local` name."""
    told = re.findall(r"http://([^\s/]+):\d+/", hub.says("is ready at"))
    assert told
    with client(hub) as api:
        install = api.get("/health").json()["id"].replace("-", "")[-6:]
        for name in (
            *told,
            "localhost",
            "hub.local",
            f"restohub-{install}.local",
            socket.gethostname(),
            "192.168.1.20",
        ):
            for port in (f":{hub.port}", ""):
                own = f"{name}{port}"
                assert api.get("/health", headers={"Host": own, "Origin": f"http://{own}"}).status_code == 200, own
    assert STRANGER not in told
