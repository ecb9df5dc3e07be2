"""The report's page in a real browser: on one sheet of paper whatever the night was like, and readable on a phone."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.floor_client import Floor
from tests.contract.test_night_reports import DAY, dine
from tests.evening.chromium import chromium
from tests.web.test_pages_in_browsers import CUT

PAGES = re.compile(rb"/Type\s*/Page[^s]")
A4_INCHES = {"paperWidth": 8.27, "paperHeight": 11.69}


def fill_the_sheet(floor: Floor) -> None:
    """More of everything than a sheet has room for: every hour, size, and many sections and servers of long names."""
    for number in range(24):
        section, server = f"{'Section' * 12} {number}", f"{'Server' * 14} {number}"
        table = floor.new_table(capacity=10, section=section[:100], server=server[:100])["id"]
        dine(floor, 60 * (number - 10), table, quotedWait=1440, partySize=1 + number % 10, name="Ada")


@pytest.mark.parametrize("full", [False, True])
def test_the_report_prints_on_one_sheet_and_fits_a_phone(
    hub: Hub, api: httpx.Client, restaurant: int, tmp_path: Path, full: bool
) -> None:
    floor = Floor(api, restaurant)
    if full:
        fill_the_sheet(floor)

    async def look() -> tuple[int, list[object]]:
        with chromium(tmp_path) as browser:
            async with browser.page(f"{hub.url}{floor.root}/reports/{DAY}") as page:
                printed = await page.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True, **A4_INCHES)
                size = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
                await page.ask("Emulation.setDeviceMetricsOverride", **size)
                return len(PAGES.findall(base64.b64decode(printed["data"]))), await page.run(CUT)

    sheets, cut = asyncio.run(look())
    assert sheets == 1
    assert cut == [375, 375, []]
