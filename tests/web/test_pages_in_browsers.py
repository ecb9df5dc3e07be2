"""The hub before a browser: pages where it asks for them, JSON for everybody else, all on a phone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from restohub.web.package_files import documents
from tests.conftest import Hub
from tests.evening.chromium import chromium

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OTHERS = [None, "*/*", "application/json", "application/json, text/html;q=0.5", "application/problem+json, */*"]
# What is wider than it may be, and what a finger would have to move sideways.
CUT = """(() => {
  const wide = [...document.querySelectorAll("main *")].filter(one => one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== "visible");
  return [document.documentElement.scrollWidth, innerWidth, wide.map(one => one.outerHTML.slice(0, 200))];
})()"""


def accepting(api: httpx.Client, path: str, accept: str | None) -> httpx.Response:
    """What is answered to one who accepts this (None: says nothing)."""
    request = api.build_request("GET", path)
    request.headers.pop("accept")
    if accept is not None:
        request.headers["accept"] = accept
    return api.send(request)


@pytest.mark.parametrize("path", ["/nowhere", "/restaurants/999999", "/restaurants/1/guests/nobody"])
def test_a_browser_that_finds_nothing_gets_a_page_with_a_way_on(api: httpx.Client, path: str) -> None:
    page, document = accepting(api, path, BROWSER), accepting(api, path, "*/*")
    assert (page.status_code, document.status_code) == (404, 404)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert document.json()["title"] in page.text
    assert '<a href="/">' in page.text


@pytest.mark.parametrize("path", ["/health", "/api/health", "/api/sync/health"])
def test_a_browser_gets_the_health_as_a_page(api: httpx.Client, path: str) -> None:
    page = accepting(api, path, BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "The hub is well" in page.text
    assert api.get("/health").json()["id"] in page.text


@pytest.mark.parametrize("accept", OTHERS)
def test_everybody_else_gets_json(api: httpx.Client, accept: str | None) -> None:
    assert accepting(api, "/health", accept).headers["content-type"] == "application/json"
    lost = accepting(api, "/nowhere", accept)
    assert (lost.status_code, lost.headers["content-type"]) == (404, "application/problem+json")
    assert lost.json()["error_code"] == "route_not_found"


def test_a_change_is_answered_in_json_whatever_is_accepted(api: httpx.Client, restaurant: int) -> None:
    root = f"/restaurants/{restaurant}"
    made = api.post(f"{root}/guests/", json={"name": "Anna", "partySize": 2}, headers={"Accept": BROWSER})
    assert made.json()["name"] == "Anna"
    refused = api.post(f"{root}/guests/", json={"partySize": 0}, headers={"Accept": BROWSER})
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.status_code, refused.json()["error_code"]) == (422, "validation_failed")
    assert accepting(api, f"{root}/guests/", BROWSER).json()[0]["name"] == "Anna"


def test_pages_say_the_time_of_the_restaurant_and_that_a_copy_was_put_back(
    new_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    hub = new_hub().start()
    zone = "Pacific/Kiritimati"  # nowhere else is it as late
    with hub.client() as api:
        assert api.patch("/restaurants/1", json={"timezone": zone}).is_success
        for path in ("/about", "/health"):
            before = datetime.now(ZoneInfo(zone))
            page = accepting(api, path, BROWSER).text
            days = (f"{now:%d %B %Y}".lstrip("0") for now in (before, datetime.now(ZoneInfo(zone))))
            assert any(day in page for day in days)
            assert f"({zone})" in page
            assert "a copy was put back" not in page
    assert hub.stop() == 0
    restored = new_hub(Path(shutil.copytree(hub.data, tmp_path / "restored"))).start()
    with restored.client() as api:
        for path in ("/about", "/health"):
            assert "a copy was put back" in accepting(api, path, BROWSER).text
    assert restored.stop() == 0


@pytest.mark.slow
def test_every_page_fits_a_phone(hub: Hub, tmp_path: Path) -> None:
    long = hub.new_restaurant("Zum goldenen Löwen am alten Marktplatz", "America/Argentina/Buenos_Aires")

    async def look() -> dict[str, object]:
        cut: dict[str, object] = {}
        with chromium(tmp_path / "profile") as browser:
            async with browser.page(f"{hub.url}/about") as page:
                for path in (
                    "/about",
                    "/health",
                    "/nowhere",
                    "/docs",
                    "/docs/errors",
                    *(f"/docs/{name}" for name in documents()),
                ):
                    size = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
                    await page.ask("Emulation.setDeviceMetricsOverride", **size)
                    await page.visit(hub.url + path)
                    found = await page.run(CUT)
                    if found != [375, 375, []]:
                        cut[path] = found
        return cut

    try:
        assert asyncio.run(look()) == {}
    finally:
        with hub.client() as api:
            api.delete(f"/restaurants/{long}")
