// Discord's markdown as DOM nodes: blocks of code, quotes, headings and lists, with inline text in them.

import { h } from "./dom.js";
import { DEEPEST, inline } from "./inline.js";

/** @import { Names } from "./frames.js" */
/** @import { Context, OnMention, Part } from "./inline.js" */

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

/** The text of a message without its marks, for one line: replies, titles. @param {string} text @param {Names} names */
export function flat(text, names) {
  const box = document.createElement("span");
  box.append(markdown(text.replace(/\s+/g, " "), { names, plain: true }));
  for (const spoiled of box.querySelectorAll(".spoiler")) spoiled.replaceWith("█████");
  return box.textContent;
}
