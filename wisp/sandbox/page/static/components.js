// Components of a message: rows, buttons, selects, and the layout of Components V2.

import { ButtonStyle, ComponentType, SeparatorSpacing } from "./discord.js";
import { h } from "./dom.js";
import { fileBox, gallery, picture } from "./files.js";
import { icon } from "./icons.js";
import { outside, safeAddress } from "./links.js";
import { markdown } from "./markdown.js";
import { colour } from "./names.js";
import { spoiler } from "./spoiler.js";

/** @import { Component, Emoji, Message } from "./frames.js" */
/** @import { Context } from "./inline.js" */
/** @import { MessageActions } from "./message_actions.js" */

/** @typedef {{message: Message, context: Context, actions: MessageActions}} Surroundings */

/** @type {Record<number, (component: Component, at: Surroundings) => HTMLElement>} */
const ELEMENTS = {
  [ComponentType.ACTION_ROW]: (one, at) => h("div", { class: "action-row" }, ...inside(one, at)),
  [ComponentType.BUTTON]: button,
  [ComponentType.STRING_SELECT]: select,
  [ComponentType.USER_SELECT]: select,
  [ComponentType.ROLE_SELECT]: select,
  [ComponentType.MENTIONABLE_SELECT]: select,
  [ComponentType.CHANNEL_SELECT]: select,
  [ComponentType.SECTION]: section,
  [ComponentType.TEXT_DISPLAY]: (one, at) => h("div", { class: "text" }, markdown(one.content, at.context)),
  [ComponentType.THUMBNAIL]: ({ media, description, spoiler: hidden }) =>
    h("div", { class: "thumbnail" }, picture(media.url, description, { hidden, small: true })),
  [ComponentType.MEDIA_GALLERY]: ({ items }) =>
    gallery(items.map(({ media, description, spoiler: hidden }) => picture(media.url, description, { hidden }))),
  [ComponentType.FILE]: file,
  [ComponentType.SEPARATOR]: separator,
  [ComponentType.CONTAINER]: container,
};

/** @param {Component} component @param {Surroundings} at */
export function componentElement(component, at) {
  const element = ELEMENTS[component.type];
  return element ? element(component, at) : h("div", { class: "muted" }, `(a component of type ${component.type})`);
}

/** @param {Component} parent @param {Surroundings} at */
const inside = ({ components }, at) => components.map((inner) => componentElement(inner, at));

/** @param {Component} one @param {Surroundings} at */
function section(one, at) {
  return h(
    "div",
    { class: "section" },
    h("div", { class: "section-text" }, ...inside(one, at)),
    h("div", { class: "accessory" }, componentElement(one.accessory, at)),
  );
}

/** @param {Component} one @param {Surroundings} at */
function file({ file: { url }, name, spoiler: hidden }, { message }) {
  const attachment = message.attachments.find((other) => other.url === url);
  const box = fileBox(attachment?.filename ?? name ?? "file", attachment?.size, url);
  return hidden ? spoiler([box]) : box;
}

/** @param {Component} one */
function separator({ divider, spacing }) {
  const wide = spacing === SeparatorSpacing.LARGE;
  return h("hr", { class: `${divider === false ? "blank" : ""} ${wide ? "wide" : ""}` });
}

/** @param {Component} one @param {Surroundings} at */
function container(one, at) {
  const box = h("div", { class: "container" }, ...inside(one, at));
  const color = colour(one.accent_color);
  if (color) {
    box.classList.add("accented");
    box.style.setProperty("--accent", color);
  }
  return one.spoiler ? spoiler([box]) : box;
}

/** @type {Record<number, string>} */
const BUTTON_CLASSES = {
  [ButtonStyle.PRIMARY]: "primary",
  [ButtonStyle.SECONDARY]: "secondary",
  [ButtonStyle.SUCCESS]: "success",
  [ButtonStyle.DANGER]: "danger",
  [ButtonStyle.PREMIUM]: "premium",
};

/** @param {Component} one @param {Surroundings} at */
function button(one, { message, actions }) {
  const bare = !one.label && !one.emoji && one.style === ButtonStyle.PREMIUM;
  const inner = [emojiElement(one.emoji), one.label && h("span", {}, one.label), bare && "Shop"];
  if (one.style === ButtonStyle.LINK) return linkButton(one, inner);
  const style = BUTTON_CLASSES[one.style ?? ButtonStyle.SECONDARY] ?? "secondary";
  return h(
    "button",
    {
      type: "button",
      class: `button ${style}`,
      disabled: Boolean(one.disabled),
      "data-control": one.custom_id,
      onclick: (event) => actions.click(message, one, event.currentTarget),
    },
    ...inner,
  );
}

/** @param {Component} one @param {import("./dom.js").Child[]} inner */
function linkButton({ url, disabled }, inner) {
  const attributes = { class: "button link-button", title: url };
  if (!disabled && safeAddress(url)) return outside(url, attributes, ...inner, icon("link"));
  return h("button", { type: "button", ...attributes, disabled: Boolean(disabled) }, ...inner, icon("link"));
}

/** @param {Emoji | undefined} emoji */
function emojiElement(emoji) {
  return emoji?.name ? h("span", { class: "button-emoji" }, emojiText(emoji)) : null;
}

/** A custom emoji by its name, as its picture is not here. @param {Emoji} emoji */
export const emojiText = ({ id, name }) => (id ? `:${name}:` : name);

/** @type {Record<number, string>} */
const PLACEHOLDERS = {
  [ComponentType.STRING_SELECT]: "Make a selection",
  [ComponentType.USER_SELECT]: "Select a user",
  [ComponentType.ROLE_SELECT]: "Select a role",
  [ComponentType.MENTIONABLE_SELECT]: "Select a user or role",
  [ComponentType.CHANNEL_SELECT]: "Select a channel",
};

/** @param {Component} one @param {Surroundings} at */
function select(one, { message, actions }) {
  const chosen = chosenNames(one, actions);
  const label = one.placeholder || PLACEHOLDERS[one.type];
  const single = one.type === ComponentType.STRING_SELECT && (one.max_values ?? 1) <= 1;
  const names = chosen.map((name) => h("span", { class: single ? "" : "pill" }, name));
  return h(
    "button",
    {
      type: "button",
      class: chosen.length ? "select filled" : "select",
      disabled: Boolean(one.disabled),
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": chosen.length ? `${label}: ${chosen.join(", ")}` : label,
      "data-control": one.custom_id,
      onclick: (event) => actions.select(message, one, event.currentTarget),
    },
    h("span", { class: "select-text" }, names.length ? names : label),
    icon("down"),
  );
}

/** @param {Component} one @param {MessageActions} actions */
function chosenNames(one, actions) {
  if (one.type !== ComponentType.STRING_SELECT) {
    return (one.default_values ?? []).map(({ id }) => actions.nameOf(id) ?? id);
  }
  return one.options.filter((option) => option.default).map((option) => option.label);
}
