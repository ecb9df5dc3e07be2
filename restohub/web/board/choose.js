// What the board picks out of a floor: who waits, who is due, which table fits, what is worth a mark.

import { businessDay } from './hub.js';
import { foldLabel } from './predict.js';

const MINUTE = 60000;
const QUARTER = 15 * MINUTE;
const QUARTERS = 8;
const GRACE = 15 * MINUTE;
const DUE = 30 * MINUTE;
const SOON = 0.8;
/** How long a party of up to so many stays, in minutes, where the restaurant does not say (`turnMinutes`). */
export const TURN_MINUTES = { 2: 75, 4: 90, 6: 105, 8: 120, 100: 150 };

const time = (iso) => (iso ? Date.parse(iso) : null);
const minutesSince = (iso, now) => (iso ? Math.max(0, Math.floor((now - time(iso)) / MINUTE)) : 0);
const arrival = (guest) => guest.checkInTime || guest.createdAt || "";
const byNumber = new Intl.Collator("en", { numeric: true }).compare;
const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
/** By `key`, then by when and under which id it was made: one text, made once a guest. */
function inOrder(key) {
  const made = new WeakMap();
  const place = (guest) => {
    if (!made.has(guest)) made.set(guest, [key(guest), guest.createdAt || "", guest.id].join("\0"));
    return made.get(guest);
  };
  return (one, other) => compare(place(one), place(other));
}
const byArrival = inOrder(arrival);
const byReservation = inOrder((guest) => guest.reservationTime);
const bookedFor = (guest) => guest.reservationTime || guest.createdAt;
const byBooking = inOrder(bookedFor);
const inPhase = (view, phase) => [...view.guests.values()].filter((guest) => guest.phase === phase);

/** What is made of a part of a floor is made once, since a floor is never changed in place: `of` names the part. */
function once(of, make) {
  const made = new WeakMap();
  return (view) => {
    const part = of(view);
    if (!made.has(part)) made.set(part, make(view));
    return made.get(part);
  };
}
const guestsOf = ({ guests }) => guests;
const tablesOf = ({ tables }) => tables;

// ---- Lists.

/** Who is here and has no seat, by arrival. */
export const waiting = once(guestsOf, (view) => inPhase(view, "waiting").sort(byArrival));

/** Who sits, at the bar too, by arrival. */
export const seated = once(guestsOf, (view) => inPhase(view, "seated").sort(byArrival));

/** Who is expected on a business day (YYYY-MM-DD), by the time. */
export function booked(view, day, zone) {
  return inPhase(view, "expected").filter((guest) => businessDay(time(bookedFor(guest)), zone) === day).sort(byBooking);
}

/** @returns {{due: object[], late: object[]}} Who is expected within the half hour, and who should be here already today. */
export function due(view, now, zone) {
  const list = inPhase(view, "expected").filter((guest) => guest.reservationTime).sort(byReservation);
  return {
    due: list.filter((guest) => time(guest.reservationTime) >= now && time(guest.reservationTime) <= now + DUE),
    late: list.filter((guest) => time(guest.reservationTime) < now && businessDay(time(guest.reservationTime), zone) >= businessDay(now - DUE, zone)),
  };
}

/** @returns {boolean} Whether an expected party is a quarter of an hour past its time. */
export const overdue = (guest, now) =>
  guest.phase === "expected" && Boolean(guest.reservationTime) && time(guest.reservationTime) + GRACE < now;

/** Part of a name, or of a phone without its signs; every guest but those who are gone first. */
export function find(view, text) {
  const wanted = foldLabel(text);
  const digits = wanted.replace(/\D/g, "");
  const isNumber = digits.length >= 3 && /^[\d +\-()/.]+$/.test(wanted);
  if (!wanted) return [];
  const has = (guest) => foldLabel(guest.name).includes(wanted)
    || (isNumber && (guest.phone || "").replace(/\D/g, "").includes(digits));
  const rank = (guest) => ["waiting", "expected", "seated", "done"].indexOf(guest.phase);
  return [...view.guests.values()].filter(has).sort((one, other) => rank(one) - rank(other) || byArrival(one, other));
}

// ---- Times.

/** @returns {number} How many minutes a party of this size stays. */
export function turn(size, restaurant) {
  const told = restaurant && restaurant.turnMinutes;
  const table = told && Object.keys(told).length ? told : TURN_MINUTES;
  const sizes = Object.keys(table).map(Number).sort((one, other) => one - other);
  const step = sizes.find((one) => size <= one);
  return table[step === undefined ? sizes[sizes.length - 1] : step];
}

/** @returns {{stage: "early"|"soon"|"over", minutes: number, turn: number, over: number}} `over` minutes beyond the turn */
export function stage(guest, restaurant, now) {
  const minutes = minutesSince(guest.seatedTime, now);
  const whole = turn(guest.partySize, restaurant);
  const over = Math.max(0, minutes - whole);
  return { stage: minutes >= whole ? "over" : minutes > SOON * whole ? "soon" : "early", minutes, turn: whole, over };
}

/** @returns {{minutes: number, quoted: number|null, over: number}} `over` minutes beyond what the party was told */
export function waited(guest, now) {
  const minutes = minutesSince(arrival(guest), now);
  const quoted = guest.quotedWait === undefined ? null : guest.quotedWait;
  return { minutes, quoted, over: quoted === null ? 0 : Math.max(0, minutes - quoted) };
}

