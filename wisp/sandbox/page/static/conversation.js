// The messages of a channel: the newest at the bottom, older ones on scrolling up, few of them at a time.

import { byId, focusOn, h } from "./dom.js";
import { editor } from "./editing.js";
import { dots, isEvent, messageElement, shownControl, shownMessage } from "./messages.js";
import { now } from "./times.js";

/** @import { Editor } from "./editing.js" */
/** @import { Ask, ChannelFrame, Message, MessagesFrame } from "./frames.js" */
/** @import { MessageActions } from "./message_actions.js" */
/** @import { View } from "./view.js" */

const MOST_ELEMENTS = 300;
const MOST_NOTES = 5;
const JOINED_WITHIN = 7 * 60;
const TYPING_LASTS = 10000;
const NEAR_THE_END = 60;
const NEAR_THE_BEGINNING = 80;

/**
 * Whether a message stands under its author's last one, without a header.
 * @param {Message | undefined} before
 * @param {Message} message
 */
export function joins(before, message) {
  return (
    before !== undefined &&
    !message.reply &&
    !isEvent(message) &&
    !isEvent(before) &&
    !message.used &&
    before.author.id === message.author.id &&
    before.author.name === message.author.name && // a webhook has another one whenever it likes
    before.private === message.private &&
    message.moment - before.moment < JOINED_WITHIN
  );
}

