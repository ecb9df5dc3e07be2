"""Foreign web pages in a real browser: one of another origin, one whose name was rebound to the hub."""

from __future__ import annotations

import asyncio
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Hub
from tests.evening.chromium import Chromium, chromium

# Every way by which a page reaches a server: what it can read, and what it can only send.
TRIES = """
(async () => {
  const hub = HUB, sent = {method: "POST", body: JSON.stringify({name: "Mallory", partySize: 2})};
  const socket = path => new Promise(done => {
    const opened = new WebSocket("ws://" + hub + path);
    opened.onmessage = heard => done(JSON.parse(heard.data).type);
    opened.onclose = () => done("closed");
  });
  const read = (path, how) => fetch("http://" + hub + path, how).then(answer => answer.status, () => "blocked");
  return {
    realtime: await socket("/realtime"),
    sync: await socket("/ws/restaurant/sync?restaurant_id=1"),
    read: await read("/restaurants/1/guests"),
    unseen: await read("/restaurants/1/guests", {...sent, mode: "no-cors"}),
    created: await read("/restaurants/1/guests", {...sent, headers: {"Content-Type": "application/json"}}),
    deleted: await read("/restaurants/1", {method: "DELETE"}),
  };
})()
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a word."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its own name)
        """Say nothing."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that is not the hub."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("<!doctype html><title>Win an iPad</title>")
    serve = functools.partial(Quiet, directory=str(tmp_path / "pages"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


async def tried(browser: Chromium, page: str, hub: str) -> dict[str, Any]:
    async with browser.page(page) as opened:
        found: dict[str, Any] = await opened.run(TRIES.replace("HUB", repr(hub)))
        return found


@pytest.mark.long
def test_in_a_real_browser_no_foreign_page_uses_the_hub(hub: Hub, elsewhere: str, tmp_path: Path) -> None:
    own, rebound = f"127.0.0.1:{hub.port}", f"rebound.example:{hub.port}"
    with hub.client() as api:
        before = api.get("/api/sync/full").json()["revision"]
        with chromium(tmp_path / "chromium", "--host-resolver-rules=MAP rebound.example 127.0.0.1") as browser:
            foreign = asyncio.run(tried(browser, f"http://{elsewhere}/", own))
            by_rebinding = asyncio.run(tried(browser, f"http://{rebound}/", rebound))
            assert api.get("/api/sync/full").json()["revision"] == before
            allowed = asyncio.run(tried(browser, f"http://{own}/health", own))
    assert (foreign["realtime"], foreign["sync"]) == ("closed", "closed")
    assert (foreign["read"], foreign["created"], foreign["deleted"]) == ("blocked", "blocked", "blocked")
    assert (by_rebinding["realtime"], by_rebinding["sync"]) == ("closed", "closed")
    assert [by_rebinding[way] for way in ("read", "unseen", "created", "deleted")] == [403] * 4
    # The same from the hub's own page works, but for what has no JSON type and for a floor that is not empty.
    assert allowed == {
        "realtime": "connection_established", "sync": "connection_established", "read": 200, "unseen": 415,
        "created": 201, "deleted": 409,
    }  # fmt: skip
