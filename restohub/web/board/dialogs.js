// The one way to open a <dialog>: at the top of the screen, where no keyboard covers it, and one at a time.
import { attr, el } from './keyed.js';
import { say } from './words.js';

export const button = (text, click, kind = "", more = {}) => el("button", { type: "button", class: `btn ${kind}`.trim(), on: { click }, ...more }, text);

let last = Promise.resolve();
let made = 0;

/** @returns {boolean} whether a dialog is open: keys and drags then mean nothing to the floor. */
export const isOpen = () => document.querySelector("dialog[open]") !== null;

/**
 * Opens a dialog once no other is open, or `over` the one that is. `build(close)` gives its parts; `close(value)` ends it.
 * @returns {Promise<any>} the value, null where it was left
 */
export function openDialog({ title, kind = "", build, over = false }) {
  const shown = () => new Promise((done) => show({ title, kind, build, done }));
  if (over) return shown();
  const turn = last.then(shown);
  last = turn.catch(() => null);
  return turn;
}

function show({ title, kind, build, done }) {
  const before = document.activeElement;
  let value = null;
  const close = (given = null) => { value = given; dialog.close(); };
  const id = `dialog${++made}`;
  const { start = null, body, end = null, focus, closed } = build(close);
  const heading = el("h2", { id, tabindex: "-1" }, title);
  const dialog = el("dialog", { class: `sheet ${kind}`.trim(), "aria-labelledby": id },
    el("header", { role: "presentation" }, start || button(say("dialog.close"), () => close()), heading, end || el("span")), body);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (closed) closed();
    done(value);
    if (before && before.isConnected) before.focus({ preventScroll: true });
  });
  document.getElementById("dialogs").append(dialog);
  dialog.showModal();
  (focus || heading).focus({ preventScroll: true });
  if (focus && focus.select) focus.select();
}

/** @returns {Promise<boolean>} whether the answer was yes; `danger` marks a yes that takes something away. */
export async function ask({ title, text = "", yes, no = say("dialog.cancel"), danger = false }) {
  const answer = await openDialog({ title, kind: "small", build(close) {
    const refuse = button(no, () => close(false));
    const agree = button(yes, () => close(true), danger ? "danger" : "main");
    return { start: el("span"), body: el("div", { class: "body" }, el("p", {}, text), el("div", { class: "answers" }, refuse, agree)), focus: danger ? refuse : agree };
  }});
  return answer === true;
}

/** @returns {Promise<any>} the value of the option that was chosen, else null */
export function choose({ title, text = "", options }) {
  return openDialog({ title, kind: "small", build: (close) => ({
    start: button(say("dialog.cancel"), () => close()),
    body: el("div", { class: "body" }, text ? el("p", {}, text) : null, el("div", { class: "options" }, ...options.map((option) =>
      el("button", { type: "button", class: "btn option", "data-option": option.value, on: { click: () => close(option.value) } }, el("b", {}, option.label), el("small", {}, option.note || ""))))),
  })});
}

let saying;
/** Says a sentence for some seconds, to screen readers too: for what happened, never for what must be decided. */
export function tell(text) {
  let place = document.getElementById("said");
  if (!place) document.body.append(place = el("div", { id: "said", role: "status" }));
  place.textContent = text;
  clearTimeout(saying);
  if (text) saying = setTimeout(() => { place.textContent = ""; }, 6000);
}

let formsMade = 0;
/**
 * A form: Cancel and Save stand in its head. `submit(values)` saves and may give `{ errors: { field: text}, text}` back,
 * then it stays open. `watch(form)` is called at once and gives a function that ends the watching.
 * @returns {Promise<object|null>} the values that were saved
 */
