// A floor that is being edited: what the hub has (`seen`), and over it what is changed here (`edits`). Pure.

const FIELDS = ["tableNumber", "capacity", "minCapacity", "shape", "rotation", "position", "section", "server"];
const MADE = { status: "available", currentGuestId: null, notes: null, section: null, server: null, minCapacity: 1, rotation: 0, version: 0 };
const ACROSS = 800, DOWN = 620; // what a floor measures on an iPad, for distances
const ROOM = 48; // px between two bodies: their chairs, and a way between them

/**
 * @typedef {object} Draft
 * @property {Map<string, object>} seen the tables as the hub has them
 * @property {Map<string, object|null>} edits fields by id: null deletes, `isNew` makes
 * @property {Map[]} past the edits before each step, for undo
 */
export const createDraft = (tables) => ({ seen: new Map(tables), edits: new Map(), past: [] });

export const same = (one, other) => JSON.stringify(one === undefined ? null : one) === JSON.stringify(other === undefined ? null : other);

/** @returns {Map<string, object>} the tables as they will be */
export function tablesOf({ seen, edits }) {
  const tables = new Map(seen);
  for (const [id, fields] of edits) {
    if (fields === null) tables.delete(id);
    else if (fields.isNew) tables.set(id, { ...MADE, id, ...fields });
    else if (seen.has(id)) tables.set(id, { ...seen.get(id), ...fields });
  }
  return tables;
}

/** One step: `[[id, fields]]`, null deletes. Steps of one drag or one stepper are one, by their `key`. */
export function change(draft, changes, key = null) {
  const edits = new Map(draft.edits);
  for (const [id, fields] of changes) {
    const before = edits.get(id);
    if (fields) edits.set(id, { ...before, ...fields });
    else if (before && before.isNew) edits.delete(id);
    else edits.set(id, null);
  }
  const goesOn = key !== null && key === draft.key;
  return { ...draft, edits, key, past: goesOn ? draft.past : [...draft.past, draft.edits] };
}

export function undo(draft) {
  if (!draft.past.length) return draft;
  const { past, seen } = draft;
  return rebase({ seen, edits: past[past.length - 1], past: past.slice(0, -1), key: null }, seen).draft;
}

/**
 * The edits over what others did meanwhile. Nothing of the work is lost but what cannot be: a table that was deleted, and the
 * deletion of one that has a party.
 * @returns {{draft: Draft, notes: Array<{kind: "seated"|"gone"|"kept"|"both", table: object, fields: string[]}>}}
 */
export function rebase(draft, tables) {
  const edits = new Map(draft.edits);
  const notes = [];
  for (const [id, fields] of draft.edits) {
    const before = draft.seen.get(id);
    const now = tables.get(id);
    const note = met(fields, before, now);
    if (note && note.drop) edits.delete(id);
    if (note && note.kind) notes.push({ kind: note.kind, table: now || before, fields: note.fields || [] });
  }
  return { draft: { ...draft, seen: new Map(tables), edits }, notes };
}

function met(fields, before, now) {
  if (fields && fields.isNew) return now ? { drop: true } : null;
  if (!now) return { drop: true, kind: before && fields ? "gone" : null };
  if (fields === null) return now.currentGuestId ? { drop: true, kind: "seated" } : null;
  if (!before || before === now) return null;
  const both = Object.keys(fields).filter((key) => !same(before[key], now[key]) && !same(now[key], fields[key]));
  if (both.length) return { kind: "both", fields: both };
  return now.currentGuestId && now.currentGuestId !== before.currentGuestId ? { kind: "kept" } : null;
}

const folded = (number) => String(number).normalize("NFKC").trim().toLowerCase();

/** @returns {Array<{id: string, kind: "blank"|"taken"|"small", table: object}>} what the hub would refuse */
export function faults(draft, guests) {
  const tables = [...tablesOf(draft).values()];
  const byNumber = new Map();
  const found = [];
  for (const table of tables) {
    const number = folded(table.tableNumber);
    const guest = table.currentGuestId && guests.get(table.currentGuestId);
    const lowered = draft.seen.has(table.id) && table.capacity < draft.seen.get(table.id).capacity;
    if (!number) found.push({ id: table.id, kind: "blank", table });
    else if (byNumber.has(number)) found.push({ id: table.id, kind: "taken", table });
    if (guest && lowered && guest.partySize > table.capacity) found.push({ id: table.id, kind: "small", table });
    byNumber.set(number, table.id);
  }
  return found;
}

