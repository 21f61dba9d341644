// Mentions: what a typed name may mean, and texts with mentions as people read them and as Discord writes them.

import { OptionType } from "./discord.js";
import { ambiguousNames, roleName, shownName } from "./names.js";

/** @import { Channel, Names, Role, User } from "./frames.js" */
/** @import { View } from "./view.js" */

const MARKUP = /<(@!?|@&|#)(\d+)>/g;

/**
 * A text with its mentions as people read them, and how each of these names was written. The text stays as it is if
 * the names could not be told apart when it is read back.
 * @param {string} content
 * @param {Names} names
 */
export function readable(content, names) {
  /** @type {Map<string, string>} */
  const written = new Map();
  const text = content.replace(MARKUP, (whole, sign, id) => {
    const name = names[`${sign.replace("!", "")}${id}`];
    const shown = name && `${sign[0]}${name.replace(/^@/, "")}`;
    if (!shown || (written.has(shown) && written.get(shown) !== whole)) return whole;
    written.set(shown, whole);
    return shown;
  });
  return mentioned(text, written) === content ? { text, written } : { text: content, written: new Map() };
}

const escaped = (/** @type {string} */ text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/**
 * A text with the mentions in it as Discord writes them. `names` maps what is read to that. A name counts only as a
 * word of its own: the "@bob" of "ada@bobmail.com" mentions no member.
 * @param {string} text
 * @param {ReadonlyMap<string, string>} names
 */
export function mentioned(text, names) {
  if (!names.size) return text;
  const longestFirst = [...names.keys()].sort((one, other) => other.length - one.length);
  const word = "[\\p{L}\\p{N}_]";
  const pattern = new RegExp(`(?<!${word})(?:${longestFirst.map(escaped).join("|")})(?!${word}|[.-]${word})`, "gu");
  return text.replace(pattern, (name) => names.get(name) ?? name);
}

/**
 * A user, role or channel that a typed name may mean: `text` stands for it in a text box, `sent` is its mention.
 * @typedef {object} Candidate
 * @property {string} label
 * @property {string} hint
 * @property {string} text
 * @property {string} sent
 * @property {User} [user]
 * @property {number} [channelType]
 */

/**
 * The users, roles or channels whose names contain what is typed.
 * @param {View} view
 * @param {number} type the type of option that they are values of
 * @param {string} typed
 * @returns {Candidate[]}
 */
export function candidates(view, type, typed) {
  const needle = typed.replace(/^[@#]/, "").toLowerCase();
  const fits = (/** @type {{name: string, nick?: string | null}} */ { name, nick }) =>
    name.toLowerCase().includes(needle) || Boolean(nick?.toLowerCase().includes(needle));
  const { USER, ROLE, MENTIONABLE, CHANNEL } = OptionType;
  const channels = type === CHANNEL ? (view.guild?.channels ?? []) : [];
  const users = type === USER || type === MENTIONABLE ? view.members : [];
  const roles = type === ROLE || type === MENTIONABLE ? (view.guild?.roles ?? []) : [];
  const ambiguous = ambiguousNames(users);
  return [
    ...channels.filter(fits).map(channelCandidate),
    ...users.filter(fits).map((user) => userCandidate(user, ambiguous.has(user.name))),
    ...roles.filter(fits).map(roleCandidate),
  ];
}

/** @param {Channel} channel @returns {Candidate} */
function channelCandidate({ id, name, kind }) {
  return { label: `#${name}`, hint: "", text: `#${name}`, sent: `<#${id}>`, channelType: kind };
}

/** @param {Role} role @returns {Candidate} */
function roleCandidate(role) {
  const name = roleName(role);
  return { label: name, hint: "role", text: name, sent: `<@&${role.id}>` };
}

/**
 * Of two users with one name only the id tells which is meant.
 * @param {User} user
 * @param {boolean} ambiguous
 * @returns {Candidate}
 */
function userCandidate(user, ambiguous) {
  const sent = `<@${user.id}>`;
  const known = user.nick ? user.name : user.bot ? "APP" : "";
  const text = ambiguous ? sent : `@${user.name}`;
  return { label: shownName(user), hint: ambiguous ? user.id : known, text, sent, user };
}