export function openForm({ title, text = "", fields, submit = () => null, save = say("dialog.save"), watch = () => null, extra = null, over = false }) {
  let finish;
  return openDialog({ title, kind: "form", over, build(close) {
    const parts = new Map(fields.map((field) => [field.name, makeField(field)]));
    const note = el("div", { class: "note", role: "alert" });
    const id = `form${++formsMade}`; // one may be open over another
    const send = el("button", { class: "btn main", form: id }, save);
    const form = formOf({ parts, note, send, submit, close });
    const rest = extra ? extra(form) : null;
    const body = el("form", { id, class: "body", novalidate: true, on: { submit: form.send } }, note, text ? el("p", {}, text) : null, rest, ...[...parts.values()].map((part) => part.element));
    for (const part of parts.values()) part.changed = () => body.dispatchEvent(new Event("change"));
    for (const name of ["change", "input"]) body.addEventListener(name, () => form.onchange());
    finish = watch(form);
    const first = fields.find((field) => field.focus);
    return { start: button(say("dialog.cancel"), () => close()), body, end: send, focus: first ? parts.get(first.name).input : null, closed: () => finish && finish() };
  }});
}

function formOf({ parts, note, send, submit, close }) {
  let busy = false;
  const form = {
    close,
    onchange() {},
    part: (name) => parts.get(name),
    values: () => Object.fromEntries([...parts].filter(([, part]) => part.get).map(([name, part]) => [name, part.get()])),
    /** Says something above the fields; `ways` are buttons; refused: nothing can be saved until it is said anew. */
    say(sentence, { ways = [], refused = false } = {}) {
      note.replaceChildren(...(sentence ? [el("p", {}, sentence), ...ways] : []));
      send.disabled = refused;
      if (sentence) note.scrollIntoView({ block: "nearest" });
    },
    async send(event) {
      if (event) event.preventDefault();
      if (busy || send.disabled) return;
      for (const part of parts.values()) part.fail("");
      const wrong = missing(parts);
      busy = true;
      const answer = wrong ? { errors: wrong } : await submit(form.values(), form);
      busy = false;
      if (!answer) close(form.values());
      else refuse(parts, form, answer);
    },
  };
  return form;
}

function missing(parts) {
  const lacking = [...parts].filter(([, part]) => part.required && [null, ""].includes(part.get()));
  return lacking.length ? Object.fromEntries(lacking.map(([name]) => [name, say("form.required")])) : null;
}

function refuse(parts, form, { errors = {}, text = "" }) {
  const [first] = Object.keys(errors).filter((name) => parts.has(name));
  for (const name of Object.keys(errors)) if (parts.has(name)) parts.get(name).fail(errors[name]);
  if (text) form.say(text);
  if (first) parts.get(first).input.focus();
}

let fieldsMade = 0;
/** One field: { element, input, get, set, fail, required}. A type of its own is a function that makes these. */
function makeField(field) {
  const id = `field${++fieldsMade}`;
  const error = el("small", { class: "error", id: `${id}e` });
  const part = { changed() {} };
  const own = (typeof field.type === "function" ? field.type : kinds[field.type] || kinds.text)({ ...field, id, changed: () => part.changed() });
  const grouped = own.input !== own.control;
  const label = grouped ? el("span", { class: "label", id: `${id}l` }, field.label) : el("label", { class: "label", for: id }, field.label);
  own.control.setAttribute("aria-describedby", error.id);
  if (grouped) { own.control.setAttribute("role", "group"); own.control.setAttribute("aria-labelledby", label.id); }
  const element = el("div", { class: `field ${field.kind || ""}`, "data-field": field.name }, label, own.control, error);
  return Object.assign(part, own, { element, required: field.required, fail(text) {
    error.textContent = text;
    attr(own.control, grouped ? "data-invalid" : "aria-invalid", text ? "true" : null);
  }});
}

const typed = (tag) => ({ id, value, max, attributes = {} }) => {
  const input = el(tag, { id, maxlength: max, autocomplete: "off", ...attributes });
  input.value = value === null || value === undefined ? "" : value;
  return { control: input, input, get: () => input.value.trim(), set: (next) => { input.value = next === null ? "" : next; } };
};

