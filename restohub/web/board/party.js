// Forms about one party: walk-in, reservation, edit, and how many have arrived.

import { arrive, edit, reserve, walkIn } from './acts.js';
import { bestFit } from './choose.js';
import { button, oneOf, openDialog, openForm, tell } from './dialogs.js';
import { businessDay, timeText } from './hub.js';
import { el } from './keyed.js';
import { formats, say } from './words.js';

const PHONE = 600; // px wide, as in parts.css
const QUOTES = [5, 10, 15, 20, 30, 45, 60];
// As every page and app keeps them; what they are called here is in the words.
const TAGS = { VIP: "vip", birthday: "birthday", "high chair": "high_chair" };
const DIETS = ["nuts", "gluten", "dairy", "shellfish", "vegetarian", "vegan"];
const ABOUT = ["name", "partySize", "phone", "notes", "tags", "dietaryRestrictions", "quotedWait", "reservationTime"];
const tagged = (tag) => (TAGS[tag] ? say(`party.tag_${TAGS[tag]}`) : tag);

const size = (more) => ({ name: "partySize", type: "pad", label: say("party.size"), required: true, ...more });
const name = (more) => ({ name: "name", label: say("party.name"), max: 100, attributes: { autocapitalize: "words", enterkeyhint: "done" }, ...more });
const about = () => [
  { name: "phone", label: say("party.phone"), max: 40, kind: "half", attributes: { type: "tel", inputmode: "tel" } },
  { name: "notes", type: "area", label: say("party.notes"), max: 2000, kind: "half", attributes: { rows: 2, placeholder: say("party.notes_hint") } },
  { name: "tags", type: "any", label: say("party.tags"), options: Object.keys(TAGS).map((tag) => ({ value: tag, label: tagged(tag) })) },
  { name: "dietaryRestrictions", type: "any", label: say("party.diet"), other: say("party.diet_other"),
    options: DIETS.map((diet) => say(`party.diet_${diet}`)).map((diet) => ({ value: diet, label: diet })) },
];
const quote = (more) => ({ name: "quotedWait", type: "one", none: true, label: say("party.quote"),
  options: QUOTES.map((minutes) => ({ value: minutes, label: String(minutes), name: say("party.minutes", { count: minutes }) })), ...more });

/** What the contract calls nothing: an empty text is null, and a party without a name is a walk-in. */
function filled(values) {
  const fields = { ...values, name: values.name || say("party.walk_in") };
  for (const key of ["phone", "notes"]) if (key in fields) fields[key] = fields[key] || null;
  return fields;
}

/** A walk-in: on the list, at the best table that is free, or at `tableId`, where pressing the size is enough. */
export async function openWalkIn({ store, press, tableId = null }) {
  const table = tableId ? store.get().view.tables.get(tableId) : null;
  const add = (form, at) => {
    const values = filled(form.values());
    return pressOrAsk(form, press, walkIn(store.get().view, { ...values, ...(at ? { tableId: at } : {}) }));
  };
  let form;
  const pressed = () => (table ? form.send() : form.part("name").input.focus());
  const fields = [size({ onpress: pressed }), name(), ...(table ? [] : [quote()]), ...about()];
  return openForm({
    title: table ? say("party.walk_in_at", { table: table.tableNumber }) : say("party.add"),
    text: table ? say("party.press_size") : "",
    save: table ? say("party.seat") : say("party.to_list"),
    fields,
    submit: () => add(form, tableId),
    watch(made) { form = made; return table ? watchTable(store, form, tableId) : watchFit(store, form, add); },
  });
}

/** What can be pressed, with a walk-in at a free table in two presses, the table and the size: those that fill it. */
export function withSizes(ways, view, selection) {
  const at = 1 + ways.findIndex(({ key }) => key === "walk_in");
  if (!at) return ways;
  const { id, capacity, tableNumber } = view.tables.get(selection.id);
  const sizes = [capacity - 2, capacity - 1, capacity].filter((count) => count > 0);
  const sits = sizes.map((count) => ({
    key: `sit_${count}`, words: "do.sit", short: String(count), params: { count, table: tableNumber },
    act: walkIn(view, filled({ partySize: count, tableId: id })),
  }));
  const rest = ways.slice(at).sort((one, other) => Number(one.key === "seat_next") - Number(other.key === "seat_next"));
  const before = ways.slice(0, at);
  if (innerWidth <= PHONE) before.splice(-1, 0, ...sits); // no room for both: the form, which can do as much, goes behind "More"
  else before.push(...sits);
  return [...before, ...rest];
}

/** What is to be asked first is asked in the form: what was typed stays, whatever the answer is. */
function pressOrAsk(form, press, act) {
  if (!act.ask) { press(act); return null; }
  const { key, params } = act.ask;
  form.say(say(key, params), { ways: [button(say(`${key}.yes`), () => { press({ ...act, ask: undefined }); form.close(form.values()); })] });
  return { errors: {} };
}

