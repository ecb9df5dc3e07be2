// All text on the page: `say(key, params)` in its user's language; numbers and times as the restaurant writes them.

import en from './words/en.js';

const LANGUAGES = { en: 'English', de: 'Deutsch' };
const KEPT = 'restohub.language';
let words = en;
let language = 'en';
let plural = new Intl.PluralRules('en');

/** The languages that can be chosen: code → its own name. */
export const languages = LANGUAGES;

/** The code of the language that is spoken now. */
export function spoken() {
  return language;
}

/** What was chosen on this device, or null: a browser may forbid to keep anything. */
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch (forbidden) {
    return null;
  }
}

/** Keep what was chosen, for as long as the browser lets it be kept. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch (forbidden) { // then it holds until the page is closed
  }
}

/** Load the language that was chosen on this device, else the browser's where there is one. */
export async function chooseLanguage(chosen) {
  const wish = chosen || remembered(KEPT) || navigator.language.slice(0, 2);
  if (chosen) remember(KEPT, chosen);
  language = LANGUAGES[wish] ? wish : 'en';
  if (language !== 'en') {
    try {
      words = { ...en, ...(await import(`./words/${language}.js`)).default };
    } catch (absent) {
      language = 'en';
    }
  }
  if (language === 'en') words = en;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
}

/**
 * The words of a key. `{name}` stands for a param, which may be `{key, params}` itself; an entry `{one, other}` is chosen by `params.count`.
 * A key without words says `params.detail` (the hub's own sentence), else itself.
 */
export function say(key, params = {}) {
  let entry = words[key];
  if (entry === undefined) return params.detail || key;
  if (typeof entry === 'object') entry = entry[plural.select(Number(params.count))] || entry.other;
  return entry.replace(/\{(\w+)\}/g, (whole, name) => written(params[name]));
}

/** A param may be words itself: `{key, params}`. */
function written(value) {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? say(value.key, value.params) : String(value);
}

/** Whether there are words for a key. */
export function knows(key) {
  return words[key] !== undefined;
}

const made = new Map();

/**
 * How a restaurant writes times: in its zone and locale, by its clock of 12 or 24 hours.
 * @returns {{time: (at: number|string) => string, short: (at) => string, day: (date: string) => string, number: (n: number) => string, zone: string}}
 */
export function formats(restaurant) {
  const { timezone = 'UTC', locale = null, hours = null } = restaurant || {};
  const key = [timezone, locale, hours, language].join();
  if (!made.has(key)) made.set(key, make(timezone, locale || language, hours));
  return made.get(key);
}

function make(zone, locale, hours) {
  const cycle = hours ? { hourCycle: hours === 12 ? 'h12' : 'h23' } : {};
  const time = intl(locale, { hour: 'numeric', minute: '2-digit', timeZone: zone, ...cycle });
  const day = intl(locale, { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
  const number = new Intl.NumberFormat(time.resolvedOptions().locale);
  const small = []; // sizes and minutes are asked for all the time
  return {
    zone,
    /** Without am and pm: for lists and tables, where an evening is meant. */
    short: (at) => time.formatToParts(new Date(at)).filter(({ type }) => type !== 'dayPeriod').map(({ value }) => value).join('').trim(),
    time: (at) => (at === null || at === undefined ? '' : time.format(new Date(at))),
    day: (date) => day.format(new Date(`${date}T12:00:00Z`)),
    number: (n) => (n < 1000 ? small[n] || (small[n] = number.format(n)) : number.format(n)),
  };
}

function intl(locale, options) {
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch (unknown) { // a locale or zone of the restaurant that this browser does not know
    try {
      return new Intl.DateTimeFormat(language, options);
    } catch (zone) {
      return new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
    }
  }
}