/** Buttons of which one is pressed, or none where it may be none. */
export function oneOf({ value = null, options, none = false, changed, onpress = () => null }) {
  let chosen = value;
  const buttons = options.map((option) => button(option.label, () => {
    part.set(none && chosen === option.value ? null : option.value);
    changed();
    onpress(chosen);
  }, "choice", { "data-value": option.value, "aria-label": option.name }));
  const control = el("div", { class: "choices" }, ...buttons);
  const part = { control, input: buttons[0], buttons, get: () => chosen, set(next) {
    chosen = next;
    options.forEach((option, index) => buttons[index].setAttribute("aria-pressed", option.value === next));
  }};
  part.set(value);
  return part;
}

/** Buttons of which any may be pressed, and a field for what is not among them; what the party has stands there too. */
function anyOf({ id, value = [], options, other, changed }) {
  const known = new Map(options.map((option) => [option.value.toLowerCase(), option]));
  let chosen = [...value];
  const has = (text) => chosen.some((one) => one.toLowerCase() === text.toLowerCase());
  const control = el("div", { class: "choices" });
  const input = other ? el("input", { id, maxlength: 100, placeholder: other, "aria-label": other, enterkeyhint: "done", autocomplete: "off", on: { keydown: add, blur: add } }) : null;
  function toggle(text) {
    chosen = has(text) ? chosen.filter((one) => one.toLowerCase() !== text.toLowerCase()) : [...chosen, text];
    changed();
  }
  function add(event) {
    const text = input.value.trim();
    if (event.type === "keydown" && event.key !== "Enter") return;
    if (text) event.preventDefault();
    if (text && !has(text)) { toggle(text); draw(); }
    input.value = "";
  }
  function draw() {
    const own = chosen.filter((text) => !known.has(text.toLowerCase())).map((text) => ({ value: text, label: text }));
    control.replaceChildren(...[...options, ...own].map((option) => button(option.label, (event) => {
      toggle(option.value);
      event.currentTarget.setAttribute("aria-pressed", has(option.value));
    }, "choice", { "aria-pressed": String(has(option.value)), "data-value": option.value })), input || "");
  }
  draw();
  return { control, input: control.firstChild, get: () => [...chosen], set(next) { chosen = [...next]; draw(); } };
}

/** Sizes to press, and a number for the larger ones. */
function pad({ id, value = null, upTo = 8, changed, onpress = () => null, most = 100 }) {
  const options = Array.from({ length: upTo }, (_, index) => ({ value: index + 1, label: String(index + 1), name: say("form.people", { count: index + 1 }) }));
  const part = oneOf({ value, options, changed, onpress(size) { input.value = ""; input.hidden = true; more.hidden = false; onpress(size); } });
  const input = el("input", { id, class: "number", type: "text", inputmode: "numeric", pattern: "[0-9]*", maxlength: 3, hidden: true, "aria-label": say("form.more"), autocomplete: "off" });
  const more = button(`${upTo + 1}+`, () => { more.hidden = true; input.hidden = false; part.set(null); input.focus(); }, "choice", { "aria-label": say("form.more") });
  part.control.classList.add("pad");
  part.control.append(more, input);
  const get = () => {
    const size = input.hidden ? part.get() : Number(input.value.trim());
    return Number.isInteger(size) && size >= 1 && size <= most ? size : null;
  };
  const set = (next) => { input.hidden = next === null || next <= upTo; more.hidden = !input.hidden; input.value = input.hidden ? "" : next; part.set(next); };
  set(value);
  return { ...part, get, set };
}

const kinds = { text: typed("input"), area: typed("textarea"), one: oneOf, any: anyOf, pad,
  pick: ({ id, value, options }) => {
    const select = el("select", { id }, ...options.map((option) => el("option", { value: option.value, selected: option.value === value }, option.label)));
    return { control: select, input: select, get: () => select.value, set: (next) => { select.value = next; } };
  }};
