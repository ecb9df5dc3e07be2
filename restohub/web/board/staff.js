// The people of the staff, for managers: adding one, another name, role or PIN, and removing one.

import { asking, openScreens, roleName, well } from "./access.js";
import { button, openForm } from "./dialogs.js";
import { el } from "./keyed.js";
import { keys, pinField } from "./pin.js";
import { personRow } from "./signin.js";
import { say } from "./words.js";

const ROLES = ["host", "manager"];

export const openStaff = (parts) => openScreens(listScreen(parts));

const listScreen = (parts) => (nav) => {
  const list = el("ul", { class: "rows people" });
  const told = el("p", { role: "status" }, say("signin.loading"));
  load(parts, nav, list, told);
  return { title: say("top.staff"), nodes: [told, list], end: button(say("staff.add"), () => add(parts, nav), "main", { "data-to": "add" }) };
};

async function load(parts, nav, list, told) {
  const answer = await parts.api.ask("GET", "/api/staff");
  if (!list.isConnected || !well(nav, answer)) return;
  const staff = answer.body.staff.sort((a, b) => a.name.localeCompare(b.name));
  told.textContent = say(staff.length ? "staff.text" : "staff.none");
  list.replaceChildren(...staff.map((one) => {
    const row = personRow(one, false, () => nav.go(personScreen(parts, one)));
    row.dataset.to = one.id;
    if (!one.has_pin) row.lastChild.textContent = `${roleName(one.role)} · ${say("staff.no_pin")}`;
    return el("li", {}, row);
  }));
  nav.say(parts.news || "");
  parts.news = "";
}

const personScreen = (parts, one) => (nav) => ({ title: one.name, kind: "small", nodes: [
  el("p", {}, one.has_pin ? say(`staff.may_${one.role}`) : say("staff.set_anew")),
  el("div", { class: "options" }, button(say("staff.pin"), () => repin(parts, nav, one), "", { "data-staff": "pin" }),
    button(say("staff.edit"), () => edit(parts, nav, one), "", { "data-staff": "edit" }),
    button(say("staff.remove"), () => nav.go(removeScreen(parts, one)), "danger", { "data-staff": "remove" }))] });

const removeScreen = (parts, one) => (nav) => asking({ title: say("staff.remove_title", one), text: [say("staff.remove_text")], yes: say("staff.remove"),
  async act() {
    const answer = await parts.api.ask("DELETE", `/api/staff/${one.id}`);
    if (well(nav, answer, { change: true })) done(parts, nav, "staff.removed", one.name);
  } })(nav);

const who = ({ name = "", role = "host" }) => [
  { name: "name", label: say("devices.name"), value: name, max: 100, required: true, focus: true },
  { name: "role", type: "one", label: say("staff.role"), value: role, options: ROLES.map((value) => ({ value, label: roleName(value) })) }];

async function add(parts, nav) {
  const made = await pinForm(say("staff.add"), who({}), ({ again, ...person }) => parts.api.ask("POST", "/api/staff", person));
  if (made) done(parts, nav, "staff.added", made.name);
}

async function repin(parts, nav, one) {
  const made = await pinForm(say("staff.pin"), [], ({ pin }) => parts.api.ask("PATCH", `/api/staff/${one.id}`, { pin }));
  if (made) done(parts, nav, "staff.repinned", one.name);
}

async function edit(parts, nav, one) {
  const made = await openForm({ title: one.name, over: true, fields: who(one), submit: async (values) => refused(await parts.api.ask("PATCH", `/api/staff/${one.id}`, values), values) });
  if (made) done(parts, nav, "devices.saved", made.name);
}

function done(parts, nav, key, name) {
  parts.news = say(key, { name });
  nav.only(listScreen(parts));
}

/** A form that ends in a PIN, typed twice. */
function pinForm(title, fields, send) {
  return openForm({ title, over: true, fields: [...fields, pinField("pin", say("staff.new_pin"), fields.length === 0), pinField("again", say("staff.again"))],
    async submit(values, form) {
      const wrong = /^\d{4,8}$/.test(values.pin) ? (values.pin === values.again ? null : { again: say("staff.differ") }) : { pin: say("staff.digits") };
      if (!wrong) return refused(await send(values), values);
      for (const name of ["pin", "again"]) if (name in wrong || "pin" in wrong) form.part(name).set("");
      return { errors: wrong };
    },
    watch(form) {
      const [first, second] = ["pin", "again"].map((name) => form.part(name).input);
      let at = first;
      for (const input of [first, second]) input.addEventListener("focus", () => { at = input; });
      form.part("again").element.append(keys(() => at, () => (at === first ? second.focus() : form.send())));
    } });
}

function refused({ ok, status, body }, { name = "" }) {
  if (ok) return null;
  if (status === 422 && (body.errors || []).some(({ pointer }) => pointer === "/name")) return { errors: { name: say(name.trim() ? "staff.name_taken" : "devices.wrong_name") } };
  return { text: (body && body.detail) || say("access.unsure") };
}
