// What a press will do to the floor, by the contract's "What a change does": shown at once, until the hub
// has said what it did. What the hub would refuse changes nothing here, as a whole, as it would there. (`totalVisits` it
// leaves to the hub, which knows of guests that left the floor.)

import { applyChanges, kept } from './floor.js';
import { timeText } from './hub.js';

/** @type {Object<string, "expected"|"waiting"|"seated"|"done">} */
export const PHASES = {
  waitlist: "waiting", confirmed: "expected", running_late: "expected", partially_arrived: "waiting", arrived: "waiting",
  notified: "waiting", seated: "seated", finished: "done", cancelled: "done", no_show: "done", left: "done",
};
// Sent as they are already, they are no wish (contract.md, "Fields that are only read").
const ECHOED = ["tableId", "currentGuestId", "checkInTime", "seatedTime", "finishedTime", "notifiedTime", "reservationTime"];
const OPTIONAL = ["phone", "email", "notes", "specialRequests", "section", "server"];
const NOT_KEPT = ["id", "name", "allowOverCapacity"];
const GUEST = {
  lastName: "", status: "waitlist", tableId: null, phone: null, email: null, notes: null, specialRequests: null,
  dietaryRestrictions: [], tags: [], isWalkIn: true, quotedWait: null, reservationTime: null, checkInTime: null,
  seatedTime: null, finishedTime: null, notifiedTime: null, arrivedCount: null, totalVisits: 0, version: 0,
};
const TABLE = {
  minCapacity: 1, status: "available", position: { x: 0.5, y: 0.5 }, shape: "round", rotation: 0, section: null, server: null,
  notes: null, currentGuestId: null, version: 0,
};

/** Thrown within this file alone: the hub would refuse this, with that code. */
class Refusal {
  constructor(code) {
    this.code = code;
  }
}
const refuse = (code) => {
  throw new Refusal(code);
};
const given = (data, key) => Object.prototype.hasOwnProperty.call(data, key);

/** The floor as one act leaves it: what was touched, laid over what stands. */
class Draft {
  constructor(floor, now) {
    Object.assign(this, { floor, now, guests: new Map(), tables: new Map() });
  }

  get(place, id) {
    return this[place].has(id) ? this[place].get(id) : this.floor[place].get(id) || null;
  }

  guest(id) {
    return this.get("guests", id);
  }

  table(id) {
    return this.get("tables", id);
  }

  * all(place) {
    for (const [id, entity] of this.floor[place]) if (!this[place].has(id)) yield entity;
    for (const entity of this[place].values()) if (entity) yield entity;
  }

  /** The net effect as changes; what ended as it began is none. */
  changes(revision) {
    const list = [];
    for (const kind of ["guest", "table"]) {
      for (const [id, after] of this[kept(kind)]) {
        const before = this.floor[kept(kind)].get(id) || null;
        if (after === null ? before === null : before !== null && same(before, after)) continue;
        const made = { lastUpdated: this.now, version: revision || (before ? before.version : 0) };
        const data = after && { ...after, ...(before ? {} : { createdAt: this.now }), ...made };
        list.push({ entity_type: kind, entity_id: id, action: after ? (before ? "update" : "create") : "delete", data });
      }
    }
    return list;
  }
}

const same = (one, other) => Object.keys({ ...one, ...other }).every((key) =>
  one[key] === other[key] || JSON.stringify(one[key]) === JSON.stringify(other[key]));

/** What came, less echoes of what is there, with null for an empty text that may be null. */
function wanted(data, present) {
  const fields = {};
  for (const [key, value] of Object.entries(data)) {
    const meant = value === "" && OPTIONAL.includes(key) ? null : value;
    if (!(present && ECHOED.includes(key) && meant === present[key])) fields[key] = meant;
  }
  return fields;
}

function plain(fields, ruled) {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !ruled.includes(key) && !NOT_KEPT.includes(key)));
}

function nameOf(fields, before) {
  const parts = { firstName: before ? before.firstName : "", lastName: before ? before.lastName : "" };
  if (given(fields, "name") && !given(fields, "firstName") && !(before && fields.name === before.name)) {
    const whole = fields.name.trim();
    const space = whole.indexOf(" ");
    parts.firstName = space < 0 ? whole : whole.slice(0, space);
    parts.lastName = space < 0 ? "" : whole.slice(space + 1).trim();
  }
  if (given(fields, "firstName")) parts.firstName = fields.firstName;
  if (given(fields, "lastName")) parts.lastName = fields.lastName;
  return { ...parts, name: parts.lastName ? `${parts.firstName} ${parts.lastName}` : parts.firstName };
}

// ---- Guests.

