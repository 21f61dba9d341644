// Lists to choose from: menus, and the choices of selects. They float beside what they belong to.

import { byId, focusOn, h } from "./dom.js";
import { icon } from "./icons.js";

/** What a list belongs to: an element, or a point in the window. @typedef {Element | {x: number, y: number}} Anchor */

/** @type {{element: HTMLElement, returnTo: Element | null, closed: (() => void) | null} | null} */
let current = null;

/** Close the list that is open; `back` returns the keyboard to where it was. */
export function closeFloating({ back = true } = {}) {
  if (!current) return;
  const { element, returnTo, closed } = current;
  current = null;
  element.remove();
  closed?.();
  if (back && returnTo?.isConnected) focusOn(returnTo);
}

export const isFloating = () => current !== null;

/** @param {HTMLElement} element @param {Anchor} anchor @param {{closed?: (() => void) | null}} [options] */
function float(element, anchor, { closed = null } = {}) {
  closeFloating({ back: false });
  const returnTo = anchor instanceof Element ? anchor : document.activeElement;
  byId("floating").append(element);
  current = { element, returnTo, closed };
  const edge = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y);
  const { innerWidth: width, innerHeight: height } = window;
  const box = element.getBoundingClientRect();
  const below = height - edge.bottom >= box.height + 12 || edge.top < box.height;
  const top = below ? Math.min(edge.bottom + 6, height - box.height - 8) : edge.top - box.height - 6;
  element.style.left = `${Math.max(8, Math.min(edge.left, width - box.width - 8))}px`;
  element.style.top = `${Math.max(8, top)}px`;
}

document.addEventListener("pointerdown", ({ target }) => {
  if (!current || !(target instanceof Node)) return;
  if (!current.element.contains(target) && !current.returnTo?.contains(target)) closeFloating({ back: false });
});

/** The item to which a key leads; undefined for other keys. @param {string} key @param {HTMLElement[]} items */
function itemFor(key, items) {
  const at = items.findIndex((item) => item.matches(":focus"));
  const last = items.length - 1;
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, Home: 0, End: last };
  return to[key];
}

/**
 * An entry of a menu: a string is a heading, null a line between, false is left out.
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string | null} [hint]
 * @property {boolean} [danger]
 * @property {boolean} [checked] whether it is ticked, of entries that can be
 * @property {() => unknown} action
 */

/** @typedef {MenuItem | string | null | false} MenuEntry */

/** @param {Anchor} anchor @param {string} label @param {MenuEntry[]} entries */
export function openMenu(anchor, label, entries) {
  const shown = entries.filter((entry) => entry !== false);
  const menu = h("div", { class: "floating menu", role: "menu", "aria-label": label }, ...shown.map(menuElement));
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const to = itemFor(event.key, items);
    const begins = (/** @type {HTMLElement} */ item) =>
      item.textContent?.toLowerCase().startsWith(event.key.toLowerCase());
    if (to !== undefined) items[to]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") closeFloating();
    else if (event.key.length === 1) items.find(begins)?.focus();
    else return;
    if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
    event.stopPropagation();
  });
  float(menu, anchor);
  menu.querySelector("button")?.focus();
}

/** @param {MenuItem | string | null} entry */
function menuElement(entry) {
  if (entry === null) return h("hr", { role: "separator" });
  if (typeof entry === "string") return h("div", { class: "menu-title", role: "presentation" }, entry);
  const { label, hint, danger, checked, action } = entry;
  return h(
    "button",
    {
      type: "button",
      role: checked === undefined ? "menuitem" : "menuitemcheckbox",
      "aria-checked": checked === undefined ? null : String(checked),
      class: danger ? "danger" : "",
      tabindex: "-1",
      onclick: () => {
        closeFloating();
        action();
      },
    },
    h("span", {}, label),
    hint && h("span", { class: "hint" }, hint),
    checked && icon("check"),
  );
}

const MOST_LISTED = 200;

/** @typedef {{value: string, label: string, description?: string, icon?: Element | null}} ListOption */

/**
 * @typedef {object} Choosing
 * @property {string} label
 * @property {ListOption[]} options
 * @property {number} [least]
 * @property {number} [most]
 * @property {string[]} [chosen]
 * @property {boolean} [searched] whether there is a box that filters the options
 * @property {(values: string[]) => void} done
 */

