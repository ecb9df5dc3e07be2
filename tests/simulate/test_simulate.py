"""The command `restohub simulate` against a real hub, and what holds of every script it plays."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from statistics import mean

import httpx
import pytest

from restohub.simulate.crowd import COMPANY_SIZE, crowd
from restohub.simulate.evening import PARTIES, evening
from restohub.simulate.script import HOSTS
from tests.access.closed_hub import pair, person
from tests.access.tls_hub import TlsHub
from tests.commands import RESTOHUB, run_command
from tests.conftest import Hub, free_port
from tests.net.test_certificate import pair as files

DAY = date(2024, 1, 15)
NAME = "Simulated evening"
COMMAND = (*RESTOHUB, "simulate")


def simulate(url: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return run_command("simulate", "--url", url, *args, env={**os.environ, **env})


def start(url: str, *args: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start the command, and return when it has made its restaurant."""
    running = subprocess.Popen(
        [*COMMAND, "--url", url, *args],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        # A test run in the background ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # noqa: PLW1509 (it only resets a signal)
    )
    assert running.stdout is not None
    assert NAME in running.stdout.readline()
    return running


def simulated(api: httpx.Client) -> list[int]:
    """The restaurants that the command made on this hub."""
    return [restaurant["id"] for restaurant in api.get("/restaurants").json() if restaurant["name"] == NAME]


def one_sentence(told: subprocess.CompletedProcess[str]) -> str:
    """What was said on stderr, asserted to be one line that is no traceback."""
    assert told.returncode == 1
    assert len(told.stderr.splitlines()) == 1
    assert "Traceback" not in told.stderr
    return told.stderr


@pytest.fixture(scope="module")
def played(hub: Hub) -> subprocess.CompletedProcess[str]:
    """What was told of an evening of seed 7."""
    return simulate(hub.url, "--speed", "0", "--seed", "7")


def test_an_evening_is_played_in_a_new_restaurant_each_time(
    hub: Hub, api: httpx.Client, restaurant: int, played: subprocess.CompletedProcess[str]
) -> None:
    before = simulated(api)
    for told in (played, simulate(hub.url, "--speed", "0", "--seed", "7")):
        assert told.returncode == 0, told.stdout + told.stderr
        assert "every change arrived" in told.stdout
    assert len(simulated(api)) == len(before) + 1
    one, other = simulated(api)[-2:]
    revisions = [api.get(f"/restaurants/{made}").json()["revision"] for made in (one, other)]
    assert revisions == [sum(event.commits for event in evening(7, DAY))] * 2
    assert api.get(f"/restaurants/{restaurant}").json()["revision"] == 0
    floor = api.get("/api/sync/full", params={"restaurant_id": one}).json()
    assert floor["total_guests"] == PARTIES >= 200
    assert floor["total_tables"] == 60
    assert {table["status"] for table in floor["tables"]} == {"available"}


def test_clear_removes_the_evenings_that_were_played_and_nothing_else(
    hub: Hub, api: httpx.Client, played: subprocess.CompletedProcess[str]
) -> None:
    assert played.returncode == 0
    made = [api.post("/restaurants", json={"name": name}).json()["id"] for name in (NAME, NAME + " ", NAME.lower())]
    others = [one["id"] for one in api.get("/restaurants").json() if one["name"] != NAME]
    there = len(simulated(api))
    assert there > 1, "that which was played, and one without anything in it"
    told = simulate(hub.url, "--clear")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"Removed {there} restaurants named {NAME!r} at {hub.url}.\n"
    assert [one["id"] for one in api.get("/restaurants").json()] == others
    assert made[2] in others
    assert "Removed 0 restaurants" in simulate(hub.url, "--clear").stdout


