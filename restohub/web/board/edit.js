// Edit mode: the floor's tables are added, moved, turned and named here, and saved as one batch.
import { el, attr, text, icon } from './keyed.js';
import { bodyOf, outline } from './shapes.js';
import { say } from './words.js';
import { ask, button, isOpen } from './dialogs.js';
import { editFloor, newId } from './acts.js';
import { change, createDraft, faults, freePlace, nextNumber, operations, rebase, same, snap, tablesOf, turned, undo } from './draft.js';

const SHAPES = ["round", "square", "rectangle", "oval", "booth"];
const MOVED = 6;
const NUDGE = 0.0125;

/** @returns {{stop: () => Promise<boolean>}} `stop` leaves, and asks first where work is not saved: false stays */
export function startEdit({ store, plan, press, discard = () => null }) {
  const root = document.getElementById("plan");
  let draft = createDraft(store.get().view.tables);
  let chosen = new Set();
  let several = false;
  let saving = null;
  const notes = new Map();
  const panel = createPanel({
    leave: () => stop(), save, undo: () => set(undo(draft)), add, remove,
    several(on) { several = on; if (!on) pick([...chosen].slice(0, 1)); },
    set: (fields, key) => set(change(draft, [...chosen].map((id) => [id, typeof fields === "function" ? fields(tablesOf(draft).get(id)) : fields]), key)),
    serve: (section, server) => set(change(draft, [...tablesOf(draft).values()].filter((table) => table.section === section).map(({ id }) => [id, { server }]), `serve ${section}`)),
  });
  const dirty = () => operations(draft).length > 0;

  function set(next) {
    if (saving) return;
    draft = next;
    const tables = tablesOf(draft);
    chosen = new Set([...chosen].filter((id) => tables.has(id)));
    store.setUi({ draft: { ...store.get().view, tables }, selection: null });
    draw();
  }
  function draw() {
    const tables = tablesOf(draft);
    const wrong = faults(draft, store.get().view.guests);
    for (const node of root.querySelectorAll("[data-table]")) {
      attr(node, "data-chosen", chosen.has(node.dataset.table));
      attr(node, "data-wrong", wrong.some(({ id }) => id === node.dataset.table));
    }
    panel.draw({ tables, chosen: [...chosen].map((id) => tables.get(id)), several, wrong, notes: [...notes.values()], count: operations(draft).length, canUndo: draft.past.length > 0, saving: saving !== null });
  }
  function pick(ids) {
    chosen = new Set(ids);
    draft = { ...draft, key: null };
    draw();
  }
  function add(shape) {
    const tables = tablesOf(draft);
    const id = newId();
    const like = chosen.size === 1 ? tables.get([...chosen][0]) : null;
    chosen = new Set([id]);
    const capacity = { rectangle: 6, round: 2 }[shape] || 4;
    set(change(draft, [[id, { isNew: true, tableNumber: nextNumber(tables), shape, capacity, position: freePlace(tables, (table) => bodyOf(table.shape, table.capacity), bodyOf(shape, capacity)),
      ...(like ? { section: like.section, server: like.server } : {}) }]]));
  }
  function remove() {
    const { guests } = store.get().view;
    const seated = [...chosen].map((id) => tablesOf(draft).get(id)).filter((table) => table.currentGuestId);
    for (const table of seated) notes.set(table.id, say("edit.seated", { table: table.tableNumber, name: nameOf(guests, table) }));
    const free = [...chosen].filter((id) => !seated.some((table) => table.id === id));
    set(change(draft, free.map((id) => [id, null])));
  }
  async function save() {
    if (!dirty()) return stop();
    if (!store.get().link.live) return warn("link", say("edit.no_hub"));
    if (faults(draft, store.get().view.guests).length) return draw();
    notes.clear();
    const act = editFloor(store.get().view, operations(draft));
    saving = act.id;
    draw();
    press(act);
  }
  function warn(key, sentence) {
    notes.set(key, sentence);
    draw();
  }

  /** Where the save is answered: done leaves, a refusal is said and all work is still here. */
  function settle(state) {
    const one = state.pending.find(({ act }) => act.id === saving);
    const refusal = state.refusals.find(({ id }) => id === saving);
    if (!refusal && one && (one.state === "sending" || one.state === "waiting")) return;
    const { id, problem } = { id: saving, problem: one && one.state !== "answered" ? one.problem || {} : null };
    saving = null;
    if (!refusal && !problem) return end();
    discard(id);
    store.set({ refusals: store.get().refusals.filter((other) => other.id !== id) }); // it is said here
    notes.set("refused", say("edit.refused", { detail: refusal ? say(refusal.key, refusal.params) : problem.detail || "" }));
    meet(store.get().view);
  }
  function follow(state, previous) {
    if (saving) settle(state);
    else if (state.view !== previous.view) meet(state.view);
    else draw();
  }
  /** What others did meanwhile, under the work that is here. */
  function meet(view) {
    const met = rebase(draft, view.tables);
    for (const { kind, table, fields } of met.notes) {
      notes.set(table.id, say(`edit.${kind}`, { table: table.tableNumber, name: nameOf(view.guests, table), what: fields.map((field) => say(`edit.field_${field}`)).join(", ") }));
    }
    set(met.draft);
  }

  const drags = enableMoves({ root, plan, pick, isChosen: (id) => chosen.has(id), isSeveral: () => several, chosen: () => [...chosen],
    tables: () => tablesOf(draft), move: (moves, key) => set(change(draft, moves, key)), remove, turn: () => set(change(draft, [...chosen].map((id) => [id, { rotation: turned(tablesOf(draft).get(id).rotation, 15) }]))) });
  const unload = (event) => { if (dirty()) { event.preventDefault(); event.returnValue = ""; } };
  const unwatch = store.subscribe(follow);
  addEventListener("beforeunload", unload);
  document.body.classList.add("editing");
  document.querySelector("main").prepend(panel.element);
  store.setUi({ mode: "edit", selection: null, section: null, pane: "floor" });
  set(draft);
  panel.focus();

  function end() {
    unwatch();
    drags();
    removeEventListener("beforeunload", unload);
    for (const node of root.querySelectorAll("[data-chosen],[data-wrong]")) { attr(node, "data-chosen", null); attr(node, "data-wrong", null); }
    document.body.classList.remove("editing");
    panel.element.remove();
    store.setUi({ mode: "board", draft: null });
    return true;
  }
  async function stop() {
    if (saving || !dirty() || await ask({ title: say("edit.leave_title"), text: say("edit.leave_text"), yes: say("edit.leave_yes"), no: say("edit.leave_no"), danger: true })) return end();
    return false;
  }
  return { stop };
}

