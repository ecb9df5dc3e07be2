// What a press means: each act is made from the floor that was seen, and names the versions that it is about.

import { kept } from './floor.js';
import { foldLabel } from './predict.js';
import { bestFit, fits, joined, overdue, pushedTo, waiting } from './choose.js';

const BATCH_MAX = 500;

/** @returns {string} An id of 128 random bits; `randomUUID` is not there over plain http. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const act = (key, params, operations, ask) => ({
  id: newId(), label: { key: `act.${key}`, params }, operations, ...(ask ? { ask } : {}),
});
const change = (kind, entity, data) =>
  ({ entity_type: kind, action: "update", entity_id: entity.id, data, if_match: entity.version });
const onGuest = (guest, data) => change("guest", guest, data);
const onTable = (table, data) => change("table", table, data);
const made = (kind, data) => ({ entity_type: kind, action: "create", entity_id: newId(), data });
const who = (guest, table) => ({ guest: guest.name, party: guest.partySize, ...(table ? { table: table.tableNumber } : {}) });
const sitting = (view, table) => (table.currentGuestId && view.guests.get(table.currentGuestId)) || null;

/** Over capacity is asked once, with the numbers, and then meant. */
function seats(guest, table, over) {
  if (!table || guest.partySize <= table.capacity) return { data: {}, ask: undefined };
  const params = { ...who(guest, table), capacity: table.capacity };
  return { data: { allowOverCapacity: true }, ask: over ? undefined : { key: "ask.over", params } };
}

// ---- New parties.

function create(key, view, fields) {
  const { over, ...data } = fields;
  const table = data.tableId ? view.tables.get(data.tableId) : null;
  const name = data.name || [data.firstName, data.lastName].filter(Boolean).join(" ");
  const guest = { name, partySize: data.partySize };
  const { data: more, ask } = seats(guest, table, over);
  return act(key, who(guest, table), [made("guest", { ...data, ...more })], ask);
}

/** A party at the door, straight to a table where `fields` has a `tableId`. */
export const walkIn = (view, fields) => create(fields.tableId ? "walk_in_seat" : "walk_in", view, {
  ...fields, ...(fields.tableId && !fields.status ? { status: "seated" } : {}),
});
/** A reservation; `fields` has a `reservationTime`. */
export const reserve = (view, fields) => create("reserve", view, {
  ...fields, ...(fields.tableId && !fields.status ? { status: "confirmed" } : {}),
});

// ---- A party and its table.

function taking(key, view, guestId, tableId, status, over, first = []) {
  const guest = view.guests.get(guestId);
  const table = tableId ? view.tables.get(tableId) : null;
  if (!guest || (tableId && !table)) return null;
  const { data, ask } = seats(guest, table, over || guest.tableId === tableId);
  const place = table ? { tableId, ...data } : {};
  return act(key, who(guest, table), [...first, onGuest(guest, { status: status || guest.status, ...place })], ask);
}

/** Seated at the table; without one, at the bar or at the table that he holds. */
export function seat(view, guestId, tableId, { over = false } = {}) {
  return taking(tableId ? "seat" : "seat_bar", view, guestId, tableId, "seated", over);
}

/** The table is kept for a party that does not sit yet. */
export function hold(view, guestId, tableId, { over = false } = {}) {
  const guest = view.guests.get(guestId);
  if (!guest || !tableId || guest.phase === "seated" || guest.phase === "done") return null;
  return taking("hold", view, guestId, tableId, null, over);
}

/** To another table, as he is: without the status a party that was only notified would be seated. */
export function move(view, guestId, tableId, { over = false } = {}) {
  const guest = view.guests.get(guestId);
  if (!guest || !tableId || guest.phase === "done" || guest.tableId === tableId) return null;
  return taking("move", view, guestId, tableId, null, over);
}

/** Whoever has the table is finished, or loses the hold, and the party is seated there. */
export function freeAndSeat(view, guestId, tableId, { over = false } = {}) {
  const table = view.tables.get(tableId);
  if (!table) return null;
  return taking("seat", view, guestId, tableId, "seated", over, [onTable(table, { status: "available" })]);
}

