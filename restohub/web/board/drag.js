// Drags: a party's disc from its table to another one or back to the list, a row from the list to a table.
import { el, attr } from "./keyed.js";
import { say } from "./words.js";
import { isOpen, tell } from "./dialogs.js";
import { move, seat, swap, unseat } from "./acts.js";

const MOVED = 8; // px before a press is no tap any more

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
    const own = target && (target.kind === "list" ? drag.row : target.id === drag.tableId);
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
    else if (tableId && guest.tableId !== tableId) tell(say("drag.moved", { name }));
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
  addEventListener("click", (event) => { if (dragged) { dragged = false; event.stopPropagation(); event.preventDefault(); } }, true);
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