function createGuest(draft, id, data) {
  const fields = wanted(data, null);
  const booked = Boolean(fields.reservationTime);
  const blank = { id, ...GUEST, status: booked ? "confirmed" : "waitlist", isWalkIn: !booked };
  if (fields.tableId && !draft.table(fields.tableId)) refuse("table_not_found");
  if (draft.guest(id)) refuse("already_exists");
  changeGuest(draft, null, blank, fields);
}

function changeGuest(draft, before, start, fields) {
  const after = { ...start, ...plain(fields, ["status", "tableId"]), ...nameOf(fields, before) };
  if (before && given(fields, "reservationTime") && !given(fields, "isWalkIn")) {
    const booked = fields.reservationTime !== null;
    if (booked !== (before.reservationTime !== null)) after.isWalkIn = !booked;
  }
  place(before, after, fields);
  stampTimes(before, after, fields, draft.now);
  arrangeTables(draft, before, after, fields.allowOverCapacity);
  after.phase = PHASES[after.status];
  draft.guests.set(after.id, after);
}

function place(before, after, fields) {
  const had = before ? before.tableId : null;
  let tableId = given(fields, "tableId") ? fields.tableId : had;
  const moves = tableId !== null && tableId !== had;
  let status = given(fields, "status") ? fields.status : after.status;
  if (!given(fields, "status") && given(fields, "tableId") && tableId !== null && PHASES[status] !== "expected") status = "seated";
  const leftSeat = before && before.status === "seated" && status !== "seated" && !moves;
  if (PHASES[status] === "done" || leftSeat) tableId = null;
  Object.assign(after, { status, tableId });
}

function stampTimes(before, after, fields, now) {
  if (before && before.status === after.status) return;
  const phase = PHASES[after.status];
  const was = before && PHASES[before.status];
  const isBack = (was === "seated" || was === "done") && (phase === "waiting" || phase === "expected");
  const clear = (key, isDue) => {
    if (isDue && !given(fields, key)) after[key] = null;
  };
  clear("finishedTime", was === "done" && phase !== "done");
  clear("seatedTime", isBack);
  clear("notifiedTime", before && (isBack || after.status === "waitlist" || phase === "expected"));
  if ((phase === "waiting" || phase === "seated") && !after.checkInTime) after.checkInTime = now;
  if (phase === "seated" && !after.seatedTime) after.seatedTime = now;
  if (after.status === "finished" && !after.finishedTime) after.finishedTime = now;
  if (after.status === "notified" && !after.notifiedTime) after.notifiedTime = now;
}

function arrangeTables(draft, before, after, overCapacity) {
  const had = before ? before.tableId : null;
  if (after.tableId === null) {
    free(draft, had);
    return;
  }
  const table = draft.table(after.tableId) || refuse("table_not_found");
  if (after.tableId !== had) {
    if (table.currentGuestId !== null && table.currentGuestId !== after.id) refuse("table_occupied");
    if (table.status === "outOfService") refuse("table_unavailable");
    if (after.partySize > table.capacity && !overCapacity) refuse("party_exceeds_capacity");
    free(draft, had);
  }
  const status = after.status === "seated" ? "occupied" : "reserved";
  draft.tables.set(table.id, { ...table, currentGuestId: after.id, status });
}

function free(draft, tableId) {
  const table = tableId && draft.table(tableId);
  if (table) draft.tables.set(tableId, { ...table, currentGuestId: null, status: "available" });
}

// ---- Tables.

function createTable(draft, id, data) {
  if (draft.table(id)) refuse("already_exists");
  changeTable(draft, { id, ...TABLE }, wanted(data, null), true);
}

/** @returns {string} A table's number or the name of a section as the hub compares it. */
export const foldLabel = (text) => String(text || "").normalize("NFKC").toLowerCase().trim();

function changeTable(draft, before, fields, isNew) {
  const after = { ...before, ...plain(fields, ["status", "currentGuestId"]) };
  if (given(fields, "tableNumber")) after.tableNumber = fields.tableNumber.trim();
  if (after.minCapacity > after.capacity) refuse("validation_failed");
  const newcomer = fields.currentGuestId || null;
  if (newcomer && !draft.guest(newcomer)) refuse("guest_not_found");
  const number = foldLabel(after.tableNumber);
  if (isNew || number !== foldLabel(before.tableNumber)) {
    for (const other of draft.all("tables")) {
      if (other.id !== after.id && foldLabel(other.tableNumber) === number) refuse("table_number_taken");
    }
  }
  draft.tables.set(after.id, after);
  const guest = before.currentGuestId && draft.guest(before.currentGuestId);
  const { status } = fields;
  if (newcomer && newcomer !== before.currentGuestId) give(draft, guest, draft.guest(newcomer), after.id, fields);
  else if (guest && (fields.currentGuestId === null || ["available", "dirty", "outOfService"].includes(status))) {
    end(draft, after, guest, status || "available");
  } else if (guest) keepGuest(draft, before, after, guest, fields);
  else draft.tables.set(after.id, { ...after, status: status || after.status });
}

