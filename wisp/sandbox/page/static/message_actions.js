// What the person does with a message: from its tools, its menu, its components and by key.

import { askText, confirm } from "./dialogs.js";
import { ChannelType, MessageType, Permission } from "./discord.js";
import { announce } from "./dom.js";
import { openMenu } from "./lists.js";

/** @import { Composer } from "./composer.js" */
/** @import { Conversation } from "./conversation.js" */
/** @import { Ask, Component, Emoji, Message, User } from "./frames.js" */
/** @import { Interactions } from "./interactions.js" */
/** @import { Anchor } from "./lists.js" */
/** @import { View } from "./view.js" */

const QUICK_REACTIONS = ["👍", "❤️", "😂", "🎉", "😮", "😢", "✅", "❌"];

export class MessageActions {
  /**
   * `attempt` asks the sandbox, and says below the messages why something cannot be done; `userMenu` opens a user's
   * menu. Composer and conversation come by function, as they are made with these actions.
   * @param {object} parts
   * @param {View} parts.view
   * @param {Ask} parts.ask
   * @param {Ask} parts.attempt
   * @param {Interactions} parts.interactions
   * @param {() => Composer} parts.composer
   * @param {() => Conversation} parts.conversation
   * @param {(user: User, anchor: HTMLElement) => void} parts.userMenu
   */
  constructor({ view, ask, attempt, interactions, composer, conversation, userMenu }) {
    this.view = view;
    this.ask = ask;
    this.attempt = attempt;
    this.interactions = interactions;
    this.composer = composer;
    this.conversation = conversation;
    this.user = userMenu;
    this.mention = this.mention.bind(this);
  }

  // Whether

  /** @param {Message} message */
  isMine({ author, webhook }) {
    return author.id === this.view.place.me.id && !webhook;
  }

  /** @param {Message} message */
  canReact(message) {
    return !message.private && this.view.may(Permission.ADD_REACTIONS);
  }

  /** @param {Message} message */
  canReply(message) {
    return !message.private && this.view.may(Permission.SEND_MESSAGES);
  }

  /** @param {Message} message */
  canEdit(message) {
    const text = message.kind === MessageType.DEFAULT || message.kind === MessageType.REPLY;
    return text && !message.private && this.isMine(message);
  }

  /** @param {Message} message */
  canDelete(message) {
    if (message.private) return false;
    return this.isMine(message) || (this.view.guild !== null && this.view.may(Permission.MANAGE_MESSAGES));
  }

  /** Whether a thread can be started in this channel. */
  get canStartThread() {
    const { guild, place } = this.view;
    const text = place.channel.kind === ChannelType.GUILD_TEXT;
    return guild !== null && text && this.view.may(Permission.CREATE_PUBLIC_THREADS);
  }

  /** Whether a control waits for the bot. @param {Message} message @param {string} control */
  isBusy(message, control) {
    return this.interactions.isBusy(message, control);
  }

  /** @param {string} id */
  colourOf(id) {
    return this.view.colourOf(id);
  }

  /** @param {string} id */
  nameOf(id) {
    return this.view.nameOf(id);
  }

  // What

  /** @param {Message} message @param {Component} control @param {HTMLElement} element */
  click(message, control, element) {
    this.interactions.click(message, control, element);
  }

  /** @param {Message} message @param {Component} control @param {HTMLElement} element */
  select(message, control, element) {
    this.interactions.select(message, control, element);
  }

  /** @param {Message} message */
  dismiss(message) {
    this.attempt("dismiss", { message: message.id });
  }

  /** Go to a message. @param {string} id */
  jump(id) {
    this.conversation().jump(id);
  }

  /** Go to a channel. @param {string} channel */
  go(channel) {
    this.attempt("go", { channel });
  }

  /**
   * Follow a mention of a channel, or open the menu of a mentioned user.
   * @param {string} sign
   * @param {string} id
   * @param {HTMLElement} anchor
   */
  mention(sign, id, anchor) {
    if (sign === "#") this.go(id);
    else this.user(this.view.user(id) ?? this.view.place.bot, anchor);
  }

  /** @param {Message} message */
  reply(message) {
    this.composer().reply(message, { self: message.author.id === this.view.place.me.id });
  }

  /** @param {Message} message */
  edit(message) {
    this.conversation().edit(message, {
      save: (text) => this.ask("edit", { message: message.id, text }),
      remove: () => this.delete(message),
    });
  }

  /** @param {Message} message */
  delete(message) {
    const text = "Are you sure you want to delete this message?";
    const done = () => this.ask("delete", { message: message.id });
    confirm("Delete message", { text, button: "Delete", done });
  }

  /** @param {Message} message @param {Anchor} anchor */
  react(message, anchor) {
    const entry = (/** @type {string} */ name) => ({
      label: name,
      action: () => this.toggleReaction(message, { name, id: null }, true),
    });
    openMenu(anchor, "Reactions", QUICK_REACTIONS.map(entry));
  }

  /** @param {Message} message @param {Emoji} emoji @param {boolean} on */
  toggleReaction(message, { name, id }, on) {
    this.attempt("react", { message: message.id, emoji: name, emoji_id: id, on });
  }

  /** Start a thread, on a message if one is given. @param {Message | null} message */
  startThread(message = null) {
    const on = message ? { message: message.id } : {};
    const done = (/** @type {string} */ name) => this.ask("start thread", { name, ...on });
    askText("Create a thread", { label: "Thread name", button: "Create thread", done });
  }

  /** @param {string} text */
  copy(text) {
    const denied = () => this.conversation().note("The browser does not let the page copy");
    navigator.clipboard.writeText(text).then(() => announce("Copied"), denied);
  }

  /** @param {Message} message @param {Anchor} anchor */
  menu(message, anchor) {
    const commands = message.private ? [] : this.view.place.menus.message;
    const threads = this.canStartThread && !message.private && !message.thread;
    openMenu(anchor, "Message", [
      ...commands.map((command) => ({
        label: command,
        hint: "Apps",
        action: () => this.interactions.use("menu", { command, message: message.id }, command, { message }),
      })),
      commands.length ? null : "No apps offer anything here",
      this.canReact(message) && { label: "Add a reaction…", action: () => this.react(message, anchor) },
      this.canEdit(message) && { label: "Edit message", hint: "E", action: () => this.edit(message) },
      this.canReply(message) && { label: "Reply", hint: "R", action: () => this.reply(message) },
      threads && { label: "Create a thread…", action: () => this.startThread(message) },
      { label: "Copy text", action: () => this.copy(message.content) },
      { label: "Copy message id", action: () => this.copy(message.id) },
      message.private && !message.thinking && { label: "Dismiss message", action: () => this.dismiss(message) },
      this.canDelete(message) && {
        label: "Delete message",
        hint: "Del",
        danger: true,
        action: () => this.delete(message),
      },
    ]);
  }

  /**
   * Do what a key does with the message that is focused, as in the client; false for keys without a meaning.
   * @param {string} key
   * @param {Message} message
   * @param {HTMLElement} element
   */
  key(key, message, element) {
    switch (key.toLowerCase()) {
      case "e":
        if (this.canEdit(message)) this.edit(message);
        return true;
      case "r":
        if (this.canReply(message)) this.reply(message);
        return true;
      case "delete":
      case "backspace":
        if (this.canDelete(message)) this.delete(message);
        return true;
      case "+":
        if (this.canReact(message)) this.react(message, element);
        return true;
      default:
        return false;
    }
  }
}
