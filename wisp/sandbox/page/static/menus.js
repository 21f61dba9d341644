// The menus of servers, channels and users, and the people whom one can be.

import { askText } from "./dialogs.js";
import { USERNAME_LENGTH } from "./discord.js";
import { openMenu } from "./lists.js";
import { editChannel, editRole } from "./manage.js";
import { ambiguousNames, roleName } from "./names.js";

/** @import { Ask, Channel, User } from "./frames.js" */
/** @import { Interactions } from "./interactions.js" */
/** @import { MenuEntry } from "./lists.js" */
/** @import { MessageActions } from "./message_actions.js" */
/** @import { View } from "./view.js" */

export class Menus {
  /**
   * `insert` writes into the message box.
   * @param {object} parts
   * @param {View} parts.view
   * @param {Ask} parts.ask
   * @param {Ask} parts.attempt
   * @param {Interactions} parts.interactions
   * @param {() => MessageActions} parts.actions
   * @param {(text: string) => void} parts.insert
   */
  constructor({ view, ask, attempt, interactions, actions, insert }) {
    this.view = view;
    this.ask = ask;
    this.attempt = attempt;
    this.interactions = interactions;
    this.actions = actions;
    this.insert = insert;
  }

  // Servers and channels

  /** @param {HTMLElement} anchor */
  guild(anchor) {
    const { guild } = this.view;
    if (!guild) return;
    const addChannel = () => {
      const done = (/** @type {string} */ name) => this.ask("add channel", { name });
      askText("Add a channel", { label: "Name", button: "Create", done });
    };
    openMenu(anchor, guild.name, [
      { label: "Add a channel", action: addChannel },
      { label: "Add a role", action: () => this.addRole() },
      { label: "Let somebody join", action: () => this.join() },
      null,
      "Roles",
      ...guild.roles.map((role) => ({
        label: roleName(role),
        hint: role.fixed ? "of an app" : null,
        action: () => this.editRole(role.id),
      })),
    ]);
  }

  /** @param {Channel} channel @param {HTMLElement} anchor */
  channel(channel, anchor) {
    const here = channel.id === this.view.place.channel.id;
    const actions = this.actions();
    openMenu(anchor, `#${channel.name}`, [
      { label: "Permissions…", action: () => this.editChannel(channel) },
      here && actions.canStartThread && { label: "Create a thread…", action: () => actions.startThread() },
      { label: "Copy channel id", action: () => actions.copy(channel.id) },
    ]);
  }

  /** @param {Channel} channel */
  editChannel(channel) {
    const { guild, permissions } = this.view;
    if (guild) editChannel(channel, { guild, permissions, ask: this.ask });
  }

  addRole() {
    askText("Add a role", {
      label: "Name",
      button: "Create",
      done: async (name) => this.editRole(await this.ask("add role", { name })),
    });
  }

  /** @param {string} id */
  editRole(id) {
    const role = this.view.role(id);
    if (role) editRole(role, { permissions: this.view.permissions, ask: this.ask });
  }

  // Users

  join() {
    askText("Let somebody join", {
      label: "Their name",
      button: "Join",
      most: USERNAME_LENGTH,
      hint: "Somebody new, or who is in another server.",
      done: (name) => this.ask("join", { name }),
    });
  }

  /** @param {User} user @param {HTMLElement} anchor */
  user(user, anchor) {
    const commands = this.view.place.menus.user;
    openMenu(anchor, user.name, [
      user.nick ? `${user.nick} (${user.name})` : user.name,
      ...commands.map((command) => ({
        label: command,
        hint: "Apps",
        action: () => this.interactions.use("menu", { command, user: user.id }, command),
      })),
      commands.length ? null : "No apps offer anything here",
      { label: "Mention", action: () => this.insert(`${this.mentionOf(user)} `) },
      !user.bot &&
        user.id !== this.view.place.me.id && {
          label: `Be ${user.name}`,
          action: () => this.attempt("be", { user: user.id }),
        },
      ...this.roleEntries(user),
      ...this.leaveEntries(user),
    ]);
  }

  /** @param {User} user */
  mentionOf({ id, name }) {
    const ambiguous = ambiguousNames(this.view.guild?.members ?? []);
    return ambiguous.has(name) ? `<@${id}>` : `@${name}`;
  }

  /** @param {User} user @returns {MenuEntry[]} */
  roleEntries({ id: user }) {
    const { guild } = this.view;
    const member = this.view.member(user);
    if (!guild || !member) return [];
    const roles = guild.roles.filter(({ id, fixed }) => id !== guild.id && (!fixed || member.roles.includes(id)));
    const entries = roles.map(({ id, name }) => {
      const checked = member.roles.includes(id);
      return { label: name, checked, action: () => this.attempt("give role", { user, role: id, on: !checked }) };
    });
    return [null, "Roles", ...entries, { label: "New role…", action: () => this.addRole() }];
  }

  /** @param {User} user @returns {MenuEntry[]} */
  leaveEntries({ id: user, name }) {
    if (!this.view.member(user) || user === this.view.guild?.owner) return [];
    return [null, { label: `Let ${name} leave`, danger: true, action: () => this.attempt("leave", { user }) }];
  }

  // The people whom one can be

  /** @param {HTMLElement} anchor */
  people(anchor) {
    const { people, me } = this.view.place;
    const ambiguous = ambiguousNames(people);
    openMenu(anchor, "Who are you?", [
      ...people.map(({ id, name }) => ({
        label: name,
        hint: ambiguous.has(name) ? id : null,
        checked: id === me.id,
        action: () => this.attempt("be", { user: id }),
      })),
      null,
      { label: "Somebody new…", action: () => this.beSomebodyNew() },
    ]);
  }

  beSomebodyNew() {
    askText("Be somebody new", {
      label: "Name",
      button: "Join and be",
      most: USERNAME_LENGTH,
      done: async (name) => this.ask("be", { user: await this.ask("join", { name }) }),
    });
  }
}
