// Who belongs to the hub, for managers: the end of the menu, and screens that lead to each other in one dialog. Loaded with the menu.

import { button, openDialog } from "./dialogs.js";
import { deviceToken } from "./hub.js";
import { el, icon } from "./keyed.js";
import { say } from "./words.js";

const ROLES = ["manager", "host", "view"];
const STYLES = new URL("./access.css", import.meta.url).href;

/** @returns {string} what a role is called; one that this page does not know has its own name */
export const roleName = (role) => (ROLES.includes(role) ? say(`access.role.${role}`) : String(role));

/** Choices of a role, each with what it may do. */
export const roleOptions = (roles = ROLES) => roles.map((role) => ({ value: role, label: el("span", {}, el("b", {}, roleName(role)), el("small", {}, say(`access.may.${role}`))) }));

let known = null; // as it was last time: the menu shows it at once

/** The end of the menu: whether the hub is closed, which device this is, and what a manager may open. */
export async function fillMenu({ place, api, entry }) {
  if (known) drawMenu(place, entry, known);
  const [health, paired] = await Promise.all([api.health(), deviceToken() ? api.pairing() : null, styled()]);
  if (!health.body || !health.body.access) return;
  const device = paired && paired.ok ? paired.body.device : null;
  known = { access: health.body.access, device, staff: await signedIn(api, device) };
  if (place.isConnected) drawMenu(place, entry, known);
}

/** Who of the staff is at this device. */
async function signedIn(api, device) {
  if (!device || device.role === "view") return null;
  const module = await import("./signin.js").catch(() => null);
  return module && module.signedIn(api, device);
}

function drawMenu(place, entry, { access, device, staff }) {
  const closed = access === "closed";
  const manager = device && device.role === "manager" && !device.restored_from;
  const restored = device && device.role === "manager" && device.restored_from;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.menu : null;
  place.replaceChildren(...[el("hr"),
    staff ? entry("sign_in", el("span", {}, say(staff.person ? "signin.is" : "top.sign_in", staff.person || {}), staff.person ? el("small", {}, say("signin.change")) : null)) : null,
    el("p", { class: "state", "data-access": access }, icon(closed ? "lock" : "link"), el("span", {}, say(`access.${access}`),
      device ? el("small", {}, say("access.this_device", { name: device.name, role: roleName(device.role) }), restored ? ` · ${say("devices.restored_manager")}` : "") : null)),
    manager || restored || (!device && !closed) ? entry("devices") : null,
    manager ? entry("closing", say(closed ? "closing.open" : "closing.close")) : null,
    manager ? entry("staff") : null,
    manager ? entry("audit") : null].filter(Boolean));
  const again = focused && place.querySelector(`[data-menu="${focused}"]`);
  if (again) again.focus();
}

/** The screens' own styles: there before the first of them shows. */
export function styled() {
  const there = document.querySelector(`link[href="${STYLES}"]`);
  if (there) return Promise.resolve();
  return new Promise((done) => {
    document.head.append(el("link", { rel: "stylesheet", href: STYLES, on: { load: done, error: done } }));
  });
}

/**
 * @typedef {Object} Screen
 * @property {string} title
 * @property {Element[]} nodes
 * @property {Element} [end] the button at the right of its head
 * @property {Element} [focus]
 * @property {() => void} [left] called once when it is left
 * @property {string} [kind] a class of the dialog
 *
 * Screens in one dialog: `nav.go(make)` leads to another, `nav.back()` to the one before, `nav.only(make)` has none before it.
 * @param {(nav: object) => Screen} first
 */
export async function openScreens(first) {
  await styled();
  return openDialog({ title: "", kind: "screens", build(close) {
    const [start, end, body] = [el("span"), el("span"), el("div", { class: "body" })];
    const nav = navigator(first, { start, end, body, close });
    queueMicrotask(nav.begin); // once the dialog's own head is there
    return { start, end, body, closed: nav.end };
  }});
}

