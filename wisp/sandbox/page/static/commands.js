// What can be typed of the bot's commands: their full names, and what stands over the values of an option.

import { OptionType } from "./discord.js";
import { h } from "./dom.js";

/** @import { Command, Option } from "./frames.js" */

/**
 * A command or subcommand that can be typed.
 * @typedef {{words: string[], name: string, description: string, options: Option[]}} Entry
 */

/** What an option takes, by its type. @type {Record<number, string>} */
export const OPTION_KINDS = {
  [OptionType.STRING]: "text",
  [OptionType.INTEGER]: "whole number",
  [OptionType.BOOLEAN]: "true or false",
  [OptionType.USER]: "user",
  [OptionType.CHANNEL]: "channel",
  [OptionType.ROLE]: "role",
  [OptionType.MENTIONABLE]: "user or role",
  [OptionType.NUMBER]: "number",
  [OptionType.ATTACHMENT]: "file",
};

/** Every command that can be typed, subcommands by their full names. @param {Command[]} commands @returns {Entry[]} */
export function entries(commands) {
  return commands.flatMap((command) => below(command, [command.name]));
}

/** @param {Command} part @param {string[]} words @returns {Entry[]} */
function below({ description, options = [] }, words) {
  const { SUB_COMMAND, SUB_COMMAND_GROUP } = OptionType;
  const inner = options.filter(({ type }) => type === SUB_COMMAND || type === SUB_COMMAND_GROUP);
  if (inner.length) return inner.flatMap((part) => below(part, [...words, part.name]));
  return [{ words, name: `/${words.join(" ")}`, description, options }];
}

/** The command whose whole name and a space begin a line. @param {Entry[]} all @param {string} line */
export function entered(all, line) {
  const found = all.filter(({ name }) => line.startsWith(`${name} `));
  return found.sort((a, b) => b.name.length - a.name.length)[0];
}

/**
 * The commands that contain what is typed behind the slash, those that begin with it first.
 * @param {Entry[]} all
 * @param {string} typed
 */
export function matching(all, typed) {
  const needle = typed.toLowerCase();
  const found = all.filter(({ name }) => name.slice(1).includes(needle));
  const begins = found.filter(({ name }) => name.slice(1).startsWith(needle));
  return [...begins, ...found.filter((entry) => !begins.includes(entry))];
}

/**
 * The places in a text at which `name:` begins, for names that `leads` accepts. What stands there is for the sandbox
 * to parse; only a name at the very end of the text, just typed, is read here.
 * @param {string} text
 * @param {(name: string) => boolean} leads
 */
export function optionStarts(text, leads) {
  const found = [...text.matchAll(/(?<=^|\s)([^\s:"]+):/g)].filter(([, name]) => leads(name));
  return found.map((match) => ({
    at: match.index,
    name: match[1],
    last: match.index + match[0].length === text.length,
  }));
}

/** The limits of an option in words: "1 to 5, at most 10 characters". @param {Option} option */
export function optionLimits({ min_value, max_value, min_length, max_length }) {
  return [range(min_value, max_value, ""), range(min_length, max_length, " characters")].filter(Boolean).join(", ");
}

/** @param {number | undefined} least @param {number | undefined} most @param {string} what */
function range(least, most, what) {
  if (least !== undefined && most !== undefined) return `${least} to ${most}${what}`;
  if (least !== undefined) return `at least ${least}${what}`;
  return most === undefined ? "" : `at most ${most}${what}`;
}

/** What stands over the values of an option: its description and limits. @param {Option} option */
export function optionTitle(option) {
  const limits = optionLimits(option);
  return h(
    "div",
    { class: "suggest-title" },
    h("b", {}, option.name),
    " ",
    option.description,
    limits && h("span", { class: "hint-option" }, limits),
    !option.required && h("span", { class: "hint-option" }, "optional"),
  );
}
