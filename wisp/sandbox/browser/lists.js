// Lists of which one chooses: menus, and the choices of selects. They float beside what they belong to.

import { byId, h, icon } from "./dom.js";

let current = null;

// Closes the list that is open; `back` returns the keyboard to where it was.
export function closeFloating({ back = true } = {}) {
  if (!current) return;
  const { element, returnTo, closed } = current;
  current = null;
  element.remove();
  closed?.();
  if (back && returnTo?.isConnected) returnTo.focus();
}

export const isFloating = () => current !== null;

function float(element, anchor, { closed = null } = {}) {
  closeFloating({ back: false });
  const returnTo = anchor instanceof Element ? anchor : document.activeElement;
  byId("floating").append(element);
  current = { element, returnTo, closed };
  const edge =
    anchor instanceof Element
      ? anchor.getBoundingClientRect()
      : { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y, width: 0 };
  const { innerWidth: width, innerHeight: height } = window;
  const box = element.getBoundingClientRect();
  const below = height - edge.bottom >= box.height + 12 || edge.top < box.height;
  element.style.left = `${Math.max(8, Math.min(edge.left, width - box.width - 8))}px`;
  element.style.top = `${Math.max(8, below ? Math.min(edge.bottom + 6, height - box.height - 8) : edge.top - box.height - 6)}px`;
}

document.addEventListener("pointerdown", (event) => {
  if (current && !current.element.contains(event.target) && !current.returnTo?.contains(event.target))
    closeFloating({ back: false });
});

function moveWith(keys, items, active) {
  const at = items.indexOf(active);
  const last = items.length - 1;
  return { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, Home: 0, End: last }[keys];
}

// A menu of `entries`: {label, hint, action, danger}, null for a line between.
export function openMenu(anchor, label, entries) {
  const menu = h("div", { class: "floating menu", role: "menu", "aria-label": label });
  for (const entry of entries) {
    if (entry === null) menu.append(h("hr", { role: "separator" }));
    else if (typeof entry === "string") menu.append(h("div", { class: "menu-title", role: "presentation" }, entry));
    else {
      menu.append(
        h(
          "button",
          {
            type: "button",
            role: entry.checked === undefined ? "menuitem" : "menuitemcheckbox",
            "aria-checked": entry.checked === undefined ? null : String(entry.checked),
            class: entry.danger ? "danger" : "",
            tabindex: "-1",
            onclick: () => {
              closeFloating();
              entry.action();
            },
          },
          h("span", {}, entry.label),
          entry.hint && h("span", { class: "hint" }, entry.hint),
          entry.checked && icon("check"),
        ),
      );
    }
  }
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const to = moveWith(event.key, items, document.activeElement);
    if (to !== undefined) items[to]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") closeFloating();
    else if (event.key.length === 1)
      items.find((item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    else return;
    if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
    event.stopPropagation();
  });
  float(menu, anchor);
  menu.querySelector("button")?.focus();
}

// The choices of a select. `options`: {value, label, description, icon}; one choice is taken at once, several with Done.
export function openChoices(anchor, { label, options, least = 1, most = 1, chosen = [], searched = false, done }) {
  const picked = new Set(chosen);
  const box = h("div", { class: "floating choices" });
  const list = h("div", {
    role: "listbox",
    class: "scroll choice-list",
    "aria-label": label,
    "aria-multiselectable": most > 1 ? "true" : null,
    tabindex: "-1",
  });
  const search = searched
    ? h("input", { type: "search", class: "search", placeholder: "Search", "aria-label": `Search ${label}` })
    : null;
  const finish = h("button", { type: "button", class: "button primary", onclick: () => send() }, "Done");
  const room = h("p", { class: "choices-room", role: "status" });
  let sent = false;

  function send() {
    if (sent || picked.size < least || picked.size > most) return;
    sent = true;
    closeFloating();
    done(options.map(({ value }) => value).filter((value) => picked.has(value)));
  }

  function toggle(option, element) {
    if (most === 1) {
      picked.clear();
      picked.add(option.value);
      send();
      return;
    }
    if (picked.has(option.value)) picked.delete(option.value);
    else if (picked.size < most) picked.add(option.value);
    element.setAttribute("aria-selected", String(picked.has(option.value)));
    tell();
  }

  function tell() {
    room.textContent = `${picked.size} of ${least === most ? most : `${least} to ${most}`} chosen`;
    finish.disabled = picked.size < least || picked.size > most;
  }

  function fill(typed) {
    const fitting = options.filter((option) => option.label.toLowerCase().includes(typed.toLowerCase()));
    list.replaceChildren(
      ...fitting.slice(0, 200).map((option) => {
        const element = h(
          "div",
          { role: "option", class: "choice", tabindex: "-1", "aria-selected": String(picked.has(option.value)) },
          option.icon ?? null,
          h(
            "span",
            { class: "choice-text" },
            h("span", { class: "choice-label" }, option.label),
            option.description && h("span", { class: "muted" }, option.description),
          ),
          h("span", { class: "tick", "aria-hidden": "true" }, icon("check")),
        );
        element.addEventListener("click", () => toggle(option, element));
        element.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            if (event.key === "Enter" && most > 1 && picked.has(option.value)) send();
            else toggle(option, element);
          }
        });
        return element;
      }),
    );
    if (!fitting.length) list.append(h("p", { class: "muted none" }, "Nothing fits."));
  }

  box.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("[role=option]")];
    const to =
      event.target === search && (event.key === "Home" || event.key === "End")
        ? undefined
        : moveWith(event.key, items, document.activeElement);
    if (to !== undefined) items[to]?.focus();
    else if (event.key === "Escape") closeFloating();
    else if (event.key === "Enter" && event.target === search) items[0]?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  search?.addEventListener("input", () => fill(search.value));
  fill("");
  if (search) box.append(search);
  box.append(list);
  if (most > 1 || least === 0) {
    tell();
    box.append(h("div", { class: "choices-foot" }, room, finish));
  }
  anchor.setAttribute("aria-expanded", "true");
  float(box, anchor, { closed: () => anchor.setAttribute("aria-expanded", "false") });
  (search || list.querySelector("[aria-selected=true]") || list.querySelector("[role=option]") || list).focus();
}
