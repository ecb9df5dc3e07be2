"""The board on a closed hub: it shows a code, is let in, and works; by an invitation it needs no code."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.access.closed_hub import hash_of, manager
from tests.board.conftest import Watch
from tests.board.stage import furnish
from tests.conftest import Hub
from tests.contract.answers import ok

pytestmark = pytest.mark.slow

NewHub = Callable[..., Hub]
OpenPage = Callable[..., Page]
CODE = re.compile(r"^[2-9A-Z]{6}$")


def closed(new_hub: NewHub) -> Hub:
    """A furnished hub that its owner has closed."""
    hub = new_hub().start()
    with hub.client() as api:
        furnish(api)
    with manager(hub) as trusted:
        ok(trusted.put("/api/access", json={"access": "closed"}))
    return hub


def test_a_page_shows_a_code_until_a_manager_lets_it_in(new_hub: NewHub, open_page: OpenPage, watch: Watch) -> None:
    hub = closed(new_hub)
    watch.forgive("401")  # each of them is an error in the browser's console
    page = open_page(hub)
    code = page.locator(".code")
    expect(code).to_have_text(CODE)
    assert code.evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)") >= 40, "it is read out across a room"
    shown = code.inner_text()
    page.reload()
    expect(code).to_have_text(shown)
    with manager(hub) as trusted:
        ok(trusted.post("/api/devices", json={"code": shown, "name": "Tablet", "role": "host"}), 201)
        expect(page.locator("#plan .table").first).to_be_visible()
        expect(page.locator("dialog")).to_have_count(0)
        device = ok(trusted.get("/api/devices"))["devices"][0]
        assert device["sockets"] == 1
        assert trusted.delete(f"/api/devices/{device['id']}").status_code == 204
    expect(code).to_have_text(CODE)
    expect(page.locator("#banner")).to_be_hidden()  # the hub is not away, and what it serves is not gone


def test_an_invitation_in_the_address_needs_no_code(new_hub: NewHub, open_page: OpenPage, watch: Watch) -> None:
    hub = closed(new_hub)
    watch.forgive("401")  # each of them is an error in the browser's console
    with manager(hub) as trusted:
        secret = ok(trusted.post("/api/invitations", json={"name": "Bar", "role": "host"}), 201)["invitation"]
        page = open_page(hub, path=f"/#pair={secret}&tls=8443&fp={64 * '0'}")
        expect(page.locator("#plan .table").first).to_be_visible()
        assert secret not in page.url
        assert [one["name"] for one in ok(trusted.get("/api/devices"))["devices"]] == ["Bar"]


def test_its_own_sha_256_is_that_of_everybody(board_hub: Hub, open_page: OpenPage) -> None:
    page = open_page(board_hub)
    texts = ["", "abc", "x" * 55, "x" * 56, "rsto_" + "a" * 43, "z" * 200]
    script = """async (texts) => {
      const folder = document.querySelector('script[type=module]').src.replace(/boot.js$/, '');
      const { sha256 } = await import(`${folder}pairing.js`);
      return texts.map(sha256); }"""
    assert page.evaluate(script, texts) == [hash_of(text) for text in texts]