function give(draft, sitting, guest, tableId, { status, allowOverCapacity }) {
  if (sitting) refuse("table_occupied");
  const wish = { tableId, allowOverCapacity };
  if (status === "occupied") wish.status = "seated";
  if (status === "reserved") {
    if (PHASES[guest.status] === "done" || guest.status === "seated") refuse("validation_failed");
    wish.status = guest.status;
  }
  changeGuest(draft, guest, guest, wish);
}

function end(draft, after, guest, status) {
  changeGuest(draft, guest, guest, guest.status === "seated" ? { status: "finished" } : { tableId: null });
  draft.tables.set(after.id, { ...after, currentGuestId: null, status });
}

function keepGuest(draft, before, after, guest, { status, allowOverCapacity }) {
  if (status === "reserved" && guest.status === "seated") refuse("table_occupied");
  if (after.capacity < before.capacity && guest.partySize > after.capacity && !allowOverCapacity) refuse("party_exceeds_capacity");
  if (status === "occupied" && guest.status !== "seated") changeGuest(draft, guest, guest, { status: "seated" });
}

// ---- Acts.

function operate(draft, { entity_type, action, entity_id, data }) {
  const present = draft.get(kept(entity_type), entity_id);
  if (action === "create") {
    (entity_type === "guest" ? createGuest : createTable)(draft, entity_id, data);
  } else if (!present) {
    refuse(`${entity_type}_not_found`);
  } else if (action === "delete") {
    if (entity_type === "table" && present.currentGuestId) refuse("table_occupied");
    if (entity_type === "guest") free(draft, present.tableId);
    draft[kept(entity_type)].set(entity_id, null);
  } else if (entity_type === "guest") {
    changeGuest(draft, present, present, wanted(data, present));
  } else {
    changeTable(draft, present, wanted(data, present), false);
  }
}

/**
 * What these operations would do.
 * @param {import("./floor.js").Floor} floor
 * @param {object[]} operations
 * @param {{at: number, revision?: number, anyVersion?: boolean}} how `at` ms; `revision`: the version that what is changed
 *   gets, by default the one that it has; `anyVersion`: `if_match` is not looked at, since the hub will merge
 * @returns {{changes: object[], refused: string|null}}
 */
export function outcome(floor, operations, { at, revision = 0, anyVersion = false }) {
  const draft = new Draft(floor, timeText(at));
  try {
    for (const operation of operations) {
      const present = floor[kept(operation.entity_type)].get(operation.entity_id);
      // 0 is the version of what a press made that the hub has not answered yet.
      if (operation.if_match && !anyVersion && present && present.version !== operation.if_match) refuse("version_conflict");
      operate(draft, operation);
    }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return { changes: [], refused: refusal.code };
  }
  return { changes: draft.changes(revision), refused: null };
}

/**
 * The floor with a pending act on it. An answer tells what was done, so that is what is shown; what waits for a merge or
 * an answer is shown as it was meant; where somebody else decides now (the host, of a conflict), nothing is.
 * @param {import("./floor.js").Floor} floor
 * @param {import("./state.js").Pending} pending
 * @param {boolean} [isAfter] another one before it has no answer yet
 * @returns {import("./floor.js").Floor}
 */
export function predict(floor, pending, isAfter = false) {
  const { act, at, state, revision, via } = pending;
  if (state === "refused" || state === "conflict" || state === "held") return floor;
  if (state === "answered" && pending.changes) {
    const newer = pending.changes.filter(({ entity_type, entity_id }) => {
      const present = floor[kept(entity_type)].get(entity_id);
      return !present || present.version < revision;
    });
    return newer.length ? applyChanges(floor, newer) : floor;
  }
  const { changes } = outcome(floor, act.operations, { at, revision, anyVersion: via === "queue" || isAfter });
  return changes.length ? applyOver(floor, changes) : floor;
}

/** A prediction keeps the version of what it lies on, so that here the version says nothing. */
function applyOver(floor, changes) {
  const after = { ...floor, guests: new Map(floor.guests), tables: new Map(floor.tables) };
  for (const { entity_type, entity_id, data } of changes) {
    if (data) after[kept(entity_type)].set(entity_id, data);
    else after[kept(entity_type)].delete(entity_id);
  }
  return after;
}
