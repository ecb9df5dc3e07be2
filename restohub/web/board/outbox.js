// The outbox: a press is kept before it is sent, sent once at a time in its order, and kept until the hub
// has said what it did. On-line an act is one `atomic/batch`; what had to wait goes as the guide's off-line queue.

import { asksAgain, businessDay } from './hub.js';
import { emptyFloor, kept } from './floor.js';
import { outcome } from './predict.js';
import { explain } from './refusals.js';
import { newId } from './acts.js';

const KEY = "restohub.board.outbox.";
const TAB = "restohub.board.tab";
const ALIVE_MS = 400;
const OLD_MS = 4 * 3600 * 1000;
const RUN_MAX = 200;
const APPLIED_MAX = 2000;
const DONE_MAX = 20;
const RETRY_MAX_MS = 8000;

const keyOf = ({ entity_type, entity_id }) => `${entity_type}:${entity_id}`;
const find = (floor, key) => {
  const [kind, id] = [key.slice(0, 5), key.slice(6)];
  return floor[kept(kind)].get(id) || null;
};
const isOpen = (one) => one.state === "sending" || one.state === "waiting";

/**
 * @param {{store: object, api: object, clock: object, storage?: Storage}} parts
 * @returns {{press: (act: import("./state.js").Act) => void, retry: (id: string) => void, discard: (id: string) => void,
 *   resolve: (id: string, whose: "mine"|"theirs") => void, online: () => void}}
 */
export function createOutbox({ store, api, clock, storage = browserStorage("localStorage") }) {
  const outbox = new Outbox(store, api, clock, storage);
  outbox.listen(); // before anything is kept: whoever asks, from now on, is answered
  outbox.adoptOwn();
  outbox.lookForOrphans();
  store.watch((state, previous) => {
    if (state.link.live && (!previous.link.live || state.base.epoch !== previous.base.epoch)) outbox.pump();
    if (state.link.live && !previous.link.live) outbox.lookForOrphans();
    if (!state.link.live && previous.link.live) api.cancel(); // no answer will come: what was asked is asked again
  });
  return {
    press: (act) => outbox.press(act),
    retry: (id) => outbox.retry(id),
    discard: (id) => outbox.discard(id),
    resolve: (id, whose) => (whose === "mine" ? outbox.again(id) : outbox.discard(id)),
    online: () => outbox.pump(),
  };
}

function browserStorage(name) {
  try {
    return window[name];
  } catch (forbidden) {
    return null;
  }
}

class Outbox {
  constructor(store, api, clock, storage) {
    Object.assign(this, { store, api, clock, storage, tab: newId(), isSending: false, tries: 0, applied: [], timer: 0 });
  }

  get pending() {
    return this.store.get().pending;
  }

  put(pending, more = {}) {
    this.store.set({ ...more, pending });
    this.save();
  }

  change(id, patch, more) {
    this.put(this.pending.map((one) => (one.act.id === id ? { ...one, ...patch } : one)), more);
  }

  // ---- Keeping. One key a tab, since two that write one key would overwrite each other's presses.

  save() {
    const acts = this.pending.filter((one) => one.state !== "answered" && (isOpen(one) || one.waited));
    if (!acts.length) this.applied = [];
    let storage = "ok";
    try {
      if (acts.length) this.storage.setItem(KEY + this.tab, JSON.stringify({ acts, applied: this.applied }));
      else this.storage.removeItem(KEY + this.tab);
    } catch (full) { // or private, or forbidden: what waits lives as long as this page, and the page says so
      storage = acts.length ? "failed" : this.store.get().storage;
    }
    if (this.store.get().storage !== storage) this.store.set({ storage });
  }

  adopt(key) {
    let found = null;
    try {
      found = JSON.parse(this.storage.getItem(key));
    } catch (broken) {
      return;
    }
    if (!found || !Array.isArray(found.acts)) return;
    const known = new Set(this.pending.map(({ act }) => act.id));
    const acts = found.acts.filter(({ act }) => !known.has(act.id))
      .map((one) => ({ ...one, waited: true, state: one.state === "sending" ? "waiting" : one.state }));
    this.applied.push(...(found.applied || []));
    const refused = acts.filter((one) => one.state === "refused").map((one) => this.refusal(one, one.problem));
    this.put([...acts, ...this.pending], { refusals: [...this.store.get().refusals, ...refused] });
    try {
      if (this.store.get().storage === "ok" || !acts.length) this.storage.removeItem(key);
    } catch (forbidden) { // then it is adopted again, and each repeat is answered as what it is
    }
  }

