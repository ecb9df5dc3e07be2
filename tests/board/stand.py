"""A host stand in the tests: a page that a hand works, another device's page beside it, and the hub behind both."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.board.host import DRAWN, answered
from tests.board.stage import Finger, furnish, ids_of
from tests.conftest import Hub

Hand = Callable[[Locator], None]
# Answers and messages of this page come so late, in ms: the tests set it to see either come first. While `hold` is set,
# no message comes; `release` lets them come, in their order. `heard` is the last revision of the floor that came.
LATE = """(() => {
  const WHOLE = ["full_sync", "delta_update", "atomic_transaction_complete"];
  const held = [];
  window.late = { answer: 0, message: 0, hold: false, heard: 0, release() {
    window.late.hold = false;
    for (const tell of held.splice(0)) tell();
  } };
  const ask = window.fetch;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  window.fetch = async (path, options) => {
    const answer = await ask(path, options);
    if (options && options.method === "POST") await pause(window.late.answer);
    return answer;
  };
  const place = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", { ...place, set(listener) {
    place.set.call(this, listener && ((event) => {
      const tell = () => {
        if (!this.onclose) return;
        listener(event);
        const { type, revision, part, parts } = JSON.parse(event.data);
        if (WHOLE.includes(type) && part === parts) window.late.heard = Math.max(window.late.heard, revision);
      };
      if (window.late.hold) held.push(tell);
      else if (window.late.message) setTimeout(tell, window.late.message);
      else tell();
    }));
  } });
})()"""

# Nothing is late or held back any more. Whether something is left open, and whether the list of who waits is shown.
ANEW = """() => {
  Object.assign(window.late, { answer: 0, message: 0 });
  window.late.release();
  const isWaiting = document.querySelector("#tab-waiting").getAttribute("aria-selected") === "true";
  return [!!document.querySelector("dialog, .bubble, .ghost"), isWaiting];
}"""


class Stand:
    """Two pages of one hub; `page` is worked, `other` must show what was done."""

    def __init__(self, hub: Hub, page: Page, other: Page) -> None:
        self.hub, self.page, self.other = hub, page, other
        self.api = hub.client()
        self.finger = Finger(page)
        self.ids: dict[str, str] = {}

    def begin(self) -> None:
        """The floor anew, and both pages as if nobody had touched them."""
        furnish(self.api)
        self.ids = ids_of(self.api)
        for page in (self.page, self.other):
            is_open, is_waiting = page.evaluate(ANEW)
            if is_open:
                page.reload()
            for _ in range(3):
                page.keyboard.press("Escape")
            if is_open or not is_waiting:
                page.locator("#tab-waiting").click()
        for page in (self.page, self.other):
            expect(self.table("6", page)).to_be_visible()
            expect(self.row("Rossi", page)).to_be_visible()

    def hold_messages(self) -> None:
        """The page hears of nothing from now on."""
        self.page.evaluate("() => { window.late.hold = true; }")

    def release_messages(self) -> None:
        """The page hears of all that was held back, and of what comes."""
        self.page.evaluate("() => window.late.release()")

    def hears(self) -> None:
        """Wait until the page has heard of all that the hub has: another page may hear of it before."""
        revision = self.api.get("/api/sync/full").json()["revision"]
        self.page.wait_for_function("(revision) => window.late.heard >= revision", arg=revision)

    def settle(self) -> None:
        """Wait until what was pressed is answered, and until the page has heard and drawn what came of it."""
        answered(self.page)
        self.hears()
        self.page.evaluate(DRAWN)

    def row(self, name: str, page: Page | None = None) -> Locator:
        """The row of a party, in whichever list is shown."""
        return (page or self.page).locator(f'li[data-guest="{self.ids[name]}"] > button:visible')

    def table(self, number: str, page: Page | None = None) -> Locator:
        """A table of the plan."""
        return (page or self.page).locator(f'#plan [data-table="{self.ids[number]}"]')

    def button(self, key: str) -> Locator:
        """One of the bar's buttons, by what it does."""
        return self.page.locator(f'#bar [data-do="{key}"]')

    def do(self, key: str, hand: Hand) -> None:
        """Press a button of the bar, behind "More" where it did not fit."""
        self.page.evaluate(DRAWN)
        expect(self.button("clear")).to_be_visible()
        if self.button(key).count():
            hand(self.button(key))
            return
        hand(self.button("more"))
        hand(self.page.locator(f'dialog [data-option="{key}"]'))

    def field(self, name: str) -> Locator:
        """What is typed into a form's field of that name."""
        return self.page.locator(f'dialog [data-field="{name}"] :is(input, textarea):visible')

    def choice(self, field: str, value: object) -> Locator:
        """A button of a form's field."""
        return self.page.locator(f'dialog [data-field="{field}"] [data-value="{value}"]')

    def show(self, number: str, *words: str) -> None:
        """Both pages tell this of a table."""
        for page in (self.page, self.other):
            expect(self.table(number, page)).to_have_attribute("aria-label", _all(words))

    def list(self, name: str, *words: str) -> None:
        """Both pages tell this of a party's row."""
        self.know(name)
        for page in (self.page, self.other):
            expect(self.row(name, page)).to_have_attribute("aria-label", _all(words))

    def gone(self, name: str) -> None:
        """Neither page has the party in the list that it shows."""
        for page in (self.page, self.other):
            expect(self.row(name, page)).to_have_count(0)

    def tab(self, name: str) -> None:
        """Both pages show this list, and no other any more."""
        for page in (self.page, self.other):
            page.locator(f"#tab-{name}").click()
            expect(page.locator(f"#tab-{name}")).to_have_attribute("aria-selected", "true")

    def know(self, name: str) -> None:
        """Look a party up that the page has made; it must be there once the other page has one of that name."""
        if name in self.ids:
            return
        expect(self.other.locator("li[data-guest]", has_text=name).first).to_be_attached()
        self.ids = ids_of(self.api)

    def guest(self, name: str) -> dict[str, Any]:
        """A party as the hub has it."""
        found: dict[str, Any] = self.api.get(f"/restaurants/1/guests/{self.ids[name]}").json()
        return found

    def at(self, number: str) -> dict[str, Any]:
        """A table as the hub has it."""
        found: dict[str, Any] = self.api.get(f"/restaurants/1/tables/{self.ids[number]}").json()
        return found

    def sits(self, name: str, number: str | None) -> None:
        """The hub has the party seated there, or at the bar, and the table as its own."""
        guest = self.guest(name)
        assert (guest["status"], guest["tableId"]) == ("seated", number and self.ids[number])
        if number:
            table = self.at(number)
            assert (table["status"], table["currentGuestId"]) == ("occupied", guest["id"])

    def free(self, number: str, status: str = "available") -> None:
        """The hub has nobody at the table, and this status."""
        table = self.at(number)
        assert (table["status"], table["currentGuestId"]) == (status, None)

    def add(self, name: str, size: int, **fields: Any) -> None:
        """A party that another device has added."""
        made = self.api.post("/restaurants/1/guests/", json={"name": name, "partySize": size, **fields})
        assert made.is_success, made.text
        self.ids[name] = made.json()["id"]

    def elsewhere(self, name: str, **fields: Any) -> None:
        """Another device changes a party, or the table of that number."""
        kind = "tables" if name.isdigit() else "guests"
        answer = self.api.patch(f"/restaurants/1/{kind}/{self.ids[name]}", json=fields)
        assert answer.is_success, answer.text

    def removed_elsewhere(self, name: str) -> None:
        """Another device deletes a party, or the table of that number."""
        kind = "tables" if name.isdigit() else "guests"
        assert self.api.delete(f"/restaurants/1/{kind}/{self.ids[name]}").is_success


def _all(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("".join(f"(?=.*{re.escape(word)})" for word in words))