const nameOf = (guests, table) => (guests.get(table.currentGuestId) || { name: "" }).name;

/** Tables by finger, mouse and keys. Moving one that is among the chosen moves all of these. */
function enableMoves({ root, plan, pick, isChosen, isSeveral, chosen, tables, move, remove, turn }) {
  let drag = null;
  let moved = false;
  function down(event) {
    moved = false;
    const node = event.target.closest("[data-table]");
    if (!node || (event.button && event.button > 0)) return;
    const id = node.dataset.table;
    drag = { id, pointer: event.pointerId, x: event.clientX, y: event.clientY, from: plan.toFloor(event.clientX, event.clientY), at: new Map(), key: `drag ${Date.now()}` };
  }
  function go(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.at.size) {
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < MOVED) return;
      try { root.setPointerCapture(event.pointerId); } catch (ended) { /* a pointer that has ended meanwhile */ }
      if (!isChosen(drag.id)) pick([drag.id]);
      for (const id of chosen()) if (tables().has(id)) drag.at.set(id, tables().get(id).position);
    }
    const start = drag.at.get(drag.id);
    if (!start) return;
    const to = plan.toFloor(event.clientX, event.clientY);
    const wish = { x: start.x + to.x - drag.from.x, y: start.y + to.y - drag.from.y };
    const others = [...tables().values()].filter(({ id }) => !drag.at.has(id)).map(({ position }) => position);
    shift(snap(wish, others).position, start, drag.at, drag.key);
  }
  function shift(place, start, places, key) {
    const by = { x: place.x - start.x, y: place.y - start.y };
    move([...places].map(([id, from]) => [id, { position: { x: held(from.x + by.x, from.x), y: held(from.y + by.y, from.y) } }]), key);
  }
  function up(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { id, at } = drag;
    drag = null;
    moved = at.size > 0;
    if (moved || event.type !== "pointerup") return;
    const now = chosen();
    if (!isSeveral() && !event.shiftKey) pick([id]);
    else pick(now.includes(id) ? now.filter((one) => one !== id) : [...now, id]);
  }
  function click(event) {
    event.stopPropagation();
    if (!moved && !event.target.closest("[data-table]") && !isSeveral()) pick([]);
    moved = false;
  }
  function key(event) {
    const node = event.target.closest("[data-table]");
    if (!node || isOpen()) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const does = event.key === "Enter" || event.key === " " ? () => pick(isSeveral() ? [...chosen(), node.dataset.table] : [node.dataset.table])
      : event.key === "Delete" || event.key === "Backspace" ? remove : event.key === "t" ? turn
        : arrow && event.shiftKey ? () => nudge(node.dataset.table, arrow) : null;
    if (!does) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }
  function nudge(id, [dx, dy]) {
    if (!isChosen(id)) pick([id]);
    const start = tables().get(id).position;
    shift({ x: start.x + dx * NUDGE, y: start.y + dy * NUDGE }, start, new Map(chosen().map((one) => [one, tables().get(one).position])), `nudge ${id}`);
  }
  const listeners = { pointerdown: down, pointermove: go, pointerup: up, pointercancel: up, click, keydown: key };
  for (const [name, listener] of Object.entries(listeners)) root.addEventListener(name, listener, true);
  return () => { for (const [name, listener] of Object.entries(listeners)) root.removeEventListener(name, listener, true); };
}