/** Offers the table that fits best as soon as the size is known. */
function watchFit(store, form, add) {
  const place = el("div", { class: "offer" });
  form.part("partySize").element.append(place);
  let offered = "";
  const look = () => {
    const partySize = form.part("partySize").get();
    const best = partySize && bestFit(store.get().view, { partySize, phase: "waiting", status: "waitlist", tableId: null });
    const table = typeof best === "string" ? store.get().view.tables.get(best) : best;
    const now = table ? table.id : "";
    if (now === offered) return;
    offered = now;
    place.replaceChildren(...(table ? [button(say("party.seat_at", { table: table.tableNumber }), () => {
      add(form, table.id);
      form.close(form.values());
    }, "fit")] : []));
  };
  form.onchange = look;
  return store.subscribe(look);
}

function watchTable(store, form, tableId) {
  let was = "";
  const look = () => {
    const { view } = store.get();
    const table = view.tables.get(tableId);
    const guest = table && table.currentGuestId ? view.guests.get(table.currentGuestId) : null;
    const now = !table ? say("party.table_gone") : guest ? say("party.table_taken", { table: table.tableNumber, name: guest.name }) : "";
    if (now !== was) form.say(now, { refused: now !== "" }); // else what is asked there stays
    was = now;
  };
  return store.subscribe(look);
}

/** A reservation, for today or any other day. */
export async function openReservation({ store, press, clock }) {
  const { restaurant, ui } = store.get();
  const now = clock.now();
  const day = ui && ui.day ? ui.day : localAt(now, restaurant.timezone).day;
  return openForm({
    title: say("party.reservation"),
    fields: [size(), name({ required: true }), whenField({ restaurant, now, day }), ...about()],
    submit(values) { press(reserve(store.get().view, filled(values))); },
  });
}

/** Day and time by buttons: usual times, a quarter of an hour earlier and later, any other day by the calendar. */
function whenField({ restaurant, now, day, at = null }) {
  const zone = restaurant.timezone;
  const today = localAt(now, zone).day;
  // After midnight the lists still call the evening that goes on today: the days of a booking are told by their dates.
  const words = businessDay(now, zone) === today ? ["party.today", "party.tomorrow"] : [];
  return { name: "reservationTime", label: say("party.when"), required: true, type({ id, changed, value }) {
    let chosen = value ? localAt(Date.parse(value), zone) : { day, minutes: at };
    const days = el("div", { class: "choices" });
    const times = el("div", { class: "choices" });
    const other = el("input", { id, type: "date", class: "date", min: today, "aria-label": say("party.other_day") });
    const shown = el("output", { class: "time" });
    const pick = (next) => { chosen = { ...chosen, ...next }; draw(); changed(); };
    const step = (minutes) => {
      const from = chosen.minutes === null ? picks(chosen.day, now, zone)[0] || 1425 : chosen.minutes + minutes;
      pick({ minutes: Math.min(1425, Math.max(0, from)) });
    };
    const choice = (label, pressed, next, data) => button(label, () => pick(next), "choice", { "aria-pressed": String(pressed), "data-value": data });
    function draw() {
      const week = Array.from({ length: 5 }, (_, more) => dayAfter(today, more));
      days.replaceChildren(...week.map((one, index) => choice(
        words[index] ? say(words[index]) : formats(restaurant).day(one),
        one === chosen.day, { day: one }, one)), other);
      other.value = chosen.day;
      other.classList.toggle("chosen", !week.includes(chosen.day));
      times.replaceChildren(...picks(chosen.day, now, zone).map((minutes) => choice(
        formats(restaurant).time(momentOf(chosen.day, minutes, zone)), minutes === chosen.minutes, { minutes }, minutes)));
      shown.textContent = chosen.minutes === null ? say("party.no_time") : formats(restaurant).time(momentOf(chosen.day, chosen.minutes, zone));
    }
    other.addEventListener("change", () => { if (other.value) pick({ day: other.value }); });
    draw();
    const steps = el("div", { class: "step" }, button("−15", () => step(-15), "", { "aria-label": say("party.earlier") }), shown,
      button("+15", () => step(15), "", { "aria-label": say("party.later") }));
    return { control: el("div", { class: "when" }, days, times, steps), input: days.firstChild,
      get: () => (chosen.minutes === null ? null : timeText(momentOf(chosen.day, chosen.minutes, zone))),
      set(next) { chosen = localAt(Date.parse(next), zone); draw(); } };
  } };
}

/** Everything about a party. Where another page changes it meanwhile the form says what, and saves nothing over it. */
export async function openEdit({ store, press, clock, guestId }) {
  const guest = store.get().view.guests.get(guestId);
  if (!guest) return tell(say("party.gone"));
  const fields = [size(), name({ required: true }),
    ...(guest.phase === "expected" || guest.reservationTime ? [whenField({ restaurant: store.get().restaurant, now: clock.now() })] : [quote()]), ...about()]
    .map((field) => ({ ...field, value: guest[field.name] }));
  let seen = guest;
  return openForm({
    title: say("party.edit", { name: guest.name }),
    fields,
    submit(values) {
      const fields = touched(seen, filled(values));
      if (Object.keys(fields).length) press(edit(store.get().view, guestId, fields));
    },
    watch: (form) => store.subscribe(() => {
      const now = store.get().view.guests.get(guestId);
      const changed = now ? different(seen, now) : [];
      if (!now || (now.phase === "done" && seen.phase !== "done")) form.say(say(now ? "party.done" : "party.gone", { name: seen.name, status: now ? say(`party.status_${now.status}`) : "" }), { refused: true });
      else if (changed.length) form.say(say("party.changed", { what: changed.map((key) => describe(key, now, store.get())).join(", ") }), { refused: true, ways: [button(say("party.take_over"), () => { seen = takeOver(form, seen, now); })] });
      else form.say("");
    }),
  });
}

