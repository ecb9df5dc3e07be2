"""This file is the pages for people, as routes: the hub's own page, the reference, the errors, a security.txt."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any

from msgspec import Struct

from restohub.live.hub import Hub
from restohub.reach import url
from restohub.web.asking import Request
from restohub.web.packaged import packaged
from restohub.web.peers import is_own_machine, plain_ip
from restohub.web.routes import Handler, Route
from restohub.wire.answers import Answer
from restohub.wire.times import time_text

HTML = (b"content-type", b"text/html; charset=utf-8")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
# The repository's private advisory form, as in SECURITY.md.
CONTACT = "https://restohub.example/security/advisories/new"
# RFC 9116 wants less than a year; counted from each answer, since a hub runs for years without anybody's hand.
CONTACT_HOLDS_S = 180 * 86_400
# What the pages' texts have where the hub's own address belongs.
PLACE = b"HOST:8000"
ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


class Reference(Struct, frozen=True):
    """The two pages that do not change while the hub runs."""

    docs: bytes
    errors: bytes


async def home(request: Request) -> Answer:
    """Whether the hub works, and where to go on."""
    from .home import LOOPBACK, home_page

    came_by, scope = _came_by(request), request.scope
    if (not came_by or LOOPBACK.fullmatch(came_by)) and not is_own_machine(scope):
        address, port = scope["server"]  # the one that he asked; the machine's others are not for him
        came_by = url(str(plain_ip(address)), port).removeprefix("http://").rstrip("/")
    return _html(home_page(request.hub, len(request.sockets.open), came_by))


async def docs(request: Request) -> Answer:
    """The reference for those who build an app."""
    return _page(request, (await _reference(request)).docs)


async def errors(request: Request) -> Answer:
    """Every error code."""
    return _page(request, (await _reference(request)).errors)


async def security_txt(request: Request) -> Answer:
    """Where to report a weakness (RFC 9116)."""
    expires = time_text(request.hub.clock.now() + CONTACT_HOLDS_S)
    return Answer(200, [TEXT], f"Contact: {CONTACT}\nExpires: {expires}\nPreferred-Languages: en\n".encode())


def _page(request: Request, html: bytes) -> Answer:
    """The page with the address by which its reader came, so that its commands can be copied."""
    host = _came_by(request)
    return _html(html.replace(PLACE, host.encode()) if host else html)


def _came_by(request: Request) -> str:
    """The host and port that the reader asked for, where that is an address ("" where not): safe as HTML."""
    host = request.header(b"host") or ""
    return host if ADDRESS.fullmatch(host) else ""


def _html(page: bytes) -> Answer:
    return Answer(200, [HTML], page)


async def paper(request: Request, name: str) -> Answer:  # noqa: ARG001 (a handler's own form)
    """A file of the docs as it is."""
    return Answer(200, [TEXT], packaged(f"docs/{name}"))


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
    _route("/.well-known/security.txt", "securityTxt", security_txt, "Where to report a weakness (RFC 9116)."),
    _route("/docs/sync.md", "syncPaper", partial(paper, name="sync.md"), "How an app stays in step."),
    _route("/docs/sync_client.py", "syncClient", partial(paper, name="sync_client.py"), "A client that does."),
    _route(
        "/docs/architecture.md",
        "architecture",
        partial(paper, name="architecture.md"),
        "How the hub is built, for whoever changes it.",
    ),
)