function navigator(first, { start, end, body, close }) {
  const note = el("div", { class: "note", role: "alert" });
  let stack = [{ make: first, from: null }];
  let screen = null;

  function draw(from = null) {
    if (!body.isConnected) return; // closed before an answer came
    if (screen && screen.left) screen.left();
    nav.say("");
    screen = stack[stack.length - 1].make(nav);
    const dialog = body.parentNode;
    const heading = dialog.querySelector("h2");
    heading.textContent = screen.title;
    dialog.className = `sheet screens ${screen.kind || ""}`.trim();
    start.replaceChildren(stack.length > 1 ? button(say("access.back"), nav.back) : button(say("dialog.close"), () => close()));
    end.replaceChildren(screen.end || "");
    body.replaceChildren(note, ...screen.nodes.filter(Boolean));
    dialog.scrollTop = 0;
    const came = from && body.querySelector(`[data-to="${CSS.escape(from)}"]:enabled`);
    (came || screen.focus || heading).focus({ preventScroll: !came });
  }

  function escape(event) {
    if (stack.length < 2 || (event.type === "keydown" && event.key !== "Escape")) return;
    event.preventDefault();
    nav.back();
  }

  const nav = {
    close,
    begin() {
      // A browser lets `cancel` be refused once: the key itself comes before it.
      for (const name of ["keydown", "cancel"]) body.parentNode.addEventListener(name, escape);
      draw();
    },
    end: () => { if (screen && screen.left) screen.left(); screen = null; },
    go(make) {
      const { to } = document.activeElement.dataset;
      stack.push({ make, from: to || null });
      draw();
    },
    back() {
      const { from } = stack.pop();
      if (stack.length) draw(from);
      else close();
    },
    again: () => draw(),
    only(make) {
      stack = [{ make, from: null }];
      draw();
    },
    /** Says something above all else; `ways` are buttons. */
    say(text, ways = []) {
      if (note.textContent === text && !ways.length) return;
      note.replaceChildren(...(text ? [el("p", {}, text), ways.length ? el("div", { class: "ways" }, ...ways) : ""] : []));
      if (text) note.scrollIntoView({ block: "nearest" });
    },
  };
  return nav;
}

/**
 * What the hub answered. Where this device no longer may, the screens end with why; all else that is wrong is said above.
 * @param {{change?: boolean, words?: object}} how `change`: without an answer it may be done; `words`: own sentences, by error code
 * @returns {boolean} whether it is well
 */
export function well(nav, answer, { change = false, words = {} } = {}) {
  if (answer.ok) return true;
  const { status, body } = answer;
  const code = (body && body.error_code) || "";
  if (status === 401) nav.only(ended("gone"));
  else if (code === "not_permitted") nav.only(ended("not_manager"));
  else if (words[code]) nav.say(words[code]);
  else nav.say((body && body.detail) || say(change ? "access.unsure" : "access.no_answer"));
  return false;
}

const ended = (why) => (nav) => ({ title: say(`access.${why}.title`), kind: "small", nodes: [el("p", {}, say(`access.${why}`)), el("div", { class: "answers" }, button(say("banner.ok"), () => nav.close(), "main"))] });

/** A question before something is taken away: the other way has the focus. */
export const asking = ({ title, text, yes, act }) => (nav) => {
  const no = button(say("dialog.cancel"), () => nav.back());
  const agree = button(yes, async () => {
    agree.disabled = true;
    await act();
    agree.disabled = false;
  }, "danger", { "data-yes": "" });
  return { title, kind: "small", focus: no, nodes: [...text.filter(Boolean).map((one) => el("p", {}, one)), el("div", { class: "answers" }, no, agree)] };
};

/** Ask now and every so often for as long as a screen is open; one question at a time. */
export function repeated(ask, everyMs) {
  let timer = 0;
  let over = false;
  const turn = async () => {
    await ask();
    if (!over) timer = setTimeout(turn, everyMs);
  };
  turn();
  return () => { over = true; clearTimeout(timer); };
}