/** On the floor; one that stood beyond it from before may stay. */
const held = (value, from) => Math.round(Math.min(Math.max(1, from), Math.max(Math.min(0, from), value)) * 10000) / 10000;

function createPanel(does) {
  const title = el("h2", { tabindex: "-1" }, say("edit.title"));
  const save = button("", does.save, "main", { "data-edit": "save" });
  const back = button("", does.undo, "", { "data-edit": "undo", "aria-label": say("edit.undo") });
  back.append(icon("undo"));
  const says = el("div", { class: "note", role: "status" });
  const adds = el("div", { class: "choices shapes" }, ...SHAPES.map((shape) => shapeButton(shape, () => does.add(shape), say("edit.add", { shape: say(`edit.${shape}`) }), "add")));
  const several = button(say("edit.several"), () => does.several(several.getAttribute("aria-pressed") !== "true"), "choice", { "data-edit": "several" });
  const inputs = fieldsOf(does);
  const rooms = el("div", { class: "rooms" });
  const element = el("aside", { id: "edit", "aria-label": say("edit.title") },
    el("header", {}, button(say("edit.leave"), does.leave, "", { "data-edit": "leave" }), title, back, save), says,
    el("div", { class: "body" }, el("span", { class: "label" }, say("edit.add_table")), adds, several, inputs.element, rooms));
  return {
    element,
    focus: () => title.focus(),
    draw(state) {
      text(save, state.saving ? say("edit.saving") : say("edit.save", { count: state.count }));
      save.disabled = state.saving || state.wrong.length > 0;
      back.disabled = !state.canUndo;
      attr(several, "aria-pressed", String(state.several));
      const sentences = [...state.wrong.map(({ kind, table }) => say(`edit.wrong_${kind}`, { table: table.tableNumber })), ...state.notes];
      if (says.textContent !== sentences.join("")) says.replaceChildren(...sentences.map((one) => el("p", {}, one)));
      inputs.draw(state);
      drawRooms(rooms, state, does);
    },
  };
}

function shapeButton(shape, act, label, kind) {
  const made = button("", act, "choice shape", { "aria-label": label, [`data-${kind}`]: shape });
  const body = bodyOf(shape, shape === "rectangle" ? 6 : 4);
  const [name, attributes] = outline(body);
  const back = shape === "booth" ? el("svg:path", { d: `M${-body.w / 2} ${-body.h / 2}v${body.h}` }) : null;
  made.append(el("svg:svg", { viewBox: "-76 -56 152 112", "aria-hidden": "true" }, el(`svg:${name}`, attributes), back));
  return made;
}

