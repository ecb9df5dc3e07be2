"""A stranger who says that he holds more than the hub, to have every iPad take the whole floor."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from restohub.limits import CLAIM_EVERY_S
from tests.attack.house_ipads import FRIENDS
from tests.attack.stranger import client, ws
from tests.conftest import Hub, next_message

LARGEST = 2**53 - 1
DELTA = "/api/sync/delta"
Claim = Callable[[Hub, str, int], None]


@contextmanager
def ipads(hub: Hub) -> Iterator[list[ClientConnection]]:
    """The house's iPads, each with a socket at an address of its own that has taken the floor."""
    with ExitStack() as stack:
        made: list[ClientConnection] = []
        for number in range(FRIENDS):
            sock = ws(hub, "/ws/restaurant/sync?restaurant_id=1", f"127.0.7.{number + 1}")
            stack.callback(sock.close)
            assert [next_message(sock)["type"], next_message(sock)["type"]] == ["connection_established", "full_sync"]
            made.append(sock)
        yield made


def open_of(socks: list[ClientConnection]) -> int:
    """How many of the sockets answer."""
    answered = 0
    for sock in socks:
        with contextlib.suppress(ConnectionClosed):
            sock.send(json.dumps({"type": "ping"}))
            answered += next_message(sock)["type"] == "pong"
    return answered


def present(hub: Hub) -> tuple[str, int]:
    """The epoch and the revision of restaurant 1."""
    with client(hub) as api:
        floor = api.get("/api/sync/full").json()
    return floor["epoch"], floor["revision"]


def warnings(hub: Hub) -> list[str]:
    """What `/health` warns of."""
    with hub.client() as api:
        told: list[str] = api.get("/health").json()["database"]["warnings"]
    return told


def over_http(hub: Hub, epoch: str, revision: int) -> None:
    """Claim a revision, and be refused."""
    query: Any = {"restaurant_id": 1, "since_revision": revision, "epoch": epoch}
    with client(hub) as api:
        answer = api.get(DELTA, params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (410, "revision_expired")


def by_socket(hub: Hub, epoch: str, revision: int) -> None:
    """Claim a revision, and be given the whole floor."""
    sock = ws(hub, f"/ws/restaurant/sync?restaurant_id=1&since_revision={revision}&epoch={epoch}")
    assert next_message(sock)["resumed"] is False
    assert next_message(sock)["type"] == "full_sync"
    sock.close()


@pytest.mark.parametrize(("claim", "claimed"), [(over_http, LARGEST), (by_socket, LARGEST - 1)])
def test_a_revision_that_no_hub_has_closes_nobody_and_begins_no_epoch(target: Hub, claim: Claim, claimed: int) -> None:
    epoch, revision = present(target)
    with ipads(target) as socks:
        for _ in range(3):
            claim(target, epoch, claimed)
        assert open_of(socks) == FRIENDS
    assert present(target) == (epoch, revision)
    assert [one for one in warnings(target) if f"says that it holds revision {claimed} " in one and "alone" in one]
    assert target.says("no hub ever had such a revision").count("no hub ever had such a revision") == 1


def test_a_claim_of_another_epoch_closes_nobody_and_is_not_worth_a_word(target: Hub) -> None:
    _, revision = present(target)
    before = warnings(target)
    with ipads(target) as socks:
        over_http(target, "0ld", revision + 1)
        assert open_of(socks) == FRIENDS
    assert warnings(target) == before


@pytest.mark.parametrize("claim", [over_http, pytest.param(by_socket, marks=pytest.mark.long)])
def test_a_claim_is_believed_once_a_day_across_starts_and_never_in_silence(
    new_hub: Callable[..., Hub], tmp_path: Path, claim: Claim
) -> None:
    hub = new_hub(tmp_path / "data").start()
    first, revision = present(hub)
    with ipads(hub) as socks:
        over_http(hub, first, revision + 1)
        assert open_of(socks) == 0, "one that can be true: every iPad takes the whole floor"
    second, _ = present(hub)
    assert second != first
    assert any("history went back" in one for one in warnings(hub))
    hub.says("history went back")
    for restart in (False, True):
        if restart:
            hub.stop()
            hub.start()
            assert not any("history went back" in one for one in warnings(hub)), "that was the last run's"
        with ipads(hub) as socks:
            for _ in range(3):
                claim(hub, second, revision + 1)
            assert open_of(socks) == FRIENDS
        assert present(hub) == (second, revision), "the epoch of the first claim outlives the run, and no other began"
        assert any("says that it holds" in one for one in warnings(hub))
    hub.says("within the last day already")
    assert CLAIM_EVERY_S == 24 * 3600
