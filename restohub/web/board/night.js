// Closing the night: everybody who is still there, in one look; each can be left out.
import { el } from "./keyed.js";
import { formats, say } from "./words.js";
import { closeNight, night } from "./acts.js";
import { button, openDialog } from "./dialogs.js";

const GROUPS = ["finish", "noShow", "left"];

export async function openNight({ store, press, clock }) {
  const kept = new Set();
  const done = await openDialog({ title: say("night.title"), kind: "form", build: (close) => build({ store, clock, kept }, close) });
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

function build({ store, clock, kept }, close) {
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
