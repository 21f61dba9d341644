// Links out of the page: only addresses of web pages are links, and of files only the sandbox's own are loaded.

import { h } from "./dom.js";

/** @import { Attributes, Child } from "./dom.js" */

/** The address of a web page, or null: `javascript:` and other schemes stay text. @param {string} text */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}

/**
 * The address of a file that the sandbox serves, on the host under which this page was loaded; null for other hosts.
 * @param {string} text
 */
export function ownFile(text) {
  const url = safeAddress(text);
  if (!url || !["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) return null;
  return /^\/attachments\/\d+\/[^/]+$/.test(url.pathname) ? location.origin + url.pathname : null;
}

/**
 * A link that opens in a tab of its own; plain text if the address is not one of a web page.
 * @param {string} text
 * @param {Attributes} attributes
 * @param {...Child} children
 */
export function outside(text, attributes, ...children) {
  const url = ownFile(text) ?? safeAddress(text)?.href;
  if (!url) return h("span", attributes, ...children);
  return h("a", { ...attributes, href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

/** The host and path of an address, at most 60 characters of it. @param {string} text */
export function shortened(text) {
  const url = safeAddress(text);
  if (!url) return text.slice(0, 80);
  const name = url.host + (url.pathname === "/" ? "" : url.pathname);
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}
