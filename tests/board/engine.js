// What the engine's tests do in the page: generated presses, and one of whom each answer can be held back.

/** Numbers from a seed (mulberry32). */
export function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const SIZES = [2, 2, 4, 4, 4, 6, 6, 8];
const LEFT_TO_THE_HUB = ["version", "lastUpdated", "createdAt", "totalVisits"];
const NOW_S = 5;
const WAIT_MS = 30000; // thrice the time in which a loss is known

/** Tables for a restaurant, as the floor that is seen. */
export async function furnish(restaurantId) {
  const operations = SIZES.map((capacity, index) => ({
    entity_type: "table", action: "create", entity_id: `t${index + 1}`,
    data: { tableNumber: String(index + 1), capacity, notes: index % 3 ? null : "By the window.", section: index % 2 ? "Hall" : null },
  }));
  await m.hub.createApi().batch(restaurantId, m.acts.newId(), operations);
  return seen(restaurantId);
}

export async function seen(restaurantId) {
  const whole = await (await fetch(`/api/sync/full?restaurant_id=${restaurantId}`)).json();
  return m.floor.replaceFloor(m.floor.emptyFloor(restaurantId), whole);
}

function isAlike(key, told, predicted) {
  if (JSON.stringify(told) === JSON.stringify(predicted)) return true;
  return key.endsWith("Time") && told && predicted && Math.abs(Date.parse(told) - Date.parse(predicted)) <= 1000 * NOW_S;
}

/** What differs between the hub's entity and the predicted one. */
export function differences(told, predicted) {
  if (told === null || predicted === null) return told === predicted ? [] : ["data"];
  return Object.keys({ ...told, ...predicted }).filter((key) => !LEFT_TO_THE_HUB.includes(key) && !isAlike(key, told[key], predicted[key]));
}

function compared(answer, expected) {
  if (!answer.ok || expected.refused) {
    const told = answer.ok ? null : answer.body.error_code;
    return told === expected.refused ? [] : [`the hub says ${told}, predicted was ${expected.refused}`];
  }
  const key = (change) => `${change.entity_type} ${change.entity_id}`;
  const sorted = (list) => [...list].sort((one, other) => (key(one) < key(other) ? -1 : 1));
  const [told, predicted] = [sorted(answer.body.changes), sorted(expected.changes)];
  if (told.map(key).join() !== predicted.map(key).join()) return [`changed ${told.map(key)}, predicted ${predicted.map(key)}`];
  return told.flatMap((change, index) => differences(change.data, predicted[index].data)
    .map((field) => `${key(change)}.${field}: ${JSON.stringify(change.data && change.data[field])}, predicted `
      + JSON.stringify(predicted[index].data && predicted[index].data[field])));
}

const raw = (kind, entity, data) => ({
  id: m.acts.newId(), label: { key: "raw", params: {} },
  operations: [{ entity_type: kind, action: "update", entity_id: entity.id, data, if_match: entity.version }],
});

