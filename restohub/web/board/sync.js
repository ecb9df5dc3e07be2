// One socket's life after another: it keeps `base` in step with the hub, and says why where it is not.

import { deviceToken } from './hub.js';
import { applyChanges, emptyFloor, replaceFloor } from './floor.js';

const PING_MS = 4000;
const PROBE_MS = 2000;
const OPENING_MS = 4000;
const RECONNECT_MAX_S = 2;
// A new start is told for so long after all is in step again, a history that began anew longer: staff must look.
const TOLD_MS = { restarted: 8000, history_anew: 60000 };
const DOWN = ["connecting", "no_network", "hub_gone"];
/** After these nothing would change by asking again (the guide's "Connecting again"). */
const UNPAIRED = 4401;
const HOPELESS = [4400, UNPAIRED, 4404];

/**
 * @param {{store: object, clock: object, restaurantId?: number, unpaired?: () => void}} parts
 * @returns {{stop: () => void, probe: () => void}}
 */
export function startSync({ store, clock, restaurantId = 1, unpaired = () => null }) {
  const run = new Run(store, clock, restaurantId);
  run.unpaired = unpaired;
  run.open();
  return { stop: () => run.stop(), probe: () => run.probe() };
}

class Run {
  constructor(store, clock, restaurantId) {
    Object.assign(this, { store, clock, restaurantId, socket: null, tries: 0, heard: false, parts: [], timers: {} });
    this.needsWhole = store.get().base.epoch === null || store.get().base.restaurantId !== restaurantId;
    const { base, link } = store.get();
    if (base.restaurantId !== restaurantId) { // what was done on one floor cannot be taken back on another
      const opening = { ...link, state: "connecting", live: false, since: Date.now() };
      store.set({ base: emptyFloor(restaurantId), restaurant: null, done: [], link: opening });
    }
    this.news = null;
    this.target = Infinity;
    this.listeners = [
      [window, "pageshow", () => this.probe()],
      [window, "online", () => this.probe()],
      [window, "offline", () => this.probe()],
      [document, "visibilitychange", () => document.visibilityState === "visible" && this.probe()],
    ];
    for (const [target, name, listener] of this.listeners) target.addEventListener(name, listener);
  }

  stop() {
    for (const [target, name, listener] of this.listeners) target.removeEventListener(name, listener);
    for (const name of Object.keys(this.timers)) this.clear(name);
    this.forget();
  }

  after(name, ms, action) {
    this.clear(name);
    this.timers[name] = setTimeout(action, ms);
  }

  clear(name) {
    clearTimeout(this.timers[name]);
  }

  tell(state, live = false) {
    const { link } = this.store.get();
    if (link.state === state && link.live === live) return;
    const since = link.state === state ? link.since : Date.now();
    this.store.set({ link: { ...link, state, live, since } });
  }

  // ---- Opening and losing it.

  open() {
    this.forget();
    this.clear("retry");
    const { base } = this.store.get();
    const since = this.needsWhole ? "" : `&since_revision=${base.revision}&epoch=${encodeURIComponent(base.epoch)}`;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const url = `${scheme}://${location.host}/ws/restaurant/sync?restaurant_id=${this.restaurantId}${since}`;
    const socket = new WebSocket(url);
    this.socket = socket;
    this.openedAt = Date.now();
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.lost(code);
    this.after("silence", OPENING_MS, () => this.lost(0));
  }

