// The list above the message box: what may be typed next. The box keeps the keyboard, the list marks what is chosen.

import { byId, h } from "./dom.js";

/** @import { Child } from "./dom.js" */

/**
 * @typedef {object} Suggestion
 * @property {Child} label
 * @property {string} [detail]
 * @property {string} [hint]
 * @property {Element | null} [icon]
 * @property {() => void} pick
 */

export class Suggestions {
  constructor() {
    this.box = byId("suggestions");
    /** @type {Suggestion[]} */
    this.items = [];
    /** @type {HTMLElement[]} */
    this.options = [];
    this.active = -1;
    /** @type {HTMLElement | null} */
    this.input = null;
  }

  get open() {
    return !this.box.hidden && this.items.length > 0;
  }

  /**
   * Show what may be typed into `input`. `title` stands above the items, also if there are none.
   * @param {HTMLElement} input
   * @param {Suggestion[]} items
   * @param {{title?: Element | null, active?: number, label?: string}} [options]
   */
  show(input, items, { title = null, active = 0, label = "Suggestions" } = {}) {
    this.release();
    this.items = items;
    this.input = input;
    this.active = items.length ? active : -1;
    this.options = items.map((item, number) => this.optionElement(item, number));
    const list = { role: "listbox", id: "suggestion-list", class: "scroll", "aria-label": label };
    this.box.replaceChildren(...(title ? [title] : []), ...(items.length ? [h("div", list, ...this.options)] : []));
    this.box.hidden = !title && !items.length;
    input.setAttribute("aria-expanded", String(items.length > 0));
    if (items.length) input.setAttribute("aria-controls", "suggestion-list");
    this.mark(this.active);
  }

  /** @param {Suggestion} item @param {number} number */
  optionElement({ icon, label, detail, hint }, number) {
    return h(
      "div",
      {
        role: "option",
        id: `suggestion-${number}`,
        class: "suggestion",
        "aria-selected": "false",
        onpointerdown: (event) => event.preventDefault(),
        onclick: () => this.pick(number),
        onpointermove: () => this.mark(number, false),
      },
      icon,
      h(
        "span",
        { class: "suggestion-text" },
        h("span", { class: "suggestion-label" }, label),
        detail && h("span", { class: "muted" }, detail),
      ),
      hint && h("span", { class: "hint" }, hint),
    );
  }

  hide() {
    this.release();
    this.items = [];
    this.active = -1;
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  release() {
    this.input?.removeAttribute("aria-activedescendant");
    this.input?.removeAttribute("aria-controls");
    this.input?.setAttribute("aria-expanded", "false");
    this.input = null;
  }

  /** @param {number} number */
  mark(number, scroll = true) {
    this.options[this.active]?.setAttribute("aria-selected", "false");
    this.active = number;
    const option = this.options[number];
    option?.setAttribute("aria-selected", "true");
    if (scroll) option?.scrollIntoView({ block: "nearest" });
    if (option) this.input?.setAttribute("aria-activedescendant", option.id);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  /** @param {1 | -1} step */
  move(step) {
    const count = this.items.length;
    if (this.active < 0) this.mark(step > 0 ? 0 : count - 1);
    else this.mark((this.active + step + count) % count);
  }

  pick(number = this.active) {
    const item = this.items[number];
    this.hide();
    item?.pick();
  }

  /**
   * Do what a key does with the list while it is open; false for keys that do nothing with it.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (!this.open) return false;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") this.move(key === "ArrowDown" ? 1 : -1);
    else if (key === "Escape") this.hide();
    else if ((key === "Tab" || key === "Enter") && !event.shiftKey && this.active >= 0) this.pick();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
