// The keyboard: what works wherever the focus is. The lists and the plan have their own arrows and Enter.
import { el } from "./keyed.js";
import { say } from "./words.js";
import { button, isOpen, openDialog, tell } from "./dialogs.js";
import { move, seat } from "./acts.js";

const KEYS = [["/", "search"], ["n", "walk_in"], ["r", "reservation"], ["1 2 3 …", "table"], ["← ↑ → ↓", "arrows"], ["Enter", "select"], ["u", "undo"], ["Esc", "escape"], ["?", "help"]];

/**
 * @param {{store: object, press: (act: object) => void, open: (name: "search"|"walkIn"|"reservation") => void, undo: () => void}} parts
 */
export function enableKeys({ store, press, open, undo }) {
  let typed = "";
  const does = { "/": () => open("search"), n: () => open("walkIn"), r: () => open("reservation"), u: undo, "?": showKeys, Escape: escape };

  /** Digits are a table's number: taken as soon as no other begins so, else by Enter. */
  function digits(more) {
    const tables = [...store.get().view.tables.values()].filter((table) => table.tableNumber.startsWith(typed + more));
    if (!tables.length) { typed = ""; return tell(say("keys.no_table", { table: more })); }
    typed += more;
    if (tables.length === 1 && tables[0].tableNumber === typed) take(tables[0]);
    else tell(say("keys.typed", { table: typed }));
  }
  function take(table) {
    const { view, ui } = store.get();
    typed = "";
    tell("");
    const guest = ui.selection && ui.selection.kind === "guest" ? view.guests.get(ui.selection.id) : null;
    if (!guest || guest.phase === "done") store.setUi({ selection: { kind: "table", id: table.id } });
    else if (guest.phase === "seated" && guest.tableId) press(move(view, guest.id, table.id));
    else press(seat(view, guest.id, table.id));
  }
  function escape() {
    const { ui } = store.get();
    if (typed) { typed = ""; tell(""); }
    else if (ui.search) store.setUi({ search: "" });
    else if (ui.picking) store.setUi({ picking: null });
    else if (ui.selection) store.setUi({ selection: null });
    else if (ui.section) store.setUi({ section: null });
  }
  addEventListener("keydown", (event) => {
    const types = event.target.closest && event.target.closest("input, textarea, select");
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || types || isOpen() || store.get().ui.mode === "edit") return;
    const whole = typed && event.key === "Enter" && [...store.get().view.tables.values()].find((table) => table.tableNumber === typed);
    const act = whole ? () => take(whole) : /^\d$/.test(event.key) ? () => digits(event.key) : does[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, true);
}

function showKeys() {
  openDialog({ title: say("keys.title"), kind: "small", build: (close) => ({
    body: el("div", { class: "body" }, el("dl", { class: "keys" }, ...KEYS.map(([key, name]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, say(`keys.${name}`)))))),
    start: button(say("dialog.close"), () => close()),
  }) });
}
