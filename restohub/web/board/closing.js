// Closing the hub to strangers, once it is seen whom that shuts out, and opening it again.

import { asking, openScreens, repeated, roleName, well } from "./access.js";
import { button } from "./dialogs.js";
import { ADOPTED, fields, sending } from "./devices.js";
import { dateOf } from "./hub.js";
import { el, icon, keyed, text } from "./keyed.js";
import { formats, say } from "./words.js";

const LOOK_MS = 4000;
const KINDS = ["iPad", "iPhone", "Android", "Macintosh", "Windows", "CrOS", "Linux"];

export const openClosing = (parts) => openScreens(stateScreen({ ...parts, refused: false }));

/** Whether the hub is closed, who was here without having been let in, and the one button. */
const stateScreen = (parts) => (nav) => {
  const state = el("p", { class: "state big", role: "status" });
  const told = el("p", {});
  const count = el("h3", {});
  const list = el("ul", { class: "rows" });
  const act = button("", () => (parts.access === "closed" ? nav.go(openingScreen(parts)) : close(parts, nav)), "main", { "data-to": "act", disabled: true });
  const draw = ({ access, unpaired }) => {
    const closed = access === "closed";
    parts.access = access;
    if (state.dataset.access !== access) state.replaceChildren(icon(closed ? "lock" : "link"), el("span", {}, say(`access.${access}`)));
    state.dataset.access = access;
    text(told, say(`closing.is_${access}`));
    text(act, say(closed ? "closing.open" : "closing.close"));
    if (act.disabled) { // what it does is known from now on
      act.disabled = false;
      act.focus({ preventScroll: true });
    }
    text(count, say(unpaired.length ? "closing.were_here" : "closing.nobody"));
    keyed(list, unpaired, { key: ({ id }) => id, facts: (one) => [one.agent, one.sockets, one.last_seen], create: (one) => visitorRow(one, async () => nav.go(adoptScreen(parts, one, await formerly(parts, one)))), update: (node, one) => updateVisitor(node, one, parts) });
  };
  const look = async () => {
    const answer = await parts.api.ask("GET", "/api/access");
    if (list.isConnected && well(nav, answer)) {
      draw(answer.body);
      if (!parts.refused) nav.say(parts.news || "");
    }
  };
  const end = repeated(look, LOOK_MS);
  const left = () => { end(); parts.news = ""; }; // as in the list of devices
  return { title: say("closing.title"), nodes: [state, told, el("div", { class: "answers" }, act), count, list], left };
};

const visitorRow = (one, click) => el("li", { class: "device" }, el("i", { class: "dot" }), el("span", {}, el("b", {}), el("small", {}), el("small", { class: "seen" }), one.known_by ? null : el("small", {}, say("adopt.cannot"))),
  one.known_by ? button(say(one.device ? "adopt.again" : "adopt.adopt"), click, "", { "data-to": one.id, "aria-label": say("adopt.adopt_one", { name: called(one.agent), address: one.address }) }) : null);

function updateVisitor(node, { address, agent, sockets, last_seen: seen }, { store }) {
  const [dot, words] = node.children;
  const format = formats(store.get().restaurant);
  dot.classList.toggle("on", sockets > 0);
  text(words.firstChild, called(agent));
  text(words.children[1], address);
  text(words.children[2], sockets > 0 ? say("devices.connected") : say("closing.last", { time: `${format.day(dateOf(Date.parse(seen), format.zone))}, ${format.time(seen)}` }));
}

/** What a device is called that was adopted before, and what it may do. */
async function formerly({ api }, { device }) {
  const { ok, body } = device ? await api.ask("GET", "/api/devices") : {};
  return (ok && body.devices.find(({ id }) => id === device)) || { name: "", role: "host" };
}

/** A device whose app cannot pair is let in as it is, once it is said by what it would be known and what that is worth. */
const adoptScreen = (parts, one, { name, role }) => (nav) => {
  const form = fields({ name, role, roles: ADOPTED });
  const save = sending(say("adopt.adopt"), () => form.send(nav, () => parts.api.ask("POST", "/api/adoptions", { ...form.values(), visitor: one.id }), (made) => {
    parts.news = say("adopt.done", { name: made.name, role: roleName(made.role) });
    parts.refused = false;
    nav.back();
  }, { validation_failed: say("adopt.changed") }));
  return { title: say("adopt.title"), end: save, focus: form.first("name"), nodes: [
    el("dl", { class: "facts" }, ...[["adopt.app", called(one.agent)], ["adopt.where", one.address], ["adopt.known_by", say(`adopt.${one.known_by}`)]].flatMap(([key, words]) => [el("dt", {}, say(key)), el("dd", {}, words)])),
    el("p", { class: "weak" }, say(`adopt.weak_${one.known_by}`)), el("p", {}, say(one.device ? "adopt.text_again" : "adopt.text")), form.element(save)] };
};

/** What an app or browser calls itself, in a word or two. */
function called(agent) {
  const kind = agent.startsWith("Mozilla/") && KINDS.find((one) => agent.includes(one));
  if (kind) return say("closing.browser", { kind: kind === "Macintosh" ? "Mac" : kind });
  return agent.split(/[ (]/)[0].replace("/", " ") || say("closing.no_name");
}

/** Close it; beside devices that would be shut out the hub refuses, and then it is asked twice. */
async function close(parts, nav, anyway = false) {
  const answer = await parts.api.ask("PUT", "/api/access", { access: "closed", anyway });
  const unpaired = answer.status === 409 && answer.body && answer.body.error_code === "devices_unpaired";
  if (!unpaired) {
    if (well(nav, answer, { change: true }) && anyway) nav.only(stateScreen(parts));
    else if (answer.ok) nav.again();
    return;
  }
  const { devices } = answer.body.params;
  parts.refused = true;
  nav.say(say("closing.refused", { count: devices }), [
    button(say("closing.let_in"), () => { nav.close(); parts.open("devices"); }, "", { "data-way": "devices" }),
    button(say("closing.anyway"), () => nav.go(anywayScreen(parts, devices)), "", { "data-way": "anyway" })]);
}

const anywayScreen = (parts, count) => (nav) => asking({ title: say("closing.anyway_title", { count }), text: [say("closing.anyway_text")], yes: say("closing.anyway_yes"),
  act: () => close(parts, nav, true) })(nav);

const openingScreen = (parts) => (nav) => asking({ title: say("closing.open_title"), text: [say("closing.open_text")], yes: say("closing.open_yes"),
  async act() {
    const answer = await parts.api.ask("PUT", "/api/access", { access: "open" });
    if (well(nav, answer, { change: true })) nav.only(stateScreen(parts));
  } })(nav);
