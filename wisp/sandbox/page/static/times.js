// Moments as Discord writes them. The sandbox has a time of its own, which tests and people move: `setNow` keeps up.

let offset = 0;

export function setNow(seconds) {
  offset = seconds * 1000 - Date.now();
}

export const now = () => Date.now() + offset;

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

export function written(moment, style = "f") {
  if (style === "R") {
    const seconds = Math.round((moment - now()) / 1000);
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
    return relative.format(Math.trunc(seconds / size), unit);
  }
  return new Intl.DateTimeFormat("en", STYLES[style] ?? STYLES.f).format(moment);
}

// Beside a message: the time today, "Yesterday at", else the day too.
function stamp(moment) {
  const day = (one) => new Date(one).toDateString();
  if (day(moment) === day(now())) return written(moment, "t");
  if (day(moment) === day(now() - 86400000)) return `Yesterday at ${written(moment, "t")}`;
  return written(moment, "s");
}

export function timeElement(seconds, style) {
  const moment = seconds * 1000;
  const element = document.createElement("time");
  if (!Number.isFinite(moment) || Math.abs(moment) > 8.64e15) return null;
  element.className = "moment";
  element.dateTime = new Date(moment).toISOString();
  element.title = written(moment, "F");
  element.textContent = written(moment, style);
  if (style === "R") element.dataset.ticks = moment;
  return element;
}

export function stampElement(moment, name = "") {
  const element = document.createElement("time");
  element.className = name;
  element.dateTime = new Date(moment).toISOString();
  element.title = written(moment, "F");
  element.textContent = stamp(moment);
  element.dataset.stamped = moment;
  return element;
}

export function tick(root = document) {
  for (const element of root.querySelectorAll("time[data-ticks]")) {
    const text = written(Number(element.dataset.ticks), "R");
    if (element.textContent !== text) element.textContent = text;
  }
  for (const element of root.querySelectorAll("time[data-stamped]")) {
    const text = stamp(Number(element.dataset.stamped));
    if (element.textContent !== text) element.textContent = text;
  }
}
