// Drags: a party's disc from its table to another one or back to the list, a row from the list to a table.

import { move, seat, swap, unseat } from './acts.js';
import { button, isOpen, openDialog, tell } from './dialogs.js';
import { attr, el, icon } from './keyed.js';
import { say } from './words.js';

const MOVED = 8; // px before a press is no tap any more
const TYPED_MS = 5000; // so long a digit waits for the next one: as long as it is said

/**
 * @param {{root: HTMLElement, store: object, press: (act: object) => void, plan: object}} parts `root` stays as long as the
 *   page: it holds the pointer, since a row that another page removes would take the drop with it
 */
export function enableDrag({ root, store, press, plan }) {
  let drag = null;
  let dragged = false;

  function down(event) {
    dragged = false;
    if (drag) return cancel(); // a second finger
    if (event.button > 0 || store.get().ui.mode === "edit" || isOpen()) return;
    const held = heldAt(event.target, store.get().view);
    if (held) drag = { ...held, pointer: event.pointerId, touch: event.pointerType === "touch", x: event.clientX, y: event.clientY, ghost: null, over: null };
  }

  function go(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.ghost) {
      if (Math.hypot(dx, dy) < MOVED) return;
      // A row that a finger moves up or down is a list that scrolls.
      if (drag.row && drag.touch && Math.abs(dy) >= Math.abs(dx)) { drag = null; return; }
      begin(event);
    }
    event.preventDefault();
    drag.ghost.style.setProperty("transform", `translate(${event.clientX}px, ${event.clientY}px)`);
    aim(targetAt(event.clientX, event.clientY));
  }

  function begin(event) {
    try { root.setPointerCapture(event.pointerId); } catch (ended) { /* the pointer has ended, or a script made it */ }
    const guest = store.get().view.guests.get(drag.guestId);
    const label = drag.row ? guest && guest.name : (store.get().view.tables.get(drag.tableId) || {}).tableNumber;
    drag.ghost = el("div", { class: "ghost", "aria-hidden": "true" }, el("b", {}, String(guest ? guest.partySize : "")), el("span", {}, label || ""));
    document.body.append(drag.ghost);
    document.body.classList.add("dragging");
    dragged = true;
  }

  function targetAt(x, y) {
    const under = document.elementFromPoint(x, y);
    if (!under) return null;
    const node = under.closest("[data-table]");
    const id = node ? node.dataset.table : under.closest("#plan") ? plan.tableAt(x, y) : null;
    if (id) return { kind: "table", id };
    return under.closest("#side") ? { kind: "list" } : null;
  }

  function aim(target) {
    const key = target ? `${target.kind} ${target.id}` : "";
    if (drag.over === key) return;
    drag.over = key;
    unmark();
    const own = target && (target.kind === "list" ? drag.row : !drag.row && target.id === drag.tableId);
    drag.target = own ? null : target;
    if (!drag.target) return;
    const node = target.kind === "list" ? document.getElementById("side") : document.querySelector(`#plan [data-table="${CSS.escape(target.id)}"]`);
    if (node) attr(node, "data-over", true);
  }

  function up(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { ghost, target, guestId, tableId, name } = drag;
    cancel();
    if (!ghost || !target) return;
    const { view } = store.get();
    const guest = view.guests.get(guestId);
    if (!guest || guest.phase === "done") tell(say("drag.gone", { name }));
    else if (guest.tableId !== tableId) tell(say("drag.moved", { name }));
    else drop({ view, guest, target, name });
  }

  function drop({ view, guest, target, name }) {
    const table = target.kind === "table" ? view.tables.get(target.id) : null;
    if (target.kind === "table" && !table) return tell(say("drag.table_gone", { name }));
    const act = meant(view, guest, table);
    if (act) press(act);
  }

  function cancel() {
    if (drag && drag.ghost) drag.ghost.remove();
    unmark();
    document.body.classList.remove("dragging");
    drag = null;
  }
  const ended = (event) => { if (drag && event.pointerId === drag.pointer) cancel(); };
  // On the window: until the pointer is held, what follows a removed row goes to whatever lies under the finger.
  const listeners = { pointermove: go, pointerup: up, pointercancel: ended, blur: cancel };
  for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener, { passive: false });
  root.addEventListener("pointerdown", down, true);
  addEventListener("keydown", (event) => { if (drag && drag.ghost && event.key === "Escape") { event.stopPropagation(); cancel(); } }, true);
  // The click that follows a drag is none; neither are the browser's own drag, callout and selection.
  addEventListener("click", (event) => { if (dragged && event.detail) { dragged = false; event.stopPropagation(); event.preventDefault(); } }, true);
  for (const name of ["dragstart", "selectstart", "contextmenu"]) root.addEventListener(name, (event) => { if (heldAt(event.target, store.get().view) || drag) event.preventDefault(); });
}

