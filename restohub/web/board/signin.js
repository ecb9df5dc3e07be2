// Who of the staff is at this device: signing in with a PIN, signing out, and noticing that it is over. Loaded when it is needed.

import { openScreens, roleName, well } from "./access.js";
import { button, tell } from "./dialogs.js";
import { deviceToken } from "./hub.js";
import { el } from "./keyed.js";
import { typePin } from "./pin.js";
import { remember, remembered, say } from "./words.js";

const LOOK_MS = 60000;
const LAST = "restohub.person"; // the name of whoever signed in here, until the page has noticed that it is over

/**
 * Who is at this device, for the menu.
 * @returns {Promise<{person: object|null}|null>} null where nobody can sign in: the device may not, or nobody has a PIN
 */
export async function signedIn(api, device) {
  if (!device || device.role === "view") return null;
  const [state, staff] = await Promise.all([api.ask("GET", "/api/sign-in"), api.ask("GET", "/api/staff")]);
  if (!state.ok || !staff.ok) return null;
  const { person } = state.body;
  if (!person && !staff.body.staff.some(({ has_pin }) => has_pin)) return null;
  return { person };
}

/** The names of the staff: a press on one asks for the PIN. */
export function openSignIn(parts) {
  return openScreens((nav) => {
    const list = el("ul", { class: "rows people" });
    const told = el("p", { role: "status" }, say("signin.loading"));
    const out = el("div", { class: "answers" });
    load(parts, nav, { list, told, out });
    return { title: say("top.sign_in"), nodes: [told, list, out] };
  });
}

async function load(parts, nav, { list, told, out }) {
  const [state, staff] = await Promise.all([parts.api.ask("GET", "/api/sign-in"), parts.api.ask("GET", "/api/staff")]);
  if (!list.isConnected || !well(nav, state) || !well(nav, staff)) return;
  const { person } = state.body;
  const able = staff.body.staff.filter(({ has_pin }) => has_pin).sort((a, b) => a.name.localeCompare(b.name));
  told.textContent = say(person ? "signin.is" : able.length ? "signin.text" : "signin.nobody", person || {});
  list.replaceChildren(...able.map((one) => el("li", {}, personRow(one, person && person.id === one.id, () => enter(parts, nav, one)))));
  out.replaceChildren(person ? button(say("signin.out"), () => leave(parts, nav, person), "", { "data-sign": "out" }) : "");
  const first = list.querySelector("button");
  if (first) first.focus({ preventScroll: true });
}

/** @returns {Element} a person in a list; `here` is whoever is signed in on this device */
export const personRow = (one, here, click) => el("button", { type: "button", class: "btn option", "data-person": one.id, "aria-current": here ? "true" : null, on: { click } },
  el("b", {}, one.name), el("small", {}, here ? say("signin.here") : roleName(one.role)));

async function enter(parts, nav, one) {
  const typed = await typePin({ title: one.name, save: say("signin.save"), tried: ({ pin }) => parts.api.ask("POST", "/api/sign-in", { person_id: one.id, pin }) });
  if (typed === null) return;
  remember(LAST, one.name);
  tell(say("signin.done", one));
  nav.close();
  watchPerson(parts);
}

async function leave(parts, nav, person) {
  const answer = await parts.api.ask("DELETE", "/api/sign-in");
  if (!well(nav, answer, { change: true })) return;
  remember(LAST, "");
  tell(say("signin.left", person));
  nav.close();
}

let watching = false;

/** For as long as somebody is signed in here: twelve hours, a restart of the hub or another PIN end it, and the page says so. */
export function watchPerson({ api, store }) {
  if (watching) return;
  watching = true;
  let { live } = store.get().link;
  const timer = setInterval(look, LOOK_MS);
  const stop = store.subscribe(({ link }) => {
    const back = link.live && !live;
    live = link.live;
    if (back) look();
  });
  document.addEventListener("visibilitychange", look);
  look();

  async function look() {
    const name = remembered(LAST);
    if (name && deviceToken()) {
      const { ok, status, body } = await api.ask("GET", "/api/sign-in");
      if (ok ? body.person : status !== 401 && status !== 403) return;
      if (remembered(LAST) === name) {
        remember(LAST, "");
        tell(say("signin.over", { name }));
      }
    }
    if (remembered(LAST)) return;
    watching = false;
    clearInterval(timer);
    stop();
    document.removeEventListener("visibilitychange", look);
  }
}
