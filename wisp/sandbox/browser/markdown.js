// Discord's markdown as DOM nodes. It is read in one pass over the text, whatever a hostile bot writes.

import { h } from "./dom.js";
import { outside, safeAddress } from "./links.js";
import { roleName } from "./names.js";
import { timeElement } from "./times.js";

/** @import { Names } from "./frames.js" */

/**
 * What a click on a mention does: its sign ("@" or "#"), its id, and the element that was clicked.
 * @typedef {(sign: string, id: string, anchor: HTMLElement) => void} OnMention
 */

/** @typedef {{names: Names, mention: OnMention | null}} Context */
/** @typedef {string | HTMLElement} Part */
/** @typedef {{node: Part, end: number}} Found a node, and the place in the text behind it */

const DEEPEST = 12;

/**
 * `names` says what mentions are called ("@1", "@&2", "#3"); `plain` leaves headings, lists and quotes as they are.
 * @param {string} text
 * @param {{names?: Names, plain?: boolean, mention?: OnMention | null}} options
 */
export function markdown(text, { names = {}, plain = false, mention = null } = {}) {
  const context = { names, mention };
  const box = document.createDocumentFragment();
  box.append(...(plain ? inline(text, context, 0) : blocks(text, context, 0)));
  return box;
}

/** @param {string} text @param {Context} context @param {number} depth @returns {Part[]} */
function blocks(text, context, depth) {
  const nodes = [];
  let rest = text;
  while (rest) {
    const fence = rest.indexOf("```");
    const end = fence < 0 ? -1 : rest.indexOf("```", fence + 3);
    if (end < 0 || depth > DEEPEST) {
      nodes.push(...lines(rest, context, depth));
      break;
    }
    if (fence) nodes.push(...lines(rest.slice(0, fence).replace(/\n$/, ""), context, depth));
    nodes.push(codeBlock(rest.slice(fence + 3, end)));
    rest = rest.slice(end + 3).replace(/^\n/, "");
  }
  return nodes;
}

