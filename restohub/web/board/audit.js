// Who did what: the latest changes of a restaurant, each with the device that asked for it.

import { openScreens, well } from "./access.js";
import { button } from "./dialogs.js";
import { dateOf } from "./hub.js";
import { el, text } from "./keyed.js";
import { formats, say } from "./words.js";

const COMMITS = 50;
// The commits that made, changed and removed the restaurants themselves.
const OF_RESTAURANTS = 0;
const EVERYBODY = "*";
const UNKNOWN = "";

export const openAudit = (parts) => openScreens((nav) => auditScreen(parts, nav));

function auditScreen(parts, nav) {
  const { restaurants, restaurant } = parts.store.get();
  const place = { id: restaurant.id, device: EVERYBODY, names: new Map() };
  const list = el("div", { class: "audit" });
  const told = el("p", { role: "status" });
  const more = button(say("audit.more"), () => load(), "", { "data-audit": "more" });
  const who = el("select", { "aria-label": say("audit.device"), "data-audit": "device", on: { change: () => { place.device = who.value; again(); } } });
  const where = el("select", { "aria-label": say("top.restaurant"), "data-audit": "restaurant", on: { change: () => { place.id = Number(where.value); again(); } } },
    ...restaurants.map((one) => el("option", { value: one.id, selected: one.id === place.id }, one.name)), el("option", { value: OF_RESTAURANTS }, say("audit.restaurants")));
  let turn = 0;

  function again() {
    list.replaceChildren();
    Object.assign(place, { before: null, day: "", more: true });
    load();
  }

  async function load() {
    const mine = ++turn;
    more.disabled = true;
    const before = place.before ? `&before_revision=${place.before}` : "";
    const only = place.device === EVERYBODY ? "" : `&device_id=${encodeURIComponent(place.device)}`;
    const answer = await parts.api.ask("GET", `/api/audit?restaurant_id=${place.id}&limit=${COMMITS}${before}${only}`);
    if (mine !== turn || !list.isConnected) return;
    if (well(nav, answer)) {
      nav.say("");
      take(answer.body);
    }
    more.disabled = false;
    more.hidden = !place.more;
    text(told, list.children.length ? (place.more ? "" : say("audit.end")) : say("audit.none"));
  }

  function take({ entries, has_more: hasMore }) {
    place.more = hasMore && entries.length > 0;
    if (entries.length) place.before = entries[entries.length - 1].revision;
    for (const one of entries) place.names.set(one.device_id || UNKNOWN, one.device || say("audit.unknown"));
    options(who, place);
    const format = formats(restaurants.find(({ id }) => id === place.id) || restaurant);
    for (const commit of commits(entries)) add(commit, format);
  }

  function add(commit, format) {
    const [{ timestamp, device, person }] = commit;
    const day = dateOf(Date.parse(timestamp), format.zone);
    if (day !== place.day) list.append(el("h3", {}, format.day(day)), el("ol"));
    place.day = day;
    list.lastChild.append(el("li", {}, el("time", { datetime: timestamp }, format.time(timestamp)), el("span", {}, el("b", {}, person ? say("audit.by", { person, device: device || say("audit.unknown") }) : device || say("audit.unknown")), el("small", {}, wordsOf(commit, parts.store.get(), place.id)))));
  }

  again();
  return { title: say("top.audit"), nodes: [el("div", { class: "filters" }, where, who), list, told, more], left: () => { turn += 1; } };
}

/** The devices that were met so far; which is chosen stays chosen. */
function options(select, { names, device }) {
  const all = [[EVERYBODY, say("audit.everybody")], ...[...names].sort((a, b) => a[1].localeCompare(b[1]))];
  if (select.options.length === all.length) return;
  select.replaceChildren(...all.map(([value, words]) => el("option", { value, selected: value === device }, words)));
}

/** Entries of one commit stand side by side. */
function commits(entries) {
  const found = [];
  for (const one of entries) {
    const last = found[found.length - 1];
    if (last && last[0].revision === one.revision) last.push(one);
    else found.push([one]);
  }
  return found;
}

/** What one commit did, in words: by name where the hub still has it, else how many. */
function wordsOf(commit, state, restaurantId) {
  const shown = [OF_RESTAURANTS, state.base.restaurantId].includes(restaurantId); // in another one the same id is another party
  const groups = new Map();
  for (const one of commit) {
    const key = `${one.entity_type}_${one.action}`;
    groups.set(key, [...(groups.get(key) || []), one.entity_id]);
  }
  return [...groups].map(([key, ids]) => {
    const names = shown ? ids.map((id) => nameOf(key, id, state)).filter(Boolean) : [];
    return names.length === ids.length && ids.length < 3 ? say(`audit.${key}_named`, { name: names.join(", ") }) : say(`audit.${key}`, { count: ids.length });
  }).join(" · ");
}

function nameOf(key, id, { view, restaurants }) {
  if (key.startsWith("restaurant")) return (restaurants.find((one) => String(one.id) === id) || {}).name;
  if (key.startsWith("guest")) return (view.guests.get(id) || {}).name;
  return (view.tables.get(id) || {}).tableNumber;
}