/**
 * Open the choices of a select: one choice is taken at once, several with "Done".
 * @param {Element} anchor
 * @param {Choosing} choosing
 */
export function openChoices(anchor, choosing) {
  new Choices(anchor, choosing);
}

class Choices {
  /** @param {Element} anchor @param {Choosing} choosing */
  constructor(anchor, { label, options, least = 1, most = 1, chosen = [], searched = false, done }) {
    this.options = options;
    this.least = least;
    this.most = most;
    this.done = done;
    this.sent = false;
    this.picked = new Set(chosen);
    this.list = h("div", {
      role: "listbox",
      class: "scroll choice-list",
      "aria-label": label,
      "aria-multiselectable": most > 1 ? "true" : null,
      tabindex: "-1",
    });
    this.search = searched ? this.searchBox(label) : null;
    this.finish = h("button", { type: "button", class: "button primary", onclick: () => this.send() }, "Done");
    this.count = h("p", { class: "choices-room", role: "status" });
    this.draw("");
    const foot = most > 1 || least === 0 ? h("div", { class: "choices-foot" }, this.count, this.finish) : null;
    this.tellCount();
    const box = h("div", { class: "floating choices" }, this.search, this.list, foot);
    box.addEventListener("keydown", (event) => this.key(event));
    anchor.setAttribute("aria-expanded", "true");
    float(box, anchor, { closed: () => anchor.setAttribute("aria-expanded", "false") });
    const first = this.list.querySelector("[aria-selected=true]") ?? this.list.querySelector("[role=option]");
    focusOn(this.search ?? first ?? this.list);
  }

  /** @param {string} label */
  searchBox(label) {
    const search = h("input", {
      type: "search",
      class: "search",
      placeholder: "Search",
      "aria-label": `Search ${label}`,
      oninput: () => this.draw(search.value),
    });
    return search;
  }

  send() {
    const { picked, least, most } = this;
    if (this.sent || picked.size < least || picked.size > most) return;
    this.sent = true;
    closeFloating();
    this.done(this.options.map(({ value }) => value).filter((value) => picked.has(value)));
  }

  /** @param {ListOption} option @param {HTMLElement} element */
  toggle({ value }, element) {
    const { picked, most } = this;
    if (most === 1) {
      picked.clear();
      picked.add(value);
      this.send();
      return;
    }
    if (picked.has(value)) picked.delete(value);
    else if (picked.size < most) picked.add(value);
    element.setAttribute("aria-selected", String(picked.has(value)));
    this.tellCount();
  }

  tellCount() {
    const { picked, least, most } = this;
    this.count.textContent = `${picked.size} of ${least === most ? most : `${least} to ${most}`} chosen`;
    this.finish.disabled = picked.size < least || picked.size > most;
  }

  /** @param {string} typed */
  draw(typed) {
    const fitting = this.options.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));
    this.list.replaceChildren(...fitting.slice(0, MOST_LISTED).map((option) => this.optionElement(option)));
    if (!fitting.length) this.list.append(h("p", { class: "muted none" }, "No option matches."));
  }

  /** @param {ListOption} option */
  optionElement(option) {
    const { value, label, description } = option;
    const attributes = {
      role: "option",
      class: "choice",
      tabindex: "-1",
      "aria-selected": String(this.picked.has(value)),
      onclick: () => this.toggle(option, element),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        if (event.key === "Enter" && this.most > 1 && this.picked.has(value)) this.send();
        else this.toggle(option, element);
      },
    };
    const element = h(
      "div",
      attributes,
      option.icon,
      h(
        "span",
        { class: "choice-text" },
        h("span", { class: "choice-label" }, label),
        description && h("span", { class: "muted" }, description),
      ),
      h("span", { class: "tick", "aria-hidden": "true" }, icon("check")),
    );
    return element;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const items = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll("[role=option]")]);
    const searching = this.search !== null && event.target === this.search;
    const to = searching && (event.key === "Home" || event.key === "End") ? undefined : itemFor(event.key, items);
    if (to !== undefined) items[to]?.focus();
    else if (event.key === "Escape") closeFloating();
    else if (event.key === "Enter" && searching) items[0]?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