/** @param {string} source */
function codeBlock(source) {
  const match = /^([\w+#.-]{1,20})\n/.exec(source);
  const code = match ? source.slice(match[0].length) : source.replace(/^\n/, "");
  const block = h("pre", { class: "code-block", tabindex: "0" }, h("code", {}, code.replace(/\n$/, "")));
  if (match) block.dataset.language = match[1];
  return block;
}

const HEADING = /^(#{1,3})\s+(\S.*)$/;
const SUBTEXT = /^-#\s+(\S.*)$/;
const ITEM = /^(\s*)([-*]|\d{1,9}\.)\s+(\S.*)$/;

/**
 * A block that begins with a line: its node, and the line behind it.
 * @typedef {{node: HTMLElement, end: number}} Block
 */

/** @param {string} text @param {Context} context @param {number} depth @returns {Part[]} */
function lines(text, context, depth) {
  /** @type {Part[]} */
  const nodes = [];
  const all = text.split("\n");
  /** @type {string[]} */
  let run = [];
  const flush = () => {
    if (run.length) nodes.push(...inline(run.join("\n"), context, depth));
    run = [];
  };
  let at = 0;
  while (at < all.length) {
    const block = quote(all, at, context, depth) ?? heading(all, at, context, depth) ?? list(all, at, context, depth);
    if (block) {
      flush();
      nodes.push(block.node);
      at = block.end;
    } else {
      run.push(all[at]);
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** @param {string[]} all @param {number} at @param {Context} context @param {number} depth @returns {Block | null} */
function quote(all, at, context, depth) {
  if (all[at].startsWith(">>> ") && depth < DEEPEST) {
    const quoted = [all[at].slice(4), ...all.slice(at + 1)].join("\n");
    return { node: h("blockquote", {}, ...blocks(quoted, context, depth + 1)), end: all.length };
  }
  let end = at;
  while (end < all.length && (all[end].startsWith("> ") || all[end] === ">")) end += 1;
  if (end === at) return null;
  const quoted = all.slice(at, end).map((line) => line.slice(2));
  return { node: h("blockquote", {}, ...inlineOrBlocks(quoted.join("\n"), context, depth + 1)), end };
}

/** @param {string[]} all @param {number} at @param {Context} context @param {number} depth @returns {Block | null} */
function heading(all, at, context, depth) {
  const subtext = SUBTEXT.exec(all[at]);
  if (subtext) {
    return { node: h("small", { class: "subtext" }, ...inline(subtext[1], context, depth + 1)), end: at + 1 };
  }
  const match = HEADING.exec(all[at]);
  if (!match) return null;
  const level = match[1].length;
  // a message is no chapter of the page: its headings begin below the page's own
  const attributes = { class: `heading h${level}`, role: "heading", "aria-level": level + 2 };
  return { node: h("div", attributes, ...inline(match[2], context, depth + 1)), end: at + 1 };
}

/** @param {string} text @param {Context} context @param {number} depth */
function inlineOrBlocks(text, context, depth) {
  return depth < DEEPEST ? lines(text, context, depth) : inline(text, context, depth);
}

/** @typedef {{indent: number, ordered: boolean, start: number, text: string}} Item */

/** @param {string} line @returns {Item | null} */
function itemOf(line) {
  const match = ITEM.exec(line);
  if (!match) return null;
  const [, indent, mark, text] = match;
  return { indent: indent.length, ordered: /\d/.test(mark), start: parseInt(mark, 10), text };
}

/** @param {string[]} all @param {number} at @param {Context} context @param {number} depth @returns {Block | null} */
function list(all, at, context, depth) {
  const first = itemOf(all[at]);
  if (!first) return null;
  const items = [first];
  for (const line of all.slice(at + 1)) {
    const item = itemOf(line);
    // points and numbers at the margin are two lists
    if (!item || (item.indent <= first.indent && item.ordered !== first.ordered)) break;
    items.push(item);
  }
  return { node: listElement(items, context, depth), end: at + items.length };
}

/** @param {Item[]} items @param {Context} context @param {number} depth */
function listElement(items, context, depth) {
  const make = (/** @type {Item} */ { ordered, start }) => h(ordered ? "ol" : "ul", ordered ? { start } : {});
  const top = make(items[0]);
  const open = [{ indent: items[0].indent, element: top }];
  for (const item of items) {
    while (open.length > 1 && item.indent < open[open.length - 1].indent) open.pop();
    const { indent, element } = open[open.length - 1];
    if (item.indent > indent + 1 && open.length < DEEPEST && element.lastElementChild) {
      const deeper = make(item);
      element.lastElementChild.append(deeper);
      open.push({ indent: item.indent, element: deeper });
    }
    open[open.length - 1].element.append(h("li", {}, ...inline(item.text, context, depth + 1)));
  }
  return top;
}

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
function inline(text, context, depth) {
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

/** Content that is hidden until it is pressed. @param {Part[]} inner */
export function spoiler(inner) {
  const hidden = h("span", { class: "spoiler-text", "aria-hidden": "true", inert: true }, ...inner);
  const show = () => {
    if (box.classList.contains("shown")) return;
    box.classList.add("shown");
    box.removeAttribute("role");
    box.removeAttribute("tabindex");
    box.removeAttribute("aria-label");
    hidden.removeAttribute("aria-hidden");
    hidden.removeAttribute("inert");
  };
  const box = h(
    "span",
    {
      class: "spoiler",
      role: "button",
      tabindex: "0",
      "aria-label": "Spoiler: press to show",
      onclick: show,
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          show();
        }
      },
    },
    hidden,
  );
  return box;
}

/** The text of a message without its marks, for one line: replies, titles. @param {string} text @param {Names} names */
export function flat(text, names) {
  const box = document.createElement("span");
  box.append(markdown(text.replace(/\s+/g, " "), { names, plain: true }));
  for (const spoiled of box.querySelectorAll(".spoiler")) spoiled.replaceWith("█████");
  return box.textContent;
}
