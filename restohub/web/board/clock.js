// The hub's clock as this device can know it: the device's own ticks, never its own time.

// So far the hub's clock must be from what was thought, before it counts as having been set.
const SET_MS = 1500;

/**
 * Only times that the hub read off its clock to send them are observed (`connection_established`, `ping`, `pong`); other
 * timestamps are those of commits. The hub sends whole seconds, and each message comes a little late: of what was
 * observed the latest time is the nearest to the truth.
 * @returns {{observe: (iso: string) => void, now: () => number, known: () => boolean}} `now` in ms since 1970
 */
export function createClock(device = () => Date.now()) {
  let ahead = null;
  return {
    observe(iso) {
      const seen = Date.parse(iso) - device();
      if (Number.isNaN(seen)) return;
      if (ahead === null || seen > ahead || ahead - seen > SET_MS) ahead = seen;
    },
    now: () => device() + (ahead === null ? 0 : ahead),
    known: () => ahead !== null,
  };
}

/** @returns {string} A time as the hub takes and gives it: UTC, whole seconds. */
export const timeText = (ms) => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");

const dayFormats = new Map();

/** The hour at which a business day ends, as the hub's own close of the day. */
const DAY_ENDS_MS = 4 * 3600 * 1000;

/** @returns {string} The date (YYYY-MM-DD) of a time in a zone. */
export function dateOf(ms, zone) {
  if (!dayFormats.has(zone)) {
    const options = { year: "numeric", month: "2-digit", day: "2-digit" };
    let format;
    try {
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zone || "UTC" });
    } catch (unknown) { // a zone that the hub's tables have and this old browser's do not
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
    }
    dayFormats.set(zone, format);
  }
  const parts = {};
  for (const { type, value } of dayFormats.get(zone).formatToParts(new Date(ms))) parts[type] = value;
  return `${parts.year}-${parts.month}-${parts.day}`;
}

/** @returns {string} The business day of a time: until 04:00 in the restaurant's zone it is still yesterday's. */
export const businessDay = (ms, zone) => dateOf(ms - DAY_ENDS_MS, zone);
