// Finding a party by its name or the digits of its phone.

import { closeNight, night } from './acts.js';
import { booked, find, waiting } from './choose.js';
import { button, openDialog } from './dialogs.js';
import { businessDay } from './hub.js';
import { attr, el, keyed, text } from './keyed.js';
import { formats, say, spoken } from './words.js';

const SHOWN = 12;
const TAB = { expected: "booked", waiting: "waiting", seated: "seated" };

/** A party that is chosen is selected, on its own tab and day; one that is done can be brought back from there. */
export async function openSearch({ store }) {
  const guest = await openDialog({ title: say("search.title"), kind: "form", build: (close) => buildSearch(store, close) });
  if (!guest) return;
  const { ui } = store.get();
  store.setUi({ selection: { kind: "guest", id: guest.id }, section: null, ...(TAB[guest.phase] ? { tab: TAB[guest.phase], pane: "lists" } : { tab: ui.tab }) });
}

function buildSearch(store, close) {
  const input = el("input", { type: "search", "aria-label": say("search.label"), placeholder: say("search.label"), autocomplete: "off", autocapitalize: "off", enterkeyhint: "search" });
  const list = el("ol", { class: "found" });
  const count = el("p", { role: "status" });
  let shown = "";
  const look = () => {
    const { view, restaurant } = store.get();
    const typed = input.value.trim();
    const found = typed ? find(view, typed).slice(0, SHOWN) : [];
    const key = JSON.stringify(found.map(({ id, version }) => [id, version]));
    count.textContent = typed ? say(found.length ? "search.found" : "search.none", { count: found.length }) : say("search.hint");
    if (key === shown) return;
    shown = key;
    list.replaceChildren(...found.map((guest) => el("li", {}, el("button", { type: "button", class: "btn option", "data-found": guest.id, on: { click: () => close(guest) } },
      el("b", {}, say("search.party", { name: guest.name, count: guest.partySize })), el("small", {}, where(guest, view, restaurant))))));
  };
  const walk = (event) => {
    const all = [input, ...list.querySelectorAll("button")];
    // Safari and Chromium would only empty the field.
    if (event.key === "Escape") { event.preventDefault(); close(); }
    const next = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (next) { event.preventDefault(); (all[all.indexOf(document.activeElement) + next] || document.activeElement).focus(); }
    if (event.key === "Enter" && document.activeElement === input && all[1]) { event.preventDefault(); all[1].click(); }
  };
  input.addEventListener("input", look);
  look();
  const stop = store.subscribe(look);
  return { start: button(say("dialog.close"), () => close()), body: el("div", { class: "body", on: { keydown: walk } }, input, count, list), focus: input, closed: stop };
}

function where(guest, view, restaurant) {
  const table = guest.tableId && view.tables.get(guest.tableId);
  const time = guest.phase === "expected" && guest.reservationTime ? `${formats(restaurant).day(guest.reservationTime.slice(0, 10))} ${formats(restaurant).time(guest.reservationTime)}` : "";
  return [say(`party.status_${guest.status}`), table ? say("search.at", { table: table.tableNumber }) : "", time, guest.phone || ""].filter(Boolean).join(" · ");
}

// Closing the night: everybody who is still there, in one look; each can be left out.

const GROUPS = ["finish", "noShow", "left"];

export async function openNight({ store, press, clock }) {
  const kept = new Set();
  const done = await openDialog({ title: say("night.title"), kind: "form", build: (close) => buildNight({ store, clock, kept }, close) });
  if (done) end({ store, press, clock, kept });
}

/** One batch takes 500: a larger night is closed by several, each of the floor that the one before it left. */
function end({ store, press, clock, kept }) {
  const all = { ...store.get().view };
  all.guests = new Map([...all.guests].filter(([id]) => !kept.has(id)));
  for (let act = closeNight(all, clock.now()); act; act = closeNight(all, clock.now())) {
    press(act);
    for (const { entity_id } of act.operations) all.guests.delete(entity_id);
  }
}

function buildNight({ store, clock, kept }, close) {
  const lists = el("div", { class: "night" });
  const agree = button("", () => close(true), "main", { "data-night": "close" });
  let shown = "";
  const look = () => {
    const { view, restaurant } = store.get();
    const ending = night(view, clock.now());
    const all = GROUPS.flatMap((group) => ending[group]);
    const count = all.filter(({ id }) => !kept.has(id)).length;
    agree.textContent = say("night.close", { count });
    agree.disabled = count === 0;
    const key = JSON.stringify(all.map(({ id, version }) => [id, version]));
    if (key === shown) return;
    shown = key;
    lists.replaceChildren(...(all.length ? GROUPS.filter((group) => ending[group].length).map((group) => groupOf(group, ending[group], { view, restaurant, kept, changed: look })) : [el("p", {}, say("night.nobody"))]));
  };
  look();
  return { start: button(say("dialog.cancel"), () => close()), end: agree, body: el("div", { class: "body" }, el("p", {}, say("night.text")), lists), closed: store.subscribe(look) };
}

