// Every order in which three presses, their answers, messages and losses can come: the engine's own modules over a hub,
// sockets, timers, a channel and a storage that do nothing until they are told to.

const settle = async () => { for (let turn = 0; turn < 16; turn += 1) await null; };
const PRESSES = [
  (acts, view) => acts.walkIn(view, { name: "Ada", partySize: 2, tableId: "t1" }),
  (acts, view) => acts.move(view, [...view.guests.keys()][0], "t2"),
  (acts, view) => acts.dirty(view, "t2"),
];
const shown = (view) => [...view.guests.values()].map(({ tableId, status }) => `${status} ${tableId}`)
  .concat(view.tables.get("t1").status, view.tables.get("t2").status).join();
/** What a host sees before the first press, and after each. */
const STAGES = ["available,available", "seated t1,occupied,available", "seated t2,available,occupied", "finished null,available,dirty"];

class Hub {
  constructor() {
    this.floor = { ...m.floor.emptyFloor(1), epoch: "e" };
    this.answers = new Map();
    this.log = [];
    for (const id of ["t1", "t2"]) {
      this.commit([{ entity_type: "table", action: "create", entity_id: id, data: { tableNumber: id, capacity: 2 } }]);
    }
  }

  commit(operations, by = null) {
    const revision = this.floor.revision + 1;
    const { changes, refused } = m.predict.outcome(this.floor, operations, { at: 0, revision });
    if (refused) return { status: refused === "version_conflict" ? 412 : 409, body: { error_code: refused, detail: refused, params: {} } };
    this.log.push({ type: "delta_update", previous_revision: revision - 1, revision, changes, part: 1, parts: 1, by });
    this.floor = m.floor.applyChanges(this.floor, changes, revision);
    return { ok: true, status: 200, body: { changes }, epoch: "e", revision, waitSeconds: 0 };
  }

  /** A repeat under the same id gets the first answer, another body under it is refused. */
  batch(id, operations) {
    const body = JSON.stringify(operations);
    if (!this.answers.has(id)) this.answers.set(id, { body, answer: this.commit(operations, id) });
    const { body: first, answer } = this.answers.get(id);
    return first === body ? answer : { status: 409, body: { error_code: "idempotency_key_reused", detail: "", params: {} } };
  }

  /** The queue's ids are others than those of batches; what is not the queue's own is somebody else's. */
  queue(updates, applied) {
    const own = new Set([...applied, ...updates.map(({ mutation_id: id }) => id)].map((id) => `queue ${id}`));
    const results = updates.map(({ mutation_id: id, base_version: version, ...operation }) => {
      const key = `queue ${id}`;
      const isIts = ({ entity_id: entity }) => entity === operation.entity_id;
      const isOthers = !this.answers.has(key) && this.log.some(({ revision, changes, by }) => revision > version && changes.some(isIts) && !own.has(by));
      if (isOthers) return { status: "conflict", error_code: "version_conflict", current: this.floor[m.floor.kept(operation.entity_type)].get(operation.entity_id) };
      if (!this.answers.has(key)) this.answers.set(key, this.commit([operation], key));
      const answer = this.answers.get(key);
      return answer.ok ? { status: "applied", revision: answer.revision } : { ...answer.body, status: "rejected" };
    });
    return { ok: true, status: 200, body: { results }, epoch: "e", revision: this.floor.revision, waitSeconds: 0 };
  }
}

/** One page of the board: what it has asked, what it has not heard, and the timers that it waits for. */
class Tab {
  constructor(world) {
    Object.assign(this, { world, requests: [], heard: 0, timers: new Map(), socket: null, isGreeted: false, channel: null, mail: [], views: [] });
    const own = new Map();
    this.session = { getItem: (key) => own.get(key) ?? null, setItem: (key, value) => own.set(key, value) };
  }

  start() {
    const { world } = this;
    const base = m.floor.emptyFloor(1);
    this.store = m.state.createStore({ base, view: base });
    const ask = (run) => new Promise((answered) => this.requests.push({ run, answered, answer: null }));
    const api = {
      batch: (_, id, operations) => ask(() => world.hub.batch(id, operations)),
      queue: (_, updates, applied) => ask(() => world.hub.queue(updates, applied)),
      cancel: () => { for (const one of this.requests.splice(0)) one.answered({ status: 0, waitSeconds: 0 }); },
    };
    this.store.watch((state, previous) => { if (state.view !== previous.view && state.view.tables.size) this.views.push(shown(state.view)); });
    this.outbox = m.outbox.createOutbox({ store: this.store, api, clock: { now: () => 0 }, storage: world.storage });
    this.sync = m.sync.startSync({ store: this.store, clock: { observe() {} }, restaurantId: 1 });
  }

