// What of the bot's commands can be typed: their whole names, their options, and those written in one line.

import { h } from "./dom.js";

const SUBCOMMAND = 1,
  GROUP = 2;
export const STRING = 3,
  INTEGER = 4,
  BOOLEAN = 5,
  USER = 6,
  CHANNEL = 7,
  ROLE = 8,
  MENTIONABLE = 9,
  NUMBER = 10,
  FILE = 11;
export const KINDS = {
  [STRING]: "text",
  [INTEGER]: "whole number",
  [BOOLEAN]: "true or false",
  [USER]: "user",
  [CHANNEL]: "channel",
  [ROLE]: "role",
  [MENTIONABLE]: "user or role",
  [NUMBER]: "number",
  [FILE]: "file",
};

// Every command that can be typed, subcommands by their whole name.
export function entries(commands) {
  const found = [];
  const walk = (part, words, command) => {
    const below = (part.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
    if (below.length) below.forEach((inner) => walk(inner, [...words, inner.name], command));
    else found.push({ words, name: `/${words.join(" ")}`, description: part.description, options: part.options ?? [] });
  };
  commands.forEach((command) => walk(command, [command.name], command));
  return found;
}

// `name:value name:"two words"` behind a command, as it is typed or pasted; null where it is something else.
export function typedOptions(text) {
  const found = [];
  const pattern = /\s*([^\s:"]+):(?:"((?:\\.|[^"\\])*)"|(\S*))(?=\s|$)/y;
  let at = 0;
  while (text.slice(at).trim()) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) return null;
    found.push([
      match[1],
      match[2] === undefined ? match[3] : match[2].replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one)),
    ]);
    at = pattern.lastIndex;
  }
  return found;
}

// What stands over the values of an option: its description, its limits.
export function optionTitle(option) {
  const limits = [];
  const range = (least, most, what) => {
    if (least !== undefined && most !== undefined) limits.push(`${least} to ${most}${what}`);
    else if (least !== undefined) limits.push(`at least ${least}${what}`);
    else if (most !== undefined) limits.push(`at most ${most}${what}`);
  };
  range(option.min_value, option.max_value, "");
  range(option.min_length, option.max_length, " characters");
  return h(
    "div",
    { class: "suggest-title" },
    h("b", {}, option.name),
    " ",
    option.description,
    limits.length > 0 && h("span", { class: "hint-option" }, limits.join(", ")),
    !option.required && h("span", { class: "hint-option" }, "optional"),
  );
}
