"""A hub that speaks TLS: all is as on plain HTTP, and a client that knows its certificate speaks to no other."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from restohub.access.tokens import new_token
from restohub.cli.hub_client import HubClient, HubError
from restohub.limits import RECORDS_IN_VAIN_BURST
from restohub.net.certificate import read_certificate
from tests.access.closed_hub import ask_to_pair, bearer, end_of, hash_of, machine_token, manager
from tests.access.secure_socket import DATA, NewKeys, anyone
from tests.access.tls_hub import Rogue, TlsHub
from tests.attack.stranger import client as stranger_at
from tests.attack.stranger import read_to_end, ws
from tests.commands import run_command
from tests.conftest import WAIT_S, Hub, next_message
from tests.contract.answers import ok, problem
from tests.contract.quick_hub import clock, needs_quick_clock
from tests.contract.requests import new_guest
from tests.house.source_tree import ROOT
from tests.net.test_certificate import DAY, pair

SyncClient = runpy.run_path(str(ROOT / "restohub" / "docs" / "sync_client.py"))["SyncClient"]
STRANGER, ANOTHER, CROWDED = "127.0.0.66", "127.0.0.67", "127.0.0.68"
PLACES = 320


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsHub]:
    """A closed hub with TLS beside plain HTTP."""
    hub = TlsHub(tmp_path_factory.mktemp("secure") / "data", "--tls", "self", "--access", "closed")
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[Callable[..., TlsHub]]:
    """Makes hubs of the test's own."""
    made: list[TlsHub] = []

    def make(*args: str, data: Path | None = None, **options: Any) -> TlsHub:
        made.append(TlsHub(data or tmp_path / f"data{len(made)}", *args, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.kill()


def told(hub: Hub, *command: str) -> str:
    """What a command prints that goes well."""
    done = run_command(*command, "--data", str(hub.data))
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fails after 60 s."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def socket_of(hub: TlsHub, token: str, path: str = "/ws/restaurant/sync?restaurant_id=1") -> Any:
    return hub.socket(path, additional_headers=bearer(token))


def test_a_change_over_tls_reaches_a_socket_over_tls(secure: TlsHub) -> None:
    with manager(secure) as api, socket_of(secure, machine_token(secure)) as socket:
        assert next_message(socket)["type"] == "connection_established"
        assert next_message(socket)["type"] == "full_sync"
        made = new_guest(api, 1)
        assert next_message(socket)["changes"][0]["data"]["id"] == made["id"]
        with httpx.Client(base_url=secure.plain_url, verify=False, headers=bearer(machine_token(secure))) as plain:
            assert ok(plain.get(f"/api/restaurants/1/guests/{made['id']}")) == made


def test_who_shows_no_token_is_refused_over_tls_too(secure: TlsHub) -> None:
    with secure.client() as api:
        problem(api.get("/restaurants"), 401, "token_required")
        assert ok(api.get("/health"))["access"] == "closed"


def test_the_hub_says_by_what_it_is_known(secure: TlsHub) -> None:
    shown = secure.fingerprint()
    port = secure.tls_port
    with secure.client() as api:
        assert ok(api.get("/health"))["tls"] == {"port": port, "fingerprint": shown}
        assert f"connect-src 'self' wss://127.0.0.1:{port};" in api.get("/").headers["content-security-policy"]
    where = json.loads(told(secure, "where", "--json"))
    assert where["tls"] == {"port": port, "fingerprint": shown, "urls": [f"{secure.url}/"]}
    assert where["own_url"] == f"{secure.plain_url}/"
    said = told(secure, "where").splitlines()
    assert f"Over TLS it is at {secure.url}/" in said
    assert f"The SHA-256 of its certificate is {shown}" in said
    invited = json.loads(told(secure, "pair", "--json"))["url"]
    assert re.fullmatch(rf"{secure.plain_url}/#pair=[\w-]{{22}}&tls={port}&fp={shown}", invited)


def test_an_invitation_of_a_managers_page_says_it_too(secure: TlsHub) -> None:
    by_name = f"hub.local:{secure.tls_port}"
    with manager(secure) as api:
        asked = {"name": "Invited", "role": "view"}
        url = ok(api.post("/api/invitations", json=asked, headers={"Host": by_name}), 201)["url"]
    assert re.fullmatch(rf"https://{by_name}/#pair=[\w-]{{22}}&tls={secure.tls_port}&fp={secure.fingerprint()}", url)


def test_the_key_is_the_hubs_users_alone(secure: TlsHub) -> None:
    file = secure.data / "restohub.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_bytes()
    assert b"BEGIN PRIVATE KEY" in text
    with secure.client() as api:
        assert api.get("/restohub.pem", headers=bearer(machine_token(secure))).status_code == 404


@pytest.mark.parametrize("over", ["http", "tls"])
def test_a_device_is_marked_by_what_it_was_paired_over(secure: TlsHub, over: str) -> None:
    root = secure.url if over == "tls" else secure.plain_url
    with httpx.Client(base_url=root, verify=False) as device, manager(secure) as trusted:
        body = {"code": ask_to_pair(device, new_token()), "name": f"By code over {over}", "role": "host"}
        assert ok(trusted.post("/api/devices", json=body), 201)["paired_over"] == over
        invited = ok(trusted.post("/api/invitations", json={"name": "Invited", "role": "view"}), 201)["invitation"]
        asked = {"token_sha256": hash_of(new_token()), "invitation": invited}
        assert ok(device.post("/api/pairing", json=asked), 201)["device"]["paired_over"] == over
    address = "127.0.0.71" if over == "tls" else "127.0.0.72"
    way = httpx.HTTPTransport(local_address=address, verify=False)
    with httpx.Client(base_url=root, transport=way) as app, manager(secure) as trusted:
        problem(app.get("/restaurants"), 401, "token_required")
        [seen] = [one for one in ok(trusted.get("/api/access"))["unpaired"] if one["address"] == address]
        body = {"visitor": seen["id"], "name": "Adopted", "role": "view"}
        assert ok(trusted.post("/api/adoptions", json=body), 201)["paired_over"] == over
    listed = [line for line in told(secure, "devices", "list").splitlines() if line.startswith(f"By code over {over} ")]
    assert f" over {'TLS' if over == 'tls' else 'plain HTTP'} " in f"{listed[0]} "


def test_the_sample_client_and_the_simulation_know_the_hub_by_its_sha256(secure: TlsHub, tmp_path: Path) -> None:
    token, host = machine_token(secure), f"127.0.0.1:{secure.tls_port}"
    client = SyncClient(host, 1, token, secure.fingerprint())
    client.catch_up()
    assert client.revision is not None
    asyncio.run(followed(client))
    args = ("simulate", "--clear", "--url", secure.url)
    assert told(secure, *args).startswith("Removed 0 restaurants")
    (tmp_path / "token").write_text(token)
    named = ("--token", str(tmp_path / "token"), "--pin")
    elsewhere = tmp_path / "nothing"
    with_colons = ":".join(re.findall("..", secure.fingerprint().upper()))
    args = (*args[:-1], secure.url.replace("https", "HTTPS"))
    for pin, said in ((with_colons, "Removed 0 restaurants"), ("0" * 64, "has another certificate")):
        done = run_command(*args, *named, pin, "--data", str(elsewhere))
        assert said in done.stdout + done.stderr


async def followed(client: Any) -> None:
    """Return once the client has heard a floor on its socket."""
    client.restaurant = {}
    following = asyncio.create_task(client.follow())
    async with asyncio.timeout(30):
        while not client.restaurant:
            await asyncio.sleep(0.05)
    following.cancel()


def test_a_page_of_the_hub_itself_passes_and_another_does_not(secure: TlsHub) -> None:
    with manager(secure) as api:
        assert api.get("/restaurants", headers={"Origin": secure.url}).status_code == 200
        problem(api.get("/restaurants", headers={"Origin": "https://127.0.0.1"}), 403, "origin_not_allowed")
        policy = api.get("/").headers["content-security-policy"]
        assert f"connect-src 'self' {secure.ws_url};" in policy
        by_name = f"hub.local:{secure.tls_port}"
        assert f"https://{by_name}" in api.get("/about", headers={"Host": by_name}).text
        reference = api.get("/docs").text
        assert f"{secure.url}/" in reference
        assert f"{secure.ws_url}/" in reference


def test_another_hub_of_the_same_name_gets_no_byte_of_a_token(secure: TlsHub, tmp_path: Path) -> None:
    token = machine_token(secure)
    with Rogue(tmp_path).listening() as rogue:
        client = HubClient("127.0.0.1", rogue.port, token, secure.fingerprint())
        with pytest.raises(HubError, match="another certificate"):
            client.ask("GET", "/api/devices")
        assert rogue.met.wait(WAIT_S)
    assert rogue.heard == b""
    assert HubClient("127.0.0.1", secure.tls_port, token, secure.fingerprint()).ask("GET", "/api/devices")[0] == 200
    with Rogue(tmp_path).listening() as fooled:
        client = HubClient("127.0.0.1", fooled.port, token, fooled.fingerprint)
        client.ask("GET", "/api/devices")
        client.close()
    assert token.encode() in fooled.heard  # so it would have been seen


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_spoken_and_no_older_one(secure: TlsHub, version: ssl.TLSVersion) -> None:
    context = anyone()
    context.set_ciphers("ALL:@SECLEVEL=0")  # this machine's own client would not try an older one
    context.minimum_version = context.maximum_version = version
    try:
        with context.wrap_socket(secure.raw()) as sock:
            spoken = sock.version()
    except (ssl.SSLError, ConnectionError):  # by an alert, or cut off
        spoken = None
    assert spoken == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}.get(version)


def test_what_is_no_tls_is_cut_off_and_the_next_is_served(secure: TlsHub) -> None:
    for said in (b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b""):
        with secure.raw() as sock:
            # Each may find that it is cut off already.
            with suppress(ConnectionError):
                sock.sendall(said)
            with suppress(OSError):
                sock.shutdown(1)
            with suppress(ConnectionError):
                while sock.recv(65_536):
                    pass
    with secure.client() as api:
        assert api.get("/health").status_code == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="only Linux holds several records back for one segment")
