// Makes elements, of names and text alone: no text of a bot is ever read as HTML.

import { shownName } from "./names.js";

/** @import { User } from "./frames.js" */

/**
 * @template {Event} E
 * @typedef {(event: E & {currentTarget: HTMLElement, target: HTMLElement}) => void} Handler
 */

/**
 * @typedef {object} Handlers
 * @property {Handler<MouseEvent>} [onclick]
 * @property {Handler<MouseEvent>} [oncontextmenu]
 * @property {Handler<PointerEvent>} [onpointerdown]
 * @property {Handler<PointerEvent>} [onpointermove]
 * @property {Handler<KeyboardEvent>} [onkeydown]
 * @property {Handler<ClipboardEvent>} [onpaste]
 * @property {Handler<Event>} [oninput]
 * @property {Handler<Event>} [onchange]
 * @property {Handler<Event>} [onfocus]
 */

/** @typedef {Handlers & {[name: string]: unknown}} Attributes */
/** @typedef {Node | string | null | undefined | false | Child[]} Child */

const PROPERTIES = ["value", "checked", "selected"];

/**
 * An element with attributes (`on...`: listeners) and children; attributes and children that are null, undefined or
 * false are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
  for (const [name, value] of given) if (value !== false) setAttribute(element, name, value);
  // after the type and the limits, which change what an input takes for a value
  for (const [name, value] of given) if (PROPERTIES.includes(name)) Reflect.set(element, name, value);
  element.append(...present(children));
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function setAttribute(element, name, value) {
  if (PROPERTIES.includes(name)) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
  else element.setAttribute(name, value === true ? "" : value);
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function present(children) {
  const flat = /** @type {any[]} */ (children).flat(Infinity);
  return flat.filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replace what is in a box. @param {Element} box @param {...Child} children */
export const fill = (box, ...children) => box.replaceChildren(...present(children));

/** An element of index.html. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/**
 * Draw what is in a box anew, and keep the keyboard where it was, by the focused element's data-key.
 * @param {HTMLElement} box
 * @param {() => void} draw
 */
export function keepFocus(box, draw) {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && box.contains(focused) ? focused.dataset.key : null;
  draw();
  if (key) focusOn(box.querySelector(`[data-key="${CSS.escape(key)}"]`));
}

/** Move the keyboard to an element, if there is one. @param {Element | null | undefined} element */
export function focusOn(element) {
  if (element instanceof HTMLElement) element.focus();
}

const AVATARS = ["#3a7c4f", "#b3541e", "#b0305c", "#7a4fc4", "#14708a"];
const AVATAR_OF_BOTS = "#5865f2";

/** A user's initial on a disc, whose colour follows from the id. @param {User} user */
export function avatar(user, size = "") {
  const color = user.bot ? AVATAR_OF_BOTS : AVATARS[Number(BigInt(user.id) % BigInt(AVATARS.length))];
  const initial = [...shownName(user)][0]?.toUpperCase() ?? "?";
  return h("span", { class: `avatar ${size}`, style: { background: color }, "aria-hidden": "true" }, initial);
}

/**
 * Text in a role's colour, as far as that is legible on its background.
 * @param {HTMLElement} element
 * @param {string} color
 */
export function tint(element, color) {
  element.classList.add("tinted");
  element.style.setProperty("--tint", color);
}

/** Let a screen reader say something at once. @param {string} text */
export function announce(text) {
  byId("said").textContent = "";
  byId("said").textContent = text;
}
