// Discord's markdown within a line: marks, code, links, mentions, moments and emoji. It is read in one pass over the
// text, whatever a hostile bot writes.

import { h } from "./dom.js";
import { outside, safeAddress } from "./links.js";
import { roleName } from "./names.js";
import { spoiler } from "./spoiler.js";
import { timeElement } from "./times.js";

/** @import { Names } from "./frames.js" */

/**
 * What a click on a mention does: its sign ("@" or "#"), its id, and the element that was clicked.
 * @typedef {(sign: string, id: string, anchor: HTMLElement) => void} OnMention
 */

/** @typedef {{names: Names, mention: OnMention | null}} Context */
/** @typedef {string | HTMLElement} Part */
/** @typedef {{node: Part, end: number}} Found a node, and the place in the text behind it */

/** How deep marks, quotes and lists can lie in one another. */
export const DEEPEST = 12;

/**
 * Pairs of signs with what they make, longer ones first.
 * @type {[string, "strong" | "u" | "s" | "em" | "spoiler"][]}
 */
const PAIRS = [
  ["**", "strong"],
  ["__", "u"],
  ["~~", "s"],
  ["||", "spoiler"],
  ["*", "em"],
  ["_", "em"],
];

const SPECIAL = /[\\`*_~|[<h]/g;

/** @param {string} text @param {Context} context @param {number} depth @returns {Part[]} */
export function inline(text, context, depth) {
  /** @type {Part[]} */
  const nodes = [];
  let plain = "";
  const flush = () => {
    for (const [number, line] of plain.split("\n").entries()) {
      if (number) nodes.push(h("br"));
      if (line) nodes.push(line);
    }
    plain = "";
  };
  // Marks that nothing closes any more: they are not looked for again, or a text full of them would take for ever.
  /** @type {Set<string>} */
  const unclosed = new Set();
  let at = 0;
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(text);
    if (!next) break;
    plain += text.slice(at, next.index);
    at = next.index;
    const found = special(text, at, context, depth, unclosed);
    if (!found) {
      plain += text[at];
      at += 1;
    } else if (typeof found.node === "string") {
      plain += found.node;
      at = found.end;
    } else {
      flush();
      nodes.push(found.node);
      at = found.end;
    }
  }
  plain += text.slice(at);
  flush();
  return nodes;
}

/**
 * What a special sign at `at` begins; null if it is only a sign.
 * @param {string} text
 * @param {number} at
 * @param {Context} context
 * @param {number} depth
 * @param {Set<string>} unclosed marks that nothing closes from here on
 * @returns {Found | null}
 */
function special(text, at, context, depth, unclosed) {
  const sign = text[at];
  if (sign === "\\") return /[^\w\s]/.test(text[at + 1] ?? "") ? { node: text[at + 1], end: at + 2 } : null;
  if (sign === "`") return codeSpan(text, at);
  if (sign === "h") return bareAddress(text, at);
  if (sign === "<") return angle(text, at, context);
  if (depth >= DEEPEST) return null;
  if (sign === "[") return maskedLink(text, at, context, depth);
  for (const [mark, tag] of PAIRS) {
    if (unclosed.has(mark) || !text.startsWith(mark, at)) continue;
    const end = closing(text, at, mark);
    if (end === null) unclosed.add(mark);
    if (end === null || end < 0) continue;
    const inner = inline(text.slice(at + mark.length, end), context, depth + 1);
    return { node: tag === "spoiler" ? spoiler(inner) : h(tag, {}, ...inner), end: end + mark.length };
  }
  return null;
}

/**
 * Where that which `mark` opens at `from` ends, outside of escapes, code and longer marks; null if nothing closes it,
 * -1 if it opens nothing.
 * @param {string} text
 * @param {number} from
 * @param {string} mark
 */
function closing(text, from, mark) {
  const single = mark.length === 1;
  const start = from + mark.length;
  if (single && /\s/.test(text[start] ?? " ")) return -1;
  if (mark === "_" && /\w/.test(text[from - 1] ?? " ")) return -1;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "\\") {
      at += 1;
    } else if (text[at] === "`") {
      const code = codeSpan(text, at);
      if (code) at = code.end - 1;
    } else if (text.startsWith(mark, at)) {
      const longer = text[at + mark.length] === mark[0];
      if (single && longer) {
        at += 1;
      } else if (
        at > start &&
        !longer &&
        !(single && /\s/.test(text[at - 1])) &&
        !(mark === "_" && /\w/.test(text[at + 1] ?? " "))
      ) {
        return at;
      }
    }
  }
  return null;
}

