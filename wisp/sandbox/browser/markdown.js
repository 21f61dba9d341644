// Discord's markdown as DOM nodes. It is read in one pass over the text, whatever a hostile bot writes.

import { h, outside, safeAddress } from "./dom.js";
import { timeElement } from "./times.js";

const DEEPEST = 12;

// `names` says what mentions are called ("@1", "@&2", "#3"), `plain` leaves headings, lists and quotes as they are written.
export function markdown(text, { names = {}, plain = false, mention = null } = {}) {
  const context = { names, mention };
  const box = document.createDocumentFragment();
  box.append(...(plain ? inline(text, context, 0) : blocks(text, context, 0)));
  return box;
}

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

function lines(text, context, depth) {
  const nodes = [];
  const all = text.split("\n");
  let run = [];
  const flush = () => {
    if (run.length) nodes.push(...inline(run.join("\n"), context, depth));
    run = [];
  };
  for (let at = 0; at < all.length; at += 1) {
    const line = all[at];
    let match;
    if (line.startsWith(">>> ") && depth < DEEPEST) {
      flush();
      const quoted = [line.slice(4), ...all.slice(at + 1)].join("\n");
      nodes.push(h("blockquote", {}, ...blocks(quoted, context, depth + 1)));
      return nodes;
    }
    if (line.startsWith("> ") || line === ">") {
      flush();
      const quoted = [];
      while (at < all.length && (all[at].startsWith("> ") || all[at] === ">")) quoted.push(all[at++].slice(2));
      at -= 1;
      nodes.push(h("blockquote", {}, ...inlineOrBlocks(quoted.join("\n"), context, depth + 1)));
    } else if ((match = HEADING.exec(line))) {
      flush();
      const level = match[1].length;
      // a message is no chapter of the page: its headings begin below the page's own
      nodes.push(
        h(
          "div",
          { class: `heading h${level}`, role: "heading", "aria-level": level + 2 },
          ...inline(match[2], context, depth + 1),
        ),
      );
    } else if ((match = SUBTEXT.exec(line))) {
      flush();
      nodes.push(h("small", { class: "subtext" }, ...inline(match[1], context, depth + 1)));
    } else if (ITEM.test(line)) {
      flush();
      const items = [];
      while (at < all.length && (match = ITEM.exec(all[at]))) {
        const item = {
          indent: match[1].length,
          ordered: /\d/.test(match[2]),
          start: parseInt(match[2], 10),
          text: match[3],
        };
        // points and numbers at the margin are two lists
        if (items.length && item.indent <= items[0].indent && item.ordered !== items[0].ordered) break;
        items.push(item);
        at += 1;
      }
      at -= 1;
      nodes.push(list(items, context, depth));
    } else {
      run.push(line);
    }
  }
  flush();
  return nodes;
}

function inlineOrBlocks(text, context, depth) {
  return depth < DEEPEST ? lines(text, context, depth) : inline(text, context, depth);
}

function list(items, context, depth) {
  const make = (item) => h(item.ordered ? "ol" : "ul", item.ordered ? { start: item.start } : {});
  const top = make(items[0]);
  const open = [{ indent: items[0].indent, element: top }];
  for (const item of items) {
    while (open.length > 1 && item.indent < open.at(-1).indent) open.pop();
    if (item.indent > open.at(-1).indent + 1 && open.length < DEEPEST && open.at(-1).element.lastElementChild) {
      const deeper = make(item);
      open.at(-1).element.lastElementChild.append(deeper);
      open.push({ indent: item.indent, element: deeper });
    }
    open.at(-1).element.append(h("li", {}, ...inline(item.text, context, depth + 1)));
  }
  return top;
}

// Pairs of signs with what they make, longer ones first.
const PAIRS = [
  ["**", "strong"],
  ["__", "u"],
  ["~~", "s"],
  ["||", "spoiler"],
  ["*", "em"],
  ["_", "em"],
];

const SPECIAL = /[\\`*_~|[<h]/g;

function inline(text, context, depth) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    plain.split("\n").forEach((line, number) => {
      if (number) nodes.push(h("br"));
      if (line) nodes.push(line);
    });
    plain = "";
  };
  // Marks that nothing closes any more: they are not looked for again, or a text full of them would take for ever.
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

// Where what `mark` opens at `from` ends, behind escapes and code and not within a longer mark; null where nothing
// closes it, -1 where it opens nothing.
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

function codeSpan(text, at) {
  const ticks = text.startsWith("``", at) ? "``" : "`";
  const end = text.indexOf(ticks, at + ticks.length);
  if (end <= at + ticks.length) return null;
  const code = text.slice(at + ticks.length, end);
  return { node: h("code", { class: "code" }, ticks === "``" ? code.trim() : code), end: end + ticks.length };
}

const ADDRESS = /https?:\/\/[^\s<>"'|`]{2,2000}/y;

function bareAddress(text, at) {
  ADDRESS.lastIndex = at;
  const match = ADDRESS.exec(text);
  if (!match) return null;
  let address = match[0].replace(/[.,:;!?*_~]+$/, "");
  if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
  if (!safeAddress(address)) return null;
  return { node: outside(address, { class: "link" }, address), end: at + address.length };
}

const MASKED =
  /\[((?:\\.|[^[\]\\\n]){1,1000})\]\(<?(https?:\/\/[^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s+"([^"\n]{0,500})")?\)/y;

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

const ANGLE =
  /<(?:(?<kind>@!?|@&|#)(?<id>\d{1,20})|\/(?<command>[^:<>\n]{1,100}):\d{1,20}|a?:(?<emoji>\w{2,32}):\d{1,20}|t:(?<moment>-?\d{1,13})(?::(?<style>[tTdDfFsSR]))?|(?<address>https?:\/\/[^\s<>]{2,2000}))>/y;

function angle(text, at, context) {
  ANGLE.lastIndex = at;
  const match = ANGLE.exec(text);
  if (!match) return null;
  const { kind, id, command, emoji, moment, style, address } = match.groups;
  const node = kind
    ? mentionNode(kind.replace("!", ""), id, context)
    : command
      ? h("span", { class: "mention" }, `/${command}`)
      : emoji
        ? h("span", { class: "emoji", title: `:${emoji}:` }, `:${emoji}:`)
        : moment
          ? timeElement(Number(moment), style ?? "f")
          : safeAddress(address) && outside(address, { class: "link" }, address);
  return node ? { node, end: at + match[0].length } : null;
}

function mentionNode(kind, id, { names, mention }) {
  const name = names[kind + id];
  if (kind === "#") {
    const text = name ? `#${name}` : "# No Access";
    if (!name || !mention) return h("span", { class: "mention" }, text);
    return h("button", { type: "button", class: "mention", onclick: () => mention(kind, id) }, text);
  }
  const text = name === undefined ? `<${kind}${id}>` : `@${name.replace(/^@/, "")}`;
  if (kind === "@" && name !== undefined && mention) {
    return h(
      "button",
      { type: "button", class: "mention", onclick: (event) => mention(kind, id, event.currentTarget) },
      text,
    );
  }
  return h("span", { class: "mention" }, text);
}

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

// The text of a message without its marks, for one line: replies, titles.
export function flat(text, names) {
  const box = document.createElement("span");
  box.append(markdown(text.replace(/\s+/g, " "), { names, plain: true }));
  for (const spoiled of box.querySelectorAll(".spoiler")) spoiled.replaceWith("█████");
  return box.textContent;
}