def test_what_clear_may_not_remove_is_said_and_is_status_1(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        kept = [api.post("/restaurants", json={"name": NAME}).json()["id"] for _ in range(2)]
    with person(hub, "Bea", "manager", "25801"):  # whose PIN the hub now asks for, and a simulation has none
        told = simulate(hub.url, "--clear", "--data", str(hub.data))
    assert told.returncode == 1
    said = told.stdout.splitlines()
    assert [line.partition(" was not removed. ")[0] for line in said[:-1]] == [f"Restaurant {one}" for one in kept]
    assert said[-1] == f"Removed 0 restaurants named {NAME!r} at {hub.url}."


def test_clear_tells_in_one_sentence_that_there_is_no_hub() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert url in one_sentence(simulate(url, "--clear"))


def test_clear_tells_in_one_sentence_of_another_web_server(stranger: str) -> None:
    assert stranger in one_sentence(simulate(stranger, "--clear"))


def test_in_a_pipe_the_progress_is_plain_lines(played: subprocess.CompletedProcess[str]) -> None:
    assert "\r" not in played.stderr
    assert played.stderr.splitlines()[-1].split()[1:7] == ["waiting", "0", "seated", "0", "done", str(PARTIES)]


def test_on_a_terminal_the_progress_is_one_line_over_itself(hub: Hub) -> None:
    master, slave = pty.openpty()
    running = start(hub.url, "--seed", "7", stderr=slave)
    os.close(slave)
    seen = b""
    while seen.count(b"\r") < 2:
        seen += os.read(master, 4096)
    assert b"\n" not in seen
    running.kill()
    running.communicate()
    os.close(master)


def test_ctrl_c_ends_it_with_a_summary_and_no_traceback(hub: Hub) -> None:
    running = start(hub.url, "--seed", "7")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "ended early" in out
    assert "Traceback" not in err


def test_a_hub_that_goes_away_is_told_in_one_sentence(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    running = start(hub.url, "--speed", "5")
    hub.kill()
    _, err = running.communicate(timeout=20)
    assert running.returncode == 1
    assert "Traceback" not in err
    assert hub.url.removeprefix("http") in err.splitlines()[-1]


def test_a_closed_hub_is_played_with_a_managers_token(new_hub: Callable[..., Hub], tmp_path: Path) -> None:
    hub = new_hub(None, "--access", "closed").start()
    fast = ("--speed", "0", "--seed", "7")
    assert "is closed: it answers paired devices alone." in one_sentence(simulate(hub.url, *fast))
    told = simulate(hub.url, *fast, "--data", str(hub.data))
    assert (told.returncode, "every change arrived" in told.stdout) == (0, True), "on the hub's own machine"
    with socket.create_server(("127.0.0.1", 0)) as another, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(lambda: another.accept()[0].recv(65_536))
        one_sentence(simulate(f"127.0.0.1:{another.getsockname()[1]}", *fast, "--data", str(hub.data)))
        assert (b"POST /restaurants" in heard.result(), b"rsto_" in heard.result()) == (True, False)
    host, office = tmp_path / "host", tmp_path / "office"
    host.write_text(pair(hub, "host").token)
    office.write_text(pair(hub, "manager").token + "\n")
    assert "take the token of a manager's device" in one_sentence(simulate(hub.url, *fast, "--token", str(host)))
    assert simulate(hub.url, "--clear", "--token", str(office)).returncode == 0
    assert "cannot be read" in one_sentence(simulate(hub.url, "--token", str(tmp_path / "none")))
    environment = {"RESTOHUB_TOKEN": "rsto_" + "A" * 43}
    assert "does not know this token" in one_sentence(simulate(hub.url, *fast, **environment))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:1"])
def test_a_pin_of_a_hub_without_tls_is_told_in_one_sentence(url: str) -> None:
    assert f"--pin is for a hub at https://, and not {url!r}." in one_sentence(simulate(url, "--pin", "0" * 64))


def test_a_hub_is_known_by_its_sha256_though_its_certificate_has_expired(tmp_path: Path) -> None:
    certificate, key = files(tmp_path, timedelta(-2), timedelta(-1))
    hub = TlsHub(tmp_path / "data", "--tls-cert", str(certificate), "--tls-key", str(key))
    try:
        hub.start()
        assert "Removed 0 restaurants" in simulate(hub.url, "--clear", "--pin", hub.fingerprint()).stdout
    finally:
        hub.stop()


def test_no_hub_is_told_in_one_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert url in one_sentence(simulate(url))


@pytest.mark.parametrize("url", ["ftp://hub.local", "http://", "http://[::1", "http://127.0.0.1:eighty"])
def test_an_address_that_is_none_is_told_in_one_sentence(url: str) -> None:
    assert url in one_sentence(simulate(url))


@pytest.fixture
def stranger() -> Iterator[str]:
    """A web server that is no hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_web_server_is_told_in_one_sentence(stranger: str) -> None:
    assert stranger in one_sentence(simulate(stranger))


def test_the_same_seed_is_the_same_evening_and_another_is_another() -> None:
    assert evening(7, DAY) == evening(7, DAY)
    assert evening(7, DAY) != evening(8, DAY)


@pytest.mark.parametrize("seed", range(5))
def test_no_request_waits_for_a_later_one_and_no_minute_runs_backwards(seed: int) -> None:
    events = evening(seed, DAY)
    assert [event.number for event in events] == list(range(len(events)))
    assert all(number < event.number for event in events for number in event.after)
    assert [event.minute for event in events] == sorted(event.minute for event in events)
    assert {event.host for event in events} == set(range(HOSTS))


def test_the_crowd_keeps_to_the_published_figures() -> None:
    parties = [party for seed in range(40) for party in crowd(Random(seed), PARTIES)]
    usual = [party for party in parties if party.size != COMPANY_SIZE]
    booked = [party for party in usual if party.booked]
    assert mean(party.size == 2 for party in usual) == pytest.approx(104 / 176, abs=0.02)
    assert mean(120 <= party.at_min < 180 for party in usual if not party.booked) == pytest.approx(0.37, abs=0.02)
    assert mean(party.stays_min for party in usual if party.size == 4) == pytest.approx(61, abs=1.5)
    assert mean(not party.shows for party in booked) == pytest.approx(0.057, abs=0.01)
