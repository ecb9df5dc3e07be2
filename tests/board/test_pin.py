"""The board where a manager has a PIN: it asks for it, says when it is wrong, and does what was asked for."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.access.closed_hub import manager, pair
from tests.board.conftest import Watch
from tests.board.stage import furnish
from tests.conftest import Hub
from tests.contract.answers import ok

# A dialog that waits for an answer must not keep the one from being shown without which there is none.
BELOW = """() => {
  const folder = document.querySelector('script[type=module]').src.replace(/boot.js$/, '');
  const build = () => ({ body: document.createElement('p') });
  import(`${folder}dialogs.js`).then(({ openDialog }) => openDialog({ title: 'Waits for the answer', build })); }"""
# What edit mode sends, and a press while the hub was away; `data-done` says what came of each.
ASKING = """([way, table, capacity]) => {
  const folder = document.querySelector('script[type=module]').src.replace(/boot.js$/, '');
  const operation = { entity_type: 'table', action: 'update', entity_id: table, data: { capacity } };
  import(`${folder}hub.js`).then(async ({ createApi }) => {
    const api = createApi();
    const answer = way === 'batch' ? await api.batch(1, `plan-${capacity}`, [operation])
      : await api.queue(1, [{ ...operation, mutation_id: `plan-${capacity}` }], []);
    const done = answer.ok && answer.body.success ? '+' : '-';
    document.body.dataset.done = (document.body.dataset.done || '') + done;
  });
}"""


def test_a_page_asks_for_a_managers_pin_and_sends_the_same_again(
    new_hub: Callable[..., Hub], open_page: Callable[..., Page], watch: Watch
) -> None:
    hub = new_hub().start()
    device = pair(hub, "host", "Tablet")
    with hub.client() as api, manager(hub) as trusted:
        furnish(api)
        table = ok(api.get("/api/sync/full"))["tables"][0]["id"]
        ok(trusted.post("/api/staff", json={"name": "Anna", "role": "host", "pin": "4711"}), 201)
        ok(trusted.post("/api/staff", json={"name": "Bea", "role": "manager", "pin": "25801"}), 201)
        watch.forgive("403")  # each of them is an error in the browser's console
        page = open_page(hub)
        page.evaluate("(token) => localStorage.setItem('restohub.token', token)", device.token)
        dialog = page.locator("dialog", has=page.get_by_label("PIN"))

        page.evaluate(BELOW)
        expect(page.locator("dialog")).to_be_visible()
        page.evaluate(ASKING, ["batch", table, 9])
        page.evaluate(ASKING, ["queue", table, 8])
        expect(dialog.get_by_role("combobox")).to_have_text("Bea")
        assert dialog.get_by_label("PIN").get_attribute("type") == "password"
        dialog.get_by_label("PIN").fill("0000")
        dialog.get_by_role("button", name="Confirm").click()
        expect(dialog).to_contain_text("The PIN is wrong.")
        expect(dialog.get_by_label("PIN")).to_have_value("")
        dialog.get_by_label("PIN").fill("25801")
        dialog.get_by_role("button", name="Confirm").click()
        expect(page.locator("body")).to_have_attribute("data-done", "++")
        expect(dialog).to_have_count(0)
        page.evaluate(ASKING, ["batch", table, 10])
        expect(page.locator("body")).to_have_attribute("data-done", "+++")
        assert ok(api.get(f"/restaurants/1/tables/{table}"))["capacity"] == 10

        page.evaluate(
            "() => fetch('/api/sign-in', { method: 'DELETE', headers: "
            "{ Authorization: `Bearer ${localStorage.getItem('restohub.token')}` } })"
        )
        page.evaluate(ASKING, ["queue", table, 11])
        dialog.get_by_label("PIN").fill("25801")
        dialog.get_by_label("PIN").press("Enter")
        expect(page.locator("body")).to_have_attribute("data-done", "++++")
        assert ok(api.get(f"/restaurants/1/tables/{table}"))["capacity"] == 11

        page.evaluate("() => localStorage.removeItem('restohub.token')")
        page.evaluate(ASKING, ["batch", table, 12])
        expect(page.locator("body")).to_have_attribute("data-done", "++++-")
        expect(dialog).to_have_count(0)