  say(message) {
    this.socket.onmessage({ data: JSON.stringify({ timestamp: "", ...message }) });
  }

  /** The socket is open: what the page missed comes as messages, or as the whole floor. */
  greet(resumed) {
    const { floor } = this.world.hub;
    this.isGreeted = true;
    this.heard = resumed ? this.store.get().base.revision : floor.revision;
    this.say({ type: "connection_established", resumed, epoch: "e", revision: floor.revision, restaurant: { id: 1, timezone: "UTC" }, hub_started: "s" });
    const data = { guests: [...floor.guests.values()], tables: [...floor.tables.values()] };
    if (!resumed) this.say({ type: "full_sync", revision: floor.revision, data, part: 1, parts: 1 });
  }

  lose() {
    this.isGreeted = false;
    this.socket.onclose({ code: 1006 });
  }

  /** What can happen to it now: name → what does it. */
  events({ isDeaf = false } = {}) {
    const { world, requests: [asked], timers } = this;
    const found = [];
    if (asked && !asked.answer) found.push(["do", () => { asked.answer = asked.run(); }]);
    const answers = (answer) => () => { this.requests.shift(); asked.answered(answer); };
    if (asked && asked.answer) found.push(["answer", answers(asked.answer)]);
    if (asked && asked.answer && world.losses) found.push(["lose the answer", () => { world.losses -= 1; answers({ status: 0, waitSeconds: 0 })(); }]);
    if (this.isGreeted && !isDeaf && world.hub.log[this.heard]) found.push(["message", () => this.say(world.hub.log[this.heard++])]);
    if (this.isGreeted && !isDeaf && world.drops) found.push(["lose the link", () => { world.drops -= 1; this.lose(); }]);
    if (this.socket.onmessage && !this.isGreeted) {
      found.push(["sync whole", () => this.greet(false)]);
      if (this.store.get().base.revision) found.push(["resume", () => this.greet(true)]);
    }
    for (const [id, { action, ms }] of timers) if (ms < 4000) found.push([`timer ${ms}`, () => { timers.delete(id); action(); }]);
    if (this.mail.length) found.push(["mail", () => this.channel.onmessage({ data: this.mail.shift() })]);
    return found.map(([name, action]) => [name, this, action]);
  }

  key() {
    const { link, base, pending, refusals } = this.store.get();
    return [this.heard, this.isGreeted, link.state, link.live, base.revision, refusals.length, this.mail, [...this.timers.values()].map(({ ms }) => ms),
      pending, this.requests.map(({ answer }) => answer && [answer.status, answer.revision]), this.outbox.applied];
  }
}

class World {
  constructor({ losses = 0, drops = 0, looks = 0 } = {}) {
    Object.assign(this, { hub: new Hub(), tabs: [], kept: new Map(), now: null, pressed: 0, stage: 0, losses, drops, looks, ids: 0 });
    const { kept } = this;
    const storage = { getItem: (key) => (kept.has(key) ? kept.get(key) : null), setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
    const names = { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: "" }) };
    this.storage = new Proxy(storage, names);
    takeOver(this);
  }

  /** Does something in one tab: the timers, sockets and channels that it makes are that tab's. */
  async in(tab, action) {
    this.now = tab;
    action();
    await settle();
  }

  async open() {
    const tab = new Tab(this);
    this.tabs.push(tab);
    await this.in(tab, () => tab.start());
    return tab;
  }

  press(tab) {
    const act = PRESSES[this.pressed](m.acts, tab.store.get().view);
    this.pressed += 1;
    tab.outbox.press(act);
  }

  key() {
    return JSON.stringify([this.pressed, this.stage, this.losses, this.drops, this.looks, [...this.hub.answers.keys()], [...this.kept], this.tabs.map((tab) => tab.key())]);
  }
}

