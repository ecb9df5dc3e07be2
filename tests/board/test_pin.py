"""PINs on the board: a manager confirms what is grave, and people of the staff sign in and out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.access.closed_hub import bearer, manager, pair, person
from tests.board.conftest import Watch
from tests.board.stage import ids_of, restart
from tests.board.views import manager_of, open_as, open_by_menu, open_menu
from tests.conftest import Hub
from tests.contract.answers import ok

pytestmark = pytest.mark.slow

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
    floor_anew: Hub, open_page: Callable[..., Page], watch: Watch
) -> None:
    hub = floor_anew
    device = pair(hub, "host", "Tablet")
    anna, bea = person(hub, "Anna", "host", "4711"), person(hub, "Bea", "manager", "25801")
    with hub.client() as api, anna, bea:
        table = ok(api.get("/api/sync/full"))["tables"][0]["id"]
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


def sign_in(page: Page, name: str, pin: str) -> Locator:
    """Press a name and type a PIN on the pad; the form that is then there, or not."""
    page.locator(".people button", has_text=name).click()
    form = page.locator("dialog.form")
    expect(form.locator("h2")).to_have_text(name)
    for digit in pin:
        form.get_by_role("button", name=digit, exact=True).click()
    form.get_by_role("button", name="Done").click()
    return form


def test_a_person_signs_in_is_told_when_it_is_over_and_is_in_the_audit(
    floor_anew: Hub, open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.forgive("status of 403|ERR_CONNECTION|WebSocket")  # a wrong PIN, and a hub that restarts
    house = floor_anew
    page = open_as(manager_of(house).token, open_page, house)
    with person(house, "Anna", "host", "4711") as anna, person(house, "Ben", "host", "2222"):
        open_menu(page)
        expect(page.locator("[data-menu=sign_in]")).to_have_text("Sign in with a PIN")
        page.locator("[data-menu=sign_in]").click()
        expect(page.locator(".people b")).to_have_text(["Anna", "Ben"])
        form = sign_in(page, "Anna", "4712")
        expect(form).to_contain_text("The PIN is wrong.")
        expect(form.get_by_label("PIN")).to_have_value("")
        form.get_by_label("PIN").press_sequentially("4711x")
        form.get_by_role("button", name="Delete the last digit").click()
        form.get_by_label("PIN").press("Enter")
        expect(page.locator("#said")).to_have_text("Anna is signed in.")
        expect(page.locator("dialog")).to_have_count(0)
        with house.client(headers=bearer(manager_of(house).token)) as api:
            ok(api.patch(f"/api/restaurants/1/tables/{ids_of(api)['1']}", json={"server": "Carla"}))
        open_menu(page)
        expect(page.locator("[data-menu=sign_in]")).to_contain_text("Anna is signed in")
        page.locator("[data-menu=audit]").click()
        expect(page.locator(".audit li b").first).to_have_text("Anna at Office")
        page.locator("[data-audit=device]").select_option(label="Office")
        expect(page.locator(".audit li b").first).to_have_text("Anna at Office")
        page.keyboard.press("Escape")

        with manager(house) as trusted:
            ok(trusted.patch(f"/api/staff/{anna}", json={"pin": "5555"}))
        page.reload()
        expect(page.locator("#said")).to_contain_text("Anna is no longer signed in on this device.")
        open_by_menu(page, "sign_in", ".people button >> nth=0")
        sign_in(page, "Ben", "2222")
        expect(page.locator("#said")).to_have_text("Ben is signed in.")
        open_by_menu(page, "sign_in", "[data-sign=out]")
        expect(page.locator(".people [aria-current]")).to_contain_text("Ben")
        page.locator("[data-sign=out]").click()
        expect(page.locator("#said")).to_have_text("Ben is signed out.")
        with house.client(headers=bearer(manager_of(house).token)) as api:
            assert ok(api.get("/api/sign-in"))["person"] is None
        open_by_menu(page, "sign_in", ".people button >> nth=0")
        sign_in(page, "Ben", "2222")
        expect(page.locator("#said")).to_have_text("Ben is signed in.")
        restart(house)  # the page stays open
        expect(page.locator("#said")).to_contain_text("Ben is no longer signed in on this device.", timeout=30_000)
    open_menu(page)
    expect(page.locator(".managing .state")).to_contain_text("This device: Office")
    expect(page.locator("[data-menu=audit]")).to_be_visible()
    expect(page.locator("[data-menu=sign_in]")).to_have_count(0)


def add_one_of_the_same_name(page: Page, name: str) -> None:
    """Try to add somebody whose name is taken, and give it up."""
    form = page.locator("dialog.form").last
    page.locator("[data-to=add]").click()
    form.get_by_label("Name").fill("bea")
    form.get_by_label("PIN, 4 to 8 digits").fill("25801")
    form.get_by_label("Once more").fill("25801")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Somebody of the staff has this name already.")
    form.get_by_role("button", name="Cancel").click()


def test_a_manager_adds_changes_and_removes_people_at_the_board(
    floor_anew: Hub, open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.forgive("status of 403")  # where a manager's PIN is asked for
    watch.forgive("status of 422")  # where a name is taken
    hub = floor_anew
    page = open_as(manager_of(hub).token, open_page, hub)
    form, note = page.locator("dialog.form").last, page.locator("dialog.screens .note")
    open_by_menu(page, "staff", "[data-to=add]")
    expect(page.locator("dialog [role=status]")).to_contain_text("Nobody yet.")

    page.locator("[data-to=add]").click()
    form.get_by_label("Name").fill("Bea")
    form.get_by_role("button", name="Manager").click()
    form.get_by_label("PIN, 4 to 8 digits").fill("25801")
    form.get_by_label("Once more").fill("25802")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("That was another PIN.")
    form.get_by_label("Once more").fill("25801")
    form.get_by_role("button", name="Save").click()
    expect(note).to_have_text("Bea is added.")
    expect(page.locator(".people button")).to_have_text(["BeaManager"])

    page.locator(".people button").click()
    page.locator("[data-staff=pin]").click()
    for digit in "4711":
        form.get_by_role("button", name=digit, exact=True).click()
    form.get_by_role("button", name="Done").click()
    expect(form.get_by_label("Once more")).to_be_focused()
    for digit in "4711":
        form.get_by_role("button", name=digit, exact=True).click()
    form.get_by_role("button", name="Done").click()
    confirming = page.locator("dialog.form", has_text="A manager confirms")
    confirming.get_by_label("PIN", exact=True).fill("25801")
    confirming.get_by_role("button", name="Confirm").click()
    expect(note).to_have_text("Bea has another PIN.")
    with manager(hub) as trusted:
        bea = ok(trusted.get("/api/staff"))["staff"][0]
        device = manager_of(hub)
        with hub.client(headers=bearer(device.token)) as api:
            assert api.post("/api/step-up", json={"person_id": bea["id"], "pin": "25801"}).status_code == 403
            ok(api.post("/api/step-up", json={"person_id": bea["id"], "pin": "4711"}))

    add_one_of_the_same_name(page, "bea")
    page.locator(".people button").click()
    page.locator("[data-staff=edit]").click()
    form.get_by_label("Name").fill("Beatrix")
    form.get_by_role("button", name="Host").click()
    form.get_by_role("button", name="Save").click()
    expect(note).to_have_text("Beatrix is saved.")
    expect(page.locator(".people button")).to_have_text(["BeatrixHost"])
    page.locator(".people button").click()
    page.locator("[data-staff=remove]").click()
    page.locator("[data-yes]").click()
    expect(note).to_have_text("Beatrix is removed.")
    expect(page.locator(".people button")).to_have_count(0)
