// The panel below: the bot's log, its errors, the traffic with the sandbox. The newest stand last, and few are kept.

import { h, icon } from "./dom.js";
import { written } from "./times.js";

const KEPT = 1000;
const KINDS = [
  ["all", "All"],
  ["log", "Log"],
  ["error", "Errors"],
  ["rest", "REST"],
  ["gateway", "Gateway"],
];

export class Panel {
  constructor(box, { follow, toggled }) {
    this.box = box;
    this.follow = follow;
    this.toggled = toggled;
    this.records = [];
    this.kind = "all";
    this.needle = "";
    this.last = 0;
    this.list = h("ol", { class: "records", "aria-label": "Records" });
    this.scroll = h(
      "div",
      { class: "scroll records-scroll", tabindex: "0", role: "region", "aria-label": "Records" },
      this.list,
    );
    this.search = h("input", {
      type: "search",
      class: "search",
      placeholder: "Filter",
      "aria-label": "Filter records",
      oninput: () => this.filter(),
    });
    this.tabs = KINDS.map(([kind, label]) =>
      h(
        "button",
        { type: "button", class: "tab", "aria-pressed": String(kind === "all"), onclick: () => this.choose(kind) },
        label,
      ),
    );
    const header = h(
      "header",
      { class: "panel-header" },
      h("div", { class: "tabs", role: "group", "aria-label": "What is shown" }, ...this.tabs),
      this.search,
      h(
        "button",
        { type: "button", class: "tool", "aria-label": "Clear", title: "Clear", onclick: () => this.clear() },
        "Clear",
      ),
      h(
        "button",
        { type: "button", class: "tool", "aria-label": "Close log and traffic", onclick: () => this.toggle(false) },
        icon("close"),
      ),
    );
    this.box.replaceChildren(header, this.scroll);
  }

  get open() {
    return !this.box.hidden;
  }

  toggle(on = !this.open) {
    this.box.hidden = !on;
    this.follow(on);
    this.toggled(on);
    if (on) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  add(records) {
    const fresh = records.filter(({ number }) => number > this.last);
    if (!fresh.length) return;
    this.last = fresh.at(-1).number;
    this.records.push(...fresh);
    const near = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 40;
    for (const record of fresh) if (this.fits(record)) this.list.append(recordElement(record));
    this.records.splice(0, this.records.length - KEPT);
    while (this.list.children.length > KEPT) this.list.firstElementChild.remove();
    if (near) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  choose(kind) {
    this.kind = kind;
    this.tabs.forEach((tab, number) => tab.setAttribute("aria-pressed", String(KINDS[number][0] === kind)));
    this.filter();
  }

  filter() {
    this.needle = this.search.value.trim().toLowerCase();
    this.list.replaceChildren(...this.records.filter((record) => this.fits(record)).map(recordElement));
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  clear() {
    this.records = [];
    this.list.replaceChildren();
  }

  fits({ kind, title, body }) {
    return (
      (this.kind === "all" || this.kind === kind) &&
      (!this.needle || `${title}\n${body}`.toLowerCase().includes(this.needle))
    );
  }
}

function recordElement({ kind, moment, level, title, body }) {
  const line = [
    h("time", { class: "record-time" }, written(moment * 1000, "T")),
    h("span", { class: `badge badge-${kind}` }, kind),
    h("span", { class: "record-title" }, title),
  ];
  const inner = body
    ? h(
        "details",
        {},
        h("summary", { class: "record-line" }, ...line),
        h("pre", { class: "record-body scroll", tabindex: "0" }, body),
      )
    : h("div", { class: "record-line" }, ...line);
  return h("li", { class: `record ${level}` }, inner);
}
