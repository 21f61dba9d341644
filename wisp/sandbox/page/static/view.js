// What the page shows: the newest frame about the place where its person is, and what follows from it.

import { roleColour, roleName, shownName } from "./names.js";

/** @import { Member, PermissionName, PlaceFrame, User } from "./frames.js" */

export class View {
  /** @type {PlaceFrame | null} */
  #place = null;

  /** Discord's permissions with their names. @type {PermissionName[]} */
  permissions = [];

  /** Whether the sandbox has sent a frame yet. */
  get known() {
    return this.#place !== null;
  }

  /** @returns {PlaceFrame} */
  get place() {
    if (!this.#place) throw new Error("the sandbox has not said yet what the page shows");
    return this.#place;
  }

  set place(frame) {
    this.#place = frame;
  }

  get guild() {
    return this.place.guild;
  }

  /** The members here; in direct messages, the person and the bot. @returns {(User | Member)[]} */
  get members() {
    return this.guild?.members ?? [this.place.me, this.place.bot];
  }

  /** Whether the person has a permission here. @param {bigint} permission */
  may(permission) {
    return (BigInt(this.place.permissions) & permission) !== 0n;
  }

  /** @param {string} id */
  member(id) {
    return this.guild?.members.find((one) => one.id === id);
  }

  /** Any user that the page knows. @param {string} id @returns {User | undefined} */
  user(id) {
    const { people, bot } = this.place;
    return [...(this.guild?.members ?? []), ...people, bot].find((one) => one.id === id);
  }

  /** @param {string} id */
  role(id) {
    return this.guild?.roles.find((one) => one.id === id);
  }

  /** What a user, role or channel is called; null if none has this id. @param {string} id */
  nameOf(id) {
    const user = this.user(id);
    const role = this.role(id);
    const channel = this.guild?.channels.find((one) => one.id === id);
    if (user) return `@${shownName(user)}`;
    if (role) return roleName(role);
    return channel ? `#${channel.name}` : null;
  }

  /** The colour of a member's name; null without one. @param {string} id */
  colourOf(id) {
    const member = this.member(id);
    return roleColour((this.guild?.roles ?? []).filter((role) => member?.roles.includes(role.id)));
  }
}