export class Conversation {
  /**
   * `leave` is called on Escape.
   * @param {{view: View, ask: Ask, actions: MessageActions, leave: () => void}} parts
   */
  constructor({ view, ask, actions, leave }) {
    this.view = view;
    this.ask = ask;
    this.actions = actions;
    this.leave = leave;
    this.scroller = byId("scroll");
    this.list = byId("messages");
    this.log = /** @type {HTMLElement} */ (this.list.parentElement);
    /** @type {Message[]} */
    this.messages = [];
    this.more = false;
    this.fetching = false;
    /** @type {{id: string, editor: Editor} | null} */
    this.editing = null;
    /** The id of the message that is being replied to. @type {string | null} */
    this.repliedTo = null;
    this.typingUntil = 0;
    // At the newest message the view stays there when a picture has loaded, a text grew, or there is less room.
    this.following = true;
    const resized = new ResizeObserver(() => this.following && this.toEnd());
    resized.observe(this.scroller);
    resized.observe(this.list);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    byId("newest").addEventListener("click", () => this.toEnd());
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  // Scrolling

  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  toEnd() {
    this.following = true;
    byId("newest").hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  scrolled() {
    this.following = this.atEnd;
    if (this.following) byId("newest").hidden = true;
    if (this.scroller.scrollTop < NEAR_THE_BEGINNING) this.older();
  }

  /** Scroll to a message and highlight it. @param {string} id */
  jump(id) {
    const target = shownMessage(id);
    if (!target) {
      this.note("That message is further up: load older ones first");
      return;
    }
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
    target.classList.add("found");
    setTimeout(() => target.classList.remove("found"), 2000);
  }

  // Elements

  /** @param {Message} message @param {Message | undefined} before */
  element(message, before) {
    const made = messageElement(message, this.actions, { joined: joins(before, message) });
    for (const control of made.querySelectorAll("[data-control]")) {
      const { control: id = "" } = /** @type {HTMLElement} */ (control).dataset;
      if (this.actions.isBusy(message, id)) control.classList.add("busy");
    }
    made.classList.toggle("answered", message.id === this.repliedTo);
    if (this.editing?.id === message.id) made.querySelector(".body")?.replaceChildren(this.editing.editor.element);
    return made;
  }

  /** @param {string} id */
  indexOf(id) {
    return this.messages.findIndex((message) => message.id === id);
  }

  /** Draw a message anew. @param {number} at */
  redraw(at) {
    const message = this.messages[at];
    if (message) shownMessage(message.id)?.replaceWith(this.element(message, this.messages[at - 1]));
  }

  /** Draw a message anew if it has another place under its author's last one now. @param {number} at */
  rejoin(at) {
    const message = this.messages[at];
    const joined = message && shownMessage(message.id)?.classList.contains("joined");
    if (joined !== undefined && joined !== joins(this.messages[at - 1], message)) this.redraw(at);
  }

  // What the sandbox sends

  /** @param {ChannelFrame} frame */
  showChannel({ messages, more }) {
    this.editing = null;
    this.messages = messages;
    this.more = more;
    // The whole channel is no news to be read out.
    this.log.setAttribute("aria-live", "off");
    this.list.setAttribute("aria-label", `Messages in ${this.view.place.channel.name}`);
    this.list.replaceChildren(...messages.map((message, number) => this.element(message, messages[number - 1])));
    this.showBeginning();
    this.showTyping([]);
    this.toEnd();
    requestAnimationFrame(() => this.log.setAttribute("aria-live", "polite"));
  }

  showBeginning() {
    const { channel, guild, bot } = this.view.place;
    const { name } = channel;
    if (this.more) {
      const attributes = { type: "button", class: "button secondary", onclick: () => this.older() };
      byId("beginning").replaceChildren(h("button", attributes, "Older messages"));
      return;
    }
    const welcome = guild
      ? `This is the start of the #${name} channel. Type / for the commands of ${bot.name}.`
      : `This is the beginning of your direct messages with ${name}.`;
    byId("beginning").replaceChildren(
      h("p", { class: "beginning-title" }, guild ? `Welcome to #${name}!` : name),
      h("p", { class: "muted" }, welcome),
    );
  }

  /** @param {MessagesFrame} frame */
  showChanges({ changed, gone }) {
    const end = this.atEnd;
    const restoreFocus = this.rememberFocus();
    for (const id of gone) this.drop(id);
    for (const message of changed) this.put(message);
    this.trim();
    restoreFocus();
    const mine = changed.some(({ author, edited }) => author.id === this.view.place.me.id && !edited);
    if (end || mine) this.toEnd();
    else if (changed.length) byId("newest").hidden = false;
    if (changed.some(({ author }) => author.bot)) this.showTyping([]);
  }

  /** Remember where the keyboard is; the result leads it back there, in messages that were drawn anew. */
  rememberFocus() {
    const focused = document.activeElement;
    const id = focused?.closest(".message")?.getAttribute("data-id");
    const control = focused?.getAttribute("data-control");
    const box = this.editing?.editor.element.contains(focused) && focused instanceof HTMLElement ? focused : null;
    const range = box instanceof HTMLTextAreaElement ? [box.selectionStart, box.selectionEnd] : null;
    return () => {
      if (box?.isConnected) {
        box.focus({ preventScroll: true });
        if (range && box instanceof HTMLTextAreaElement) box.setSelectionRange(range[0], range[1]);
      } else if (id && !document.activeElement?.closest(".message")) {
        const to = (control && shownControl(id, control)) || shownMessage(id);
        to?.focus({ preventScroll: true });
      }
    };
  }

  /** @param {string} id */
  drop(id) {
    const at = this.indexOf(id);
    if (at < 0) return;
    this.messages.splice(at, 1);
    shownMessage(id)?.remove();
    this.rejoin(at);
  }

  /** @param {Message} message */
  put(message) {
    const { messages } = this;
    const at = this.indexOf(message.id);
    if (at >= 0) {
      messages[at] = message;
      this.redraw(at);
      return;
    }
    // ids are ordered by time, as the messages are
    let to = messages.length;
    while (to > 0 && BigInt(messages[to - 1].id) > BigInt(message.id)) to -= 1;
    if (to === 0 && this.more) return;
    messages.splice(to, 0, message);
    const after = messages[to + 1] && shownMessage(messages[to + 1].id);
    this.list.insertBefore(this.element(message, messages[to - 1]), after ?? null);
    this.rejoin(to + 1);
  }

  trim() {
    const surplus = this.messages.length - MOST_ELEMENTS;
    if (surplus <= 0 || !this.atEnd) return;
    for (const { id } of this.messages.splice(0, surplus)) shownMessage(id)?.remove();
    this.more = true;
    this.rejoin(0);
    this.showBeginning();
  }

  /** Load the messages before the oldest that is shown. */
  async older() {
    if (!this.more || this.fetching || !this.messages.length) return;
    this.fetching = true;
    try {
      const answer = await this.ask("older", { before: this.messages[0].id });
      if (answer.channel === this.view.place.channel.id) this.prepend(answer);
    } catch {
      this.showBeginning();
    } finally {
      this.fetching = false;
    }
  }

  /** @param {ChannelFrame} frame */
  prepend({ messages, more }) {
    const height = this.scroller.scrollHeight;
    this.more = more;
    this.messages = [...messages, ...this.messages];
    this.list.prepend(...messages.map((message, number) => this.element(message, messages[number - 1])));
    this.rejoin(messages.length);
    this.showBeginning();
    this.scroller.scrollTop += this.scroller.scrollHeight - height;
  }

  // Editing and replying

  /**
   * Open the editor in a message.
   * @param {Message} message
   * @param {{save: (text: string) => Promise<unknown>, remove: () => void}} actions
   */
  edit(message, { save, remove }) {
    this.stopEditing();
    const end = () => {
      this.stopEditing();
      this.leave();
    };
    const made = editor(message, { save, remove, end });
    this.editing = { id: message.id, editor: made };
    this.redraw(this.indexOf(message.id));
    made.focus();
    shownMessage(message.id)?.scrollIntoView({ block: "nearest" });
  }

  stopEditing() {
    const at = this.editing ? this.indexOf(this.editing.id) : -1;
    this.editing = null;
    if (at >= 0) this.redraw(at);
  }

  /** Mark the message that is being replied to. @param {string | null} id */
  showRepliedTo(id) {
    this.repliedTo = id;
    for (const one of this.list.querySelectorAll(".message")) {
      one.classList.toggle("answered", one.getAttribute("data-id") === id);
    }
  }

  // Notes and typing

  /**
   * A line that only this browser shows: that the bot did not answer, that something cannot be done.
   * @param {string} text
   */
  note(text) {
    const dismiss = { type: "button", class: "plain-link", onclick: () => line.remove() };
    const line = h("li", { class: "note" }, h("span", { role: "alert" }, text), h("button", dismiss, "Dismiss"));
    this.list.append(line);
    const notes = [...this.list.querySelectorAll(".note")];
    for (const old of notes.slice(0, -MOST_NOTES)) old.remove();
    this.toEnd();
  }

  /** @param {string[]} names */
  showTyping(names) {
    this.typingUntil = names.length ? now() + TYPING_LASTS : 0;
    const verb = names.length > 1 ? " are typing…" : " is typing…";
    byId("typing").replaceChildren(...(names.length ? [dots(), h("b", {}, names.join(", ")), verb] : []));
  }

  /** End what is over by the sandbox's time. */
  pass() {
    if (this.typingUntil && now() >= this.typingUntil) this.showTyping([]);
  }

  // The keyboard

  focusLast() {
    focusOn(this.list.querySelector(".message:last-of-type"));
  }

  /**
   * The arrows lead through the messages; the menu key, and keys as in the client, act on one.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const current = /** @type {HTMLElement | null} */ (target.closest(".message"));
    if (!current) return;
    const message = this.messages[this.indexOf(current.dataset.id ?? "")];
    const plain = target === current && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (target === current && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      this.step(current, event.key === "ArrowUp").focus();
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      if (message) this.actions.menu(message, current);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.leave();
      return;
    } else if (plain && message && this.actions.key(event.key, message, current)) {
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  }

  /**
   * The message before or after another, which itself is the first and the last.
   * @param {HTMLElement} current
   * @param {boolean} up
   */
  step(current, up) {
    /** @type {Element | null} */
    let next = current;
    do next = up ? next.previousElementSibling : next.nextElementSibling;
    while (next && !next.classList.contains("message"));
    return /** @type {HTMLElement} */ (next ?? current);
  }
}
