"""This file is the pages for people and the documents for machines, as routes: all but the front page made before."""

from __future__ import annotations

import re
from functools import partial

from restohub.reach import url
from restohub.wire.answers import JSON, Answer
from restohub.wire.times import time_text

from .asking import Request
from .browsers import HTML
from .home import LOOPBACK, home_page
from .packaged import documents, packaged
from .peers import is_own_machine, plain_ip
from .routes import Handler, Route

Header = tuple[bytes, bytes]

TEXT = (b"content-type", b"text/plain; charset=utf-8")
ZIP = (b"content-type", b"application/zip")
# The repository's private advisory form, as in SECURITY.md.
CONTACT = "https://restohub.example/security/advisories/new"
# RFC 9116 wants less than a year; counted from each answer, since a hub runs for years without anybody's hand.
CONTACT_HOLDS_S = 180 * 86_400
# What the pages' texts have where the hub's own address belongs.
PLACE = b"HOST:8000"
ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


async def home(request: Request) -> Answer:
    """Whether the hub works, and where to go on."""
    came_by, scope = _came_by(request), request.scope
    if (not came_by or LOOPBACK.fullmatch(came_by)) and not is_own_machine(scope):
        address, port = scope["server"]  # the one that he asked; the machine's others are not for him
        came_by = url(str(plain_ip(address)), port).removeprefix("http://").rstrip("/")
    return Answer(200, [HTML], home_page(request.hub, len(request.sockets.open), came_by))


async def security_txt(request: Request) -> Answer:
    """Where to report a weakness (RFC 9116)."""
    expires = time_text(request.hub.clock.now() + CONTACT_HOLDS_S)
    return Answer(200, [TEXT], f"Contact: {CONTACT}\nExpires: {expires}\nPreferred-Languages: en\n".encode())


async def page(request: Request, name: str) -> Answer:
    """A page with the address by which its reader came, so that its commands can be copied."""
    host, html = _came_by(request), packaged(f"made/{name}.html")
    return Answer(200, [HTML], html.replace(PLACE, host.encode()) if host else html)


async def file(request: Request, name: str, headers: tuple[Header, ...]) -> Answer:  # noqa: ARG001 (a handler's form)
    """A file as it is."""
    return Answer(200, [*headers], packaged(name))


def _came_by(request: Request) -> str:
    """The host and port that the reader asked for, where that is an address ("" where not): safe as HTML."""
    host = request.header(b"host") or ""
    return host if ADDRESS.fullmatch(host) else ""


def _page(path: str, name: str, says: str) -> Route:
    return _route(path, f"page:{name}", partial(page, name=name), says)


def _file(path: str, name: str, says: str, *headers: Header) -> Route:
    return _route(path, f"file:{name}", partial(file, name=name, headers=headers), says)


def _route(path: str, name: str, handler: Handler, says: str) -> Route:
    return Route(method="GET", path=path, name=name, handler=handler, says=says, answers={200: None}, group="hub")


PAGES: tuple[Route, ...] = (
    _route("/", "home", home, "A page for people: whether the hub is well, and where to go on."),
    _route("/.well-known/security.txt", "securityTxt", security_txt, "Where to report a weakness (RFC 9116)."),
    _page("/docs", "reference", "The reference."),
    _page("/docs/errors", "errors", "Every error code."),
    _file("/docs/sync_client.py", "sync_client.py", "A client that stays in step.", TEXT),
    _file(
        "/docs/fixtures.zip", "made/fixtures.zip", "The golden files.",
        ZIP, (b"content-disposition", b'attachment; filename="fixtures.zip"'),
    ),
    _file("/schema/openapi.json", "made/openapi.json", "The OpenAPI document.", JSON),
    _file("/schema/asyncapi.json", "made/asyncapi.json", "The AsyncAPI document.", JSON),
    *(_page(f"/docs/{name}", name, "A document of the package.") for name in documents()),
    *(_file(f"/docs/{name}.md", f"{name}.md", "The same as Markdown.", TEXT) for name in documents()),
)  # fmt: skip
