// Why a press was refused, as a sentence of the page's own language and the ways on from there.

import { free, freeAndSeat, newId } from './acts.js';

const AGAIN = { key: "way.again", action: "retry" };
const LOOK = { key: "way.look", action: "look" };
const CHOOSE = { key: "way.choose", action: "choose" };
const FULL = { guests: "guests", tables: "tables", floor_bytes: "floor" };

/**
 * @typedef {Object} Refused
 * @property {string} id of the act
 * @property {import("./state.js").Act} act
 * @property {string} key of the sentence; "refusal.other" shows `params.detail`, the hub's own
 * @property {object} params
 * @property {{key: string, params?: object, action: "press"|"retry"|"look"|"choose"|"dismiss", act?: object,
 *   selection?: {kind: string, id: string}}[]} ways
 * @property {string} detail the hub's sentence, in English
 * @property {{kind: "guest"|"table", id: string}|null} where it happened
 * @property {number} at
 *
 * @param {object} problem the hub's problem document, or the refused update of a queue
 * @param {import("./state.js").Act} act
 * @param {import("./state.js").State} state
 * @param {number} at
 * @returns {Refused}
 */
export function explain(problem, act, state, at) {
  const code = problem.error_code || "";
  const sentence = { ways: [], params: {}, ...(SENTENCES[code] || other)(problem.params || {}, problem, act, state) };
  const where = whereOf(problem, act);
  return { id: act.id, act, at, detail: problem.detail || "", where, ...(act.undoes ? notUndone(sentence, problem) : sentence) };
}

/** What was to be undone is not forced on what others have made of it since: it can be looked at. */
function notUndone({ key, params }, problem) {
  return { key: "refusal.undo", params: { what: { key, params } }, ways: problem.current ? [lookAt(problem)] : [] };
}

const other = (params, problem) => ({ key: "refusal.other", params: { detail: problem.detail || "" }, ways: [AGAIN] });

/** At the table that is in the way, else where the press was. */
function whereOf({ current }, { operations }) {
  if (current && current.table) return { kind: "table", id: current.table.id };
  if (current && current.id) return { kind: current.tableNumber === undefined ? "guest" : "table", id: current.id };
  const first = operations[operations.length - 1];
  return first && first.action !== "create" ? { kind: first.entity_type, id: first.entity_id } : null;
}

/** Of the act, the party that was to have a table, where it is there already. */
function seating(act, view) {
  const found = act.operations.find(({ entity_type, data }) => entity_type === "guest" && data && data.tableId);
  return found && found.action !== "create" && view.guests.has(found.entity_id) ? { guestId: found.entity_id, ...found.data } : null;
}

/** The same with the table freed before it: of the table as the hub has it, of which this page may not have heard yet. */
function freeing(act, table, view) {
  const there = { ...view, tables: new Map(view.tables).set(table.id, table) };
  const wish = seating(act, view);
  if (wish) return freeAndSeat(there, wish.guestId, table.id, { over: Boolean(wish.allowOverCapacity) });
  const isNew = act.operations.some(({ entity_type, action, data }) => entity_type === "guest" && action === "create" && data.tableId === table.id);
  const [first] = isNew ? free(there, table.id).operations : [];
  return first ? { ...act, id: newId(), operations: [first, ...act.operations] } : null;
}

function occupied(params, { current }, act, { view }) {
  const guest = current && current.guest;
  const table = current && current.table;
  const at = (guest && (params.held ? guest.reservationTime : guest.seatedTime)) || null;
  const who = params.guest === null ? "_someone" : at ? "_at" : "";
  const ways = [CHOOSE];
  const wish = seating(act, view);
  const freed = table && view.tables.has(table.id) && !(wish && guest && wish.guestId === guest.id) ? freeing(act, table, view) : null;
  const deletes = act.operations.some(({ entity_type, action }) => entity_type === "table" && action === "delete");
  if (freed) {
    ways.push({ key: params.held ? "way.unhold_and_seat" : "way.finish_and_seat", params, action: "press", act: freed });
  } else if (table) ways.push({ ...LOOK, selection: { kind: "table", id: table.id } });
  return { key: `refusal.table_${params.held ? "held" : "taken"}${who}`, params: { ...params, at }, ways: deletes ? ways.slice(1) : ways };
}

function tooLarge(params, problem, { ask, ...act }) {
  const anyway = act.operations.map((one) => {
    const takes = one.data && (one.data.tableId || one.data.currentGuestId || one.data.capacity);
    return takes ? { ...one, data: { ...one.data, allowOverCapacity: true } } : one;
  });
  const again = { ...act, id: newId(), operations: anyway };
  return { key: "refusal.party_exceeds_capacity", params, ways: [CHOOSE, { key: "way.anyway", action: "press", act: again }] };
}

const lookAt = (problem) => {
  const { current } = problem;
  const kind = current && current.tableNumber !== undefined ? "table" : "guest";
  return current && current.id ? { ...LOOK, selection: { kind, id: current.id } } : LOOK;
};
const says = (key, ...ways) => (params) => ({ key: `refusal.${key}`, params, ways });

/** By the contract's "Error codes": those that an act can meet. What is asked again by itself is no refusal. */
const SENTENCES = {
  table_occupied: occupied,
  party_exceeds_capacity: tooLarge,
  table_unavailable: says("table_unavailable", CHOOSE),
  table_number_taken: says("table_number_taken", LOOK),
  version_conflict: (params, problem) => ({ key: `refusal.changed_${params.entity_type}`, params, ways: [lookAt(problem), AGAIN] }),
  guest_not_found: says("guest_not_found"),
  table_not_found: says("table_not_found", CHOOSE),
  already_exists: says("already_exists"),
  restaurant_not_found: says("restaurant_not_found"),
  limit_reached: (params) => ({ key: `refusal.limit_${FULL[params.counted] || "hub"}`, params, ways: [AGAIN] }),
  rate_limited: says("rate_limited", AGAIN),
  validation_failed: (params, problem) => ({
    key: "refusal.validation_failed", params: { ...params, detail: problem.detail }, ways: [LOOK],
  }),
  idempotency_key_reused: says("asked_differently", AGAIN),
  body_too_large: says("too_much"),
  not_permitted: says("not_permitted"),
  pin_required: says("pin_required", AGAIN),
  pin_wrong: says("not_permitted"),
  person_not_found: says("not_permitted"),
  host_not_allowed: says("host_not_allowed"),
  origin_not_allowed: says("not_permitted"),
  token_required: says("not_permitted"),
  token_invalid: says("not_permitted"),
  device_not_found: says("not_permitted"),
  devices_unpaired: says("not_permitted"),
  invalid_json: says("misunderstood"),
  invalid_query: says("misunderstood"),
};
