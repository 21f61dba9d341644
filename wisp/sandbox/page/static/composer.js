// The message box: a text with mentions, or the line of a command.

import { CommandLine } from "./command_line.js";
import { entered, entries, matching } from "./commands.js";
import { OptionType } from "./discord.js";
import { avatar, byId, h } from "./dom.js";
import { grow } from "./editing.js";
import { icon } from "./icons.js";
import { reason } from "./link.js";
import { candidates, mentioned } from "./mentions.js";
import { Suggestions } from "./suggestions.js";
import { Tray } from "./tray.js";

/** @import { Entry } from "./commands.js" */
/** @import { Kept } from "./command_line.js" */
/** @import { Ask, Message, Outcome, PlaceFrame } from "./frames.js" */
/** @import { Candidate } from "./mentions.js" */
/** @import { View } from "./view.js" */

const MOST_SHOWN = 50;

export class Composer {
  /**
   * @param {object} parts
   * @param {View} parts.view
   * @param {Ask} parts.ask
   * @param {(file: File) => Promise<string>} parts.upload
   * @param {(outcome: Outcome) => void} parts.opened the bot answered with a form
   * @param {(name: string, text: string) => void} parts.failed the bot did not answer a command
   * @param {() => void} parts.up is called for the arrow up in an empty box
   * @param {(id: string | null) => void} parts.replies tells which message is being replied to
   */
  constructor({ view, ask, upload, opened, failed, up, replies }) {
    this.view = view;
    this.ask = ask;
    this.upload = upload;
    this.opened = opened;
    this.failed = failed;
    this.up = up;
    this.form = byId("composer");
    this.errorBox = byId("composer-error");
    this.suggestions = new Suggestions();
    this.tray = new Tray({ upload, replies, complain: (text) => this.complain(text), back: () => this.focus() });
    /** @type {CommandLine | null} */
    this.command = null;
    /** The place that was shown before. @type {PlaceFrame | null} */
    this.before = null;
    /** Mentions that were picked from the list, by their text in the box. @type {Map<string, string>} */
    this.picked = new Map();
    /** Texts that were left behind, by channel. @type {Map<string, string>} */
    this.drafts = new Map();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.addEventListener("focusout", (event) => {
      if (!(event.relatedTarget instanceof Node && this.form.contains(event.relatedTarget))) this.suggestions.hide();
    });
    this.text = this.textBox();
    this.showText();
  }

  textBox() {
    return h("textarea", {
      id: "text",
      rows: "1",
      class: "text-box scroll",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      oninput: () => this.typed(),
      onkeydown: (event) => this.key(event),
      onclick: () => this.typed(),
      onpaste: (event) => {
        if (!event.clipboardData?.files.length) return;
        event.preventDefault();
        this.tray.add([...event.clipboardData.files]);
      },
    });
  }

  /** Show what has changed in the view. @param {boolean} may whether messages can be sent @param {boolean} mayAttach */
  update(may, mayAttach) {
    const { place } = this.view;
    const { before } = this;
    const moved = before !== null && before.channel.id !== place.channel.id;
    if (moved || (before && before.me.id !== place.me.id)) this.tray.take();
    this.tray.allow(may && mayAttach);
    if (moved) {
      this.drafts.set(before.channel.id, this.command ? "" : this.text.value);
      this.leave(this.drafts.get(place.channel.id) ?? "", { focus: false });
    }
    this.before = place;
    this.showPlaceholder(may);
    this.followCommands();
  }

  /** @param {boolean} may */
  showPlaceholder(may) {
    const { guild, channel } = this.view.place;
    const name = guild ? `#${channel.name}` : `@${channel.name}`;
    this.text.placeholder = may ? `Message ${name}` : "You do not have permission to send messages in this channel.";
    const label = may ? `Message ${name}` : `Commands in ${name}: you cannot send messages here`;
    this.text.setAttribute("aria-label", label);
  }

