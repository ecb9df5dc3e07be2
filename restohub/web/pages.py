"""The routes of pages and documents: all but `/about` are made in advance."""

from __future__ import annotations

import re

from litestar.exceptions import NotFoundException

from restohub.access.roles import Need
from restohub.net.urls import url
from restohub.wire.responses import JSON, Answer
from restohub.wire.times import time_text

from .board_files import board, board_file
from .client_address import is_own_machine, normalized_ip
from .home import LOOPBACK, home_page
from .package_files import documents, packaged
from .problem_pages import HTML
from .request import Request
from .route import Handler, Route

TEXT = (b"content-type", b"text/plain; charset=utf-8")
ZIP = [(b"content-type", b"application/zip"), (b"content-disposition", b'attachment; filename="fixtures.zip"')]
# The repository's private advisory form, as in SECURITY.md.
CONTACT = "https://restohub.example/security/advisories/new"
# RFC 9116 asks for less than a year; counted from each answer, since a hub runs for years without anyone touching it.
CONTACT_HOLDS_S = 180 * 86_400
# The placeholder in the pages for the hub's own address.
PLACE = b"HOST:8000"
ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


async def home(request: Request) -> Answer:
    """Whether the hub works, and where to go on."""
    came_by, scope = _came_by(request), request.scope
    if (not came_by or LOOPBACK.fullmatch(came_by)) and not is_own_machine(scope):
        address, port = scope["server"]  # the one that he asked; the machine's others are not for him
        came_by = url(str(normalized_ip(address)), port).removeprefix("http://").rstrip("/")
    return Answer(200, [HTML], home_page(request.hub, request.hub.feed.connections, came_by))


async def security_txt(request: Request) -> Answer:
    """Where to report a weakness (RFC 9116)."""
    expires = time_text(request.hub.clock.now() + CONTACT_HOLDS_S)
    return Answer(200, [TEXT], f"Contact: {CONTACT}\nExpires: {expires}\nPreferred-Languages: en\n".encode())


async def reference(request: Request) -> Answer:
    """The reference for those who build an app."""
    return _page(request, "reference")


async def errors(request: Request) -> Answer:
    """Every error code: for strangers too, since each refusal leads there."""
    return _page(request, "errors")


async def document(request: Request) -> Answer:
    """What else stands below `/docs`: a document as a page or as it is, a file for machines."""
    name = str(request.path_params["document"])
    if name in documents():
        return _page(request, name)
    if name == "fixtures.zip":
        return Answer(200, ZIP, packaged("made/fixtures.zip"))
    if name == "sync_client.py" or name.removesuffix(".md") in documents():
        return Answer(200, [TEXT], packaged(name))
    raise NotFoundException


async def openapi(request: Request) -> Answer:  # noqa: ARG001 (a handler's own form)
    """The OpenAPI document."""
    return Answer(200, [JSON], packaged("made/openapi.json"))


async def asyncapi(request: Request) -> Answer:  # noqa: ARG001 (a handler's own form)
    """The AsyncAPI document."""
    return Answer(200, [JSON], packaged("made/asyncapi.json"))


def _page(request: Request, name: str) -> Answer:
    """A page with the address by which its reader came, so that its commands can be copied."""
    host, html = _came_by(request), packaged(f"made/{name}.html")
    return Answer(200, [HTML], html.replace(PLACE, host.encode()) if host else html)


def _came_by(request: Request) -> str:
    """The host and port that the reader asked for, where that is an address ("" where not): safe as HTML."""
    host = request.header(b"host") or ""
    return host if ADDRESS.fullmatch(host) else ""


def _route(path: str, name: str, needs: Need, handler: Handler, says: str) -> Route:
    return Route(
        method="GET", path=path, name=name, needs=needs, handler=handler, says=says, answers={200: None}, group="hub"
    )


# Each costs litestar 1.3 ms at the start, so all that stands below /docs is one but what strangers may read.
PAGES: tuple[Route, ...] = (
    _route("/", "board", "anyone", board, "The board: the live floor in a browser."),
    _route("/board/{folder:str}/{file:path}", "boardFile", "anyone", board_file, "A file of the board."),
    _route("/about", "home", "view", home, "About this hub: whether it is well, and where to go on."),
    _route("/docs", "reference", "view", reference, "The reference."),
    _route("/docs/errors", "errors", "anyone", errors, "Every error code."),
    _route("/docs/{document:str}", "document", "view", document, "A document, a file for machines."),
    _route("/schema/openapi.json", "openapi", "view", openapi, "The OpenAPI document."),
    _route("/schema/asyncapi.json", "asyncapi", "view", asyncapi, "The AsyncAPI document."),
    _route("/.well-known/security.txt", "securityTxt", "anyone", security_txt, "Where to report a weakness."),
)
