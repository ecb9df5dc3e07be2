// The board's one state: what the hub told, what was pressed and is not told yet, and what is being looked at.

import { newId } from './acts.js';
import { emptyFloor, kept } from './floor.js';
import { PHASES, predict } from './predict.js';

/**
 * @typedef {Object} Act what one press means
 * @property {string} id the transaction id, and in a queue the mutation id
 * @property {{key: string, params: object}} label what was done, for "Undo"
 * @property {{entity_type: "guest"|"table", action: string, entity_id: string, data?: object, if_match?: number}[]} operations
 *   `if_match` 0: of what a press made that the hub has not answered yet
 * @property {{key: string, params: object}} [ask] to be confirmed before it is pressed
 * @property {string} [undoes] the id of the act that this one takes back
 *
 * @typedef {Object} Pending an act in the outbox
 * @property {Act} act
 * @property {number} restaurantId
 * @property {number} at the hub's time of the press, ms
 * @property {string|null} epoch
 * @property {string} day the business day
 * @property {"sending"|"waiting"|"answered"|"refused"|"conflict"|"held"} state
 * @property {Object<string, number>} seen "guest:ID" → the version that the press was about, of all that it touches
 * @property {boolean} [offline] it was pressed off-line
 * @property {boolean} [waited] it was pressed, or left without an answer, off-line
 * @property {"atomic"|"queue"} [via] how it was first sent: a repeat goes the same way, or the hub would not know it again
 * @property {number} [revision] of the answer, with `answerEpoch` and (not of a queue) its `changes`
 * @property {object} [problem] the hub's problem, or the refused update of a queue
 * @property {{kind: string, id: string, mine: object, theirs: object|null}} [conflict]
 *
 * @typedef {Object} Link
 * @property {"live"|"connecting"|"no_network"|"hub_gone"|"restarted"|"history_anew"|"catching_up"|"restaurant_gone"} state
 * @property {boolean} live whether the floor is in step now: in `restarted` and `history_anew` it may be
 * @property {number} since ms of the device's clock
 * @property {string|null} hubStarted
 *
 * @typedef {Object} State
 * @property {object[]} restaurants
 * @property {object|null} restaurant
 * @property {import("./floor.js").Floor} base what the hub told
 * @property {import("./floor.js").Floor} view `base` with what is pending on it
 * @property {Pending[]} pending
 * @property {{act: Act, before: object[], versions: Object<string, number>, epoch: string|null}[]} done oldest first
 * @property {Link} link
 * @property {{id: string, act: Act, key: string, params: object, ways: object[], detail: string, at: number}[]} refusals
 * @property {"ok"|"failed"} storage `failed`: what waits would not survive a closed tab
 * @property {object} ui
 */

/** @returns {State} */
export function initialState(restaurantId = 1) {
  const base = emptyFloor(restaurantId);
  return {
    restaurants: [], restaurant: null, base, view: base, pending: [], done: [], refusals: [], storage: "ok",
    link: { state: "connecting", live: false, since: Date.now(), hubStarted: null },
    ui: {
      selection: null, tab: "waiting", section: null, search: "", day: null, mode: "board", theme: "auto", names: false,
    },
  };
}

/** The answered acts that `base` has by now are off: whichever of answer and message came first, both name the revision. */
function settled(pending, base) {
  const left = pending.filter((one) => {
    if (one.state !== "answered") return true;
    if (one.restaurantId !== base.restaurantId) return false;
    return one.answerEpoch === base.epoch ? one.revision > base.revision : one.epoch === base.epoch;
  });
  return left.length === pending.length ? pending : left;
}

/**
 * @param {Partial<State>} [initial]
 * @returns {{get: () => State, set: (patch: Partial<State>) => void, setUi: (patch: object) => void,
 *   subscribe: (listener: (state: State, previous: State) => void) => () => void,
 *   watch: (listener: (state: State, previous: State) => void) => () => void}}
 *   `subscribe` calls once an animation frame (what draws), `watch` at every change (what sends and keeps)
 */
export function createStore(initial = {}) {
  let state = { ...initialState(), ...initial };
  let drawn = state;
  let isAsked = false;
  const drawing = new Set();
  const watching = new Set();

  function draw() {
    isAsked = false;
    const previous = drawn;
    drawn = state;
    if (previous !== drawn) for (const listener of drawing) listener(drawn, previous);
  }

  function set(patch) {
    const previous = state;
    const next = { ...state, ...patch };
    if (next.base !== previous.base || next.pending !== previous.pending) {
      next.pending = settled(next.pending, next.base);
      const here = next.pending.filter((one) => one.restaurantId === next.base.restaurantId);
      // What an earlier one has made of the floor may be here before its answer, and with it the version that a later one will name.
      const isAfter = (at) => here.slice(0, at).some((one) => one.state === "sending" || one.state === "waiting");
      next.view = here.reduce((floor, one, at) => predict(floor, one, isAfter(at)), next.base);
    }
    state = next;
    if (!isAsked) {
      isAsked = true;
      requestAnimationFrame(draw);
    }
    for (const listener of watching) listener(next, previous);
  }

  const joining = (listeners) => (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get: () => state,
    set,
    setUi: (patch) => set({ ui: { ...state.ui, ...patch } }),
    subscribe: joining(drawing),
    watch: joining(watching),
  };
}

