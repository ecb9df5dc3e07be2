"""A page that can import the board's modules one by one, without a hub."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page

from tests.board.browsers import chromium, lent
from tests.board.modules import FLAGS

BOARD = Path(__file__).parents[2] / "restohub/web/board"


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".json": "application/json"}  # noqa: RUF012 (as the base class has it)

    def log_message(self, *_: object) -> None:
        """Say nothing: a test's output is its own."""


@contextmanager
def module_page() -> Iterator[Page]:
    """A page of Chromium beside the modules: `import('/shapes.js')` in it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(BOARD)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        origin = f"http://127.0.0.1:{server.server_port}"
        with lent(chromium(*FLAGS), origin) as page:
            page.goto(f"{origin}/manifest.json")
            yield page
    finally:
        server.shutdown()
        server.server_close()