/** Two parties change places. */
export function swap(view, guestA, guestB) {
  const [one, other] = [view.guests.get(guestA), view.guests.get(guestB)];
  if (!one || !other || !one.tableId || !other.tableId || one === other) return null;
  const [here, there] = [view.tables.get(one.tableId), view.tables.get(other.tableId)];
  if (!here || !there) return null;
  const [first, second] = [seats(other, here, false), seats(one, there, false)];
  return act("swap", { guest: one.name, other: other.name, table: there.tableNumber, otherTable: here.tableNumber }, [
    onGuest(one, { tableId: null }),
    onGuest(other, { tableId: here.id, status: other.status, ...first.data }),
    onGuest(one, { tableId: there.id, status: one.status, ...second.data }),
  ], second.ask || first.ask);
}

/** Back to the list, or from the hold only. */
export function unseat(view, guestId) {
  const guest = view.guests.get(guestId);
  if (!guest) return null;
  const table = guest.tableId ? view.tables.get(guest.tableId) : null;
  if (guest.phase !== "seated" && guest.phase !== "done") {
    return table && act("unhold", who(guest, table), [onGuest(guest, { tableId: null })]);
  }
  const never = guest.phase === "done" && !guest.checkInTime; // cancelled or a no-show before anybody came
  const status = guest.isWalkIn ? "waitlist" : never ? "confirmed" : "arrived";
  return act("unseat", who(guest, table), [onGuest(guest, { status, tableId: null })]);
}

// ---- A party's status.

function becomes(key, view, guestId, data) {
  const guest = view.guests.get(guestId);
  return guest && guest.status !== data.status ? act(key, who(guest), [onGuest(guest, data)]) : null;
}

export const notify = (view, guestId) => becomes("notify", view, guestId, { status: "notified" });
export const late = (view, guestId) => becomes("late", view, guestId, { status: "running_late" });
export const finish = (view, guestId) => becomes("finish", view, guestId, { status: "finished" });
export const leave = (view, guestId) => becomes("leave", view, guestId, { status: "left" });
export const noShow = (view, guestId) => becomes("no_show", view, guestId, { status: "no_show" });
export const cancel = (view, guestId) => becomes("cancel", view, guestId, { status: "cancelled" });

/** All of the party are here, or `count` of it. */
export function arrive(view, guestId, count = null) {
  const guest = view.guests.get(guestId);
  if (!guest) return null;
  if (count !== null && count < guest.partySize) {
    const data = { status: "partially_arrived", arrivedCount: count };
    return act("arrive_part", { ...who(guest), count }, [onGuest(guest, data)]);
  }
  const counted = guest.arrivedCount === undefined || guest.arrivedCount === null ? {} : { arrivedCount: guest.partySize };
  return becomes("arrive", view, guestId, { status: "arrived", ...counted });
}

/** Only what differs from what was seen is sent. */
export function edit(view, guestId, fields) {
  const guest = view.guests.get(guestId);
  if (!guest) return null;
  const isSame = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);
  const data = Object.fromEntries(Object.entries(fields).filter(([key, value]) => !isSame(value, guest[key])));
  return Object.keys(data).length ? act("edit", who(guest), [onGuest(guest, data)]) : null;
}

export function remove(view, guestId) {
  const guest = view.guests.get(guestId);
  if (!guest) return null;
  const operation = { entity_type: "guest", action: "delete", entity_id: guest.id, if_match: guest.version };
  return act("remove", who(guest), [operation], { key: "ask.remove", params: who(guest) });
}

// ---- Tables.

function sets(key, view, tableId, status, asks) {
  const table = view.tables.get(tableId);
  if (!table || (table.status === status && !table.currentGuestId)) return null;
  const guest = sitting(view, table);
  const params = guest ? who(guest, table) : { table: table.tableNumber };
  const ends = guest && asks ? { key: guest.phase === "seated" ? "ask.finishes" : "ask.unholds", params } : undefined;
  return act(guest && !asks ? "free_party" : key, params, [onTable(table, { status })], ends);
}

