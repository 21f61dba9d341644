// Moments as Discord writes them. The sandbox has its own time, which tests and people move: `setNow` follows it.

let offset = 0;

/** Set the sandbox's time. @param {number} seconds since the Unix epoch */
export function setNow(seconds) {
  offset = seconds * 1000 - Date.now();
}

/** The sandbox's time in milliseconds since the Unix epoch. */
export const now = () => Date.now() + offset;

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
/** The styles of Discord's timestamps, `<t:0:R>` without R. @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};

/** A moment as text. @param {number} moment in milliseconds @param {string} style */
export function written(moment, style = "f") {
  if (style === "R") {
    const seconds = Math.round((moment - now()) / 1000);
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
    return relative.format(Math.trunc(seconds / size), unit);
  }
  return new Intl.DateTimeFormat("en", STYLES[style] ?? STYLES.f).format(moment);
}

/** Beside a message: the time if it was today, "Yesterday at", else the day too. @param {number} moment */
function stamp(moment) {
  const day = (/** @type {number} */ one) => new Date(one).toDateString();
  if (day(moment) === day(now())) return written(moment, "t");
  if (day(moment) === day(now() - 86400000)) return `Yesterday at ${written(moment, "t")}`;
  return written(moment, "s");
}

/** A timestamp in a text; null if no calendar has the moment. @param {number} seconds @param {string} style */
export function timeElement(seconds, style) {
  const moment = seconds * 1000;
  const element = document.createElement("time");
  if (!Number.isFinite(moment) || Math.abs(moment) > 8.64e15) return null;
  element.className = "moment";
  element.dateTime = new Date(moment).toISOString();
  element.title = written(moment, "F");
  element.textContent = written(moment, style);
  if (style === "R") element.dataset.ticks = String(moment);
  return element;
}

/** When a message was written. @param {number} moment */
export function stampElement(moment, name = "") {
  const element = document.createElement("time");
  element.className = name;
  element.dateTime = new Date(moment).toISOString();
  element.title = written(moment, "F");
  element.textContent = stamp(moment);
  element.dataset.stamped = String(moment);
  return element;
}

/** Update relative moments, as time passes. */
export function tick() {
  rewrite("time[data-ticks]", ({ ticks }) => written(Number(ticks), "R"));
  rewrite("time[data-stamped]", ({ stamped }) => stamp(Number(stamped)));
}

/** @param {string} selector @param {(data: DOMStringMap) => string} text */
function rewrite(selector, text) {
  for (const element of document.querySelectorAll(selector)) {
    const fresh = text(/** @type {HTMLElement} */ (element).dataset);
    if (element.textContent !== fresh) element.textContent = fresh;
  }
}
