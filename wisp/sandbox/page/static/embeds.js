// Embeds of a message.

import { h } from "./dom.js";
import { picture } from "./files.js";
import { outside } from "./links.js";
import { flat, markdown } from "./markdown.js";
import { colour } from "./names.js";
import { stampElement } from "./times.js";

/** @import { Embed } from "./frames.js" */
/** @import { Context } from "./inline.js" */

/** @param {Embed} embed @param {Context} context */
export function embedElement(embed, context) {
  const { author, title, description, fields, thumbnail, image } = embed;
  const label = title ? `Embed: ${flat(title, context.names)}` : "Embed";
  const box = h(
    "article",
    { class: thumbnail ? "embed with-thumbnail" : "embed", "aria-label": label },
    h(
      "div",
      { class: "embed-main" },
      author && h("div", { class: "embed-author" }, author.url ? outside(author.url, {}, author.name) : author.name),
      title && titleElement(title, embed.url, context),
      description && h("div", { class: "embed-text" }, markdown(description, context)),
      fields?.length ? fieldsElement(fields, context) : null,
    ),
    thumbnail && h("div", { class: "embed-thumbnail" }, picture(thumbnail.url, null, { small: true })),
    image && h("div", { class: "embed-image" }, picture(image.url, null)),
    footerElement(embed),
  );
  const color = colour(embed.color);
  if (color) box.style.borderInlineStartColor = color;
  return box;
}

/** @param {string} text @param {string | undefined} url @param {Context} context */
function titleElement(text, url, context) {
  const title = markdown(text, { ...context, plain: true });
  return h("div", { class: "embed-title" }, url ? outside(url, { class: "link" }, title) : title);
}

/** @param {Embed} embed */
function footerElement({ footer, timestamp }) {
  if (!footer && !timestamp) return null;
  return h(
    "div",
    { class: "embed-footer" },
    footer?.text,
    footer && timestamp && h("span", { class: "dot", "aria-hidden": "true" }, "•"),
    timestamp && stampElement(Date.parse(timestamp)),
  );
}

const FIELDS_IN_A_LINE = 3;
const COLUMNS = 12;

/**
 * Up to three inline fields share a line, as in a client.
 * @param {NonNullable<Embed["fields"]>} all
 * @param {Context} context
 */
function fieldsElement(all, context) {
  const box = h("div", { class: "fields" });
  /** @type {HTMLElement[]} */
  let line = [];
  const flush = () => {
    for (const element of line) element.style.setProperty("--span", String(COLUMNS / line.length));
    line = [];
  };
  for (const field of all) {
    const element = h(
      "div",
      { class: field.inline ? "field inline" : "field" },
      h("div", { class: "field-name" }, markdown(field.name, { ...context, plain: true })),
      h("div", { class: "field-value" }, markdown(field.value, context)),
    );
    box.append(element);
    if (!field.inline) flush();
    line.push(element);
    if (!field.inline || line.length === FIELDS_IN_A_LINE) flush();
  }
  flush();
  return box;
}