/** What differs from the hub's, as operations of one batch: deletions first, and numbers that change hands over a third one. */
export function operations(draft) {
  const { seen, edits } = draft;
  const deletes = [], frees = [], updates = [], creates = [];
  const held = new Map([...seen.values()].map((table) => [folded(table.tableNumber), table.id]));
  for (const [id, fields] of edits) {
    const table = seen.get(id);
    const at = table && { entity_type: "table", entity_id: id, if_match: table.version };
    if (fields === null) { if (table) deletes.push({ ...at, action: "delete" }); continue; }
    const { isNew, ...all } = fields;
    if (isNew) creates.push({ entity_type: "table", action: "create", entity_id: id, data: all });
    if (isNew || !table) continue;
    const data = Object.fromEntries(Object.entries(all).filter(([key, value]) => FIELDS.includes(key) && !same(table[key], value)));
    if (!Object.keys(data).length) continue;
    const holder = data.tableNumber ? held.get(folded(data.tableNumber)) : id;
    const given = holder && holder !== id && edits.get(holder);
    if (given) frees.push({ ...at, entity_id: holder, if_match: seen.get(holder).version, action: "update", data: { tableNumber: `~${frees.length + 1}` } });
    updates.push({ ...at, action: "update", data });
  }
  return [...deletes, ...frees, ...updates, ...creates];
}

/**
 * A place for a new table: the first in reading order that leaves room around it, else the one that leaves most.
 * @param {(table: object) => {w: number, h: number}} bodyOf how large a table is drawn
 * @param {{w: number, h: number}} own how large the new one is
 */
export function freePlace(tables, bodyOf = () => ({ w: 72, h: 72 }), own = { w: 72, h: 72 }) {
  const taken = [...tables.values()].map((table) => ({ ...(table.position || { x: 0, y: 0 }), ...bodyOf(table) }));
  let best = { x: 0.5, y: 0.5, room: -Infinity };
  for (let row = 0; row <= 18; row += 1) {
    for (let column = 0; column <= 18; column += 1) {
      const place = { x: round(0.05 + column * 0.05), y: round(0.05 + row * 0.05) };
      const rooms = taken.map(({ x, y, w, h }) => Math.max(Math.abs(x - place.x) * ACROSS - (w + own.w) / 2, Math.abs(y - place.y) * DOWN - (h + own.h) / 2));
      const room = Math.min(ROOM, ...rooms);
      if (room > best.room) best = { ...place, room };
    }
  }
  return { x: best.x, y: best.y };
}

/** The number after the highest. */
export function nextNumber(tables) {
  const numbers = [...tables.values()].map((table) => Number(table.tableNumber)).filter(Number.isInteger);
  return String(Math.max(0, ...numbers) + 1);
}

const round = (value) => Math.round(value * 10000) / 10000;

/**
 * Where a dragged table comes to lie: in line with another one where it is near its line, else on the grid.
 * @returns {{position: {x: number, y: number}, lines: {x: boolean, y: boolean}}}
 */
export function snap(place, others, { near = { x: 0.012, y: 0.016 }, step = 0.0125 } = {}) {
  const position = {}, lines = {};
  for (const axis of ["x", "y"]) {
    const wished = place[axis];
    const [nearest = null] = others.map((other) => other[axis]).sort((a, b) => Math.abs(a - wished) - Math.abs(b - wished));
    lines[axis] = nearest !== null && Math.abs(nearest - wished) <= near[axis];
    position[axis] = round(lines[axis] ? nearest : Math.round(wished / step) * step);
  }
  return { position, lines };
}

/** @returns {number} degrees, 0 … 345 */
export const turned = (rotation, by) => (((Math.round((rotation || 0) / 15) * 15 + by) % 360) + 360) % 360;
