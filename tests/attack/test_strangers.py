"""Strangers at other machines: what they are told, who may not ask, and names that a router gives."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import START_WAIT_S, WAIT_S
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import within
from tests.net.network import Machine, Network, a_network

HUB, STRANGER, ROUTER_GIVES = "10.77.0.1", "10.77.0.66", "fritz.box"
# The Internet as the hub's machine sees it: it comes by the same cable, but from no network that the hub is in.
OPEN_PORT = 8001  # of a second hub, with --allow-public
PUBLIC, PUBLIC_NETWORK = "8.8.8.8", "8.8.8.0/24"


class Lan:
    """A hub on a machine of its own, a stranger's machine, and one at an address of the Internet."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.machine = network.machine("hub", f"{HUB}/24", "fd77::1/64")
        self.stranger = network.machine("stranger", f"{STRANGER}/24", "fd77::66/64")
        self.public = network.machine("public", f"{PUBLIC}/24")
        self.machine.ip("route", "add", PUBLIC_NETWORK, "dev", "eth0")
        self.public.ip("route", "add", f"{HUB}/32", "dev", "eth0")
        self.resolver = Path("/etc/netns") / self.machine.namespace
        self.resolver.mkdir(parents=True)  # `ip netns exec` puts it in the place of the machine's own
        (self.resolver / "resolv.conf").write_text(f"nameserver {HUB}\nsearch {ROUTER_GIVES}\n")
        self.hubs = [
            AnnouncedHub(self.machine, folder / f"data{port}", "--no-advertise", "--port", str(port), *args)
            for port, args in ((PORT, ()), (OPEN_PORT, ("--allow-public",)))
        ]
        for port in (PORT, OPEN_PORT):
            within(START_WAIT_S, partial(self.listens, port))

    def listens(self, port: int) -> bool:
        """Whether a hub takes connections on its machine."""
        with self.machine.inside(socket.socket) as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    def close(self) -> None:
        """Stop what runs."""
        for hub in self.hubs:
            hub.ask_to_stop()
            hub.process.wait(WAIT_S)
        shutil.rmtree(self.resolver)


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    """The network with its hubs."""
    for network in a_network():
        made = Lan(network, tmp_path_factory.mktemp("lan"))
        try:
            yield made
        finally:
            made.close()


def asked(
    machine: Machine, path: str, headers: dict[str, str] | None = None, address: str = HUB, port: int = PORT
) -> tuple[int, str]:
    """The status and the text of a GET, or what is said before the path, from that machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with machine.inside(lambda: socket.socket(family)) as sock:
        sock.settimeout(WAIT_S)
        sock.connect((address, port))
        asking = http.client.HTTPConnection(address, port)
        asking.sock = sock
        method, _, target = path.rpartition(" ")
        asking.request(method or "GET", target, headers=headers or {})
        answer = asking.getresponse()
        return answer.status, answer.read().decode()


def health(machine: Machine, **options: Any) -> dict[str, Any]:
    status, text = asked(machine, "/health", **options)
    assert status == 200, text
    found: dict[str, Any] = json.loads(text)
    return found


def shape(value: Any) -> Any:
    """The keys and types of a JSON value."""
    return {key: shape(one) for key, one in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize("address", [HUB, "fd77::1"])
def test_a_stranger_is_told_nothing_of_the_machine(lan: Lan, address: str) -> None:
    own, told = health(lan.machine, address="127.0.0.1"), health(lan.stranger, address=address)
    assert shape(told) == shape(own)
    assert own["database"]["sqlite_version"]
    assert own["database"]["free_bytes"]
    assert own["discovery"]["host"]
    assert told["database"] == {
        "status": "ok", "sqlite_version": "", "size_bytes": 0, "wal_bytes": 0, "free_bytes": 0, "warnings": []
    }  # fmt: skip
    assert told["discovery"] == {"state": "off", "name": "", "host": "", "addresses": []}
    assert own["version"].startswith(told["version"] + ".")
    assert told["id"] == own["id"]


@pytest.mark.parametrize(
    "route",
    [
        "/api/made?from=10.77.0.1&since=2024-01-15T10:30:00Z",
        "POST /restaurants/1/people",
        "POST /restaurants/1/erasures",
        "/restaurants/1/erasures/none",
    ],
)
def test_what_is_for_the_hubs_own_machine_is_for_no_stranger(lan: Lan, route: str) -> None:
    status, text = asked(lan.stranger, route)
    assert (status, json.loads(text)["error_code"]) == (403, "not_permitted")


def test_the_machine_that_asks_itself_by_its_own_address_is_told_all(lan: Lan) -> None:
    assert health(lan.machine)["database"]["sqlite_version"]
    assert health(lan.machine, headers={"X-Forwarded-For": STRANGER})["database"]["sqlite_version"] == ""


def test_a_stranger_who_says_localhost_learns_no_other_address_of_the_machine(lan: Lan) -> None:
    for host in (f"localhost:{PORT}", "127.0.0.1", "[::1]"):
        status, page = asked(lan.stranger, "/about", {"Host": host})
        assert status == 200
        assert f"<code>http://{HUB}:{PORT}</code>" in page
        assert "fd77::1" not in page
        assert "restohub-" not in page
    assert "fd77::1" in asked(lan.machine, "/about", {"Host": "localhost"}, "127.0.0.1")[1]


def test_the_name_that_the_router_gives_the_machine_passes_and_no_other_under_it(lan: Lan) -> None:
    own = socket.gethostname().partition(".")[0].lower()
    for name, status in ((f"{own}.{ROUTER_GIVES}", 200), (f"{own.upper()}.Fritz.Box.:8000", 200), ("x.fritz.box", 403)):
        assert asked(lan.stranger, "/health", {"Host": name})[0] == status, name


def test_who_asks_from_the_internet_is_refused_unless_the_setting_lets_him_in(lan: Lan) -> None:
    status, text = asked(lan.public, "/restaurants")
    assert (status, json.loads(text)["error_code"]) == (403, "not_permitted")
    assert "allow_public" in json.loads(text)["hint"]
    status, text = asked(lan.public, "/realtime", {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    })  # fmt: skip
    assert (status, json.loads(text)["error_code"]) == (403, "not_permitted")
    assert asked(lan.stranger, "/restaurants")[0] == 200

    assert asked(lan.public, "/restaurants", port=OPEN_PORT)[0] == 200
