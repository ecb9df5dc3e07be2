// The first run: an empty hub asks for the restaurant's name and clock, and offers a floor to start from.

import { newId } from './acts.js';
import { oneOf, openForm } from './dialogs.js';
import { el } from './keyed.js';
import { bodyOf, outline } from './shapes.js';
import { formats, say, spoken } from './words.js';

const LOCALES = ["de-AT", "de-CH", "de-DE", "en-AU", "en-CA", "en-GB", "en-IE", "en-US", "es-ES", "fr-FR", "it-IT", "nl-NL", "pl-PL", "pt-PT", "sv-SE"];

/** @returns {boolean} whether nobody has set this restaurant up: an owner who starts from an empty floor is asked once. */
export const isNew = ({ restaurant, base }) => Boolean(restaurant && base) && base.tables.size + base.guests.size === 0 && !restaurant.hours;

/** @returns {Promise<{starter: string}|null>} what was chosen, once the hub has it; with `empty`, edit mode comes next */
export function openFirstRun({ api, store }) {
  const { restaurant } = store.get();
  const id = newId();
  const locale = restaurant.locale || navigator.language;
  return openForm({
    title: say("first.title"),
    text: say("first.text"),
    save: say("first.start"),
    fields: [
      { name: "name", label: say("first.name"), value: restaurant.name, max: 100, required: true, focus: true },
      { name: "starter", label: say("first.floor"), value: "bistro", type: floors },
      zoneField(zoneOf(restaurant)),
      { name: "hours", type: "one", kind: "half", label: say("first.hours"), value: hoursOf(locale), options: [24, 12].map((value) => ({ value, label: say(`first.hours_${value}`) })) },
      { name: "locale", type: "pick", label: say("first.locale"), value: locale, options: locales(locale) },
    ],
    submit: (values) => save({ api, store, id, values }),
    watch: (form) => store.subscribe(({ base }) => { if (base.tables.size) form.close({ starter: "made" }); }),
  });
}

async function save({ api, store, id, values }) {
  const { restaurant, base } = store.get();
  if (!isZone(values.timezone)) return { errors: { timezone: say("first.zone_unknown") } };
  if (base.tables.size) return { text: say("first.made_elsewhere") };
  const { starter: kind, ...data } = values;
  const named = await api.changeRestaurant(restaurant.id, data);
  if (!named.ok) return refused(named);
  const operations = starter(kind, (section) => say(`first.section_${section}`));
  const made = operations.length ? await api.batch(restaurant.id, id, operations) : named;
  return made.ok ? null : refused(made);
}

/** The hub's own sentence, at the field where it names one. */
function refused({ body }) {
  const faults = (body && body.errors) || [];
  const errors = Object.fromEntries(faults.filter(({ pointer }) => pointer).map(({ pointer, detail }) => [pointer.slice(1), detail]));
  return { errors, text: body ? body.detail : say("first.no_answer") };
}

const isZone = (zone) => {
  try { return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone })); } catch (unknown) { return false; }
};
const hoursOf = (locale) => (/^h1/.test(new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hourCycle) ? 12 : 24);

/** The hub's machine knows where it is, but where nobody told it. */
const zoneOf = ({ timezone }) => (/^(Etc\/.*|UTC)$/.test(timezone) ? new Intl.DateTimeFormat().resolvedOptions().timeZone || timezone : timezone);

