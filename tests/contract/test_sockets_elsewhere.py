"""The contract of a WebSocket where there is none: refused like any unknown route."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import Hub


@pytest.mark.parametrize(
    "path", ["/nothing", "/realtime/more", "/ws", "/health", "/api/restaurants/1/guests/", "/%0d%0a"]
)
def test_a_socket_on_another_path_is_404_as_a_problem(hub: Hub, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        hub.socket(path)
    answer = refused.value.response
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    found = json.loads(answer.body or b"")
    assert (found["status"], found["error_code"]) == (404, "route_not_found")
    assert "/realtime and one at /ws/restaurant/sync" in found["hint"]


@pytest.mark.parametrize("path", ["/realtime/", "/ws/restaurant/sync/", "//realtime"])
def test_a_slash_at_the_end_does_not_matter_and_one_at_the_beginning_is_another_path(hub: Hub, path: str) -> None:
    if path.startswith("//"):
        with pytest.raises(InvalidStatus):
            hub.socket(path)
    else:
        hub.socket(path).close()