/** The browser's own timers, sockets, channels, events and random numbers are the world's, and what a tab keeps for itself. */
function takeOver(world) {
  window.setTimeout = (action, ms) => { world.now.timers.set(world.ids += 1, { action, ms }); return world.ids; };
  window.clearTimeout = (id) => { for (const { timers } of world.tabs) timers.delete(id); };
  window.requestAnimationFrame = () => 0;
  for (const target of [window, document]) target.addEventListener = target.removeEventListener = () => null;
  Object.defineProperty(window, "sessionStorage", { configurable: true, get: () => world.now.session });
  let given = 0;
  crypto.getRandomValues = (bytes) => { given += 1; return bytes.fill(0).fill(given, 0, 1); };
  window.WebSocket = class {
    static OPEN = 1;

    static CONNECTING = 0;

    constructor() {
      this.readyState = 1;
      Object.assign(world.now, { socket: this, isGreeted: false });
    }

    send() { /* pings */ }

    close() { /* by the page itself */ }
  };
  window.BroadcastChannel = class {
    constructor() { this.tab = world.now; this.tab.channel = this; }

    postMessage(data) { for (const { channel, mail } of world.tabs) if (channel && channel !== this) mail.push(data); }
  };
}

/** Follows every order once; a state that was met before is not followed again. `play` starts a world, and says whose events count. */
async function explored(play, limit) {
  const met = new Set();
  const found = { runs: 0, states: 0, faults: [] };
  let path = [];
  while (path && found.runs < limit && found.faults.length < 3) {
    path = await followed(path, await play(), met, found);
    found.runs += 1;
  }
  return { ...found, states: met.size, isWhole: !path };
}

async function followed(path, { world, tab, events }, met, found) {
  const taken = [];
  const trace = [];
  tab.views = [];
  for (;;) {
    const known = events();
    if (world.pressed < PRESSES.length) known.push(["press", tab, () => world.press(tab)]);
    const isNew = taken.length >= path.length;
    const key = isNew && world.key();
    if (isNew && known.length && met.has(key)) break;
    if (isNew) met.add(key);
    if (!known.length) {
      judge(world, tab, trace, found, true);
      break;
    }
    const choice = isNew ? 0 : path[taken.length][0];
    taken.push([choice, known.length]);
    const [name, whose, action] = known[choice];
    trace.push(`${name}${whose === tab ? "" : " (the other tab)"}`);
    await world.in(whose, action);
    if (!judge(world, tab, trace, found, false)) break;
  }
  for (const { sync } of world.tabs) sync.stop();
  while (taken.length && taken[taken.length - 1][0] + 1 >= taken[taken.length - 1][1]) taken.pop();
  if (!taken.length) return null;
  taken[taken.length - 1][0] += 1;
  return taken;
}

/** A press that was shown stays shown; in the end all are done, and nothing was refused. */
function judge(world, tab, trace, found, isEnd) {
  const { pending, refusals } = tab.store.get();
  const seen = tab.views.splice(0);
  const wrong = seen.find((view) => { const at = STAGES.indexOf(view); const isBack = at < world.stage; world.stage = Math.max(at, world.stage); return isBack; });
  const faults = [wrong && `shown was ${wrong}`, refusals.length && `refused: ${refusals.map(({ key }) => key)}`,
    isEnd && pending.length && `left: ${pending.map(({ state }) => state)}`, isEnd && world.stage !== PRESSES.length && `at ${world.stage}`].filter(Boolean);
  if (faults.length) found.faults.push(`${trace.join(", ")}: ${faults.join("; ")}`);
  return !faults.length;
}

const live = async (world) => {
  const tab = await world.open();
  await world.in(tab, () => tab.greet(false));
  return tab;
};

/** One page alone; so many answers and links are lost. */
export const alone = (how, limit = 1e5) => explored(async () => {
  const world = new World(how);
  const tab = await live(world);
  return { world, tab, events: () => tab.events() };
}, limit);

/** Another page of the same browser, whose look for what closed tabs left has just begun, and so many times begins again. */
export const beside = (how, limit = 1e5) => explored(async () => {
  const world = new World(how);
  const other = await live(world);
  const tab = await live(world);
  const again = ["lose the link", other, () => { world.looks -= 1; other.lose(); }];
  return { world, tab, events: () => [...tab.events(), ...other.events({ isDeaf: true }), ...(world.looks && other.isGreeted ? [again] : [])] };
}, limit);