def test_a_wrong_frame_before_the_upgrade_is_answered_ends_the_connection(secure: TlsHub) -> None:
    ask = b"GET /realtime HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    ask += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    large, unmasked = b"\x82\xfe\x13\x88" + bytes(4 + 5000), b"\x82\x01x"
    with secure.secure() as sock, suppress(ConnectionError):  # a reset ends it too
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # three records in one segment
        for record in (ask, large, unmasked):
            sock.sendall(record)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        while sock.recv(65_536):
            pass
    assert "fault of the hub" not in secure.said()


def test_an_address_that_begins_many_handshakes_is_cut_off_and_no_other_is(secure: TlsHub) -> None:
    cut, begun = False, 0
    while not cut and begun < 5 * PLACES:
        for _ in range(PLACES // 4):  # so many at once that the rate is reached on a busy machine too
            secure.raw(STRANGER).close()
            begun += 1
        try:
            secure.secure(STRANGER).close()
        except (ssl.SSLError, ConnectionError):  # before its handshake is done, or while it is
            cut = True
    assert cut
    secure.secure(ANOTHER).close()


def test_a_handshake_counts_as_a_connection(secure: TlsHub) -> None:
    silent = [secure.raw(CROWDED) for _ in range(PLACES)]
    secure.secure().close()  # it is taken after them
    with socket.create_connection(("127.0.0.1", secure.port), WAIT_S, (CROWDED, 0)) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert plain.recv(65_536).startswith(b"HTTP/1.1 503 ")
    for sock in silent:
        sock.close()


@needs_quick_clock
def test_handshakes_that_never_end_keep_nobody_out_and_end_after_ten_seconds(hubs: Callable[..., TlsHub]) -> None:
    hub = hubs("--tls", "self", env=clock()).start()
    silent = [hub.raw(STRANGER) for _ in range(PLACES)]
    with hub.client() as api:
        assert api.get("/health").status_code == 200
    for sock in silent:
        assert read_to_end(sock) == b""
        sock.close()
    hub.secure(STRANGER).close()


@needs_quick_clock
def test_a_renewed_certificate_is_shown_without_a_restart(hubs: Callable[..., TlsHub], tmp_path: Path) -> None:
    files = pair(tmp_path, -DAY, 90 * DAY)
    hub = hubs("--tls-cert", str(files[0]), "--tls-key", str(files[1]), env=clock()).start()
    first = hub.fingerprint()
    pair(tmp_path, -DAY, 80 * DAY)
    renewed = read_certificate(*files).fingerprint
    assert renewed != first
    wait_until(lambda: hub.fingerprint() == renewed)
    with hub.client() as api:
        wait_until(lambda: ok(api.get("/health"))["tls"]["fingerprint"] == renewed)
    wait_until(lambda: json.loads(told(hub, "where", "--json"))["tls"]["fingerprint"] == renewed)


def test_a_stop_ends_sockets_and_handshakes_over_tls(hubs: Callable[..., TlsHub]) -> None:
    hub = hubs("--tls", "self").start()
    socket, silent = hub.socket("/realtime"), hub.raw()
    assert next_message(socket)["type"] == "connection_established"
    began = time.monotonic()
    assert hub.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert read_to_end(silent) == b""


def test_a_hub_without_plain_http_is_served_and_looked_after_over_tls(hubs: Callable[..., TlsHub]) -> None:
    hub = hubs("--tls", "self", "--no-http", "--access", "closed").start()
    with pytest.raises(httpx.ConnectError):
        httpx.get(hub.plain_url, verify=False)
    where = json.loads(told(hub, "where", "--json"))
    assert (where["own_url"], where["tls"]["fingerprint"]) == (f"{hub.url}/", hub.fingerprint())
    with hub.client() as api:
        code = ask_to_pair(api, token := new_token())
        assert told(hub, "pair", code, "--name", "Door") == "Door is paired as host.\n"
        assert api.get("/restaurants", headers=bearer(token)).status_code == 200
    assert "Door  host" in told(hub, "devices", "list")
    again = run_command("serve", "--data", str(hub.data))
    assert f"The hub runs already, at {hub.url}/" in again.stderr
    shown = hub.fingerprint()
    new = json.loads(told(hub, "tls", "new", "--json"))["fingerprint"]
    assert hub.fingerprint() == shown != new
    hub.stop()
    hub.start()
    assert hub.fingerprint() == new
    hub.stop()
    hub.start()
    assert hub.fingerprint() == new  # made once


def test_a_hub_takes_the_certificate_that_it_is_given_without_what_would_make_one(
    hubs: Callable[..., TlsHub], secure: TlsHub, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "hub.crt", tmp_path / "hub.key"
    private, end, public = (secure.data / "restohub.pem").read_text().partition("-----END PRIVATE KEY-----\n")
    certificate.write_text(public)
    key.write_text(private + end)
    without = "import sys; sys.modules['cryptography'] = None; from restohub.__main__ import main; main()"
    hub = hubs("--tls-cert", str(certificate), "--tls-key", str(key))
    hub.program = (sys.executable, "-c", without)
    hub.start()
    assert hub.fingerprint() == secure.fingerprint()
    with hub.client() as api:
        assert ok(api.get("/health"))["tls"]["fingerprint"] == secure.fingerprint()
    own = hubs("--tls", "self", "--no-http", data=tmp_path / "own")
    own.program = hub.program
    with pytest.raises(AssertionError, match=r"ended with 1.*\.venv/bin/pip install '\.\[tls\]'"):
        own.start()


# ---- A stranger at a closed hub that speaks TLS.

ASK = b"GET /restaurants HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("times", [RECORDS_IN_VAIN_BURST // 2, 10 * RECORDS_IN_VAIN_BURST])
def test_who_takes_a_new_key_again_and_again_is_cut_off(secure: TlsHub, tmp_path: Path, times: int) -> None:
    """Each takes the hub 20 µs, and no request or message comes of it that could be counted."""
    with secure.raw(STRANGER) as sock:
        client = NewKeys(sock, tmp_path)
        with suppress(ConnectionError):  # cut off while they are sent
            sock.sendall(client.key_updates(times) + client.first_record(DATA, ASK))
        try:
            answer = client.recv(12)
        except ConnectionError:
            answer = b""
    assert answer == (b"HTTP/1.1 401" if times < RECORDS_IN_VAIN_BURST else b"")


def test_a_stranger_at_a_closed_hub_claims_nothing(secure: TlsHub) -> None:
    path = f"/ws/restaurant/sync?restaurant_id=1&since_revision={2**53 - 1}"
    with manager(secure) as api, stranger_at(secure) as stranger, socket_of(secure, machine_token(secure)) as house:
        assert [next_message(house)["type"], next_message(house)["type"]] == ["connection_established", "full_sync"]
        before = ok(api.get("/api/sync/full"))["epoch"]
        claim = {"restaurant_id": 1, "since_revision": 2**53 - 1, "epoch": before}
        problem(stranger.get("/api/sync/delta", params=claim), 401, "token_required")
        with ws(secure, f"{path}&epoch={before}", additional_headers=bearer(new_token())) as socket:
            assert end_of(socket) == (4401, "token_invalid")
        house.send('{"type": "ping"}')
        assert next_message(house)["type"] == "pong"
        assert ok(api.get("/api/sync/full"))["epoch"] == before
        assert not [one for one in ok(api.get("/health"))["database"]["warnings"] if "says that it holds" in one]