/** Dirty and out of service end the party there, so that they ask first; to free it says so already. */
export const dirty = (view, tableId) => sets("dirty", view, tableId, "dirty", true);
export const block = (view, tableId) => sets("block", view, tableId, "outOfService", true);
export const clean = (view, tableId) => sets("clean", view, tableId, "available", true);
export const unblock = (view, tableId) => sets("unblock", view, tableId, "available", true);
export const free = (view, tableId) => sets("free", view, tableId, "available", false);

// ---- Tables pushed together, as `restohub simulate` does it: the marker in the second one's note says to which.

/** The second table is pushed to the first. */
export function push(view, tableA, tableB) {
  const [one, other] = [view.tables.get(tableA), view.tables.get(tableB)];
  if (!one || !other || one === other || other.currentGuestId || one.status === "outOfService") return null;
  if (other.status === "outOfService" || (joined(view).get(other.id) || []).length) return null;
  const notes = `Pushed to table ${one.tableNumber}.${other.notes ? ` · ${other.notes}` : ""}`;
  return act("push", { table: one.tableNumber, other: other.tableNumber }, [
    onTable(other, { status: "outOfService", notes }),
    onTable(one, { capacity: one.capacity + other.capacity }),
  ]);
}

/** Pulled apart: this table from the one that it was pushed to, or all that were pushed to this one. */
export function pull(view, tableId) {
  const table = view.tables.get(tableId);
  if (!table) return null;
  const marker = pushedTo(table);
  const isMain = (one) => foldLabel(one.tableNumber) === foldLabel(marker.number);
  const main = marker ? [...view.tables.values()].find(isMain) || null : table;
  const others = marker ? [table] : joined(view).get(tableId) || [];
  if (!others.length) return null;
  const operations = others.map((one) => onTable(one, { status: "available", notes: pushedTo(one).note }));
  const guest = main && sitting(view, main);
  let ask;
  if (main) {
    const capacity = Math.max(1, main.capacity - others.reduce((sum, one) => sum + one.capacity, 0));
    const isOver = guest && guest.partySize > capacity;
    operations.push(onTable(main, { capacity, ...(isOver ? { allowOverCapacity: true } : {}) }));
    if (isOver) ask = { key: "ask.pull", params: { ...who(guest, main), capacity } };
  }
  const params = { table: main ? main.tableNumber : marker.number, other: others.map((one) => one.tableNumber).join(", ") };
  return act("pull", params, operations, ask);
}

// ---- The end of the night, and the floor itself.

/** @returns {{finish: object[], noShow: object[], left: object[]}} Whom closing the night ends, and how. */
export function night(view, now) {
  const guests = [...view.guests.values()];
  return {
    finish: guests.filter(({ phase }) => phase === "seated"),
    noShow: guests.filter((guest) => overdue(guest, now)),
    left: guests.filter(({ phase }) => phase === "waiting"),
  };
}

/** At most as many as one batch takes: where more are left, there is another act after it. */
export function closeNight(view, now) {
  const { finish: seated, noShow: overdueOnes, left } = night(view, now);
  const ending = (list, status) => list.map((guest) => onGuest(guest, { status }));
  const operations = [...ending(seated, "finished"), ...ending(overdueOnes, "no_show"), ...ending(left, "left")];
  if (!operations.length) return null;
  const params = { finished: seated.length, noShow: overdueOnes.length, left: left.length };
  return act("close_night", params, operations.slice(0, BATCH_MAX));
}

/** Edit mode's changes as one act; each is about the version that was seen. */
export function editFloor(view, operations) {
  if (!operations.length) return null;
  const seen = operations.map((one) => {
    const present = view[kept(one.entity_type)].get(one.entity_id);
    return one.if_match === undefined && present ? { ...one, if_match: present.version } : one;
  });
  return act("edit_floor", { count: operations.length }, seen);
}

// ---- What can be pressed for what is selected.

/**
 * @param {import("./floor.js").Floor} view
 * @param {{kind: "guest"|"table", id: string}|null} selection
 * @param {number} now
 * @returns {{key: string, primary?: boolean, act?: object, needs?: "table"|"form"|"count", params: object}[]} the key of its
 *   words is `do.KEY`; with `needs: "table"` the function of the same name makes the act once a table is chosen
 */