  /** Leave a command that is not there any more, and list those that are. */
  followCommands() {
    const name = this.command?.entry.name;
    if (name && !this.entries().some((entry) => entry.name === name)) {
      this.leave("", { focus: false });
      this.complain(`${name} is not on offer here any more`);
    } else if (!name && this.text.value.startsWith("/") && document.activeElement === this.text) {
      this.typed();
    }
  }

  entries() {
    return entries(this.view.place.commands);
  }

  focus() {
    (this.command ?? this.text).focus();
  }

  /** Say what is wrong; "": nothing any more. @param {string} text */
  complain(text) {
    this.errorBox.textContent = text;
    this.errorBox.hidden = !text;
  }

  // Text

  showText() {
    const send = h("button", { type: "submit", class: "tool send", "aria-label": "Send" }, icon("reply"));
    this.form.replaceChildren(this.tray.opener, this.tray.picker, this.text, send);
  }

  /** Write into the text box, as if it were typed. @param {string} text */
  insert(text) {
    if (this.command) return;
    this.text.focus();
    this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
    this.typed();
  }

  typed() {
    this.complain("");
    grow(this.text);
    const { value } = this.text;
    const named = /(?:^|\s)([@#])([^\s@#]*)$/.exec(value.slice(0, this.text.selectionStart));
    if (/^\/[^\n]*$/.test(value)) this.commandTyped(value);
    else if (named) this.suggestNames(named[1], named[2]);
    else this.suggestions.hide();
  }

  /** @param {string} line */
  commandTyped(line) {
    const entry = entered(this.entries(), line);
    if (!entry) this.suggestCommands(line.slice(1));
    else if (line.slice(entry.name.length).trim()) this.parse(line, entry);
    else this.begin(entry);
  }

  /** Let the sandbox parse a line with options, and fill them in. @param {string} line @param {Entry} entry */
  async parse(line, entry) {
    this.suggestions.hide();
    try {
      const { options } = await this.ask("parse", { line });
      if (!this.command && this.text.value === line) this.begin(entry, options);
    } catch (error) {
      if (!this.command && this.text.value === line) this.complain(reason(error));
    }
  }

  /** @param {string} typed */
  suggestCommands(typed) {
    const { bot } = this.view.place;
    const items = matching(this.entries(), typed)
      .slice(0, MOST_SHOWN)
      .map((entry) => ({
        icon: avatar(bot),
        label: commandLabel(entry),
        detail: entry.description,
        hint: bot.name,
        pick: () => this.begin(entry),
      }));
    const text = items.length ? `Commands of ${bot.name}` : "No command matches";
    this.suggestions.show(this.text, items, { title: h("div", { class: "suggest-title" }, text), label: "Commands" });
  }

  /** @param {string} sign @param {string} typed */
  suggestNames(sign, typed) {
    const type = sign === "@" ? OptionType.MENTIONABLE : OptionType.CHANNEL;
    const items = candidates(this.view, type, typed)
      .slice(0, MOST_SHOWN)
      .map((candidate) => ({
        label: candidate.label,
        hint: candidate.hint,
        icon: candidate.user ? avatar(candidate.user, "small") : null,
        pick: () => this.take(candidate, sign),
      }));
    if (items.length)
      this.suggestions.show(this.text, items, { label: sign === "@" ? "People and roles" : "Channels" });
    else this.suggestions.hide();
  }

  /** Put a mention in the place of what was typed of it. @param {Candidate} candidate @param {string} sign */
  take({ text, sent }, sign) {
    const at = this.text.selectionStart;
    const start = this.text.value.lastIndexOf(sign, at - 1);
    this.text.setRangeText(`${text} `, start, at, "end");
    this.picked.set(text, sent);
    this.text.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.tray.drop()) {
      event.stopPropagation();
    } else if (event.key === "ArrowUp" && !this.text.value) {
      event.preventDefault();
      this.up();
    }
  }

  /** Begin the reply to a message. @param {Message} message @param {{self: boolean}} options */
  reply(message, { self }) {
    if (this.command) this.leave("");
    this.tray.answer(message, { self });
  }

  // Commands

  /**
   * Go over to the line of a command, with options by name.
   * @param {Entry} entry
   * @param {[string, string][]} given
   */
  begin(entry, given = []) {
    const line = this.open(entry);
    for (const [name, value] of given) line.fill(name, value);
    line.onward();
  }

  /** @param {Entry} entry */
  open(entry) {
    const { view, ask, upload, suggestions } = this;
    this.complain("");
    suggestions.hide();
    this.command = new CommandLine(entry, {
      view,
      ask,
      upload,
      suggestions,
      complain: (text) => this.complain(text),
      send: () => this.send(),
      leave: (text) => this.leave(text),
    });
    this.form.replaceChildren(...this.command.elements);
    return this.command;
  }

  /** Go back to the text box. @param {string} text @param {{focus?: boolean}} [options] */
  leave(text, { focus = true } = {}) {
    this.command = null;
    this.suggestions.hide();
    this.complain("");
    this.showText();
    this.text.value = text;
    if (focus) this.text.focus();
    grow(this.text);
    if (focus && text.startsWith("/")) this.typed();
  }

  // Sending

  async send() {
    const text = this.text.value;
    if (this.command) await this.sendCommand(this.command);
    else if (text.startsWith("/")) await this.sendLine(text);
    else if (text.trim() || !this.tray.empty) await this.sendText(text);
  }

  /** @param {string} text */
  async sendText(text) {
    const taken = this.tray.take();
    const { files, reply } = taken;
    this.leave("");
    try {
      const keys = await Promise.all(files.map((file) => file.uploading));
      const answered = reply ? { reply: reply.message.id, ping: reply.ping } : {};
      await this.ask("say", { text: mentioned(text, this.picked), files: keys, ...answered });
      this.picked.clear();
    } catch (error) {
      if (!this.command && !this.text.value && this.tray.empty) {
        this.leave(text);
        this.tray.put(taken);
      }
      this.complain(reason(error));
    }
  }

  /** Send a command that is a text still: the sandbox parses it, as in the terminal. @param {string} line */
  async sendLine(line) {
    this.leave("");
    await this.answered(
      line.split(/\s/, 1)[0],
      () => this.ask("enter", { line }),
      (problem) => {
        if (!this.command && !this.text.value) {
          this.text.value = line;
          grow(this.text);
        }
        this.complain(problem);
      },
    );
  }

  /** @param {CommandLine} command */
  async sendCommand(command) {
    const { entry, fields, rest } = command;
    const surplus = rest.value.trim();
    if (surplus) {
      this.complain(`"${surplus}" belongs to no option: choose one of the list, or clear it`);
      return;
    }
    await Promise.allSettled(fields.map((field) => field.uploading));
    const options = Object.fromEntries(command.values());
    const kept = command.kept();
    this.leave("");
    await this.answered(
      entry.name,
      () => this.ask("slash", { words: entry.words, options }),
      (problem) => this.restore(entry, kept, problem),
    );
  }

  /**
   * Put back a command that the sandbox refused, unless something else is typed already.
   * @param {Entry} entry
   * @param {Kept} kept
   * @param {string} problem
   */
  restore(entry, kept, problem) {
    if (this.command || this.text.value) this.complain(problem);
    else this.open(entry).restore(kept, problem);
  }

  /**
   * Show what became of a command.
   * @param {string} name
   * @param {() => Promise<Outcome>} ask
   * @param {(problem: string) => void} refused
   */
  async answered(name, ask, refused) {
    try {
      const outcome = await ask();
      if (outcome.modal) this.opened(outcome);
      else if (outcome.failed) this.failed(name, outcome.failed);
    } catch (error) {
      refused(reason(error));
    }
  }
}

/** The name of a command, with its required options. @param {Entry} entry */
function commandLabel({ name, options }) {
  const required = options.filter((option) => option.required);
  return h("span", {}, h("b", {}, name), ...required.map((option) => h("span", { class: "hint-option" }, option.name)));
}
