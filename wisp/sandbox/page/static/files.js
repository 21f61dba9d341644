// Files and pictures of a message.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { outside, ownFile, shortened } from "./links.js";
import { bytes } from "./names.js";
import { spoiler } from "./spoiler.js";

/** @import { Attachment } from "./frames.js" */

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** @param {Attachment} file */
const isPicture = ({ content_type: type }) => type !== undefined && PICTURES.has(type);

/** The pictures together, then every other file in a box of its own. @param {Attachment[]} files */
export function attachments(files) {
  const pictures = files
    .filter(isPicture)
    .map(({ url, filename, description }) =>
      picture(url, description || filename, { hidden: filename.startsWith("SPOILER_") }),
    );
  const others = files
    .filter((file) => !isPicture(file))
    .map(({ filename, size, url }) => fileBox(filename, size, url));
  return [pictures.length > 0 && gallery(pictures), ...others];
}

/** @param {HTMLElement[]} pictures */
export function gallery(pictures) {
  return h("div", { class: pictures.length > 1 ? "gallery" : "pictures" }, ...pictures);
}

/** @param {string} name @param {number | undefined} size @param {string} url */
export function fileBox(name, size, url) {
  return h(
    "div",
    { class: "file" },
    icon("file"),
    h(
      "div",
      {},
      outside(url, { class: "link file-name" }, name),
      size !== undefined && h("div", { class: "muted" }, bytes(size)),
    ),
  );
}

/**
 * A picture that the sandbox serves. Of a picture elsewhere only the address is shown, as nothing is fetched.
 * @param {string} url
 * @param {string | null | undefined} description
 */
export function picture(url, description, { hidden = false, small = false } = {}) {
  const own = ownFile(url);
  const node = own
    ? outside(url, { class: "picture" }, h("img", { src: own, alt: description || "A picture", loading: "lazy" }))
    : elsewhere(url, description, small);
  return hidden ? spoiler([node]) : node;
}

/** @param {string} url @param {string | null | undefined} description @param {boolean} small */
function elsewhere(url, description, small) {
  const link = outside(url, { class: "link", title: url }, description || shortened(url));
  return h("span", { class: small ? "elsewhere small" : "elsewhere" }, icon("link"), link);
}