function groupOf(group, guests, { view, restaurant, kept, changed }) {
  return el("fieldset", { "data-group": group }, el("legend", {}, say(`night.${group}`, { count: guests.length })), ...guests.map((guest) => {
    const box = el("input", { type: "checkbox", "data-party": guest.id, checked: !kept.has(guest.id) });
    box.addEventListener("change", () => { kept[box.checked ? "delete" : "add"](guest.id); changed(); });
    const table = guest.tableId && view.tables.get(guest.tableId);
    const time = group === "noShow" ? formats(restaurant).time(guest.reservationTime) : table ? say("search.at", { table: table.tableNumber }) : "";
    return el("label", { class: "line" }, box, el("b", {}, say("search.party", { name: guest.name, count: guest.partySize })), el("small", {}, time));
  }));
}

// Tonight on paper: who is expected and who waits, with all that the kitchen and the door must know.

export function printTonight({ store, clock }) {
  const { view, restaurant, ui } = store.get();
  const time = formats(restaurant);
  const day = ui.day || businessDay(clock.now(), restaurant.timezone);
  const before = document.querySelector(".paper");
  if (before) before.remove();
  const made = say("tonight.made", { time: time.time(clock.now()) });
  document.body.append(el("section", { class: "paper" }, el("h1", {}, restaurant.name), el("p", {}, `${time.day(day)} · ${made}`),
    tableOf(say("tonight.booked"), booked(view, day, restaurant.timezone), view, (guest) => time.time(guest.reservationTime)),
    ui.day ? null : tableOf(say("tonight.waiting"), waiting(view), view, (guest) => time.time(guest.checkInTime || guest.createdAt))));
  document.body.classList.add("has-paper");
  window.print();
  // Not at `afterprint`: Safari on iOS says so before it has read the page.
  addEventListener("pointerdown", () => document.body.classList.remove("has-paper"), { once: true });
}

function tableOf(title, guests, view, timeOf) {
  if (!guests.length) return null;
  const heads = ["time", "size", "name", "phone", "table", "notes"];
  return el("table", {}, el("caption", {}, `${title} (${guests.length})`), el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", {}, say(`tonight.${head}`))))),
    el("tbody", {}, ...guests.map((guest) => {
      const table = guest.tableId && view.tables.get(guest.tableId);
      const cells = [timeOf(guest), guest.partySize, guest.name, guest.phone || "", table ? table.tableNumber : "", notesOf(guest)];
      return el("tr", {}, ...cells.map((cell) => el("td", {}, String(cell))));
    })));
}

const notesOf = ({ dietaryRestrictions, tags, notes, specialRequests, totalVisits }) => [
  dietaryRestrictions.length ? `⚠ ${dietaryRestrictions.join(", ")}` : "", tags.join(", "), notes, specialRequests,
  totalVisits ? say("tonight.visit", { count: totalVisits + 1 }) : ""].filter(Boolean).join(" · ");

// The wall: who is next, by first names and sizes, for a screen that the waiting parties see. It hides, it does not protect.

/** @returns {{render: (state: object) => void}} draws into `root`, which is all of the page */
export function createQueue(root) {
  const title = el("h1", {});
  const list = el("ol", {});
  const none = el("p", {});
  const more = el("p", {});
  root.replaceChildren(el("section", { id: "queue" }, title, list, none, more));
  function render({ view, restaurant, link }) {
    const all = waiting(view);
    const rows = Math.max(3, Math.floor((list.clientHeight || 600) / 104));
    const columns = all.length > rows && list.clientWidth > 1200 ? 2 : 1;
    const shown = all.slice(0, rows * columns);
    attr(list, "data-columns", columns);
    text(title, restaurant ? restaurant.name : "");
    text(none, all.length ? "" : say("queue.none"));
    text(more, all.length > shown.length ? say("queue.more", { count: all.length - shown.length }) : link.live ? "" : say("queue.behind"));
    keyed(list, shown, {
      key: ({ id }) => id,
      facts: (guest) => [guest.firstName, guest.partySize, guest.status, shown.indexOf(guest), columns, spoken()],
      create: () => el("li", {}, el("i", {}), el("b", {}), el("span", {}), el("em", {})),
      update(node, guest) {
        const parts = [String(shown.indexOf(guest) + 1), guest.firstName, columns > 1 ? formats(restaurant).number(guest.partySize) : say("queue.party", { count: guest.partySize }), guest.status === "notified" ? say("queue.ready") : ""];
        parts.forEach((part, at) => text(node.children[at], part));
        attr(node.children[2], "aria-label", say("queue.party", { count: guest.partySize }));
        attr(node, "data-ready", guest.status === "notified");
      },
    });
  }
  return { render };
}
