// The hub's HTTP routes as the board asks them: every answer, and none at all, comes back as a value.

const PATIENCE_MS = 10000;
const TOKEN = "restohub.token";

/** @returns {string} what this device shows to a closed hub, "" where it was never paired */
export function deviceToken() {
  try {
    return localStorage.getItem(TOKEN) || "";
  } catch (forbidden) {
    return "";
  }
}

/** Keep it, for as long as the browser lets it be kept. */
export function keepToken(token) {
  try {
    localStorage.setItem(TOKEN, token);
  } catch (forbidden) { // then each load of the page is another device
  }
}

/**
 * @typedef {Object} Answer
 * @property {boolean} ok
 * @property {number} status 0 where no answer came
 * @property {any} body the JSON, or null
 * @property {string|null} epoch
 * @property {number|null} revision
 * @property {number} waitSeconds what `Retry-After` asks for, else 0
 */

/** @returns {boolean} Whether the same is to be asked again under the same id: it may be done, or could not be yet. */
export const asksAgain = (answer) =>
  answer.status === 0 || answer.status === 401 || answer.status === 408 || answer.status === 429 || answer.status >= 500;

const asked = new Set();

/** Where the hub wants a manager's PIN it is asked for here, and the same is sent once more. */
async function ask(method, path, body) {
  const answer = await send(method, path, body);
  if (!deviceToken() || !wantsPin(answer)) return answer;
  const { confirmed } = await import('./pin.js');
  return (await confirmed(send)) ? send(method, path, body) : answer;
}

/** Of a queue each update is refused by itself; what was done is not done again. */
const wantsPin = ({ body }) => body !== null
  && [body, ...(body.results || [])].some(({ error_code: code }) => code === "pin_required");

async function send(method, path, body) {
  const control = new AbortController();
  asked.add(control);
  const timer = setTimeout(() => control.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(path, {
      method,
      headers: headers(body),
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: control.signal,
    });
    const text = await answer.text();
    return read(answer, text);
  } catch (failed) { // no network, no hub, or no answer in time: all the same to whoever asked
    return { ok: false, status: 0, body: null, epoch: null, revision: null, waitSeconds: 0 };
  } finally {
    clearTimeout(timer);
    asked.delete(control);
  }
}

/** On a closed hub a token says which device this is; an open one does not mind it. */
function headers(body) {
  const token = deviceToken();
  const shown = { Accept: "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  return body === undefined ? shown : { ...shown, "Content-Type": "application/json" };
}

function read(answer, text) {
  let body = null;
  let whole = true;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch (broken) {
    whole = false;
  }
  const revision = answer.headers.get("Restohub-Revision");
  // An answer that is cut, or not from the hub (a captive portal's page), says nothing of whether it was done.
  const status = whole ? answer.status : 0;
  return {
    ok: whole && answer.ok,
    status,
    body,
    epoch: answer.headers.get("Restohub-Epoch"),
    revision: revision === null ? null : Number(revision),
    waitSeconds: Number(answer.headers.get("Retry-After")) || 0,
  };
}

/** @returns The hub's routes; each gives a Promise of an Answer and never throws. */
export function createApi() {
  return {
    /** Any route; for the screens that few open. */
    ask,
    /** Nothing that is under way is waited for any longer. */
    cancel: () => asked.forEach((control) => control.abort()),
    /** All or nothing; the id makes a repeat harmless. */
    batch: (restaurantId, id, operations) => ask("POST", "/api/v1/atomic/batch",
      { restaurant_id: restaurantId, transaction_id: id, operations }),
    /** Each update on its own; `applied` are mutation ids of this device that are off its queue. */
    queue: (restaurantId, updates, applied) => ask("POST", `/api/sync/batch?restaurant_id=${restaurantId}`,
      { updates, applied_mutation_ids: applied }),
    pairing: () => ask("GET", "/api/pairing"),
    askToPair: (data) => ask("POST", "/api/pairing", data),
    health: () => ask("GET", "/health"),
    restaurants: () => ask("GET", "/restaurants"),
    createRestaurant: (data) => ask("POST", "/restaurants", data),
    changeRestaurant: (id, data) => ask("PATCH", `/restaurants/${id}`, data),
    guest: (restaurantId, id) => ask("GET", `/restaurants/${restaurantId}/guests/${encodeURIComponent(id)}`),
  };
}

// The hub's clock as this device can know it: the device's own ticks, never its own time.

// So far the hub's clock must be from what was thought, before it counts as having been set.
const SET_MS = 1500;

/**
 * Only times that the hub read off its clock to send them are observed (`connection_established`, `ping`, `pong`); other
 * timestamps are those of commits. The hub sends whole seconds, and each message comes a little late: of what was
 * observed the latest time is the nearest to the truth.
 * @returns {{observe: (iso: string) => void, now: () => number, known: () => boolean}} `now` in ms since 1970
 */
export function createClock(device = () => Date.now()) {
  let ahead = null;
  return {
    observe(iso) {
      const seen = Date.parse(iso) - device();
      if (Number.isNaN(seen)) return;
      if (ahead === null || seen > ahead || ahead - seen > SET_MS) ahead = seen;
    },
    now: () => device() + (ahead === null ? 0 : ahead),
    known: () => ahead !== null,
  };
}

/** @returns {string} A time as the hub takes and gives it: UTC, whole seconds. */
export const timeText = (ms) => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");

const dayFormats = new Map();
const QUARTER_MS = 15 * 60 * 1000;
const DATES_MAX = 2000;
const dates = new Map();

/** The hour at which a business day ends, as the hub's own close of the day. */
const DAY_ENDS_MS = 4 * 3600 * 1000;

/** @returns {string} The date (YYYY-MM-DD) of a time in a zone: found once a quarter hour, in which no zone's day begins. */
export function dateOf(ms, zone) {
  const key = `${Math.floor(ms / QUARTER_MS)} ${zone}`;
  if (!dates.has(key)) {
    if (dates.size >= DATES_MAX) dates.clear();
    dates.set(key, readDate(ms, zone));
  }
  return dates.get(key);
}

function readDate(ms, zone) {
  if (!dayFormats.has(zone)) {
    const options = { year: "numeric", month: "2-digit", day: "2-digit" };
    let format;
    try {
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zone || "UTC" });
    } catch (unknown) { // a zone that the hub's tables have and this old browser's do not
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
    }
    dayFormats.set(zone, format);
  }
  const parts = {};
  for (const { type, value } of dayFormats.get(zone).formatToParts(new Date(ms))) parts[type] = value;
  return `${parts.year}-${parts.month}-${parts.day}`;
}

/** @returns {string} The business day of a time: until 04:00 in the restaurant's zone it is still yesterday's. */
export const businessDay = (ms, zone) => dateOf(ms - DAY_ENDS_MS, zone);