// Undo: the last act taken back by a change forward, on just the versions that the act had left.


const GUEST = ["firstName", "lastName", "partySize", "status", "phone", "email", "notes", "specialRequests", "dietaryRestrictions",
  "tags", "isWalkIn", "quotedWait", "reservationTime", "checkInTime", "seatedTime", "finishedTime", "notifiedTime",
  "arrivedCount"];
const TABLE = ["tableNumber", "capacity", "minCapacity", "position", "shape", "rotation", "section", "server", "notes"];

const isSame = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/** @returns {object|null} The last act that can be taken back (an entry of `state.done`), for the name of the button. */
export function undoable(state) {
  const last = state.done[state.done.length - 1];
  return last && last.epoch === state.base.epoch ? last : null;
}

/**
 * The act that takes the last one back, or null. Where somebody changed the same meanwhile the hub refuses it, and says so.
 * @param {import("./state.js").State} state
 * @returns {import("./state.js").Act|null}
 */
export function undoAct(state) {
  const entry = undoable(state);
  if (!entry) return null;
  const operations = backwards(entry, state.view);
  return operations.length
    ? { id: newId(), label: { key: "act.undo", params: { what: entry.act.label } }, operations, undoes: entry.act.id }
    : null;
}

function backwards({ act, before, versions }, view) {
  const removed = new Set(act.operations.filter(({ action }) => action === "delete").map(({ entity_type, entity_id }) => `${entity_type}:${entity_id}`));
  const steps = { first: [], leave: [], guests: [], last: [] };
  for (const { key, image } of before) {
    const kind = key.slice(0, 5);
    const present = view[kept(kind)].get(key.slice(6)) || null;
    const op = (action, data) => ({
      entity_type: kind, action, entity_id: key.slice(6), ...(data ? { data } : {}),
      ...(action === "create" ? {} : { if_match: versions[key] }),
    });
    if (!image) steps.last.push(op("delete"));
    else if (!present && removed.has(key)) steps.guests.push(remade(kind, image));
    // Somebody else has deleted it since: the hub says so, and it is not made anew.
    else if (!present) steps.guests.push(op("update", { notes: image.notes }));
    else (kind === "guest" ? backGuest : backTable)(steps, image, present, op);
  }
  return [...steps.first, ...steps.leave, ...steps.guests, ...steps.last];
}

/** A deleted id is not given again, so that it comes back under another. */
function remade(kind, image) {
  const fields = differing(kind === "guest" ? GUEST : TABLE, image, {});
  const extra = kind === "guest" ? { tableId: image.tableId, allowOverCapacity: true } : { status: image.status };
  return { entity_type: kind, action: "create", entity_id: newId(), data: { ...fields, ...extra } };
}

function differing(keys, image, present) {
  const known = keys.filter((key) => image[key] !== undefined && !isSame(image[key], present[key]));
  return Object.fromEntries(known.map((key) => [key, image[key]]));
}

function backGuest(steps, image, present, op) {
  const data = differing(GUEST, image, present);
  if (image.tableId !== present.tableId) {
    if (present.tableId && image.tableId) steps.leave.push(op("update", { tableId: null }));
    Object.assign(data, { tableId: image.tableId, status: image.status, allowOverCapacity: true });
    if (!image.tableId) delete data.allowOverCapacity;
  }
  // A change of status stamps and clears times, so that all three are said, and which table stays his.
  if (data.status && PHASES[present.status] !== undefined) {
    for (const key of ["checkInTime", "seatedTime", "finishedTime"]) data[key] = image[key];
    if (image.notifiedTime !== undefined) data.notifiedTime = image.notifiedTime;
    if (image.tableId) Object.assign(data, { tableId: image.tableId, allowOverCapacity: true });
    // Who gets up from a table loses it, so that it is left and held again.
    const getsUp = present.status === "seated" && image.status !== "seated" && image.tableId === present.tableId;
    if (getsUp && image.tableId) steps.leave.push(op("update", { tableId: null }));
  }
  // A time that is there already counts as not sent, so that going back clears it: it is sent once more after that.
  const { notifiedTime } = image;
  if (data.status && notifiedTime && notifiedTime === present.notifiedTime) steps.last.push(op("update", { notifiedTime }));
  // Who leaves goes before who comes: a table never has two.
  const leaves = present.tableId && !image.tableId;
  if (Object.keys(data).length) steps[leaves ? "leave" : "guests"].push(op("update", data));
}

function backTable(steps, image, present, op) {
  const data = differing(TABLE, image, present);
  if (data.capacity !== undefined) data.allowOverCapacity = true;
  const comesBack = image.currentGuestId !== null && image.currentGuestId !== present.currentGuestId;
  if (comesBack && present.status === "outOfService") data.status = "available";
  if (Object.keys(data).length) steps.first.push(op("update", data));
  // Once his guest has left it is `available`, whatever it was before.
  const left = present.currentGuestId === null ? present.status : "available";
  if (image.currentGuestId === null && image.status !== left) steps.last.push(op("update", { status: image.status }));
}
