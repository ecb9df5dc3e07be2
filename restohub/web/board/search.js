// Finding a party by its name or the digits of its phone.
import { el } from "./keyed.js";
import { formats, say } from "./words.js";
import { find } from "./choose.js";
import { button, openDialog } from "./dialogs.js";

const SHOWN = 12;
const TAB = { expected: "booked", waiting: "waiting", seated: "seated" };

/** A party that is chosen is selected, on its own tab and day; one that is done can be brought back from there. */
export async function openSearch({ store }) {
  const guest = await openDialog({ title: say("search.title"), kind: "form", build: (close) => build(store, close) });
  if (!guest) return;
  const { ui } = store.get();
  store.setUi({ selection: { kind: "guest", id: guest.id }, section: null, ...(TAB[guest.phase] ? { tab: TAB[guest.phase], pane: "lists" } : { tab: ui.tab }) });
}

function build(store, close) {
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