  /** What this tab's page before a reload left. */
  adoptOwn() {
    const session = browserStorage("sessionStorage");
    try {
      const before = session.getItem(TAB);
      session.setItem(TAB, this.tab);
      if (before) this.adopt(KEY + before);
    } catch (forbidden) { // found as an orphan, below
    }
  }

  listen() {
    if (typeof BroadcastChannel !== "function") return;
    this.alive = new Set();
    this.channel = new BroadcastChannel("restohub.board.outbox");
    this.channel.onmessage = ({ data }) => {
      this.alive.add(data.here || data.who);
      if (data.who) this.channel.postMessage({ here: this.tab });
    };
  }

  /**
   * What closed and killed tabs left: what is kept when they are asked and is nobody's who answers. What a tab keeps
   * later is not looked at: it may have begun to live after the question. A repeat does no harm, a loss would.
   */
  lookForOrphans() {
    if (!this.channel) return;
    this.alive = new Set([this.tab]);
    this.channel.postMessage({ who: this.tab });
    const asked = this.keys();
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      for (const key of asked) if (!this.alive.has(key.slice(KEY.length))) this.adopt(key);
      this.pump();
    }, ALIVE_MS);
  }

  /** Of every tab that keeps something. */
  keys() {
    try {
      return Object.keys(this.storage).filter((key) => key.startsWith(KEY));
    } catch (forbidden) {
      return [];
    }
  }

  // ---- Pressing.

  press(act, restaurantId = this.store.get().base.restaurantId) {
    const { base, link, done, pending } = this.store.get();
    const before = pending.find((one) => one.act.id === act.undoes);
    if (before && before.state === "waiting" && !before.via) { // never left this page: it is only taken off
      this.discard(act.undoes);
      return;
    }
    const at = this.clock.now();
    const view = this.floorOf(restaurantId);
    const { changes } = outcome(view, act.operations, { at });
    const keys = new Set([...changes, ...act.operations].map(keyOf));
    const images = [...keys].map((key) => ({ key, image: find(view, key) }));
    const seen = Object.fromEntries(images.map(({ key, image }) => [key, image ? image.version : 0]));
    const state = link.live ? "sending" : "waiting";
    const one = {
      act, restaurantId, at, epoch: base.epoch, day: this.day(at, restaurantId), state, seen, waited: !link.live, offline: !link.live,
    };
    const entry = { act, before: images, versions: { ...seen }, epoch: base.epoch };
    const undone = done.filter((was) => was.act.id !== act.undoes);
    const isDoneHere = !act.undoes && restaurantId === base.restaurantId;
    this.put([...pending, one], { done: isDoneHere ? [...undone, entry].slice(-DONE_MAX) : undone });
    this.pump();
  }

  /** Of another restaurant than the one that is shown nothing is known here. */
  floorOf(restaurantId) {
    const { base, view } = this.store.get();
    return restaurantId === base.restaurantId ? view : emptyFloor(restaurantId);
  }

  day(at, restaurantId) {
    const { restaurant, restaurants } = this.store.get();
    const its = [restaurant, ...restaurants].find((one) => one && one.id === restaurantId);
    return businessDay(at, its ? its.timezone : "UTC");
  }

  /** Again: of a refusal or conflict anew, on what is there now; of what was held, the host has decided that it is meant. */
  retry(id) {
    const one = this.pending.find(({ act }) => act.id === id);
    const { base, refusals } = this.store.get();
    if (!one) {
      const refused = refusals.find((was) => was.id === id);
      if (refused) this.repress(refused);
    } else if (one.state === "held" && one.epoch === base.epoch) {
      const at = this.clock.now();
      this.change(id, { state: "waiting", at, day: this.day(at, one.restaurantId) });
      this.pump();
    } else if (!isOpen(one)) this.again(id);
  }

  again(id) {
    const one = this.pending.find(({ act }) => act.id === id);
    if (one) this.repress(one);
  }

  /** Anew on what is there now; on another restaurant's floor, on what the hub said of it. */
  repress({ act, restaurantId, conflict }) {
    this.discard(act.id);
    const view = this.floorOf(restaurantId);
    const told = conflict && conflict.theirs;
    const operations = act.operations.map((one) => {
      const present = find(view, keyOf(one)) || (told && told.id === one.entity_id ? told : null);
      return one.if_match === undefined || !present ? one : { ...one, if_match: present.version };
    });
    this.press({ ...act, id: newId(), operations }, restaurantId);
  }

  /** Taken off, with what was pressed on something that only this would have made. */
  discard(id) {
    const { pending, done, refusals } = this.store.get();
    const one = pending.find(({ act }) => act.id === id);
    const made = one ? one.act.operations.filter(({ action }) => action === "create").map(keyOf) : [];
    const off = new Set([id]);
    for (const { act, seen } of pending) {
      if (one && made.some((key) => seen[key] === 0)) off.add(act.id);
    }
    const without = (list, idOf) => list.filter((was) => !off.has(idOf(was)));
    this.put(without(pending, ({ act }) => act.id), {
      done: without(done, ({ act }) => act.id), refusals: without(refusals, (was) => was.id),
    });
  }

  // ---- Sending.

  async pump() {
    if (this.isSending) return;
    this.isSending = true;
    clearTimeout(this.timer);
    try {
      let goesOn = true;
      while (goesOn && this.store.get().link.live) {
        this.hold();
        const first = this.pending.find(isOpen);
        if (!first) break;
        goesOn = await (this.isQueued(first) ? this.sendQueue(first) : this.sendBatch(first));
      }
    } finally {
      this.isSending = false;
    }
  }

  /** What is of another history, an earlier day or long ago is shown, not sent, until the host decides. */
  hold() {
    const { base } = this.store.get();
    const now = this.clock.now();
    const isStale = (one) => one.state === "waiting" && (one.epoch !== base.epoch
      || one.day !== this.day(now, one.restaurantId) || now - one.at > OLD_MS);
    if (!this.pending.some(isStale)) return;
    this.put(this.pending.map((one) => (isStale(one) ? { ...one, state: "held" } : one)));
  }

  /** By how it was pressed: a tab that hangs and one that adopts what it keeps then send the same, and the hub does it once. */
  isQueued(one) {
    return one.via ? one.via === "queue" : Boolean(one.offline) && one.act.operations.length === 1;
  }

  async sendBatch(one) {
    const { id, operations } = one.act;
    this.change(id, { via: "atomic", state: "sending" });
    const sent = operations.map(({ if_match: version, ...rest }) => (version ? { ...rest, if_match: version } : rest));
    const answer = await this.api.batch(one.restaurantId, id, sent);
    if (asksAgain(answer)) return this.later([id], answer);
    this.tries = 0;
    if (answer.ok) {
      this.answered(id, { revision: answer.revision, answerEpoch: answer.epoch, changes: answer.body.changes });
    } else if (answer.status === 412 && one.waited) this.conflict(one, answer.body);
    else this.refused(one, answer.body || { error_code: "", detail: "", params: {} });
    return true;
  }

  async sendQueue(first) {
    const rest = this.pending.slice(this.pending.indexOf(first)).filter(isOpen);
    const end = rest.findIndex((one) => !this.isQueued(one) || one.restaurantId !== first.restaurantId);
    const run = rest.slice(0, Math.min(end < 0 ? rest.length : end, RUN_MAX));
    const ids = run.map(({ act }) => act.id);
    this.put(this.pending.map((one) => (ids.includes(one.act.id) ? { ...one, via: "queue", state: "sending" } : one)));
    const updates = run.map(({ act }) => {
      const { if_match: version, ...operation } = act.operations[0];
      return { ...operation, mutation_id: act.id, ...(version === undefined ? {} : { base_version: version }) };
    });
    const answer = await this.api.queue(first.restaurantId, updates, this.applied.slice(-APPLIED_MAX));
    if (asksAgain(answer)) return this.later(ids, answer);
    this.tries = 0;
    const results = answer.ok ? answer.body.results : run.map(() => ({ ...answer.body, status: "rejected" }));
    const late = results.map((result, index) => this.settle(run[index], result, answer)).filter(Boolean);
    return late.length ? this.later(late, { waitSeconds: 1, status: 429, body: null }) : true;
  }

  /** @returns {string|undefined} the id where it is to be sent again */
  settle(one, result, answer) {
    const { id } = one.act;
    if (result.status === "conflict") this.conflict(one, result);
    else if (result.status === "rejected" && result.error_code === "rate_limited") return id;
    else if (result.status === "rejected") this.refused(one, result);
    else {
      if (result.status !== "unchanged") this.applied.push(id);
      const changes = result.status === "unchanged" ? [] : undefined;
      this.answered(id, { revision: result.revision || answer.revision, answerEpoch: answer.epoch, changes });
    }
    return undefined;
  }

  later(ids, answer) {
    const isKept = (one) => ids.includes(one.act.id);
    const problem = answer.status >= 400 ? answer.body : null;
    this.put(this.pending.map((one) => (isKept(one) ? { ...one, state: "waiting", waited: true, problem } : one)));
    const wait = Math.max(1000 * answer.waitSeconds, Math.min(500 * 2 ** this.tries, RETRY_MAX_MS));
    this.tries += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), wait);
    return false;
  }

  // ---- What became of it.

  /** What was pressed later was pressed on what this has made: its versions are this one's from now on. */
  answered(id, patch) {
    const { pending, done } = this.store.get();
    const one = pending.find(({ act }) => act.id === id);
    if (!one) return; // discarded meanwhile: what was done comes by the socket
    const { revision, changes } = patch;
    const touched = changes ? changes.map(keyOf) : Object.keys(one.seen);
    const now = (was, key) => (touched.includes(key) && was === one.seen[key] ? revision : was);
    const after = (versions) => Object.fromEntries(Object.entries(versions).map(([key, was]) => [key, now(was, key)]));
    const isLater = pending.slice(pending.indexOf(one) + 1);
    this.put(pending.map((other) => {
      if (other === one) return { ...other, ...patch, state: "answered", problem: null };
      if (!isLater.includes(other) || other.via === "atomic") return other;
      const operations = other.act.operations.map((was) => (
        was.if_match === undefined ? was : { ...was, if_match: now(was.if_match, keyOf(was)) }));
      return { ...other, seen: after(other.seen), act: { ...other.act, operations } };
    }), {
      done: done.filter((was) => was.act.id !== id || touched.length).map((was) => ({ ...was, versions: after(was.versions) })),
    });
  }

  conflict(one, problem) {
    const current = problem.current && problem.current.id ? problem.current : null;
    const { operations } = one.act;
    const hit = operations.find((was) => current && was.entity_id === current.id) || operations[0];
    const mine = Object.assign({}, ...operations.filter((was) => keyOf(was) === keyOf(hit)).map(({ data }) => data));
    const conflict = { kind: hit.entity_type, id: hit.entity_id, mine, theirs: current };
    this.change(one.act.id, { state: "conflict", problem, conflict }, { done: this.notDone(one.act.id) });
  }

  notDone(id) {
    return this.store.get().done.filter(({ act }) => act.id !== id);
  }

  refusal(one, problem) {
    const state = { ...this.store.get(), view: this.floorOf(one.restaurantId) };
    return { ...explain(problem, one.act, state, this.clock.now()), restaurantId: one.restaurantId };
  }

  /** What waited is kept until it was looked at: the host may be elsewhere, or the page closed. */
  refused(one, problem) {
    const { id } = one.act;
    const more = { refusals: [...this.store.get().refusals, this.refusal(one, problem)], done: this.notDone(id) };
    if (one.waited) this.change(id, { state: "refused", problem }, more);
    else this.put(this.pending.filter(({ act }) => act.id !== id), more);
  }
}
