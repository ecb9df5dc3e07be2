// A browser's side: sockets that can be talked over, and a shadow floor kept by the contract's rules.
"use strict";

/** A socket whose messages can be awaited one by one. */
class Talk {
  constructor(url) {
    this.inbox = [];
    this.closed = null;
    this.waiting = null;
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => this.wake(this.inbox.push(JSON.parse(data)));
    this.socket.onclose = ({ code }) => this.wake((this.closed = code));
  }
  wake() {
    if (this.waiting) this.waiting();
  }
  /** The next message, or null where none came in time. */
  async next(waitMs) {
    const late = performance.now() + waitMs;
    while (!this.inbox.length && this.closed === null && performance.now() < late) {
      const timer = setTimeout(() => this.wake(), late - performance.now());
      await new Promise((woken) => (this.waiting = woken));
      clearTimeout(timer);
    }
    return this.inbox.shift() ?? null;
  }
  say(message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }
  async hangUp() {
    this.socket.close();
    while (this.closed === null) await new Promise((woken) => (this.waiting = woken));
  }
}

/** A floor as one client of either socket is told it: what it holds, which revisions it applied, which rules broke. */
class Shadow {
  constructor(url) {
    this.held = { guest: new Map(), table: new Map() };
    this.revision = 0;
    this.applied = [];
    this.faults = [];
    this.parts = [];
    this.woken = () => {};
    this.greeted = new Promise((greeted) => (this.greet = greeted));
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => {
      try {
        this.hear(JSON.parse(data));
      } catch (fault) {
        this.faults.push(`${fault.message} in ${data.slice(0, 300)}`);
      }
      this.woken();
    };
    this.socket.onclose = ({ code }) => this.faults.push(`closed with ${code}`);
  }
  must(holds, otherwise) {
    if (!holds) throw new Error(otherwise);
  }
  hear(message) {
    const named = /^(guest|table)_(created|updated|deleted)$/.exec(message.type);
    if (message.type === "connection_established") {
      this.greet(message.revision);
    } else if (message.type === "ping") {
      this.must(message.revision === this.revision || this.parts.length, `pinged at ${this.revision}`);
      this.socket.send(JSON.stringify({ type: "pong", timestamp: message.timestamp }));
    } else if (named) {
      this.must(!this.parts.length, "between two parts");
      const [, kind, did] = named;
      const change = { entity_type: kind, entity_id: message[`${kind}Id`], data: message[kind] };
      this.must((did === "deleted") === (change.data === null), "data of what is gone, or none of what is there");
      if (!message.echo) this.commit(message, [change]);
      else this.must(message.revision <= this.revision, `an echo before its whole, at ${this.revision}`);
    } else {
      this.gather(message);
    }
  }
  gather(message) {
    this.parts.push(message);
    const { type, revision, parts } = this.parts[0];
    const alike = message.type === type && message.revision === revision && message.parts === parts;
    this.must(alike && message.part === this.parts.length, `not part ${this.parts.length} of ${type} ${revision}`);
    if (message.part < parts) return;
    const whole = this.parts;
    this.parts = [];
    if (type === "full_sync") {
      for (const kind of ["guest", "table"]) {
        const entities = whole.flatMap((part) => part.data[`${kind}s`]);
        this.held[kind] = new Map(entities.map((entity) => [entity.id, entity]));
      }
      this.revision = revision;
    } else if (type === "delta_update" || type === "atomic_transaction_complete") {
      this.commit(message, whole.flatMap((part) => part.changes));
    } else {
      this.must(false, "a type unknown");
    }
  }
  commit(message, changes) {
    const { revision, previous_revision: previous } = message;
    this.must(revision > this.revision, `a repeat at ${this.revision}`);
    this.must(previous <= this.revision, `a gap at ${this.revision}`);
    for (const { entity_type: kind, entity_id: id, data } of changes) {
      if (data === null) this.held[kind].delete(id);
      else this.held[kind].set(id, data);
    }
    this.revision = revision;
    this.applied.push(revision);
    const seats = [...this.held.guest.values()].filter((guest) => guest.tableId !== null);
    const taken = [...this.held.table.values()].filter((table) => table.currentGuestId !== null);
    const whole = seats.every((guest) => this.held.table.get(guest.tableId)?.currentGuestId === guest.id);
    this.must(whole && seats.length === taken.length, `half a transaction at ${revision}`);
  }
  /** Wait until `revision` is held, and tell everything. */
  async at(revision, waitMs) {
    const late = performance.now() + waitMs;
    while (this.revision < revision && performance.now() < late) {
      const timer = setTimeout(() => this.woken(), late - performance.now());
      await new Promise((woken) => (this.woken = woken));
      clearTimeout(timer);
    }
    const list = (kind) => [...this.held[kind].values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const { revision: held, applied, faults } = this;
    return { revision: held, applied, faults, guests: list("guest"), tables: list("table") };
  }
}

globalThis.talks = [];
globalThis.shadows = [];
