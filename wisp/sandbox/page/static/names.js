// Names of users and roles as the page writes them.

/** @import { Role, User } from "./frames.js" */

/** The name of a user here: the nickname, if they have one. @param {User} user */
export const shownName = (user) => user.nick || user.name;

/** `@moderators`; the role of everyone has its sign in its name. @param {{name: string}} role */
export const roleName = (role) => `@${role.name.replace(/^@/, "")}`;

/** The names that more than one of these users have. @param {User[]} users */
export function ambiguousNames(users) {
  /** @type {Set<string>} */
  const seen = new Set();
  return new Set(users.map(({ name }) => name).filter((name) => seen.size === seen.add(name).size));
}

/** The first letters of up to three words. @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/).slice(0, 3);
  return words.map((word) => [...word][0] ?? "").join("");
}

/** A colour as CSS writes it; null for 0, which is Discord's "no colour". @param {number | null | undefined} number */
export function colour(number) {
  return number ? `#${number.toString(16).padStart(6, "0")}` : null;
}

/** The colour of the highest coloured role among `roles`. @param {Role[]} roles */
export function roleColour(roles) {
  const coloured = roles.filter(({ color }) => color);
  return colour(coloured.sort((a, b) => b.position - a.position)[0]?.color);
}

/** A size in bytes. @param {number} size */
export function bytes(size) {
  if (size < 1024) return `${size} byte${size === 1 ? "" : "s"}`;
  return size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`;
}