/** Shows the time there: an owner sees at a glance whether it is the right zone. */
function zoneField(zone) {
  return { name: "timezone", label: say("first.zone"), required: true, kind: "half", type({ id }) {
    const zones = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
    const input = el("input", { id, list: `${id}z`, "aria-label": say("first.zone"), autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    const there = el("small", { class: "hint" });
    const look = () => {
      const known = isZone(input.value.trim());
      there.textContent = known ? say("first.time_there", { time: formats({ timezone: input.value.trim() }).time(Date.now()) }) : "";
    };
    input.value = zone;
    input.addEventListener("input", look);
    look();
    const control = el("div", {}, input, there, el("datalist", { id: `${id}z` }, ...zones.map((value) => el("option", { value }))));
    return { control, input, get: () => input.value.trim(), set(next) { input.value = next; look(); } };
  } };
}

function locales(own) {
  const names = new Intl.DisplayNames([spoken()], { type: "language" });
  return [...new Set([own, ...LOCALES])].map((value) => ({ value, label: names.of(value) || value })).sort((a, b) => a.label.localeCompare(b.label));
}

/** The three floors as small drawings. */
function floors({ value, changed }) {
  const options = Object.keys(STARTERS).map((kind) => ({ value: kind, label: say(`first.${kind}`) }));
  const part = oneOf({ value, options, changed });
  part.control.classList.add("floors");
  part.buttons.forEach((one, at) => one.prepend(drawn(STARTERS[options[at].value])));
  return part;
}

function drawn(tables) {
  const svg = el("svg:svg", { viewBox: "-70 -60 940 720", "aria-hidden": "true" });
  for (const [, , shape, capacity, x, y] of tables) {
    const [name, attributes] = outline(bodyOf(shape, capacity));
    svg.append(el(`svg:${name}`, { ...attributes, transform: `translate(${Math.round(x * 800)} ${Math.round(y * 600)})` }));
  }
  return svg;
}

// Three floors to start from. Each table is [section, number, shape, capacity, x, y].

const BISTRO = [
  ["window", 1, "booth", 4, 0.06, 0.08], ["window", 2, "booth", 4, 0.06, 0.46], ["window", 3, "booth", 4, 0.06, 0.84],
  ["room", 10, "round", 2, 0.34, 0.07], ["room", 11, "round", 2, 0.62, 0.07], ["room", 12, "square", 4, 0.34, 0.34],
  ["room", 13, "round", 4, 0.62, 0.34], ["room", 14, "round", 4, 0.34, 0.62], ["room", 15, "square", 4, 0.62, 0.62],
  ["room", 16, "rectangle", 6, 0.48, 0.91], ["terrace", 20, "round", 2, 0.92, 0.14], ["terrace", 21, "oval", 4, 0.92, 0.62],
];
const DINING = [
  ...[0.05, 0.28, 0.5, 0.72, 0.95].map((y, at) => ["window", at + 1, "booth", at === 4 ? 6 : 4, 0.05, y]),
  ["room", 10, "round", 2, 0.26, 0.04], ["room", 11, "round", 2, 0.43, 0.04], ["room", 12, "round", 2, 0.6, 0.04],
  ["room", 13, "square", 4, 0.26, 0.26], ["room", 14, "round", 4, 0.43, 0.26], ["room", 15, "square", 4, 0.6, 0.26],
  ["room", 16, "round", 4, 0.26, 0.49], ["room", 17, "round", 6, 0.43, 0.49], ["room", 18, "round", 4, 0.6, 0.49],
  ["room", 19, "square", 4, 0.26, 0.72], ["room", 20, "round", 4, 0.43, 0.72], ["room", 21, "square", 4, 0.6, 0.72],
  ["room", 22, "rectangle", 6, 0.29, 0.95], ["room", 23, "rectangle", 8, 0.56, 0.95],
  ["bar", 30, "round", 2, 0.8, 0.03], ["bar", 31, "round", 2, 0.95, 0.03], ["bar", 32, "round", 2, 0.8, 0.2], ["bar", 33, "round", 2, 0.95, 0.2],
  ["terrace", 40, "round", 4, 0.8, 0.45], ["terrace", 41, "round", 4, 0.95, 0.45], ["terrace", 42, "square", 4, 0.8, 0.62],
  ["terrace", 43, "square", 4, 0.95, 0.62], ["terrace", 44, "round", 4, 0.8, 0.79], ["terrace", 45, "round", 4, 0.95, 0.79],
  ["terrace", 46, "oval", 6, 0.875, 0.97],
];

export const STARTERS = { bistro: BISTRO, dining: DINING, empty: [] };

/**
 * @param {"bistro"|"dining"|"empty"} kind
 * @param {(section: string) => string} named what a section is called
 * @returns {object[]} operations of one batch. The hub makes the ids: a table that was deleted keeps its own for ever.
 */
export function starter(kind, named) {
  return STARTERS[kind].map(([section, number, shape, capacity, x, y]) => ({
    entity_type: "table", action: "create",
    data: { tableNumber: String(number), capacity, minCapacity: capacity > 4 ? capacity - 3 : 1, shape, section: named(section), position: { x, y } },
  }));
}
