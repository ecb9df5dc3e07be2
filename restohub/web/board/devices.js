// The devices that belong to the hub: who waits, who is in, what each may do, and taking it away.

import { asking, openScreens, repeated, roleName, roleOptions, well } from "./access.js";
import { button, oneOf } from "./dialogs.js";
import { dateOf, deviceToken } from "./hub.js";
import { el, keyed, text } from "./keyed.js";
import { waitForCode } from "./pairing.js";
import { formats, say } from "./words.js";

const LOOK_MS = 2000;
/** What a device that was adopted may be: for what a manager does, one is paired. */
export const ADOPTED = ["host", "view"];

/** @param {object} parts `paired()` has the page's socket show the token that it has now */
export async function openDevices(parts) {
  const mine = deviceToken() ? await parts.api.pairing() : null;
  const device = mine && mine.ok && mine.body.device;
  if (!device || device.role !== "manager") return openScreens(joinScreen(parts));
  return openScreens(device.restored_from ? unconfirmedScreen(device) : listScreen({ ...parts, me: device.id }));
}

/** A manager's device that came with a restored copy: no device can confirm it, the machine of the hub does. */
const unconfirmedScreen = (device) => () => ({ title: say("top.devices"), nodes: [el("p", {}, say("devices.restored_own")), confirming(device)] });

/** What confirms a device on the hub's machine: by its name where a shell takes it as it is. */
const confirming = ({ id, name }) => el("pre", { tabindex: "0", "aria-label": say("devices.command") }, `restohub devices confirm ${/^[\p{L}\d][\p{L}\d '._-]*$/u.test(name) ? `"${name}"` : id}`);

/** A device that is not in yet: its code, and what to do with it on the hub's computer. */
const joinScreen = (parts) => (nav) => {
  const code = el("p", { class: "code", role: "status" });
  const told = el("p", {}, say("devices.join"));
  const command = el("pre", { tabindex: "0", "aria-label": say("devices.command") });
  const left = waitForCode(parts.api, (state) => {
    if (state.paired) came(nav, parts, state.device);
    text(code, state.code || "");
    text(told, say(state.code ? "devices.join" : state.full ? "pair.full" : "pair.no_answer"));
    text(command, state.code ? `restohub pair ${state.code} --role manager --name ${say("devices.office")}` : "");
    command.hidden = !state.code;
  });
  return { title: say("top.devices"), nodes: [el("p", {}, say("devices.none_yet")), code, told, command], left };
};

function came(nav, parts, device) {
  parts.paired();
  if (device.role === "manager") nav.only(listScreen({ ...parts, me: device.id }));
  else nav.only(() => ({ title: say("top.devices"), kind: "small", nodes: [el("p", {}, say("devices.joined", { name: device.name, role: roleName(device.role) })), el("div", { class: "answers" }, button(say("banner.ok"), () => nav.close(), "main"))] }));
}

