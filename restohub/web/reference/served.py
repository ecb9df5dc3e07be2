"""This file is the pages for people, as routes: the hub's own page, the reference and the errors."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from importlib.resources import files
from typing import Any

from msgspec import Struct

from restohub.live.hub import Hub
from restohub.web.asking import Request
from restohub.web.routes import Handler, Route
from restohub.wire.answers import Answer

HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"x-content-type-options", b"nosniff"),
]
TEXT = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS[1:]]
# What the pages' texts have where the hub's own address belongs.
PLACE = b"HOST:8000"
ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


class Reference(Struct, frozen=True):
    """The two pages that do not change while the hub runs."""

    docs: bytes
    errors: bytes


async def home(request: Request) -> Answer:
    """Whether the hub works, and where to go on."""
    from .home import home_page

    return _html(home_page(request.hub, len(request.sockets.open), _came_by(request)))


async def docs(request: Request) -> Answer:
    """The reference for those who build an app."""
    return _page(request, (await _reference(request)).docs)


async def errors(request: Request) -> Answer:
    """Every error code."""
    return _page(request, (await _reference(request)).errors)


def _page(request: Request, html: bytes) -> Answer:
    """The page with the address by which its reader came, so that its commands can be copied."""
    host = _came_by(request)
    return _html(html.replace(PLACE, host.encode()) if host else html)


def _came_by(request: Request) -> str:
    """The host and port that the reader asked for, where that is an address ("" where not): safe as HTML."""
    host = request.header(b"host") or ""
    return host if ADDRESS.fullmatch(host) else ""


def _html(page: bytes) -> Answer:
    return Answer(200, HEADERS, page)


async def paper(request: Request, name: str) -> Answer:  # noqa: ARG001 (a handler's own form)
    """A file of the docs as it is."""
    return Answer(200, TEXT, (files("restohub") / "docs" / name).read_bytes())


async def _reference(request: Request) -> Reference:
    """The reference: made for its first reader, kept for the others, who wait for the same making."""
    state: Any = request.scope["litestar_app"].state
    making: asyncio.Task[Reference] | None = getattr(state, "reference", None)
    if making is None or (making.done() and making.exception() is not None):
        making = state.reference = asyncio.create_task(_made(request.hub))
    return await asyncio.shield(making)


async def _made(hub: Hub) -> Reference:
    # Imported here: a hub that nobody asks for its reference need not have it in memory.
    from .error_list import errors_page
    from .examples import play
    from .manual import reference_page

    examples = await play(hub)
    # In a thread: the floor goes on meanwhile.
    return await asyncio.to_thread(lambda: Reference(reference_page(examples), errors_page(examples)))


def _route(path: str, name: str, handler: Handler, says: str) -> Route:
    return Route(method="GET", path=path, name=name, handler=handler, says=says, answers={200: None}, group="hub")


PAGES: tuple[Route, ...] = (
    _route("/", "home", home, "A page for people: whether the hub is well, and where to go on."),
    _route("/docs", "docs", docs, "The reference."),
    _route("/docs/errors", "errors", errors, "Every error code."),
    _route("/docs/sync.md", "syncPaper", partial(paper, name="sync.md"), "How an app stays in step."),
    _route("/docs/sync_client.py", "syncClient", partial(paper, name="sync_client.py"), "A client that does."),
)
