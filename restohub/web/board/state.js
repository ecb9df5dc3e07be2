// The board's one state: what the hub told, what was pressed and is not told yet, and what is being looked at.

import { predict } from "./predict.js";
import { emptyFloor } from "./floor.js";

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
      next.view = here.reduce(predict, next.base);
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