/** Everybody: those that wait first, those whose access was taken away folded at the end. */
const listScreen = (parts) => (nav) => {
  const lists = { waiting: el("ul", { class: "rows" }), in: el("ul", { class: "rows" }), out: el("ul", { class: "rows" }) };
  const waits = el("section", { class: "waits" }, el("h3", {}, say("devices.waiting")), lists.waiting);
  const count = el("h3", {});
  const folded = el("summary", {});
  const gone = el("details", {}, folded, lists.out);
  const draw = ({ devices, waiting }) => {
    parts.devices = devices;
    const here = devices.filter((one) => !one.revoked_at).sort((a, b) => a.name.localeCompare(b.name));
    const out = devices.filter((one) => one.revoked_at).sort((a, b) => (a.revoked_at < b.revoked_at ? 1 : -1));
    waits.hidden = !waiting.length;
    keyed(lists.waiting, waiting, { key: (one) => one.code, facts: (one) => [one.expires_in_seconds, one.name], create: (one) => waitingRow(one, () => nav.go(letInScreen(parts, one))), update: updateWaiting });
    text(count, say("devices.count", { count: here.length }));
    const rows = (list, items) => keyed(list, items, { key: (one) => one.id, facts: (one) => [one.name, one.role, one.sockets > 0, one.revoked_at, one.restored_from, one.suspended_at], create: (one) => deviceRow(() => nav.go(deviceScreen(parts, one.id)), one), update: (node, one) => updateDevice(node, one, parts) });
    rows(lists.in, here);
    rows(lists.out, out);
    text(folded, say("devices.revoked", { count: out.length }));
    gone.hidden = !out.length;
  };
  if (parts.devices) draw({ devices: parts.devices, waiting: [] });
  const end = repeated(async () => {
    const answer = await parts.api.ask("GET", "/api/devices");
    if (!lists.in.isConnected || !well(nav, answer)) return;
    draw(answer.body);
    nav.say(parts.news || "");
  }, LOOK_MS);
  const left = () => { end(); parts.news = ""; }; // what was done is said for as long as the list is looked at
  return { title: say("top.devices"), nodes: [waits, count, lists.in, gone], left,
    end: button(say("devices.add"), () => nav.go(letInScreen(parts)), "main", { "data-to": "let_in" }) };
};

function waitingRow(one, click) {
  return el("li", { class: "device" }, el("b", { class: "shown" }, one.code), el("span", {}, el("b", {}), el("small", {})),
    button(say("devices.let_in"), click, "main", { "data-to": one.code, "aria-label": say("devices.let_in_code", { code: one.code }) }));
}

function updateWaiting(node, one) {
  const words = node.children[1];
  text(words.firstChild, one.name || say("devices.unnamed"));
  text(words.lastChild, say("devices.waits", { address: one.address, seconds: one.expires_in_seconds }));
}

function deviceRow(click, one) {
  return el("li", {}, el("button", { type: "button", class: "device", "data-to": one.id, on: { click } }, el("i", { class: "dot" }), el("span", {}, el("b", {}), el("small", {})), el("small", { class: "seen" })));
}

function updateDevice(node, one, { me }) {
  const [dot, words, now] = node.firstChild.children;
  dot.classList.toggle("on", one.sockets > 0);
  text(words.firstChild, one.name);
  text(words.lastChild, [roleName(one.role), one.id === me ? say("devices.mine") : "", one.known_by === "token" ? "" : say(`adopt.by_${one.known_by}`),
    one.suspended_at ? say("adopt.suspended") : "", one.restored_from ? say(`devices.restored${one.role === "manager" ? "_manager" : ""}`) : ""].filter(Boolean).join(" · "));
  text(now, one.revoked_at ? "" : say(one.sockets > 0 ? "devices.connected" : "devices.away"));
}

/** A day and a time as the restaurant writes them. */
function moment(iso, { store }) {
  const format = formats(store.get().restaurant);
  return `${format.day(dateOf(Date.parse(iso), format.zone))}, ${format.time(iso)}`;
}