/** @param {string} text @param {number} at @returns {Found | null} */
function codeSpan(text, at) {
  const ticks = text.startsWith("``", at) ? "``" : "`";
  const end = text.indexOf(ticks, at + ticks.length);
  if (end <= at + ticks.length) return null;
  const code = text.slice(at + ticks.length, end);
  return { node: h("code", { class: "code" }, ticks === "``" ? code.trim() : code), end: end + ticks.length };
}

const ADDRESS = /https?:\/\/[^\s<>"'|`]{2,2000}/y;

/** @param {string} text @param {number} at @returns {Found | null} */
function bareAddress(text, at) {
  ADDRESS.lastIndex = at;
  const match = ADDRESS.exec(text);
  if (!match) return null;
  let address = match[0].replace(/[.,:;!?*_~]+$/, "");
  if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
  if (!safeAddress(address)) return null;
  return { node: outside(address, { class: "link" }, address), end: at + address.length };
}

const LABEL = /\[((?:\\.|[^[\]\\\n]){1,1000})\]/.source;
const TARGET = /<?(https?:\/\/[^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?/.source;
const TITLE = /(?:\s+"([^"\n]{0,500})")?/.source;
const MASKED = new RegExp(`${LABEL}\\(${TARGET}${TITLE}\\)`, "y");

/** @param {string} text @param {number} at @param {Context} context @param {number} depth @returns {Found | null} */
function maskedLink(text, at, context, depth) {
  MASKED.lastIndex = at;
  const match = MASKED.exec(text);
  if (!match || !safeAddress(match[2])) return null;
  const label = inline(match[1], context, DEEPEST - 1 > depth ? depth + 1 : DEEPEST);
  return {
    node: outside(match[2], { class: "link", title: match[3] ?? match[2] }, ...label),
    end: at + match[0].length,
  };
}

/** What stands in `<...>`: a mention, a command, a custom emoji, a moment, an address. */
const IN_ANGLES = [
  /(?<kind>@!?|@&|#)(?<id>\d{1,20})/,
  /\/(?<command>[^:<>\n]{1,100}):\d{1,20}/,
  /a?:(?<emoji>\w{2,32}):\d{1,20}/,
  /t:(?<moment>-?\d{1,13})(?::(?<style>[tTdDfFsSR]))?/,
  /(?<address>https?:\/\/[^\s<>]{2,2000})/,
];
const ANGLE = new RegExp(`<(?:${IN_ANGLES.map(({ source }) => source).join("|")})>`, "y");

/** @param {string} text @param {number} at @param {Context} context @returns {Found | null} */
function angle(text, at, context) {
  ANGLE.lastIndex = at;
  const match = ANGLE.exec(text);
  const node = match?.groups && angleNode(match.groups, context);
  return match && node ? { node, end: at + match[0].length } : null;
}

/** @param {Record<string, string | undefined>} groups @param {Context} context */
function angleNode({ kind, id, command, emoji, moment, style, address }, context) {
  if (kind && id) return mentionNode(kind.replace("!", ""), id, context);
  if (command) return h("span", { class: "mention" }, `/${command}`);
  if (emoji) return h("span", { class: "emoji", title: `:${emoji}:` }, `:${emoji}:`);
  if (moment) return timeElement(Number(moment), style ?? "f");
  return address && safeAddress(address) ? outside(address, { class: "link" }, address) : null;
}

/** @param {string} kind @param {string} id @param {Context} context */
function mentionNode(kind, id, { names, mention }) {
  const name = names[kind + id];
  const text = mentionText(kind, id, name);
  if (!name || !mention || kind === "@&") return h("span", { class: "mention" }, text);
  const click = (/** @type {{currentTarget: HTMLElement}} */ event) => mention(kind, id, event.currentTarget);
  return h("button", { type: "button", class: "mention", onclick: click }, text);
}

/** @param {string} kind @param {string} id @param {string | null | undefined} name */
function mentionText(kind, id, name) {
  if (kind === "#") return name ? `#${name}` : "# No Access";
  return name ? roleName({ name }) : `<${kind}${id}>`;
}