/** One maker of an act a name; each takes the floor and picks from it at random. */
function makers(random) {
  const a = m.acts;
  const pick = (list) => list[Math.floor(random() * list.length)];
  const chance = (part) => random() < part;
  const guest = (view) => (pick([...view.guests.keys()]) || "nobody");
  const open = (view) => (pick([...view.guests.values()].filter(({ phase }) => phase !== "done")) || { id: "nobody" }).id;
  const table = (view) => (pick([...view.tables.keys()]) || "none");
  const party = () => ({ name: pick(["Ada Rossi", "Ben", "Li van Dyk"]), partySize: 1 + Math.floor(random() * 6) });
  const later = () => m.hub.timeText(Date.now() + (random() - 0.5) * 7200000);
  const over = () => ({ over: chance(0.7) });
  return {
    walkIn: (view) => a.walkIn(view, { ...party(), quotedWait: 15, ...(chance(0.4) ? { tableId: table(view), ...over() } : {}) }),
    reserve: (view) => a.reserve(view, { ...party(), reservationTime: later(), ...(chance(0.2) ? { tableId: table(view), ...over() } : {}) }),
    seat: (view) => a.seat(view, guest(view), table(view), over()),
    seatBar: (view) => a.seat(view, guest(view), null),
    hold: (view) => a.hold(view, open(view), table(view), over()),
    move: (view) => a.move(view, open(view), table(view), over()),
    freeAndSeat: (view) => a.freeAndSeat(view, open(view), table(view), over()),
    swap: (view) => {
      const placed = [...view.guests.values()].filter(({ tableId }) => tableId);
      return placed.length > 1 ? a.swap(view, pick(placed).id, pick(placed).id) : null;
    },
    unseat: (view) => a.unseat(view, guest(view)),
    notify: (view) => a.notify(view, guest(view)),
    late: (view) => a.late(view, guest(view)),
    finish: (view) => a.finish(view, guest(view)),
    leave: (view) => a.leave(view, guest(view)),
    noShow: (view) => a.noShow(view, guest(view)),
    cancel: (view) => a.cancel(view, guest(view)),
    arrive: (view) => a.arrive(view, guest(view), chance(0.5) ? null : 1),
    edit: (view) => a.edit(view, guest(view), pick([{ partySize: 1 + Math.floor(random() * 8) }, { notes: "Nut allergy." }, { notes: "" },
      { lastName: "Weiß" }, { reservationTime: later() }, { reservationTime: null }, { tags: ["vip"] }])),
    remove: (view) => a.remove(view, guest(view)),
    dirty: (view) => a.dirty(view, table(view)),
    block: (view) => a.block(view, table(view)),
    clean: (view) => a.clean(view, table(view)),
    unblock: (view) => a.unblock(view, table(view)),
    free: (view) => a.free(view, table(view)),
    push: (view) => a.push(view, table(view), table(view)),
    pull: (view) => a.pull(view, pick([...view.tables.values()].filter((one) => m.choose.pushedTo(one)).map(({ id }) => id)) || "none"),
    closeNight: (view) => (chance(0.5) ? a.closeNight(view, Date.now()) : null),
    editFloor: (view) => a.editFloor(view, pick([
      [{ entity_type: "table", action: "create", entity_id: a.newId(),
        data: { tableNumber: pick(["1", "20", "21"]), capacity: 4, position: { x: 0.3, y: 0.3 } } }],
      view.tables.size > 7 ? [{ entity_type: "table", action: "delete", entity_id: table(view) }] : [],
      [{ entity_type: "table", action: "update", entity_id: table(view), data: { capacity: 2, minCapacity: pick([1, 3]), rotation: 45 } }],
    ])),
    // What an iPad may do beside this page, so that there are states that no act makes.
    rawTable: (view) => {
      const one = pick([...view.tables.values()]);
      return raw("table", one, pick([{ status: "occupied" }, { status: "reserved" }, { currentGuestId: guest(view), status: "reserved" },
        { currentGuestId: guest(view) }, { currentGuestId: null }]));
    },
  };
}

const entryOf = (act, view, answer) => {
  const keys = answer.body.changes.map(({ entity_type, entity_id }) => [`${entity_type}:${entity_id}`, m.floor.kept(entity_type), entity_id]);
  return {
    act, epoch: view.epoch, before: keys.map(([key, place, id]) => ({ key, image: view[place].get(id) || null })),
    versions: Object.fromEntries(keys.map(([key]) => [key, answer.revision])),
  };
};

function notBack(before, floor) {
  return before.flatMap(({ key, image }) => {
    const present = floor[m.floor.kept(key.slice(0, 5))].get(key.slice(6)) || null;
    const remade = image && !present; // under another id
    return remade ? [] : differences(image, present).filter((field) => field !== "currentGuestId").map((field) => `${key}.${field}`);
  });
}