/** One device: what it is called, what it may do, and the way out. */
const deviceScreen = (parts, id) => (nav) => {
  const device = parts.devices.find((one) => one.id === id);
  const facts = el("dl", { class: "facts" }, ...[
    ["devices.paired", device.paired_by ? say("devices.paired_by", { time: moment(device.paired_at, parts), name: device.paired_by }) : moment(device.paired_at, parts)],
    ["devices.over", say(`devices.over_${device.paired_over}`)],
    device.revoked_at ? ["devices.revoked_at", moment(device.revoked_at, parts)] : ["devices.now", say(device.sockets > 0 ? "devices.connected" : "devices.away")],
    ...(device.known_by === "token" ? [] : [["adopt.known_by", say(`adopt.${device.known_by}`)]]),
    ...(device.restored_from ? [["devices.restored_copy", say("devices.restored_until", { time: moment(device.restored_from, parts) })]] : []),
  ].flatMap(([key, words]) => [el("dt", {}, say(key)), el("dd", {}, words)]));
  if (device.revoked_at) return { title: device.name, nodes: [facts, el("p", {}, say("devices.stays_out"))] };
  const warning = el("p", { class: "hint", role: "status" });
  const form = fields({ name: device.name, role: device.role, roles: device.known_by === "token" ? undefined : ADOPTED, onRole: (role) => text(warning, id === parts.me && role !== "manager" ? say("devices.own_role") : "") });
  const save = sending(say("dialog.save"), () => form.send(nav, () => parts.api.ask("PATCH", `/api/devices/${id}`, form.values()), () => {
    parts.news = say("devices.saved", { name: form.values().name });
    nav.back();
  }));
  const revoke = button(say("devices.revoke"), () => nav.go(revokeScreen(parts, device)), "danger", { "data-to": "revoke" });
  const adopted = device.known_by === "token" ? [] : [el("p", {}, say(device.suspended_at ? "adopt.weak_suspended" : `adopt.weak_${device.known_by}`))];
  const restored = device.restored_from ? [el("p", {}, say(device.role === "manager" ? "devices.restored_confirm_manager" : "devices.restored_confirm")), confirming(device)] : [];
  return { title: device.name, end: save, nodes: [facts, ...adopted, ...restored, form.element(save), warning, el("div", { class: "answers" }, revoke)] };
};

const revokeScreen = (parts, device) => (nav) => {
  const others = parts.devices.some((one) => one.id !== device.id && one.role === "manager" && !one.revoked_at);
  return asking({ title: say("devices.revoke_title"), yes: say("devices.revoke"),
    text: [say("devices.revoke_text", { name: device.name }), device.id === parts.me ? say("devices.revoke_own") : "", device.role === "manager" && !others ? say("devices.revoke_last") : ""],
    async act() {
      const answer = await parts.api.ask("DELETE", `/api/devices/${device.id}`);
      const unsaved = say("devices.revoke_unsaved", { name: device.name });
      if (!well(nav, answer, { change: true, words: { storage_full: unsaved, storage_unavailable: unsaved } })) return;
      parts.news = say("devices.revoke_done", { name: device.name });
      nav.only(listScreen(parts));
    } })(nav);
};

/** Letting a device in by the code that it shows; `one` is a device that waits, where it was picked. */
const letInScreen = (parts, one = null) => (nav) => {
  const form = fields({ code: one ? one.code : "", name: one ? one.name : "", role: "host" });
  const save = sending(say("devices.let_in"), () => form.send(nav, () => parts.api.ask("POST", "/api/devices", form.values()), (made) => {
    parts.news = say("devices.let_in_done", { name: made.name, role: roleName(made.role) });
    nav.back();
  }));
  const invite = button(say("devices.invite"), async () => {
    if (!form.whole("name")) return;
    const { name, role } = form.values();
    const answer = await parts.api.ask("POST", "/api/invitations", { name, role });
    if (well(nav, answer, { change: true })) nav.go(qrScreen(parts, name, answer.body));
  }, "", { "data-to": "invite" });
  return { title: say(one ? "devices.let_in" : "devices.add"), end: save, focus: form.first(one ? "name" : "code"),
    nodes: [el("p", {}, say(one ? "devices.let_in_picked" : "devices.let_in_text")), form.element(save), one ? null : el("div", { class: "or" }, el("p", {}, say("devices.invite_text")), invite)] };
};

