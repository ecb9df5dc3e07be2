"""How the board is served: its policy, the folder that may be kept, its weight, and nobody else asked."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

import restohub
from restohub.web import board_files
from tests.board.conftest import Watch
from tests.board.host import until
from tests.board.stage import NAME, board_url
from tests.conftest import Hub

BOARD = Path(restohub.__file__).parent / "web/board"
FILES = sorted(path.relative_to(BOARD).as_posix() for path in BOARD.rglob("*") if path.is_file())
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/manifest+json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; "
    "connect-src {}; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
BYTES_MAX, REQUESTS_MAX = 140_000, 30


def folder(api: httpx.Client) -> str:
    """The folder of the files, as the page names it."""
    named: set[str] = set(re.findall(r"/board/[0-9a-f]{16}/", api.get("/").text))
    assert len(named) == 1, named
    return named.pop()


@pytest.mark.parametrize(
    ("host", "connects"),
    [
        ("restohub-abc.local:8000", "'self' ws://restohub-abc.local:8000"),
        ("192.168.1.5", "'self' ws://192.168.1.5"),
        ("[fe80::1]:8000", "'self'"),
        ("my_hub.local", "'self'"),
        ("hub.local.", "'self'"),
    ],
)
def test_the_page_has_its_own_policy_and_is_never_kept(api: httpx.Client, host: str, connects: str) -> None:
    for answer in (api.get("/", headers={"Host": host}), api.head("/?view=queue", headers={"Host": host})):
        assert answer.status_code == 200
        assert answer.headers.get_list("content-security-policy") == [POLICY.format(connects)]
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_names_its_files_by_the_one_folder(api: httpx.Client) -> None:
    page = api.get("/").text
    assert "BOARD/" not in page
    assert page.replace(folder(api), "BOARD/") == (BOARD / "index.html").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in FILES if name != "index.html"])
@pytest.mark.parametrize(
    ("accepts", "packed"),
    [("gzip, deflate, br", True), ("br;q=1, gzip;q=0.5", True), ("*", True), ("gzip;q=0, br", False), ("", False)],
)
def test_a_file_may_be_kept_for_good(api: httpx.Client, name: str, accepts: str, packed: bool) -> None:
    with api.stream("GET", folder(api) + name, headers={"Accept-Encoding": accepts}) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert answer.headers["content-type"] == TYPES[name.rpartition(".")[2]]
    assert answer.headers["vary"] == "accept-encoding"
    assert "script-src" not in answer.headers["content-security-policy"], "the policy of the page is the page's alone"
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(sent) if packed else sent) == (BOARD / name).read_bytes()


def test_the_frame_is_for_the_board_alone_and_runs_nothing(api: httpx.Client) -> None:
    answer = api.get(folder(api) + "page.html")
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    assert answer.headers.get_list("content-security-policy") == [policy]


@pytest.mark.parametrize(
    "path", ["/board/0123456789abcdef/boot.js", "{}nothing.js", "{}index.html", "{}", "{}../index.html", "/board"]
)
def test_what_is_not_there_is_404_and_never_kept(api: httpx.Client, path: str) -> None:
    answer = api.get(path.format(folder(api)))
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "route_not_found"
    assert answer.headers.get_list("cache-control") == ["no-store"]


def test_another_file_makes_another_folder(new_hub: Callable[..., Hub], api: httpx.Client, tmp_path: Path) -> None:
    program = tmp_path / "program/restohub"
    shutil.copytree(BOARD.parents[1], program, ignore=shutil.ignore_patterns("__pycache__"))
    with (program / "web/board/boot.js").open("a") as script:
        script.write("\n")
    hub = new_hub(env={"PYTHONPATH": str(program.parent), "PYTHONSAFEPATH": "1"}).start()
    with hub.client() as other:
        assert folder(other) != folder(api)


def asked_by(page: Page) -> list[Request]:
    """What the page asks from now on, in a list that grows."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)  # it wants a function of Python's own
    return asked


def test_the_first_visit_is_light_and_asks_nobody_else(board_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(board_hub, "/about", new=True)
    asked = asked_by(page)
    page.goto(board_url(board_hub))
    page.wait_for_load_state("networkidle")
    assert {urlsplit(one.url).hostname for one in asked if not one.url.startswith("data:")} == {NAME}
    files = [one for one in asked if urlsplit(one.url).path == "/" or urlsplit(one.url).path.startswith("/board/")]
    sizes = {urlsplit(one.url).path: one.sizes()["responseBodySize"] for one in files}
    assert sum(sizes.values()) <= BYTES_MAX, sizes
    assert len(files) <= REQUESTS_MAX, sizes


def test_the_second_visit_loads_the_page_alone(board_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(board_hub, new=True)
    expect(page.locator("#top .live")).to_have_text("in step")  # with all that it is made of
    page.wait_for_load_state("networkidle")
    page.goto(board_url(board_hub, "/?view=queue"))
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => [one.name, one.transferSize])")
    files = {name: size for name, size in loaded if "/board/" in name}
    assert files
    assert {name: size for name, size in files.items() if size} == {}


def test_a_page_that_breaks_its_policy_would_be_seen(
    board_hub: Hub, open_page: Callable[..., Page], watch: Watch
) -> None:
    page = open_page(board_hub)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">Red</p>')")
    page.evaluate("void fetch('http://192.0.2.1/').catch(() => {})")
    page.evaluate("void setTimeout(() => { throw new Error('thrown by the test') })")
    until(lambda: len(watch.unforgiven()) >= 3, "three faults seen", page)
    watch.forgive(".")


def test_the_folder_has_another_name_where_a_byte_of_a_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md, "The board": it is named after all their bytes, since it may be kept for ever."""
    shutil.copytree(BOARD, tmp_path / "board")
    monkeypatch.setattr(board_files, "BOARD", tmp_path / "board")
    script = tmp_path / "board" / next(name for name in FILES if name.endswith(".js"))
    named = set()
    for last in (b"a", b"b", b"a"):
        script.write_bytes(b"// " + last)
        for kept in (board_files._packed, board_files._folder):
            kept.cache_clear()
        named.add(board_files._folder())
    for kept in (board_files._packed, board_files._folder):
        kept.cache_clear()
    assert len(named) == 2