/** @returns {{at: number, covers: number, parties: number}[]} Who is to be seated in the next quarter hours; the late now. */
export function covers(view, now) {
  const start = Math.floor(now / QUARTER) * QUARTER;
  const slots = Array.from({ length: QUARTERS }, (_, index) => ({ at: start + index * QUARTER, covers: 0, parties: 0 }));
  for (const guest of view.guests.values()) {
    const isComing = guest.phase === "expected" || (guest.phase === "waiting" && guest.tableId);
    const when = isComing ? time(guest.reservationTime) : null;
    if (!isComing || (when === null && !guest.tableId) || (when !== null && when < now - 12 * QUARTER)) continue;
    const slot = slots[Math.max(0, Math.floor(((when === null ? now : when) - start) / QUARTER))];
    if (!slot) continue;
    slot.covers += guest.partySize;
    slot.parties += 1;
  }
  return slots;
}

// ---- Tables.

const MARKER = /^Pushed to table (.+?)\.(?: · ([\s\S]*))?$/;

/** @returns {{number: string, note: string|null}|null} To which table it is pushed, and the note of its own behind it. */
export function pushedTo(table) {
  const found = table.status === "outOfService" ? MARKER.exec(table.notes || "") : null;
  return found && { number: found[1], note: found[2] || null };
}

/** @returns {Map<string, object[]>} The tables pushed to a table, by its id. */
export const joined = once(tablesOf, ({ tables }) => {
  const found = new Map();
  let numbers = null;
  for (const table of tables.values()) {
    const marker = pushedTo(table);
    if (!marker) continue;
    numbers = numbers || new Map([...tables.values()].map((one) => [foldLabel(one.tableNumber), one]));
    const main = numbers.get(foldLabel(marker.number));
    if (main && main !== table) found.set(main.id, [...(found.get(main.id) || []), table]);
  }
  return found;
});

/** @returns {object[]} The free tables for a party, the best first: the smallest, not one that is for more. */
export function fits(view, guest) {
  const isFree = (table) => !table.currentGuestId && table.status === "available" && table.capacity >= guest.partySize;
  const isLarge = (table) => (table.minCapacity > guest.partySize ? 1 : 0);
  return [...view.tables.values()].filter(isFree).sort((one, other) => isLarge(one) - isLarge(other)
    || one.capacity - other.capacity || byNumber(one.tableNumber, other.tableNumber));
}

/** @returns {object|null} */
export const bestFit = (view, guest) => fits(view, guest)[0] || null;

/** @returns {{name: string, server: string|null, tables: number, covers: number}[]} by name; `server` where it is one */
export const sections = once((view) => view, (view) => {
  const found = new Map();
  for (const table of view.tables.values()) {
    const key = foldLabel(table.section);
    if (!key) continue;
    const was = found.get(key) || { name: table.section.trim(), server: table.server, tables: 0, covers: 0 };
    const server = was.server === table.server ? table.server : null;
    found.set(key, { ...was, server, tables: was.tables + 1, covers: was.covers + sits(view, table) });
  }
  return [...found.values()].sort((one, other) => byNumber(one.name, other.name));
});

function sits(view, table) {
  const guest = table.currentGuestId && view.guests.get(table.currentGuestId);
  return guest && guest.phase === "seated" ? guest.partySize : 0;
}

/** @returns {{server: string, covers: number}|null} Who has the fewest at his tables; of alike ones who waits the longest. */
export function nextServer(view) {
  const found = new Map();
  for (const table of view.tables.values()) {
    if (!table.server) continue;
    const was = found.get(table.server) || { server: table.server, covers: 0, last: "" };
    const guest = view.guests.get(table.currentGuestId);
    const last = (guest && guest.seatedTime) || "";
    found.set(table.server, { ...was, covers: was.covers + sits(view, table), last: last > was.last ? last : was.last });
  }
  const order = (one, other) => one.covers - other.covers || compare(one.last, other.last) || compare(one.server, other.server);
  const first = [...found.values()].sort(order)[0];
  return first ? { server: first.server, covers: first.covers } : null;
}

// ---- Marks.

const TAGS = { vip: /\bv\.?i\.?p\b/, birthday: /birthday|geburtstag/, high_chair: /high[\s_-]?chair|hochstuhl/ };

/** @returns {("allergy"|"vip"|"birthday"|"high_chair"|"visits")[]} */
export function marks(guest) {
  const tags = (guest.tags || []).map(foldLabel);
  const found = (guest.dietaryRestrictions || []).length ? ["allergy"] : [];
  for (const [mark, pattern] of Object.entries(TAGS)) if (tags.some((tag) => pattern.test(tag))) found.push(mark);
  return guest.totalVisits > 0 ? [...found, "visits"] : found;
}

/** @returns {boolean} Whether an act waits for the hub: while it is asked again, too. */
export const waits = ({ state, waited: hasWaited }) => state === "waiting" || (state === "sending" && Boolean(hasWaited));

/** @returns {Set<string>} "guest:ID" and "table:ID" of what was pressed and has not reached the hub, to be shown as waiting. */
export function unsent(state) {
  const open = state.pending.filter((one) => waits(one) || !["answered", "sending"].includes(one.state));
  return new Set([].concat(...open.map((one) => Object.keys(one.seen))));
}
