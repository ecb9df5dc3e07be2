"""The contract of the two health routes: what a watchdog and an app read from them."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import TIME, Json, ok
from tests.contract.requests import floor_of, new_guest
from tests.faults.disk_fault_checks import make_room, stuff
from tests.fields import CONTRACT, marked

# The table of contract.md, "Health": the keys, and what each is.
TABLE = CONTRACT.partition("| key | type | what it is |\n| --- | --- | --- |\n")[2].partition("\n\n")[0]
KEYS = dict(re.findall(r"^\| `(\w+)` \| \w+ \| ?(.*) \|$", TABLE, re.MULTILINE))
ROUTES = ["/health", "/api/sync/health", "/health/", "/api/sync/health/"]


def is_count(value: object) -> bool:
    """Whether a value is a whole number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def held(body: Json) -> None:
    """Hold a health answer's keys and types, healthy or not."""
    assert body.keys() | {"reason"} == KEYS.keys()
    assert ("reason" in body) == (body["status"] == "unhealthy")
    for name in ("database", "discovery"):
        always = re.sub(r"\([^)]*\)", "", KEYS[name]).partition(";")[0]
        assert [*body[name]] == marked(always), f"give {name} its keys in the contract"
    assert body["service"] == "sync"
    assert isinstance(body["version"], str)
    assert body["version"]
    assert TIME.fullmatch(body["timestamp"])
    for name in ("uptime_seconds", "connections", "restaurants", "clock_behind_seconds"):
        assert is_count(body[name]), name
    assert body["database"]["status"] == ("unavailable" if "reason" in body else "ok")
    assert isinstance(body["database"]["warnings"], list)
    assert (body["discovery"]["state"], body["access"], body["tls"]) == ("off", "open", None)


@pytest.mark.parametrize("path", ROUTES)
def test_a_hub_that_can_commit_is_healthy(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    body = ok(answer)
    assert body["status"] == "healthy"
    held(body)
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_it_says_what_the_hub_is_and_how_large_its_database(hub: Hub, api: httpx.Client) -> None:
    files = [hub.data / f"restohub.db{end}" for end in ("", "-wal")]
    began, before = datetime.now(UTC).replace(microsecond=0), [file.stat().st_size for file in files]
    body = ok(api.get("/health"))
    database = body["database"]
    assert began <= datetime.fromisoformat(body["timestamp"]) <= datetime.now(UTC)
    assert body["version"] == version("restohub")
    assert database["sqlite_version"] == sqlite3.sqlite_version
    sizes = zip((database["size_bytes"], database["wal_bytes"]), before, files, strict=True)
    assert all(told in (then, file.stat().st_size) for told, then, file in sizes)
    assert 0 < database["free_bytes"] < shutil.disk_usage(hub.data).total
    with hub.client(transport=httpx.HTTPTransport(local_address="127.0.0.99")) as loopback:
        assert ok(loopback.get("/health"))["database"]["sqlite_version"], "over the loopback, from any address of it"


def test_both_routes_say_the_same(api: httpx.Client) -> None:
    first, second = (ok(api.get(path)) for path in ROUTES[:2])
    assert first.keys() == second.keys()
    assert first["version"] == second["version"]


def test_no_path_of_the_machine_is_told(hub: Hub, api: httpx.Client) -> None:
    assert str(hub.data) not in api.get("/health").text


def test_restaurants_are_counted(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        body = ok(api.get("/health"))
        assert body["restaurants"] == 1
        assert body["backup"] == {"last": None, "places": [], "missing": []}
        made = hub.new_restaurant()
        assert ok(api.get("/health"))["restaurants"] == 2
        assert api.delete(f"/restaurants/{made}").status_code == 204
        assert ok(api.get("/health"))["restaurants"] == 1


def test_open_sockets_are_counted(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        assert ok(api.get("/health"))["connections"] == 0
        with hub.socket("/realtime") as one, hub.socket("/ws/restaurant/sync") as other:
            assert {next_message(sock)["type"] for sock in (one, other)} == {"connection_established"}
            assert ok(api.get("/health"))["connections"] == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB; skipped where this process may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_hub_that_cannot_commit_is_unhealthy_and_still_reads(new_hub: Callable[..., Hub], small_disk: Path) -> None:
    guests, guest = "/restaurants/1/guests/", {"name": "Rossi", "partySize": 2, "notes": "n" * 2000}
    with new_hub(small_disk).start().client() as api:
        new_guest(api, 1, id="g1")
        kept = floor_of(api, 1)["guests"]["g1"]
        stuff(small_disk)
        refused = next(answer for answer in (api.post(guests, json=guest) for _ in range(5000)) if answer.is_error)
        assert refused.status_code == 503
        assert refused.json()["error_code"] == "storage_full"
        assert refused.headers["content-type"].split(";")[0] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        for path in ROUTES:
            answer = api.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"].split(";")[0] == "application/json"
            assert answer.json()["status"] == "unhealthy"
            assert answer.json()["reason"]
            held(answer.json())
            held(api.get(path, headers={"Via": "a proxy: it asks for another"}).json())
        assert floor_of(api, 1)["guests"]["g1"] == kept
        make_room(small_disk)
        again = [api.post(guests, json={**guest, "id": "g2"}).status_code]
        while again[-1] == 503:
            again.append(api.post(guests, json={**guest, "id": "g2"}).status_code)
        assert again[-1] == 201
        assert ok(api.get("/health"))["status"] == "healthy"
