"""The contract of a hub that is not well: its disk hangs, it is stopping, it has a bug; and what it says of that."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import LEAKS, PROBLEM_KEYS, TIME, check_words, ok
from tests.contract.quick_hub import clock, needs_quick_clock
from tests.contract.requests import new_guest
from tests.contract.sockets import REALTIME, SYNC, say, until_closed
from tests.contract.test_health import ROUTES, held
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
GUESTS, GUEST = "/restaurants/1/guests/", {"name": "Rossi", "partySize": 2}
WAIT_S = 20.0


def unwell(api: httpx.Client, reason: str) -> None:
    """Fail unless each health route says in time that a write could not commit now, and why."""
    deadline = time.monotonic() + WAIT_S
    try:
        while api.get(ROUTES[0]).status_code == 200:
            assert time.monotonic() < deadline, "it says that it is well"
            time.sleep(0.01)
    except httpx.TransportError as gone:
        raise AssertionError("it has said to the end that it is well") from gone
    for path in ROUTES:
        answer = api.get(path)
        assert answer.status_code == 503
        assert answer.headers["content-type"].split(";")[0] == "application/json"
        body = answer.json()
        held(body)
        assert (body["status"], body["reason"], body["database"]["status"]) == ("unhealthy", reason, "unavailable")
    page = api.get("/health", headers={"Accept": "text/html"})
    assert page.status_code == 503
    said = f"<strong>The hub is not well</strong> {reason[0].upper()}{reason[1:]}."
    assert f'<div class="state ill" role="status"><p>{said}</p></div>' in page.text


@contextmanager
def writing(hub: Hub) -> Iterator[list[httpx.Response]]:
    """One change under way, and its answer in the end."""
    answers: list[httpx.Response] = []

    def write() -> None:
        with hub.client() as api:
            answers.append(api.post(GUESTS, json=GUEST))

    thread = threading.Thread(target=write)
    thread.start()
    yield answers
    thread.join()


@needs_quick_clock
def test_a_hub_whose_disk_does_not_answer_says_so_and_is_well_again_once_it_does(
    new_hub: NewHub, tmp_path: Path
) -> None:
    flag, quick = tmp_path / "hang", clock()
    libraries = f"{preloaded('slow_sync')} {quick['LD_PRELOAD']}"
    hub = new_hub(env={**quick, "LD_PRELOAD": libraries, "HANG_WHILE": str(flag)}).start()
    with hub.client() as api:
        flag.touch()
        with writing(hub) as answers:
            unwell(api, "the disk does not answer")
        (answer,) = answers
        assert (answer.status_code, answer.json()["error_code"]) == (503, "outcome_unknown")
        assert answer.headers["Retry-After"]
        flag.unlink()
        deadline = time.monotonic() + WAIT_S
        while api.get("/health").status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(api.get(GUESTS).json()) == 1, "what was taken is done once the disk answers"


def wal_bytes(api: httpx.Client) -> int:
    """How large the write-ahead log is."""
    return int(ok(api.get("/health"))["database"]["wal_bytes"])


def test_a_hub_that_is_stopping_says_so_and_answers_what_it_has_taken(new_hub: NewHub, tmp_path: Path) -> None:
    flag = tmp_path / "hang"
    hub = new_hub(env={"LD_PRELOAD": preloaded("slow_sync"), "HANG_WHILE": str(flag)}).start()
    with hub.client() as api:
        at_rest = wal_bytes(api)
        flag.touch()
        with writing(hub) as answers:
            while wal_bytes(api) == at_rest:  # the change is written, and waits for the disk
                time.sleep(0.01)
            assert hub.process is not None
            hub.process.terminate()
            unwell(api, "the hub is stopping")
            refused = api.post(GUESTS, json=GUEST)
            assert (refused.status_code, refused.json()["error_code"]) == (503, "shutting_down")
            flag.unlink()
        assert [answer.status_code for answer in answers] == [201]
    assert hub.ended(WAIT_S) == 0


# The interpreter's own way to run something first: two of the hub's functions have a bug.
BUGS = """
from importlib import import_module
def fail(*_):
    raise ValueError("SELECT notes FROM /root/secret.py")
import_module("restohub.store.history").History.was_used = fail
import_module("restohub.live.snapshots").Snapshots.published = fail
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with a bug: it fails where an id is chosen, and where a socket is sent the floor."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "sitecustomize.py").write_text(BUGS, "utf-8")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    hub = Hub(folder / "data", env={"PYTHONPATH": path}).start()
    yield hub
    hub.stop()


def test_a_fault_of_the_hub_says_nothing_of_its_inside(faulty: Hub) -> None:
    with faulty.client() as api:
        answer = api.post(GUESTS, json={**GUEST, "id": "g1"})
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body.keys() >= PROBLEM_KEYS
        assert (body["status"], body["error_code"], body["type"]) == (
            500,
            "internal_error",
            "/docs/errors#internal_error",
        )
        assert (body["transaction_id"], body["current"], body["errors"], body["params"]) == (None, None, [], {})
        assert TIME.fullmatch(body["timestamp"])
        check_words(body)
        told = answer.text + str(answer.headers)
        assert not LEAKS.search(told.replace("application/", "")), told
        assert "secret" not in told
        assert "ValueError" not in told
        assert ok(api.get("/health"))["status"] == "healthy"
        new_guest(api, 1)
    assert "ValueError" in faulty.says("A request failed by a fault of the hub: POST")


@pytest.mark.parametrize("path", [REALTIME, SYNC])
def test_a_fault_of_the_hub_closes_its_socket_with_1011(faulty: Hub, path: str) -> None:
    with faulty.socket(f"{path}?restaurant_id=1") as sock:
        if path == REALTIME:
            assert next_message(sock)["type"] == "connection_established"
            say(sock, type="request_full_sync")
        heard, code = until_closed(sock)
    assert (heard, code) == ([], 1011)