export function possible(view, selection, now) {
  if (!selection) return [];
  const entity = view[kept(selection.kind)].get(selection.id);
  if (!entity) return [];
  const list = selection.kind === "guest" ? forGuest(view, entity, now) : forTable(view, entity);
  const known = list.filter((one) => one.act !== null);
  const first = known.find((one) => one.primary);
  return known.map(({ primary, ...one }) => ({ params: {}, ...one, ...(first && one.key === first.key ? { primary: true } : {}) }));
}

const press = (key, made_, params = {}, primary = false) => ({ key, act: made_, params, primary });
const needs = (key, what, params = {}, primary = false) => ({ key, needs: what, params, primary });

function seatAtBest(view, guest) {
  const table = bestFit(view, guest);
  return table ? [press("seat_at", seat(view, guest.id, table.id), who(guest, table), true)] : [];
}

function forGuest(view, guest, now) {
  const { id, phase, status } = guest;
  const table = guest.tableId ? view.tables.get(guest.tableId) : null;
  const last = [needs("edit", "form"), press("remove", remove(view, id))];
  if (phase === "seated") {
    return [press("finish", finish(view, id), who(guest), true), needs("move", "table"), ...(table ? [needs("swap", "table")] : []),
      press("unseat", unseat(view, id)), ...last];
  }
  if (phase === "done") return [press("unseat", unseat(view, id), {}, true), needs("seat", "table"), ...last];
  const here = table ? [press("seat_at", seat(view, id, table.id), who(guest, table), true)] : seatAtBest(view, guest);
  const held = table ? [needs("move", "table"), press("unhold", unseat(view, id))] : [needs("hold", "table"), needs("seat", "table", {}, true)];
  const bar = press("seat_bar", table ? null : seat(view, id, null));
  if (phase === "expected") {
    const isDue = !overdue(guest, now);
    return [press("arrive", arrive(view, id), {}, isDue), ...here,
      press("late", status === "running_late" ? null : late(view, id)), press("no_show", noShow(view, id), {}, !isDue), ...held, bar,
      ...(guest.partySize > 1 ? [needs("arrive_part", "count")] : []),
      press("cancel", cancel(view, id)), ...last];
  }
  const part = guest.partySize > 1 && status !== "arrived" ? [needs("arrive_part", "count")] : [];
  const arrived = status === "partially_arrived" || status === "notified" ? [press("arrive", arrive(view, id))] : [];
  // What a host presses most stands first: the last ones go behind "More" where the line is short.
  return [...here, press("notify", status === "notified" ? null : notify(view, id)), ...arrived, press("leave", leave(view, id)), ...held,
    ...part, bar, press("cancel", cancel(view, id)), ...last];
}

function forTable(view, table) {
  const { id, status } = table;
  const guest = sitting(view, table);
  const others = (joined(view).get(id) || []).length ? [press("pull", pull(view, id))] : [];
  if (guest && guest.phase === "seated") {
    return [press("finish", finish(view, guest.id), who(guest, table), true), press("dirty", dirty(view, id)), needs("move", "table"),
      needs("swap", "table"), press("unseat", unseat(view, guest.id)), needs("edit", "form"), ...others,
      press("block", block(view, id))];
  }
  if (guest) {
    return [press("seat_held", seat(view, guest.id, id), who(guest, table), true), press("free", free(view, id), who(guest, table)),
      needs("move", "table"), needs("edit", "form"), ...others, press("block", block(view, id))];
  }
  if (pushedTo(table)) return [press("pull", pull(view, id), {}, true)];
  if (status === "outOfService") return [press("unblock", unblock(view, id), {}, true)];
  const next = waiting(view).find((one) => !one.tableId && fits(view, one).includes(table));
  const seatNext = next ? [press("seat_next", seat(view, next.id, id), who(next, table))] : [];
  const clear = status === "available" ? [] : [press("clean", clean(view, id), {}, status === "dirty")];
  return [...clear, needs("walk_in", "form", { table: table.tableNumber }, true), ...seatNext,
    press("dirty", status === "dirty" ? null : dirty(view, id)), needs("push", "table"), ...others, press("block", block(view, id))];
}
