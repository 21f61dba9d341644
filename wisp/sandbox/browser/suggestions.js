// The list above the message box: what may be typed next. The box keeps the keyboard, the list says which is chosen.

import { byId, h } from "./dom.js";

export class Suggestions {
  constructor() {
    this.box = byId("suggestions");
    this.items = [];
    this.active = -1;
    this.input = null;
  }

  get open() {
    return !this.box.hidden && this.items.length > 0;
  }

  // `items`: {label, detail, hint, icon, pick}; `title` is what stands above them, also where there are none.
  show(input, items, { title = null, active = 0, label = "Suggestions" } = {}) {
    this.release();
    this.items = items;
    this.input = input;
    this.active = items.length ? active : -1;
    this.list = h("div", { role: "listbox", id: "suggestion-list", class: "scroll", "aria-label": label });
    this.options = items.map((item, number) =>
      h(
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
        item.icon ?? null,
        h(
          "span",
          { class: "suggestion-text" },
          h("span", { class: "suggestion-label" }, item.label),
          item.detail && h("span", { class: "muted" }, item.detail),
        ),
        item.hint && h("span", { class: "hint" }, item.hint),
      ),
    );
    this.list.append(...this.options);
    this.box.replaceChildren(...[title, items.length ? this.list : null].filter(Boolean));
    this.box.hidden = !title && !items.length;
    input.setAttribute("aria-expanded", String(items.length > 0));
    if (items.length) input.setAttribute("aria-controls", "suggestion-list");
    this.mark(this.active);
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

  mark(number, scroll = true) {
    this.options[this.active]?.setAttribute("aria-selected", "false");
    this.active = number;
    const option = this.options[number];
    option?.setAttribute("aria-selected", "true");
    if (scroll) option?.scrollIntoView({ block: "nearest" });
    if (option) this.input?.setAttribute("aria-activedescendant", option.id);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  move(step) {
    const count = this.items.length;
    this.mark(this.active < 0 ? (step > 0 ? 0 : count - 1) : (this.active + step + count) % count);
  }

  pick(number = this.active) {
    const item = this.items[number];
    this.hide();
    item?.pick();
  }
}
