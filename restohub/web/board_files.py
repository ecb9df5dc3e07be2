"""The board's files: read and compressed once, served from a folder named after their contents."""

from __future__ import annotations

import gzip
import re
from functools import cache
from hashlib import sha256
from pathlib import Path

from litestar.exceptions import NotFoundException

from restohub.wire.responses import CONTENT_POLICY, OwnPolicy

from .problem_pages import HTML
from .request import Request

BOARD = Path(__file__).with_name("board")
INDEX, FRAME = "index.html", "page.html"
# The placeholder in the index for the folder of the other files.
PLACE = b"BOARD/"
TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/manifest+json",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
}
FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")
NEVER = (b"cache-control", b"no-store")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; "
    "connect-src 'self'{socket}; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The frame in which the board shows a page of the hub's that it fetched with a token: empty, and never with a script.
FRAME_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
# The hosts that a policy can name: no IPv6 address, no underscore, no dot at the end.
HOST = re.compile(r"(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)", re.IGNORECASE)


def read_board() -> None:
    """Read it all: the one file unpacks it into a temporary folder, which may be tidied while the hub runs."""
    _packed_index()


def is_board(path: str) -> bool:
    """Whether a path is that of the board's page or of one of its files."""
    return path[:7] == "/board/" or path == "/"


async def board(request: Request) -> OwnPolicy:
    """The board: its page, which names the folder of its files."""
    host = request.header(b"host") or ""
    # Safari before 16 takes no `ws:` for 'self'.
    policy = POLICY.format(socket=f" ws://{host}" if HOST.fullmatch(host) else "")
    return _answer(request, HTML, _packed_index(), NEVER, (b"content-security-policy", policy.encode()))


async def board_file(request: Request) -> OwnPolicy:
    """One of its files, which never changes: other files stand in another folder."""
    place, _, name = request.scope["path"].removeprefix("/board/").partition("/")
    packed = _packed().get(name)
    if place != _folder() or packed is None or name == INDEX:
        raise NotFoundException
    policy = FRAME_POLICY if name == FRAME else CONTENT_POLICY
    return _answer(request, (b"content-type", TYPES[Path(name).suffix]), packed, FOREVER, policy)


def _answer(request: Request, kind: tuple[bytes, bytes], packed: bytes, *policy: tuple[bytes, bytes]) -> OwnPolicy:
    headers = [kind, *policy, (b"vary", b"accept-encoding")]
    if GZIP.search(request.header(b"accept-encoding") or ""):
        return OwnPolicy(200, [*headers, (b"content-encoding", b"gzip")], packed)
    return OwnPolicy(200, headers, gzip.decompress(packed))


@cache
def _packed() -> dict[str, bytes]:
    """Each file, packed, by its path below the board's folder; a kind of file that has no type is left out."""
    found = sorted(path for path in BOARD.rglob("*") if path.suffix in TYPES)
    return {path.relative_to(BOARD).as_posix(): gzip.compress(path.read_bytes(), mtime=0) for path in found}


@cache
def _folder() -> str:
    """The name of the folder: the same for the same files, whatever packed them."""
    made = sha256()
    for name, packed in _packed().items():
        file = gzip.decompress(packed)
        made.update(b"%b\0%d\0%b" % (name.encode(), len(file), file))
    return made.hexdigest()[:16]


@cache
def _packed_index() -> bytes:
    page = gzip.decompress(_packed()[INDEX])
    return gzip.compress(page.replace(PLACE, f"/board/{_folder()}/".encode()), mtime=0)
