// The PIN pad: a manager confirms what this device asks for. Loaded where the hub asks for a manager's PIN.

import { openForm } from './dialogs.js';
import { say } from './words.js';

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
  const typed = await openForm({
    title: say("pin.title"),
    text: say("pin.text"),
    save: say("pin.save"),
    over: true,
    fields: [
      { name: "who", type: "pick", label: say("pin.who"), value: options[0].value, options },
      { name: "pin", label: say("pin.pin"), max: 8, required: true, focus: true, attributes: { type: "password", inputmode: "numeric" } },
    ],
    submit: ({ who, pin }, form) => stepUp(send, form, who, pin),
  });
  return typed !== null;
}

async function stepUp(send, form, who, pin) {
  const answer = await send("POST", "/api/step-up", { person_id: who, pin });
  if (answer.ok) return null;
  form.part("pin").set("");
  if (answer.status === 429) return { errors: { pin: say("pin.wait", { seconds: answer.waitSeconds }) } };
  return { errors: { pin: say(answer.status === 0 ? "pin.no_answer" : "pin.wrong") } };
}