  /** The old socket is not waited for: its close may come minutes later, or never. */
  forget() {
    const { socket } = this;
    this.socket = null;
    this.parts = [];
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** @param {number} code of the close; 0: the hub said nothing in time */
  lost(code) {
    const wasLive = this.store.get().link.live;
    this.forget();
    this.clear("silence");
    this.clear("told");
    if (HOPELESS.includes(code)) {
      this.tell("restaurant_gone");
      if (code === UNPAIRED) this.unpaired();
      return;
    }
    if (!navigator.onLine) this.tell("no_network");
    else this.tell(wasLive && code ? "connecting" : "hub_gone");
    this.after("retry", 1000 * Math.min(this.tries, RECONNECT_MAX_S), () => this.open());
    this.tries += 1;
  }

  probe() {
    if (this.store.get().link.state === "restaurant_gone") return;
    if (!navigator.onLine && !this.store.get().link.live) this.tell("no_network");
    const { readyState } = this.socket || {};
    if (readyState === WebSocket.OPEN) this.ping(PROBE_MS);
    // One that has just begun to open is left alone (`pageshow` comes while the page starts); one from before a sleep is not.
    else if (readyState !== WebSocket.CONNECTING || Date.now() - this.openedAt > OPENING_MS) this.open();
  }

  // ---- Listening.

  /** Every 4 s one is sent, and nothing heard until 4 s later is the end: a loss is known after 8 s at most. */
  ping(patience = PING_MS) {
    this.heard = false;
    this.say({ type: "ping" });
    this.after("silence", patience, () => (this.heard ? this.ping() : this.lost(0)));
  }

  say(message) {
    if (this.socket && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    this.heard = true;
    const { type } = message;
    if (type === "ping" || type === "pong" || type === "connection_established") this.clock.observe(message.timestamp);
    // A browser's handshake has no header for it: an open hub learns so, too, which device this is.
    if (type === "connection_established" && (message.access || deviceToken())) this.say({ type: "auth", token: deviceToken() });
    if (message.access === "closed") return;
    if (type === "connection_established") this.greet(message);
    else if (type === "restaurant_updated") this.named(message.restaurant);
    else if (type === "full_sync" || type === "delta_update" || type === "atomic_transaction_complete") this.gather(message);
    else if (type === "ping") {
      this.say({ type: "pong" });
      if (!this.needsWhole && message.revision > this.store.get().base.revision) this.askDelta();
    }
  }

  named(restaurant) {
    const { restaurants } = this.store.get();
    const others = restaurants.map((one) => (one.id === restaurant.id ? restaurant : one));
    this.store.set({ restaurant, restaurants: others });
  }

  greet({ resumed, epoch, revision, restaurant, hub_started: hubStarted = null }) {
    const { base, link } = this.store.get();
    this.tries = 0;
    this.target = revision;
    if (base.epoch !== null && base.epoch !== epoch) this.news = "history_anew";
    else if (link.hubStarted && hubStarted && link.hubStarted !== hubStarted) this.news = this.news || "restarted";
    if (!resumed) this.needsWhole = true;
    this.epoch = epoch;
    this.named(restaurant);
    this.store.set({ link: { ...this.store.get().link, hubStarted } });
    this.tell(this.news || "catching_up");
    this.ping();
    this.inStep();
  }

  /** Where nothing is missing any more: live, or for a while what is worth telling. */
  inStep() {
    const { base, link } = this.store.get();
    if (link.live || this.needsWhole || base.revision < this.target) return;
    this.tell(this.news || "live", true);
    if (!this.news) return;
    this.after("told", TOLD_MS[this.news], () => {
      this.news = null;
      this.tell("live", true);
    });
  }

  /** The parts of a message are applied together: between two of them the floor is not whole. */
  gather(message) {
    if (message.part === 1) this.parts = [];
    this.parts.push(message);
    if (message.part !== message.parts) return;
    const { parts } = this;
    this.parts = [];
    this.take(message, parts);
    this.inStep();
  }

  take({ type, revision, previous_revision: previous }, parts) {
    const { base } = this.store.get();
    if (type === "full_sync") {
      const all = (kind) => [].concat(...parts.map(({ data }) => data[kind]));
      const whole = { epoch: this.epoch, revision, guests: all("guests"), tables: all("tables") };
      this.needsWhole = false;
      this.store.set({ base: replaceFloor(base, whole) });
    } else if (this.needsWhole || revision <= base.revision) {
      return;
    } else if (previous <= base.revision) {
      this.store.set({ base: applyChanges(base, [].concat(...parts.map(({ changes }) => changes)), revision) });
    } else {
      this.askDelta();
    }
  }

  askDelta() {
    this.say({ type: "request_delta", since_revision: this.store.get().base.revision });
  }
}

/** @returns {boolean} Whether the floor that is shown may be old. */
export const isDown = (link) => DOWN.includes(link.state) || link.state === "restaurant_gone";
