// The PIN pad: a person of the staff shows who it is, or a manager confirms what this device asks for. Loaded when it is needed.

import { styled } from './access.js';
import { button, openForm } from './dialogs.js';
import { el, icon } from './keyed.js';
import { say } from './words.js';

const DIGITS = 8;
let asking = null;

/**
 * Over whatever dialog waits for the answer; several that ask at once are confirmed together.
 * @param {(method: string, path: string, body?: object) => Promise<import("./hub.js").Answer>} send
 * @returns {Promise<boolean>} whether a manager has confirmed it
 */
export function confirmed(send) {
  asking = asking || ask(send).finally(() => { asking = null; });
  return asking;
}

async function ask(send) {
  const { ok, body } = await send("GET", "/api/staff");
  const managers = ok ? body.staff.filter(({ role, has_pin }) => role === "manager" && has_pin) : [];
  if (managers.length === 0) return false;
  const options = managers.map(({ id, name }) => ({ value: id, label: name }));
  const typed = await typePin({
    title: say("pin.title"),
    text: say("pin.text"),
    save: say("pin.save"),
    fields: [{ name: "who", type: "pick", label: say("pin.who"), value: options[0].value, options }],
    tried: ({ who, pin }) => send("POST", "/api/step-up", { person_id: who, pin }),
  });
  return typed !== null;
}

/** A PIN field: its keys stand below it, so no keyboard comes; one that is plugged in types too. */
export const pinField = (name, label, focus = false) => ({ name, label, focus, max: DIGITS, required: true, attributes: { type: "password", inputmode: "none" } });

/**
 * A form with a PIN, over the dialog that is open.
 * @param {{title: string, save: string, text?: string, fields?: object[], tried: (values: object) => Promise<import("./hub.js").Answer>}} form
 * @returns {Promise<object|null>} null where it was left
 */
export async function typePin({ fields = [], tried, ...form }) {
  await styled();
  return openForm({ ...form, over: true, fields: [...fields, pinField("pin", say("pin.pin"), true)],
    submit: async (values, shown) => wrong(await tried(values), shown),
    watch: (shown) => { shown.part("pin").element.append(keys(() => shown.part("pin").input, () => shown.send())); } });
}

function wrong({ ok, status, waitSeconds }, form) {
  if (ok) return null;
  form.part("pin").set("");
  if (status === 429) return { errors: { pin: say("pin.wait", { seconds: waitSeconds }) } };
  return { errors: { pin: say(status === 0 || status >= 500 ? "pin.no_answer" : "pin.wrong") } };
}

/** Ten digits, one to take the last one back, one to be done. */
export function keys(field, done) {
  const key = (label, act, more = {}) => button(label, () => { act(field()); }, "key", more);
  const digit = (one) => key(String(one), (input) => { if (input.value.length < DIGITS) input.value += one; });
  return el("div", { class: "keys", role: "group", "aria-label": say("pin.keys") }, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(digit),
    key(icon("back"), (input) => { input.value = input.value.slice(0, -1); }, { "aria-label": say("pin.back") }), digit(0),
    key(icon("tick"), done, { "aria-label": say("pin.done") }));
}