/** So many presses, each predicted, done by the hub, and compared; each third that is taken is undone, and compared too. */
export async function presses({ restaurantId, seed, steps }) {
  const random = numbers(seed);
  const make = makers(random);
  const api = m.hub.createApi();
  const names = Object.keys(make);
  const result = { failures: [], taken: {}, refused: {}, undone: 0, notUndone: 0 };
  let view = await furnish(restaurantId);
  const send = async (act) => {
    const expected = m.predict.outcome(view, act.operations, { at: Date.now() });
    const answer = await api.batch(restaurantId, act.id, act.operations);
    const wrong = compared(answer, expected);
    if (answer.ok) view = m.floor.applyChanges(view, answer.body.changes, answer.revision);
    return { answer, wrong };
  };
  for (let step = 0; step < steps; step += 1) {
    const name = names[Math.floor(random() * names.length)];
    const act = (random() < 0.5 && view.guests.size < 12 ? make.walkIn : make[name])(view);
    if (!act) continue;
    if (random() < 0.05) act.operations = act.operations.map((one) => (one.if_match > 1 ? { ...one, if_match: one.if_match - 1 } : one));
    const before = view;
    const { answer, wrong } = await send(act);
    for (const fault of wrong) result.failures.push(`${step} ${act.label.key} ${JSON.stringify(act.operations)}: ${fault}`);
    const told = answer.ok ? act.label.key : answer.body.error_code;
    const counted = answer.ok ? result.taken : result.refused;
    counted[told] = (counted[told] || 0) + 1;
    if (!answer.ok || !answer.body.changes.length || random() < 0.67) continue;
    const entry = entryOf(act, before, answer);
    const undo = m.state.undoAct({ base: view, view, done: [entry], pending: [] });
    if (!undo) {
      result.failures.push(`${step} ${act.label.key}: nothing to undo`);
      continue;
    }
    const back = await send(undo);
    result.undone += 1;
    for (const fault of back.wrong) result.failures.push(`${step} undo ${act.label.key} ${JSON.stringify(undo.operations)}: ${fault}`);
    if (!back.answer.ok) result.failures.push(`${step} undo of ${act.label.key}: ${back.answer.body.detail} ${JSON.stringify(undo.operations)}`);
    else for (const field of notBack(entry.before, view)) result.failures.push(`${step} undo of ${act.label.key} left ${field}: ${JSON.stringify(undo.operations)}`);
  }
  const whole = await seen(restaurantId);
  for (const place of ["guests", "tables"]) {
    for (const [id, entity] of whole[place]) if (JSON.stringify(entity) !== JSON.stringify(view[place].get(id))) result.failures.push(`${id} differs in the end`);
    if (whole[place].size !== view[place].size) result.failures.push(`${place} in the end`);
  }
  return result;
}

// ---- A board without its looks.

const slow = { answer: 0, message: 0, lost: 0 };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Each answer, or each message of a socket, comes late; of so many changes the answer is lost though the hub did them. */
export function slowly(how) {
  Object.assign(slow, how);
  if (window.realFetch) return;
  window.realFetch = window.fetch;
  window.fetch = async (path, options) => {
    const answer = await window.realFetch(path, options);
    if (options && options.method === "POST") {
      await pause(slow.answer);
      if (slow.lost > 0) {
        slow.lost -= 1;
        throw new TypeError("lost on its way");
      }
    }
    return answer;
  };
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    set onmessage(listener) {
      super.onmessage = listener && ((event) => (slow.message ? setTimeout(() => this.onmessageNow === listener && listener(event), slow.message) : listener(event)));
      this.onmessageNow = listener;
    }
  };
}

/** Starts the engine on this page; `board.links` has every state of the link, `board.views` every view. */
export function start({ restaurantId = 1, storage } = {}) {
  const store = m.state.createStore({ base: m.floor.emptyFloor(restaurantId), view: m.floor.emptyFloor(restaurantId) });
  const clock = m.hub.createClock();
  const api = m.hub.createApi();
  const board = { store, clock, api, links: [], views: [] };
  window.board = board;
  store.watch((state, previous) => {
    if (state.link !== previous.link) board.links.push(state.link.state);
    if (state.view !== previous.view) board.views.push(state.view);
  });
  board.outbox = m.outbox.createOutbox(storage === undefined ? { store, api, clock } : { store, api, clock, storage });
  board.sync = m.sync.startSync({ store, clock, restaurantId });
  return board;
}

/** Waits until it is so. */
export async function until(isSo, what = String(isSo)) {
  const deadline = performance.now() + WAIT_MS;
  do {
    const found = isSo(window.board.store.get());
    if (found) return found;
    await pause(20);
  } while (performance.now() < deadline);
  const { link, pending, refusals } = window.board.store.get();
  throw new Error(`never ${what}: ${JSON.stringify({ link, pending, refusals })}`);
}

export const isLive = (state) => state.link.live;
export const isQuiet = (state) => state.link.live && !state.pending.length;
export const kept = () => Object.keys(localStorage).filter((key) => key.startsWith("restohub.board.outbox."));

/** Presses what `make` makes of the view, and says which act it was. */
export function press(make) {
  const act = make(window.board.store.get().view, m.acts);
  window.board.outbox.press(act);
  return act;
}