/** What can be said of the chosen tables. A value in which they differ is empty. */
function fieldsOf(does) {
  const heading = el("h3", {});
  const input = (name, more, made) => {
    const one = el("input", { maxlength: 100, autocomplete: "off", "data-edit": name, ...more });
    one.addEventListener("input", () => does.set({ [name]: made(one.value) }, name));
    return one;
  };
  const number = input("tableNumber", { maxlength: 20 }, (value) => value.trim());
  const section = input("section", { list: "edit-sections" }, (value) => value.trim() || null);
  const known = el("datalist", { id: "edit-sections" });
  const seats = el("output", {});
  const resize = (by) => does.set((table) => {
    const capacity = Math.min(100, Math.max(1, table.capacity + by));
    return { capacity, minCapacity: Math.min(table.minCapacity || 1, capacity) };
  }, "capacity");
  const turn = (by) => does.set((table) => ({ rotation: turned(table.rotation, by) }), "rotation");
  const degrees = el("output", {});
  const step = (label, less, more, shown, act, by) => row(label, el("div", { class: "step" }, button("−", () => act(-by), "", { "aria-label": say(less) }), shown, button("+", () => act(by), "", { "aria-label": say(more) })), false);
  const shapes = el("div", { class: "choices shapes" }, ...SHAPES.map((shape) => shapeButton(shape, () => does.set({ shape }), say(`edit.${shape}`), "shape")));
  const numbered = row(say("edit.number"), number);
  const element = el("div", { class: "chosen" }, heading, numbered, step(say("edit.seats"), "edit.fewer", "edit.more", seats, resize, 1), shapes,
    step(say("edit.turn"), "edit.turn_left", "edit.turn_right", degrees, turn, 15), row(say("edit.section"), section), known, button(say("edit.delete"), does.remove, "danger", { "data-edit": "delete" }));
  return { element, draw({ tables, chosen, wrong }) {
    element.hidden = chosen.length === 0;
    if (!chosen.length) return;
    const all = (key) => (chosen.every((table) => same(table[key], chosen[0][key])) ? chosen[0][key] : null);
    text(heading, chosen.length === 1 ? say("edit.table", { table: chosen[0].tableNumber }) : say("edit.tables", { count: chosen.length }));
    numbered.hidden = chosen.length > 1;
    for (const [one, value] of [[number, chosen[0].tableNumber], [section, all("section") || ""]]) if (document.activeElement !== one || one.value.trim() !== value) one.value = value;
    attr(number, "aria-invalid", wrong.some(({ id }) => id === chosen[0].id) ? "true" : null);
    text(seats, all("capacity") === null ? "–" : String(all("capacity")));
    text(degrees, all("rotation") === null ? "–" : `${Math.round(all("rotation") || 0)}°`);
    for (const one of shapes.children) attr(one, "aria-pressed", String(one.dataset.shape === all("shape")));
    const names = [...new Set([...tables.values()].map((table) => table.section).filter(Boolean))];
    if (known.children.length !== names.length) known.replaceChildren(...names.map((value) => el("option", { value })));
  } };
}

const row = (label, control, tag = "label") => el(tag || "div", { class: "line" }, el("span", {}, label), control);

/** Each section and who serves it. */
function drawRooms(rooms, { tables, chosen }, does) {
  rooms.hidden = chosen.length > 0;
  const names = [...new Set([...tables.values()].map((table) => table.section).filter(Boolean))].sort();
  if (rooms.dataset.names !== JSON.stringify(names)) {
    rooms.dataset.names = JSON.stringify(names);
    rooms.replaceChildren(...(names.length ? [el("h3", {}, say("edit.servers"))] : []), ...names.map((name) => {
      const input = el("input", { maxlength: 100, autocomplete: "off", "data-section": name });
      input.addEventListener("input", () => does.serve(name, input.value.trim() || null));
      return row(name, input);
    }));
  }
  for (const input of rooms.querySelectorAll("input")) {
    const served = [...tables.values()].filter((table) => table.section === input.dataset.section);
    const server = served.every((table) => table.server === served[0].server) ? served[0].server || "" : "";
    if (document.activeElement !== input) input.value = server;
  }
}
