"""The contract of the pages for people: complete without the Internet, one anchor for each error."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.contract.answers import ok

PAGES = [
    "/",
    "/about",
    "/docs",
    "/docs/errors",
    "/docs/contract",
    "/docs/operate",
    "/docs/sync",
    "/docs/architecture",
    "/docs/decisions",
]
ERROR_CODES = [
    "invalid_json",
    "invalid_query",
    "token_required",
    "token_invalid",
    "host_not_allowed",
    "origin_not_allowed",
    "not_permitted",
    "restaurant_not_found",
    "guest_not_found",
    "table_not_found",
    "route_not_found",
    "method_not_allowed",
    "unsupported_media_type",
    "body_too_large",
    "table_occupied",
    "table_unavailable",
    "party_exceeds_capacity",
    "table_number_taken",
    "already_exists",
    "restaurant_not_empty",
    "restaurant_name_differs",
    "upgrade_required",
    "revision_expired",
    "version_conflict",
    "validation_failed",
    "idempotency_key_reused",
    "rate_limited",
    "internal_error",
    "storage_full",
    "storage_unavailable",
    "shutting_down",
    "busy",
    "outcome_unknown",
    "invalid_message",
    "too_many_messages",
]
# What a browser fetches by itself, in style sheets and scripts; a namespace's name is no address.
FETCHED = re.compile(
    r"""(?:url\(|@import|\bfrom|\bimport|fetch\(|WebSocket\()\s*["'(`]*\s*((?:https?:|wss?:)?//[^\s"'`)]+)"""
)


class Links(HTMLParser):
    """Collects what a page names: its addresses, its ids and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name in ("href", "src", "action", "data", "poster", "srcset", "formaction", "manifest") and value:
                self.links.append(value)
                if tag in ("script", "link", "img", "iframe"):
                    self.loaded.append(value)


def text_of(api: httpx.Client, path: str) -> str:
    """The text of a page, which has to open."""
    page = api.get(path)
    assert page.status_code == 200, page.text
    return page.text


@pytest.mark.parametrize("path", [*PAGES, "/docs/", "/docs/errors/"])
def test_a_page_is_html_and_never_kept(api: httpx.Client, path: str) -> None:
    answer = api.get(path, follow_redirects=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert {"html", "title", "body"} <= Links(answer.text).tags


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_foreign_host(api: httpx.Client, path: str) -> None:
    page = text_of(api, path)
    for link in Links(page).links:
        assert urlsplit(link).netloc in ("", api.base_url.netloc.decode()), f"neither relative nor of this hub: {link}"
    assert FETCHED.findall(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_loads_is_served_by_the_hub(api: httpx.Client, path: str) -> None:
    for link in Links(text_of(api, path)).loaded:
        if not link.startswith("data:"):
            part = api.get(urljoin(path, link))
            assert part.status_code == 200, link
            assert FETCHED.findall(part.text) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_opens(api: httpx.Client, path: str) -> None:
    ids: dict[str, list[str]] = {}
    for link in Links(text_of(api, path)).links:
        where = urlsplit(urljoin(path, link))
        if where.scheme not in ("data", "mailto", "ws", "wss") and not where.netloc:
            place = where.path + (f"?{where.query}" if where.query else "")
            if place not in ids:
                target = api.get(place)
                assert target.status_code == 200, link
                is_page = target.headers["content-type"].startswith("text/html")
                ids[place] = Links(target.text).ids if is_page else [where.fragment]
            assert where.fragment in ["", *ids[place]], f"there is no such place on its page: {link}"


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code_has_an_anchor(api: httpx.Client, code: str) -> None:
    assert Links(text_of(api, "/docs/errors")).ids.count(code) == 1


def test_no_id_stands_twice_on_a_page(api: httpx.Client) -> None:
    for path in PAGES:
        ids = Links(text_of(api, path)).ids
        assert len(ids) == len(set(ids)), path


def test_the_document_is_served_as_json_and_never_kept(api: httpx.Client) -> None:
    answer = api.get("/schema/openapi.json")
    assert ok(answer)["openapi"] == "3.1.0"
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_no_path_of_the_machine(api: httpx.Client, path: str) -> None:
    assert not re.search(r"/home/|/root/|/tmp/|site-packages", text_of(api, path))