const unmark = () => { for (const node of document.querySelectorAll("[data-over]")) attr(node, "data-over", null); };

/** What a press there takes hold of: a party's row, or the party of a table. */
function heldAt(target, view) {
  const row = target.closest && target.closest("[data-guest]");
  const node = !row && target.closest && target.closest("[data-table]");
  const table = node && view.tables.get(node.dataset.table);
  const guest = view.guests.get(row ? row.dataset.guest : table ? table.currentGuestId : null);
  if (!guest || guest.phase === "done") return null;
  return { row: Boolean(row), guestId: guest.id, tableId: row ? guest.tableId : table.id, name: guest.name };
}

/** What a drop means. No table: back to the list. A table with a party: the two change places, where both have one. */
function meant(view, guest, table) {
  if (!table) return unseat(view, guest.id);
  if (table.id === guest.tableId) return guest.phase === "seated" ? null : seat(view, guest.id, table.id);
  const other = table.currentGuestId ? view.guests.get(table.currentGuestId) : null;
  if (guest.tableId && other) return swap(view, guest.id, other.id);
  return guest.tableId ? move(view, guest.id, table.id) : seat(view, guest.id, table.id);
}

// How a floor that is larger than its view is moved: by one finger on its background, by two, by wheel, by buttons.



/** Moves `world` inside `root`. `layout()` is what is shown, `changed()` is called where the zoom is another one. */
export function panning(root, world, layout, changed) {
  const at = { x: 0, y: 0, zoom: 1 };
  const fingers = new Map();
  let start = null;
  let moved = false;
  const button = (name, act) => el('button', { type: 'button', on: { click: act } }, icon(name));
  const closer = button('plus', () => zoomTo(at.zoom * 1.3));
  const further = button('minus', () => zoomTo(at.zoom / 1.3));
  const whole = button('fit', () => zoomTo(1));
  const tools = el('div', { class: 'zoom', hidden: true }, closer, further, whole);
  root.after(tools);

  function bound() {
    const { width, height } = layout() || { width: 0, height: 0 };
    const [w, h] = [root.clientWidth, root.clientHeight];
    at.x = width > w ? Math.min(0, Math.max(w - width, at.x)) : (w - width) / 2;
    // Beyond its end the floor may be moved by the height of the buttons: what they cover can be seen.
    at.y = height > h ? Math.min(0, Math.max(h - height - 60, at.y)) : (h - height) / 2;
    attr(world, 'transform', `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`);
    attr(tools, 'hidden', width <= w + 1 && height <= h + 1 && at.zoom === 1);
    attr(closer, 'aria-label', say('plan.in'));
    attr(further, 'aria-label', say('plan.out'));
    attr(whole, 'aria-label', say('plan.whole'));
  }

  function zoomTo(zoom, x = root.clientWidth / 2, y = root.clientHeight / 2) {
    const before = at.zoom;
    at.zoom = Math.min(3, Math.max(0.4, zoom));
    const by = at.zoom / before;
    Object.assign(at, { x: x - (x - at.x) * by, y: y - (y - at.y) * by });
    if (by !== 1) changed();
    bound();
  }

  function inside({ clientX, clientY }) {
    const box = root.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }

  function spread() {
    const [a, b] = [...fingers.values()];
    return b ? { d: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : { d: 0, x: a.x, y: a.y };
  }

  root.addEventListener('pointerdown', (event) => {
    if (fingers.size === 0) moved = false;
    if (event.target.closest('.table') && fingers.size === 0) return;
    fingers.set(event.pointerId, inside(event));
    start = { ...spread(), at: { ...at } };
  });
  root.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, inside(event));
    const now = spread();
    if (!moved && Math.hypot(now.x - start.x, now.y - start.y) < MOVED && Math.abs(now.d - start.d) < MOVED) return;
    if (!moved) capture(event.pointerId);
    moved = true;
    if (start.d && now.d) zoomTo(start.at.zoom * (now.d / start.d), now.x, now.y);
    else Object.assign(at, { x: start.at.x + now.x - start.x, y: start.at.y + now.y - start.y });
    bound();
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    if (fingers.size) start = { ...spread(), at: { ...at } };
  };
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) root.addEventListener(name, end);
  root.addEventListener('wheel', (event) => {
    if (tools.hidden && !event.ctrlKey) return;
    event.preventDefault();
    if (event.ctrlKey) zoomTo(at.zoom * Math.exp(-event.deltaY / 200), inside(event).x, inside(event).y);
    else Object.assign(at, { x: at.x - event.deltaX, y: at.y - event.deltaY });
    bound();
  }, { passive: false });

  function capture(pointerId) {
    try {
      root.setPointerCapture(pointerId);
    } catch (gone) { /* a pointer that a script made, or that has ended meanwhile */ }
  }

  return {
    bound,
    zoom: () => at.zoom,
    /** Whether the last press moved the floor, and was no tap. */
    moved() {
      const was = moved;
      moved = false;
      return was;
    },
    toWorld(clientX, clientY) {
      const { x, y } = inside({ clientX, clientY });
      return { x: x - at.x, y: y - at.y };
    },
    /** Move so that a place of the world is in view. */
    show({ x, y }) {
      const edge = 80;
      at.x += Math.max(0, edge - (x + at.x)) - Math.max(0, x + at.x - root.clientWidth + edge);
      at.y += Math.max(0, edge - (y + at.y)) - Math.max(0, y + at.y - root.clientHeight + edge);
      bound();
    },
  };
}

