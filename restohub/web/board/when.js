// Days and times of a restaurant, in its own zone: the device's zone and clock are never asked.

const MINUTE = 60_000, DAY = 1440 * MINUTE;
const formats = new Map();

/** A format of Intl, made once: making one costs more than using it a thousand times. */
function format(locale, options) {
  const key = locale + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, made(locale, options));
  return formats.get(key);
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
