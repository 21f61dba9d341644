// The panel at the bottom: the bot's log, its errors, its traffic with the sandbox. The newest stand last.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { written } from "./times.js";

/** @import { LogRecord } from "./frames.js" */

const KEPT = 1000;
const NEAR_THE_END = 40;
const KINDS = [
  ["all", "All"],
  ["log", "Log"],
  ["error", "Errors"],
  ["rest", "REST"],
  ["gateway", "Gateway"],
];

export class Panel {
  /**
   * @param {HTMLElement} box
   * @param {object} parts
   * @param {(on: boolean) => void} parts.follow begins and ends the records
   * @param {(on: boolean) => void} parts.toggled tells whether the panel is open
   */
  constructor(box, { follow, toggled }) {
    this.box = box;
    this.follow = follow;
    this.toggled = toggled;
    /** @type {LogRecord[]} */
    this.records = [];
    this.kind = "all";
    this.needle = "";
    this.last = 0;
    this.list = h("ol", { class: "records", "aria-label": "Records" });
    const region = { tabindex: "0", role: "region", "aria-label": "Records" };
    this.scroll = h("div", { class: "scroll records-scroll", ...region }, this.list);
    this.search = h("input", {
      type: "search",
      class: "search",
      placeholder: "Filter",
      "aria-label": "Filter records",
      oninput: () => this.filter(),
    });
    this.tabs = KINDS.map(([kind, label]) => this.tab(kind, label));
    this.box.replaceChildren(this.header(), this.scroll);
  }

  /** @param {string} kind @param {string} label */
  tab(kind, label) {
    const pressed = String(kind === this.kind);
    const choose = () => this.choose(kind);
    return h("button", { type: "button", class: "tab", "aria-pressed": pressed, onclick: choose }, label);
  }

  header() {
    const tool = { type: "button", class: "tool" };
    const clear = () => this.clear();
    const close = () => this.toggle(false);
    return h(
      "header",
      { class: "panel-header" },
      h("div", { class: "tabs", role: "group", "aria-label": "What is shown" }, ...this.tabs),
      this.search,
      h("button", { ...tool, "aria-label": "Clear", title: "Clear", onclick: clear }, "Clear"),
      h("button", { ...tool, "aria-label": "Close log and traffic", onclick: close }, icon("close")),
    );
  }

  get open() {
    return !this.box.hidden;
  }

  toggle(on = !this.open) {
    this.box.hidden = !on;
    this.follow(on);
    this.toggled(on);
    if (on) this.toEnd();
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {LogRecord[]} records */
  add(records) {
    const fresh = records.filter(({ number }) => number > this.last);
    const newest = fresh.at(-1);
    if (!newest) return;
    this.last = newest.number;
    this.records.push(...fresh);
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    for (const record of fresh) if (this.fits(record)) this.list.append(recordElement(record));
    this.records.splice(0, this.records.length - KEPT);
    while (this.list.children.length > KEPT) this.list.firstElementChild?.remove();
    if (atEnd) this.toEnd();
  }

  /** @param {string} kind */
  choose(kind) {
    this.kind = kind;
    for (const [number, tab] of this.tabs.entries())
      tab.setAttribute("aria-pressed", String(KINDS[number][0] === kind));
    this.filter();
  }

  filter() {
    this.needle = this.search.value.trim().toLowerCase();
    this.list.replaceChildren(...this.records.filter((record) => this.fits(record)).map(recordElement));
    this.toEnd();
  }

  clear() {
    this.records = [];
    this.list.replaceChildren();
  }

  /** @param {LogRecord} record */
  fits({ kind, title, body }) {
    if (this.kind !== "all" && this.kind !== kind) return false;
    return `${title}\n${body}`.toLowerCase().includes(this.needle);
  }
}

/** @param {LogRecord} record */
function recordElement({ kind, moment, level, title, body }) {
  const line = [
    h("time", { class: "record-time" }, written(moment * 1000, "T")),
    h("span", { class: `badge badge-${kind}` }, kind),
    h("span", { class: "record-title" }, title),
  ];
  const text = { class: "record-body scroll", tabindex: "0" };
  const inner = body
    ? h("details", {}, h("summary", { class: "record-line" }, ...line), h("pre", text, body))
    : h("div", { class: "record-line" }, ...line);
  return h("li", { class: `record ${level}` }, inner);
}