const same = (one, other) => JSON.stringify(one === undefined ? null : one) === JSON.stringify(other === undefined ? null : other);
const touched = (seen, values) => Object.fromEntries(Object.entries(values).filter(([key, value]) => !same(seen[key], value)));
const different = (seen, now) => [...ABOUT, "status", "tableId"].filter((key) => !same(seen[key], now[key]));

/** What others changed goes into the fields that were left alone here; what was typed here stays. */
function takeOver(form, seen, now) {
  const mine = touched(seen, filled(form.values()));
  for (const key of different(seen, now)) if (form.part(key) && !(key in mine)) form.part(key).set(now[key]);
  form.say("");
  return now;
}

function describe(key, guest, { restaurant, view }) {
  const value = guest[key];
  const table = key === "tableId" && value ? view.tables.get(value) : null;
  const text = key === "status" ? say(`party.status_${value}`) : key === "tableId" ? (table ? table.tableNumber : "–")
    : key === "reservationTime" && value ? formats(restaurant).time(value)
      : Array.isArray(value) ? value.map((one) => (tagged(one))).join(" + ") || "–" : value === null ? "–" : String(value);
  return `${say(`party.field_${key}`)}: ${text}`;
}

/** How many of the party are here: one press. */
export async function openArrived({ store, press, guestId }) {
  const guest = store.get().view.guests.get(guestId);
  if (!guest) return tell(say("party.gone"));
  return openDialog({ title: say("party.arrived", { name: guest.name }), kind: "small", build(close) {
    const options = Array.from({ length: guest.partySize }, (_, index) => ({ value: index + 1, label: index + 1 === guest.partySize ? say("party.all", { count: guest.partySize }) : String(index + 1) }));
    const { control } = oneOf({ options, value: guest.arrivedCount || null, changed() {}, onpress(count) { press(arrive(store.get().view, guestId, count)); close(count); } });
    return { start: button(say("dialog.cancel"), () => close()), body: el("div", { class: "body" }, control) };
  } });
}

// Days and times of a restaurant, in its own zone: the device's zone and clock are never asked.

const MINUTE = 60_000, DAY = 1440 * MINUTE;
const kept = new Map();

/** A format of Intl, made once: making one costs more than using it a thousand times. */
function format(locale, options) {
  const key = locale + JSON.stringify(options);
  if (!kept.has(key)) kept.set(key, made(locale, options));
  return kept.get(key);
}

function made(locale, options) {
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch (unknown) { // a zone that is newer than this browser
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  }
}

/** @returns {{day: string, minutes: number}} the date and the minutes since midnight there. */
export function localAt(ms, zone) {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  const part = {};
  for (const { type, value } of format("en-GB", options).formatToParts(ms)) part[type] = value;
  return { day: `${part.year}-${part.month}-${part.day}`, minutes: Number(part.hour) * 60 + Number(part.minute) };
}

/**
 * The moment at which the clocks there show this. A time that they skip in spring is the one as long after the skip, one
 * that they show twice in autumn is the first.
 */
export function momentOf(day, minutes, zone) {
  const shown = Date.parse(`${day}T00:00:00Z`) + minutes * MINUTE;
  const ahead = (at) => {
    const local = localAt(at, zone);
    return Date.parse(`${local.day}T00:00:00Z`) + local.minutes * MINUTE - at;
  };
  const [before, after] = [ahead(shown - DAY), ahead(shown + DAY)];
  const early = shown - before;
  return ahead(early) === before ? early : ahead(shown - after) === after ? shown - after : early;
}

/** @returns {string} the day so many days later: days are counted, not hours. */
export function dayAfter(day, count = 1) {
  return new Date(Date.parse(`${day}T12:00:00Z`) + count * DAY).toISOString().slice(0, 10);
}

/** Times that parties ask for, as minutes since midnight; of today only those to come, and always a few. */
export function picks(day, now, zone) {
  const usual = [720, 750, 780, 810, 1080, 1110, 1140, 1170, 1200, 1230, 1260, 1290];
  const here = localAt(now, zone);
  if (day !== here.day) return usual;
  const next = Math.floor(here.minutes / 30) * 30 + 30;
  const soon = [0, 30, 60, 90].map((more) => next + more);
  return [...new Set([...soon, ...usual])].filter((at) => at >= next && at < 1440).sort((a, b) => a - b);
}
