"""The board under load: `python -m tests.bench.board` measures frames, first paint, memory, a press on another page.

200 guests, 60 tables, 20 changes a second, in the machine's Chromium without a graphics card; slowed means a quarter of
the processor, as an old iPad has. The figures say nothing of another machine; where they miss a goal, they say so.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from tests.bench.report import aligned, processor
from tests.board.conftest import FLAGS, WINDOW
from tests.board.stage import board_url
from tests.conftest import Hub
from tests.evening.chromium import PROGRAMS

GUESTS, TABLES, SEATED, CHANGES_S = 200, 60, 40, 20
FRAMES_S, PAINTS, PRESSES, PARTIES = 10, 5, 100, 240
SLOW = 4
STATUSES = ("arrived", "notified", "waitlist")
FLOOR = "/api/restaurants/1"
# What a figure should be at least (>) or at most (<).
GOALS = {
    "frames/s": (">", 55.0),
    "frames/s, slowed": (">", 45.0),
    "first paint s": ("<", 0.3),
    "first paint s, slowed": ("<", 1.0),
    "heap after an evening, MB more": ("<", 2.0),
    "nodes after an evening, % more": ("<", 5.0),
    "press to paint on another page, ms, p99": ("<", 100.0),
}
FRAMES = """(s) => new Promise((done) => {
  let frames = 0; const start = performance.now();
  const count = (now) => {
    frames += 1;
    if (now - start < s * 1000) requestAnimationFrame(count);
    else done(1000 * frames / (now - start));
  };
  requestAnimationFrame(count);
})"""
# When the whole floor stands there, of the page's own start.
WHOLE = """new MutationObserver((_, watching) => {
  if (document.querySelectorAll('#plan .table').length < %d) return;
  watching.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.wholeAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true })"""
PRESSED = "addEventListener('click', (event) => { window.pressedAt = performance.timeOrigin + event.timeStamp; }, true)"
PAINTED = """(id) => { window.painted = new Promise((done) => {
  new MutationObserver((_, watching) => {
    watching.disconnect();
    setTimeout(() => done(performance.timeOrigin + performance.now()));
  }).observe(document.querySelector(`[data-table="${id}"]`), { attributes: true, attributeFilter: ['class'] });
}); return true; }"""


# Free tables that nobody else changes, where both pages show them.
IN_VIEW = """[...document.querySelectorAll('#plan .table.free')].filter((one) => {
  const [face, plan] = [one.querySelector('.face'), one.closest('#plan')].map((part) => part.getBoundingClientRect());
  return Number(one.dataset.table.slice(1)) >= 50 && face.right < plan.right && face.bottom < plan.bottom - 80;
}).map((one) => one.dataset.table)"""


def furnish(api: httpx.Client) -> None:
    """Make a full house: 60 tables in four sections, 40 parties that sit, 100 that wait, 60 that are booked."""
    now = datetime.now(UTC)
    make: list[dict[str, Any]] = []
    for number in range(TABLES):
        place = {"x": number % 10 / 9, "y": number // 10 / 5}
        shape = ("round", "square", "rectangle", "booth", "oval")[number % 5]
        table = {"tableNumber": str(number + 1), "capacity": 2 + number % 3 * 2, "shape": shape, "position": place}
        make.append(_made("table", f"t{number}", table | {"section": f"Section {number % 10 // 3 + 1}"}))
    for number in range(GUESTS):
        guest: dict[str, Any] = {"name": f"Guest {number}", "partySize": 2, "quotedWait": 20}
        if number < SEATED:
            guest |= {"tableId": f"t{number}", "status": "seated"}
        elif number >= 140:
            at = now + timedelta(minutes=number - 140)
            guest |= {"status": "confirmed", "reservationTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        make.append(_made("guest", f"g{number}", guest))
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": make})
    assert answer.is_success, answer.text


def _made(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"entity_type": kind, "action": "create", "entity_id": name, "data": data}


@contextmanager
def changing(hub: Hub) -> Iterator[None]:
    """20 changes a second: a waiting party's status, now and then a table."""
    ended = threading.Event()

    def change() -> None:
        with hub.client() as api:
            number = 0
            while not ended.wait(1 / CHANGES_S):
                number += 1
                if number % 5:
                    guest = f"{FLOOR}/guests/g{SEATED + number % 100}"
                    api.patch(guest, json={"status": STATUSES[number // 100 % 3]})
                else:
                    table = f"{FLOOR}/tables/t{SEATED + number // 5 % 10}"
                    api.patch(table, json={"status": ("dirty", "available")[number // 50 % 2]})

    at_work = threading.Thread(target=change)
    at_work.start()
    try:
        yield
    finally:
        ended.set()
        at_work.join()


class Bench:
    """One hub and one browser."""

    def __init__(self, hub: Hub, browser: Browser) -> None:
        self.hub = hub
        self.browser = browser

    def opened(self, slowed: int = 1) -> tuple[Page, CDPSession]:
        """A new device with the board before it."""
        width, height = WINDOW
        page = self.browser.new_context(viewport={"width": width, "height": height}).new_page()
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slowed})
        page.add_init_script(WHOLE % TABLES)
        page.goto(board_url(self.hub))
        page.locator("#plan .table").nth(TABLES - 1).wait_for()
        return page, session

    def frames(self, slowed: int) -> tuple[float, float]:
        """Frames a second while the floor changes, and the processor time that the page takes, in ms a second."""
        page, session = self.opened(slowed)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        with changing(self.hub):
            page.wait_for_timeout(1000)
            before = _metrics(session)["TaskDuration"]
            found = float(page.evaluate(FRAMES, FRAMES_S))
            busy = _metrics(session)["TaskDuration"] - before
        page.context.close()
        return found, 1000 * busy / FRAMES_S

    def bare(self) -> tuple[float, float]:
        """Frames a second and seconds to the first paint of a page that does nothing: what the machine gives now."""
        width, height = WINDOW
        page = self.browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.goto(board_url(self.hub, "/about"))
        frames = float(page.evaluate(FRAMES, FRAMES_S))
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        page.context.close()
        return frames, paint

    def paints(self, slowed: int) -> tuple[float, float]:
        """Seconds to the first paint and to the whole floor, of devices that have nothing yet."""
        first, whole = [], []
        for _ in range(PAINTS):
            page, _ = self.opened(slowed)
            page.wait_for_timeout(500)
            first.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
            whole.append(page.evaluate("window.wholeAt") / 1000)
            page.context.close()
        return median(first), median(whole)

    def evening(self) -> tuple[float, float]:
        """What remains of 240 parties that came, sat and left: MB of heap and % of nodes."""
        page, session = self.opened()
        with self.hub.client() as api:
            _parties(api, range(20))  # what is made once, is made
            before = _held(page, session)
            _parties(api, range(20, 20 + PARTIES))
            after = _held(page, session)
        page.context.close()
        return (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6, 100 * (after["Nodes"] / before["Nodes"] - 1)

    def presses(self) -> list[float]:
        """Milliseconds from a press on one page to its paint on another one, while the floor changes."""
        one, _ = self.opened()
        other, _ = self.opened()
        one.evaluate(PRESSED)
        found = []
        with changing(self.hub):
            shown = one.evaluate(IN_VIEW)
            for number in range(PRESSES):
                table = shown[number % len(shown)]
                one.locator(f'[data-table="{table}"]').click()
                other.evaluate(PAINTED, table)
                one.locator("#bar [data-do=dirty], #bar [data-do=clean]").first.click()
                found.append(float(other.evaluate("painted")) - float(one.evaluate("pressedAt")))
        for page in (one, other):
            page.context.close()
        return found


def _parties(api: httpx.Client, numbers: range) -> None:
    """Each comes, is called, sits, leaves, is forgotten, and its table is cleared."""
    for number in numbers:
        guest, table = f"e{number}", f"t{SEATED + number % 10}"
        asked = [
            api.post(f"{FLOOR}/guests/", json={"id": guest, "name": f"Evening {number}", "partySize": 2}),
            api.patch(f"{FLOOR}/guests/{guest}", json={"status": "notified"}),
            api.patch(f"{FLOOR}/guests/{guest}", json={"tableId": table}),
            api.patch(f"{FLOOR}/guests/{guest}", json={"status": "finished"}),
            api.patch(f"{FLOOR}/tables/{table}", json={"status": "available"}),
            api.delete(f"{FLOOR}/guests/{guest}"),
        ]
        failed = [answer.text for answer in asked if not answer.is_success]
        assert failed == [], failed


def _held(page: Page, session: CDPSession) -> dict[str, float]:
    """What the page holds once the floor is drawn and the garbage is gone."""
    expect(page.locator("#plan .table")).to_have_count(TABLES)
    page.wait_for_timeout(1500)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    return _metrics(session)


def _metrics(session: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def measured(bench: Bench, say: Callable[[str], None]) -> dict[str, float]:
    """Every figure."""
    figures: dict[str, float] = {}
    say("an evening")  # before other pages: Chromium counts their nodes until it lets them go
    heap, nodes = bench.evening()
    figures |= {"heap after an evening, MB more": heap, "nodes after an evening, % more": nodes}
    say("a bare page")
    figures["frames/s, of a bare page"], figures["first paint s, of a bare page"] = bench.bare()
    for name, slowed in (("", 1), (", slowed", SLOW)):
        say(f"frames{name}")
        figures[f"frames/s{name}"], figures[f"processor ms a second{name}"] = bench.frames(slowed)
    for name, slowed in (("", 1), (", slowed", SLOW)):
        say(f"first paint{name}")
        figures[f"first paint s{name}"], figures[f"whole floor s{name}"] = bench.paints(slowed)
    say("presses")
    presses = bench.presses()
    figures["press to paint on another page, ms, p50"] = median(presses)
    figures["press to paint on another page, ms, p99"] = quantiles(presses, n=100)[98]
    return figures


def table(figures: dict[str, float]) -> str:
    """The figures beside their goals."""
    rows = [["", "measured", "goal", ""]]
    for name, value in figures.items():
        sign, goal = GOALS.get(name, ("", 0.0))
        missed = sign and (value < goal if sign == ">" else abs(value) > goal)
        rows.append(
            [
                name,
                f"{value:.3g}",
                f"{'at least' if sign == '>' else 'at most'} {goal:g}" if sign else "",
                "missed" if missed else "",
            ]
        )
    return aligned(rows)


def main() -> None:
    """Measure all, print one table and JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.board", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, else they are printed")
    asked = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("Chromium is not installed, so the board cannot be measured.")
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary, sync_playwright() as playwright:
        hub = Hub(Path(temporary) / "data").start()
        try:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            with hub.client() as api:
                furnish(api)
            figures = measured(Bench(hub, browser), lambda what: print(what, file=sys.stderr, flush=True))
            browser.close()
        finally:
            hub.stop()
    print(table(figures))
    told = json.dumps({"machine": processor(), "figures": figures}, indent=1)
    if asked.json:
        asked.json.write_text(told + "\n")
    else:
        print(told)


if __name__ == "__main__":
    main()
