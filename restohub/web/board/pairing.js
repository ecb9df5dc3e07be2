// Pairing: this device makes a token, and shows a code until a manager lets it in. Loaded where a closed hub asks for it.

import { deviceToken, keepToken } from './hub.js';
import { openDialog } from './dialogs.js';
import { el } from './keyed.js';
import { say } from './words.js';

const ASK_MS = 2000;

/** @returns {Promise<void>} once this device belongs to the hub; an invitation in the address is used first */
export async function openPairing(api) {
  const invitation = location.hash.startsWith("#pair=") ? location.hash.slice(6) : null;
  const known = await standing(api);
  if (known === "paired") return;
  if (known === "nobody" && invitation && (await invited(api, invitation))) return;
  while (!(await shown(api)));
}

/** Whether this device is "paired", waits, or is "nobody": only then it may lose the token that it has. */
async function standing(api) {
  const { ok, status, body } = deviceToken() ? await api.pairing() : { ok: false, status: 401 };
  return ok ? body.state : status === 401 ? "nobody" : "unknown";
}

async function invited(api, invitation) {
  const { ok, body } = await api.askToPair({ ...asked(), invitation });
  return ok && body.state === "paired";
}

/** A dialog that cannot be done without: it comes again where it was left. */
function shown(api) {
  return openDialog({ title: say("pair.title"), kind: "small", build(close) {
    const code = el("p", { class: "code", role: "status" });
    const told = el("p", {}, say("pair.text"));
    const closed = waitForCode(api, (state) => {
      if (state.paired) close(true);
      code.textContent = state.code || "";
      told.textContent = say(state.code ? "pair.text" : state.full ? "pair.full" : "pair.no_answer", { code: state.code });
    });
    return { start: el("span"), body: el("div", { class: "body" }, code, told), closed };
  }});
}

/**
 * Wait to be let in, and tell where it stands every two seconds.
 * @param {(state: {paired?: boolean, code?: string, full?: boolean, device?: object}) => void} tell
 * @returns {() => void} ends it
 */
export function waitForCode(api, tell) {
  let ended = false;
  const look = async () => {
    const state = await ask(api);
    if (ended) return;
    ended = Boolean(state.paired);
    tell(state);
    if (!ended) setTimeout(look, ASK_MS);
  };
  look();
  return () => { ended = true; };
}

/** What the hub says now: it goes on waiting, or begins anew where the two minutes are over or the token is good no more. */
async function ask(api) {
  const now = deviceToken() ? await api.pairing() : { ok: false, status: 401 };
  const answer = now.status === 401 ? await api.askToPair(asked()) : now;
  if (!answer.ok) return { full: answer.status === 429 };
  return { paired: answer.body.state === "paired", code: answer.body.code, device: answer.body.device };
}

/** A request to be let in, with a token that nobody had before. */
function asked() {
  const token = newToken();
  keepToken(token);
  return { token_sha256: sha256(token), name: navigator.platform || "" };
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return "rsto_" + btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// SHA-256 (FIPS 180-4): browsers have none on plain http.

const primes = (count) => {
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((p) => n % p)) found.push(n);
  return found;
};
const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** @returns {string} the digest of a text of ASCII, in lower-case hexadecimal */
export function sha256(text) {
  const K = primes(64).map((p) => fraction(Math.cbrt(p)));
  const H = primes(8).map((p) => fraction(Math.sqrt(p)));
  const size = Math.ceil((text.length + 9) / 64) * 16;
  const words = new Int32Array(size);
  for (let at = 0; at < text.length; at += 1) words[at >> 2] |= text.charCodeAt(at) << (24 - 8 * (at % 4));
  words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length % 4));
  words[size - 1] = text.length * 8;
  for (let start = 0; start < size; start += 16) block(words.subarray(start, start + 16), H, K);
  return H.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function block(words, H, K) {
  const w = Int32Array.from({ length: 64 }, (_, at) => words[at] || 0);
  for (let at = 16; at < 64; at += 1) {
    const [a, b] = [w[at - 15], w[at - 2]];
    w[at] = w[at - 16] + w[at - 7] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = H;
  for (let at = 0; at < 64; at += 1) {
    const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[at] + w[at]) | 0;
    const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => { H[at] = (H[at] + word) | 0; });
}
