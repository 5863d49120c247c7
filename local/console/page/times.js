// Times and durations for people.

const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const UNITS = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** Returns date and time of an RFC 3339 text, or of seconds since 1970. */
export const moment = (value) =>
  MOMENT.format(new Date(typeof value === "number" ? value * 1000 : value));

/** Returns the time of day, by default of now. */
export const clock = (date = new Date()) => CLOCK.format(date);

/** Returns a duration with seconds: "1 h 0 min 12 s". */
export function span(seconds) {
  let left = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count || parts.length || unit === "s") parts.push(counted(count, unit));
  }
  return parts.join(" ");
}

/** Returns how long ago a time was: "just now", "5 min ago". */
export function ago(value) {
  const then = typeof value === "number" ? value * 1000 : Date.parse(value);
  const seconds = (Date.now() - then) / 1000;
  if (seconds < 5) return "just now";
  const [unit, size] = UNITS.find(([, size]) => seconds >= size);
  return `${counted(Math.floor(seconds / size), unit)} ago`;
}

function counted(count, unit) {
  return `${count} ${unit === "day" && count !== 1 ? "days" : unit}`;
}