// The keyboard: what works wherever the focus is. The lists and the plan have their own arrows and Enter.

const KEYS = [["/", "search"], ["n", "walk_in"], ["r", "reservation"], ["1 2 3 …", "table"], ["← ↑ → ↓", "arrows"], ["Enter", "select"], ["a", "actions"], ["u", "undo"], ["Esc", "escape"], ["?", "help"]];

/**
 * @param {{store: object, press: (act: object) => Promise<boolean>, open: (name: "search"|"walkIn"|"reservation") => void,
 *   undo: () => void, onPick: (selection: object) => void}} parts
 */
export function enableKeys({ store, press, open, undo, onPick }) {
  let typed = "";
  let forget;
  const does = { a: () => { const first = document.querySelector("#bar .btn"); if (first) first.focus(); }, "/": () => open("search"), n: () => open("walkIn"), r: () => open("reservation"), u: undo, "?": showKeys, Escape: escape };

  /** Digits are a table's number: taken as soon as no other begins so, else by Enter. */
  function digits(more) {
    const tables = [...store.get().view.tables.values()].filter((table) => table.tableNumber.startsWith(typed + more));
    if (!tables.length) { typed = ""; return tell(say("keys.no_table", { table: more })); }
    typed += more;
    clearTimeout(forget);
    forget = setTimeout(() => { typed = ""; }, TYPED_MS);
    if (tables.length === 1 && tables[0].tableNumber === typed) take(tables[0]);
    else tell(say("keys.typed", { table: typed }));
  }
  function take(table) {
    const { view, ui } = store.get();
    typed = "";
    tell("");
    const guest = ui.selection && ui.selection.kind === "guest" ? view.guests.get(ui.selection.id) : null;
    if (ui.picking) onPick({ kind: "table", id: table.id });
    else if (!guest || guest.phase === "done") store.setUi({ selection: { kind: "table", id: table.id } });
    else {
      const act = guest.phase === "seated" && guest.tableId ? move(view, guest.id, table.id) : seat(view, guest.id, table.id);
      press(act).then((done) => done && store.setUi({ selection: null, picking: null }));
    }
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