/** A code for the camera of the new device: it is in as soon as it opens the page. */
const qrScreen = (parts, name, invited) => (nav) => {
  const before = new Set((parts.devices || []).map(({ id }) => id));
  const until = Date.now() + invited.expires_in_seconds * 1000;
  const told = el("p", { role: "status" });
  const left = repeated(async () => {
    const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
    text(told, seconds ? say("devices.qr_left", { seconds }) : say("devices.qr_over"));
    const answer = await parts.api.ask("GET", "/api/devices");
    if (!told.isConnected || !well(nav, answer)) return;
    const made = answer.body.devices.find((one) => !before.has(one.id) && one.name === name);
    if (!made) return;
    parts.news = say("devices.let_in_done", { name: made.name, role: roleName(made.role) });
    nav.only(listScreen(parts));
  }, LOOK_MS);
  return { title: name, left, nodes: [drawn(invited.qr), el("p", {}, say("devices.qr_text")), told] };
};

/** A QR code's rows of 0 and 1 as one path; black on white in any theme, with the quiet zone that a camera needs. */
function drawn(rows) {
  const quiet = 4;
  const path = rows.map((row, y) => [...row].map((module, x) => (module === "1" ? `M${x + quiet} ${y + quiet}h1v1h-1z` : "")).join("")).join("");
  const size = rows.length + 2 * quiet;
  return el("svg:svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": say("devices.qr"), "shape-rendering": "crispEdges" }, el("svg:path", { d: path }));
}

/** The fields of a device; `code` only where one is let in. */
export function fields({ code = null, name, role, roles: most, onRole = () => null }) {
  const inputs = { name: el("input", { id: "device-name", maxlength: 100, autocomplete: "off" }) };
  if (code !== null) inputs.code = el("input", { id: "device-code", maxlength: 20, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", class: "typed" });
  inputs.name.value = name;
  if (code) inputs.code.value = code;
  const errors = { code: el("small", { class: "error", id: "device-code-error" }), name: el("small", { class: "error", id: "device-name-error" }) };
  const roles = oneOf({ value: role, options: roleOptions(most), changed: () => onRole(roles.get()) });
  roles.control.classList.add("roles");
  roles.control.setAttribute("role", "group");
  roles.control.setAttribute("aria-label", say("devices.role"));
  const fail = (key, words) => {
    text(errors[key], words);
    inputs[key].setAttribute("aria-invalid", String(Boolean(words)));
    if (words) inputs[key].focus();
  };
  const field = (key) => {
    inputs[key].setAttribute("aria-describedby", errors[key].id);
    return el("div", { class: "field" }, el("label", { class: "label", for: inputs[key].id }, say(`devices.${key}`)), inputs[key], errors[key]);
  };
  const whole = (...keys) => keys.every((key) => {
    const there = inputs[key].value.trim() !== "";
    fail(key, there ? "" : say("form.required"));
    return there;
  });
  return {
    whole,
    first: (key) => inputs[key],
    values: () => ({ ...(inputs.code ? { code: inputs.code.value.trim() } : {}), name: inputs.name.value.trim(), role: roles.get() }),
    element: (save) => el("form", { class: "fields", novalidate: true, on: { submit: (event) => event.preventDefault(), keydown: (event) => enter(event, save) } },
      ...Object.keys(inputs).sort().map(field), el("div", { class: "field" }, el("span", { class: "label" }, say("devices.role")), roles.control)),
    async send(nav, ask, then, words = {}) {
      if (!whole(...Object.keys(inputs).sort())) return;
      const answer = await ask();
      const here = inputs.name.isConnected; // else left before the answer came: what is shown now stays
      const wrong = here && answer.status === 422 && answer.body && (answer.body.errors || []).map(({ pointer }) => pointer.slice(1)).find((key) => inputs[key]);
      if (wrong) fail(wrong, say(`devices.wrong_${wrong}`));
      else if (well(nav, answer, { change: true, words }) && here) then(answer.body);
    },
  };
}

/** Enter in a field saves: a browser sends no form of several fields whose button stands elsewhere. */
function enter(event, save) {
  if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
  event.preventDefault();
  save.click();
}

/** A button that does nothing while it is at it. */
export function sending(words, act) {
  let busy = false;
  return button(words, async () => {
    if (busy) return;
    busy = true;
    await act();
    busy = false;
  }, "main", { "data-send": "" });
}

