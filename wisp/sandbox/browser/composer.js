// The message box: text with mentions, or a command with its options, each in a field of its own.

import { avatar, byId, h, icon, sameNamed } from "./dom.js";
import { mentioned } from "./editing.js";
import { Suggestions } from "./suggestions.js";
import { Tray } from "./tray.js";

const SUBCOMMAND = 1, GROUP = 2, STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10, FILE = 11;
const KINDS = { [STRING]: "text", [INTEGER]: "whole number", [BOOLEAN]: "true or false", [USER]: "user", [CHANNEL]: "channel", [ROLE]: "role", [MENTIONABLE]: "user or role", [NUMBER]: "number", [FILE]: "file" };
const MOST_SHOWN = 50;

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
    found.push([match[1], match[2] === undefined ? match[3] : match[2].replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one))]);
    at = pattern.lastIndex;
  }
  return found;
}

export class Composer {
  // `up` is where the arrow leads out of an empty box: to the messages.
  constructor({ ask, upload, opened, failed, up, replies }) {
    this.ask = ask;
    this.upload = upload;
    this.opened = opened;
    this.failed = failed;
    this.up = up;
    this.form = byId("composer");
    this.errorBox = byId("composer-error");
    this.suggestions = new Suggestions();
    this.tray = new Tray({ upload, replies, complain: (text) => this.complain(text), back: () => this.focus() });
    this.command = null;
    this.place = null;
    this.picked = new Map();
    this.drafts = new Map();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.addEventListener("focusout", (event) => {
      if (!this.form.contains(event.relatedTarget)) this.suggestions.hide();
    });
    this.text = h("textarea", {
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
        if (!event.clipboardData.files.length) return;
        event.preventDefault();
        this.tray.add([...event.clipboardData.files]);
      },
    });
    this.showText();
  }

  update(place, may, mayAttach) {
    const moved = this.place && this.place.channel.id !== place.channel.id;
    if (moved || (this.place && this.place.me.id !== place.me.id)) this.tray.take();
    this.tray.allow(may && mayAttach);
    if (moved) {
      this.drafts.set(this.place.channel.id, this.command ? "" : this.text.value);
      this.leave(this.drafts.get(place.channel.id) ?? "", { focus: false });
    }
    this.place = place;
    const name = place.guild ? `#${place.channel.name}` : `@${place.channel.name}`;
    this.text.placeholder = may ? `Message ${name}` : "You do not have permission to send messages in this channel.";
    this.text.setAttribute("aria-label", may ? `Message ${name}` : `Commands in ${name}: you cannot send messages here`);
    if (this.command && !entries(place.commands).some(({ name: other }) => other === this.command.entry.name)) {
      const gone = this.command.entry.name;
      this.leave("", { focus: false });
      this.complain(`${gone} is not on offer here any more`);
    } else if (!this.command && this.text.value.startsWith("/") && document.activeElement === this.text) {
      this.typed();
    }
  }

  focus() {
    (this.command ? this.command.chips[0]?.input ?? this.command.rest : this.text).focus();
  }

  complain(text) {
    this.errorBox.textContent = text;
    this.errorBox.hidden = !text;
  }

  // Text

  showText() {
    const send = h("button", { type: "submit", class: "tool send", "aria-label": "Send" }, icon("reply"));
    this.form.replaceChildren(this.tray.opener, this.tray.picker, this.text, send);
  }

  typed() {
    this.complain("");
    this.grow();
    const value = this.text.value;
    const before = value.slice(0, this.text.selectionStart);
    const named = /(?:^|\s)([@#])([^\s@#]*)$/.exec(before);
    if (/^\/[^\n]*$/.test(value)) this.suggestCommands(value);
    else if (named) this.suggestNames(named[1], named[2]);
    else this.suggestions.hide();
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, window.innerHeight / 2)}px`;
  }

  suggestCommands(value) {
    const all = entries(this.place.commands);
    const entered = all.filter(({ name }) => value.startsWith(`${name} `)).sort((a, b) => b.name.length - a.name.length)[0];
    if (entered) {
      this.begin(entered, typedOptions(value.slice(entered.name.length)) ?? []);
      return;
    }
    const typed = value.slice(1).toLowerCase();
    const rank = ({ name }) => (name.slice(1).startsWith(typed) ? 0 : 1);
    const found = all.filter(({ name }) => name.slice(1).includes(typed)).sort((a, b) => rank(a) - rank(b));
    const items = found.slice(0, MOST_SHOWN).map((entry) => ({
      icon: avatar(this.place.bot),
      label: h("span", {}, h("b", {}, entry.name), ...entry.options.filter(({ required }) => required).map(({ name }) => h("span", { class: "hint-option" }, name))),
      detail: entry.description,
      hint: this.place.bot.name,
      pick: () => this.begin(entry),
    }));
    const title = h("div", { class: "suggest-title" }, items.length ? `Commands of ${this.place.bot.name}` : "No command matches");
    this.suggestions.show(this.text, items, { title, label: "Commands" });
  }

  suggestNames(sign, typed) {
    const items = this.named(sign === "@" ? MENTIONABLE : CHANNEL, typed).map((item) => ({
      ...item,
      pick: () => {
        const at = this.text.selectionStart;
        const start = this.text.value.lastIndexOf(sign, at - 1);
        this.text.setRangeText(`${item.text} `, start, at, "end");
        this.picked.set(item.text, item.sent);
        this.text.focus();
      },
    }));
    if (items.length) this.suggestions.show(this.text, items, { label: sign === "@" ? "People and roles" : "Channels" });
    else this.suggestions.hide();
  }

  // People and roles, or channels, whose name has what is typed in it.
  named(kind, typed) {
    const guild = this.place.guild;
    const needle = typed.replace(/^[@#]/, "").toLowerCase();
    const fits = (one) => one.name.toLowerCase().includes(needle) || one.nick?.toLowerCase().includes(needle);
    const found = [];
    if (kind === CHANNEL) {
      const channels = (guild?.channels ?? []).filter(fits);
      found.push(...channels.map((one) => ({ label: `#${one.name}`, text: `#${one.name}`, sent: `<#${one.id}>`, kind: one.kind })));
    }
    if (kind === USER || kind === MENTIONABLE) {
      const members = (guild?.members ?? [this.place.me, this.place.bot]).filter(fits);
      const twice = sameNamed(guild?.members ?? []);
      // of two of one name only the id tells which is meant
      const written = (one) => (twice.has(one.name) ? `<@${one.id}>` : `@${one.name}`);
      const hint = (one) => (twice.has(one.name) ? one.id : one.nick ? one.name : one.bot ? "APP" : "");
      found.push(...members.map((one) => ({ icon: avatar(one, "small"), label: one.nick || one.name, hint: hint(one), text: written(one), sent: `<@${one.id}>` })));
    }
    if (kind === ROLE || kind === MENTIONABLE) {
      const roles = (guild?.roles ?? []).filter(fits);
      found.push(...roles.map((one) => ({ label: `@${one.name.replace(/^@/, "")}`, hint: "role", text: `@${one.name.replace(/^@/, "")}`, sent: `<@&${one.id}>` })));
    }
    return found.slice(0, MOST_SHOWN);
  }

  key(event) {
    if (event.isComposing) return;
    if (this.suggestions.open && this.listKey(event)) return;
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

  // Keys that belong to the list while it is open; whether this was one.
  listKey(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") this.suggestions.move(key === "ArrowDown" ? 1 : -1);
    else if (key === "Escape") this.suggestions.hide();
    else if ((key === "Tab" || key === "Enter") && !event.shiftKey && this.suggestions.active >= 0) this.suggestions.pick();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  // Commands

  begin(entry, given = []) {
    this.complain("");
    this.suggestions.hide();
    const rest = h("input", {
      class: "rest",
      type: "text",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      oninput: () => this.restTyped(),
      onfocus: () => this.restTyped(),
      onkeydown: (event) => this.restKey(event),
    });
    const chips = h("div", { class: "chips" });
    this.command = { entry, chips: [], rest, box: chips };
    this.form.replaceChildren(
      h("div", { class: "command-line", role: "group", "aria-label": `${entry.name}: ${entry.description}` }, h("span", { class: "command-name" }, entry.name), chips, rest),
      h("button", { type: "button", class: "tool", "aria-label": `Leave ${entry.name}`, onclick: () => this.leave("") }, icon("close")),
      h("button", { type: "submit", class: "tool send", "aria-label": `Use ${entry.name}` }, icon("reply")),
    );
    for (const option of entry.options) if (option.required) this.addChip(option);
    for (const [name, value] of given) this.fill(name, value);
    this.updateRest();
    this.onward();
  }

  fill(name, value, sent = null) {
    const option = this.command.entry.options.find((one) => one.name === name);
    if (!option) {
      this.complain(`${this.command.entry.name} has no option "${name}"`);
      return null;
    }
    const chip = this.command.chips.find((one) => one.option === option) ?? this.addChip(option);
    if (option.type !== FILE) chip.input.value = value;
    chip.sent = sent;
    this.size(chip);
    return chip;
  }

  addChip(option) {
    const id = `option-${option.name}`;
    const file = option.type === FILE;
    const input = h("input", {
      id,
      type: file ? "file" : "text",
      "aria-label": `${option.name}, ${KINDS[option.type]}${option.required ? ", required" : ""}: ${option.description}`,
      autocomplete: "off",
      ...(file ? {} : { role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-autocomplete": "list", maxlength: "6000" }),
      ...(option.type === INTEGER ? { inputmode: "numeric" } : option.type === NUMBER ? { inputmode: "decimal" } : {}),
    });
    const element = h("span", { class: "chip" }, h("label", { for: id }, option.name), input);
    const chip = { option, input, element, sent: null, asked: 0 };
    input.addEventListener("focus", () => this.chipTyped(chip));
    input.addEventListener("input", () => {
      chip.sent = null;
      chip.suggested = null;
      element.classList.remove("wrong");
      input.removeAttribute("aria-invalid");
      this.complain("");
      if (!this.redirected(chip)) this.chipTyped(chip);
    });
    input.addEventListener("keydown", (event) => this.chipKey(event, chip));
    if (file) input.addEventListener("change", () => this.uploadInto(chip));
    this.command.chips.push(chip);
    this.command.box.append(element);
    this.size(chip);
    this.updateRest();
    return chip;
  }

  removeChip(chip) {
    const at = this.command.chips.indexOf(chip);
    this.command.chips.splice(at, 1);
    chip.element.remove();
    this.updateRest();
    return at;
  }

  size(chip) {
    if (chip.option.type !== FILE) chip.input.size = Math.max(4, Math.min(40, chip.input.value.length + 1));
  }

  async uploadInto(chip) {
    const [file] = chip.input.files;
    if (!file) return;
    chip.sent = null;
    chip.uploading = this.upload(file);
    try {
      chip.sent = await chip.uploading;
    } catch (error) {
      this.complain(error.message);
      this.wrong(chip);
    } finally {
      chip.uploading = null;
    }
  }

  // `times:` typed in a field goes to that option, as in one line of text.
  redirected(chip) {
    const { input } = chip;
    const match = /(?:^|\s)([^\s:"]+):("?)([^"]*)$/.exec(input.value);
    const option = match && this.command.entry.options.find((one) => one.name === match[1]);
    // within a text that may be what somebody means to say
    if (!option || (chip.option.type === STRING && match.index > 0)) return false;
    if (option === chip.option && match.index === 0 && input.value === `${option.name}:`) {
      input.value = "";
      return false;
    }
    if (option === chip.option) return false;
    input.value = input.value.slice(0, match.index).trim();
    this.size(chip);
    this.fill(option.name, match[3]).input.focus();
    return true;
  }

  chipTyped(chip) {
    const { option, input } = chip;
    this.size(chip);
    const title = optionTitle(option);
    if (option.autocomplete) {
      this.askFor(chip, title);
      return;
    }
    const typed = input.value.trim();
    const items = chip.sent === null ? this.valuesOf(option, typed) : [];
    this.suggestions.show(input, items.map((item) => ({ ...item, pick: () => this.take(chip, item) })), { title, label: `Values of ${option.name}` });
  }

  valuesOf(option, typed) {
    const needle = typed.toLowerCase();
    const plain = (label, sent) => ({ label, text: label, sent });
    if (option.choices) return option.choices.filter(({ name }) => name.toLowerCase().includes(needle)).map(({ name, value }) => plain(name, String(value)));
    if (option.type === BOOLEAN) return ["True", "False"].filter((one) => one.toLowerCase().startsWith(needle)).map((one) => plain(one, one.toLowerCase()));
    if ([USER, ROLE, MENTIONABLE, CHANNEL].includes(option.type)) {
      const kinds = option.channel_types;
      return this.named(option.type, typed).filter(({ kind }) => kind === undefined || !kinds || kinds.includes(kind));
    }
    return [];
  }

  async askFor(chip, title) {
    const { option, input } = chip;
    chip.asked += 1;
    const mine = chip.asked;
    if (chip.sent !== null) {
      this.suggestions.show(input, [], { title });
      return;
    }
    const waiting = h("div", { class: "muted suggest-wait" }, "Loading options…");
    this.suggestions.show(input, [], { title: h("div", {}, title, waiting) });
    await new Promise((resolve) => setTimeout(resolve, 120));
    if (mine !== chip.asked || !this.command) return;
    const { words } = this.command.entry;
    const options = Object.fromEntries(this.values().filter(([name, value]) => name !== option.name && value !== ""));
    let choices = [];
    let problem = null;
    try {
      choices = await this.ask("complete", { words, option: option.name, typed: input.value, options });
    } catch (error) {
      problem = error.message;
    }
    if (mine !== chip.asked || document.activeElement !== input) return;
    const items = choices.map(({ name, value }) => ({ label: name, pick: () => this.take(chip, { text: name, sent: String(value) }) }));
    const none = h("div", { class: "muted suggest-wait" }, problem ?? "No options match your search.");
    const begun = choices[0] && input.value && choices[0].name.toLowerCase().startsWith(input.value.toLowerCase());
    this.suggestions.show(input, items, { title: items.length ? title : h("div", {}, title, none), active: begun || !input.value ? 0 : -1, label: `Values of ${option.name}` });
  }

  take(chip, { text, sent }) {
    chip.input.value = text;
    chip.sent = sent;
    chip.element.classList.remove("wrong");
    this.size(chip);
    this.onward(chip);
  }

  // To the next field that is empty, else behind the last.
  onward(from = null) {
    const { chips, rest } = this.command;
    const after = chips.slice(chips.indexOf(from) + 1);
    const next = [...after, ...chips].find((chip) => chip !== from && !chip.input.value && chip.option.required);
    (next?.input ?? rest).focus();
  }

  chipKey(event, chip) {
    if (event.isComposing) return;
    if (this.suggestions.open && this.listKey(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.leave("");
    } else if (event.key === "Backspace" && !chip.input.value && chip.option.type !== FILE) {
      event.preventDefault();
      this.backOver(chip);
    }
  }

  backOver(chip) {
    const at = chip.option.required ? this.command.chips.indexOf(chip) : this.removeChip(chip);
    const before = this.command.chips[at - 1];
    if (before) before.input.focus();
    else if (chip.option.required) this.leave(this.command.entry.name);
    else this.command.rest.focus();
  }

  unused() {
    const used = new Set(this.command.chips.map(({ option }) => option));
    return this.command.entry.options.filter((option) => !used.has(option));
  }

  updateRest() {
    const count = this.unused().length;
    this.command.rest.placeholder = count ? `+${count} optional` : "";
    this.command.rest.setAttribute("aria-label", count ? `${this.command.entry.name}: ${count} more options` : `${this.command.entry.name}: Enter sends`);
    this.command.rest.classList.toggle("done", !count);
  }

  restTyped() {
    const { rest, entry } = this.command;
    const named = /^([^\s:"]+):$/.exec(rest.value.trimStart());
    if (named && this.unused().some(({ name }) => name === named[1])) {
      rest.value = "";
      this.fill(named[1], "").input.focus();
      return;
    }
    const needle = rest.value.trim().toLowerCase();
    const items = this.unused()
      .filter(({ name }) => name.includes(needle))
      .map((option) => ({
        label: option.name,
        detail: option.description,
        hint: KINDS[option.type],
        pick: () => {
          rest.value = "";
          this.addChip(option).input.focus();
        },
      }));
    const title = h("div", { class: "suggest-title" }, h("b", {}, entry.name), " ", entry.description);
    this.suggestions.show(rest, items, { title, active: needle ? 0 : -1, label: "More options" });
  }

  restKey(event) {
    if (event.isComposing) return;
    if (this.suggestions.open && this.listKey(event)) return;
    const { rest, chips, entry } = this.command;
    if (event.key === "Enter") {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.leave("");
    } else if (event.key === "Backspace" && !rest.value) {
      event.preventDefault();
      if (chips.length) chips.at(-1).input.focus();
      else this.leave(entry.name);
    }
  }

  leave(text, { focus = true } = {}) {
    this.command = null;
    this.suggestions.hide();
    this.complain("");
    this.showText();
    this.text.value = text;
    if (focus) this.text.focus();
    this.grow();
    if (focus && text.startsWith("/")) this.typed();
  }

  values() {
    return this.command.chips.map((chip) => [chip.option.name, chip.sent ?? (chip.option.type === FILE ? "" : chip.input.value.trim())]);
  }

  // Sending

  async send() {
    if (this.command) await this.sendCommand();
    else if (this.text.value.startsWith("/")) await this.sendUnknown(this.text.value);
    else if (this.text.value.trim() || !this.tray.empty) await this.sendText(this.text.value);
  }

  async sendText(text) {
    const taken = this.tray.take();
    const { files, reply } = taken;
    this.leave("");
    try {
      const keys = await Promise.all(files.map((file) => file.uploading));
      await this.ask("say", { text: mentioned(text, this.picked), files: keys, ...(reply ? { reply: reply.message.id, ping: reply.ping } : {}) });
      this.picked.clear();
    } catch (error) {
      if (!this.command && !this.text.value && this.tray.empty) {
        this.leave(text);
        this.tray.put(taken);
      }
      this.complain(error.message);
    }
  }

  // What no entry of the list fits: the sandbox says why.
  async sendUnknown(text) {
    const words = text.slice(1).split(/\s+/).filter((word) => word && !word.includes(":")).slice(0, 3);
    if (!words.length) return;
    this.suggestions.hide();
    try {
      await this.answered(`/${words.join(" ")}`, this.ask("slash", { words, options: {} }));
    } catch (error) {
      this.complain(error.message);
    }
  }

  async sendCommand() {
    const { entry, chips, rest } = this.command;
    if (rest.value.trim()) {
      this.complain(`"${rest.value.trim()}" belongs to no option: choose one of the list, or clear it`);
      return;
    }
    await Promise.all(chips.map((chip) => chip.uploading));
    const values = this.values().filter(([, value]) => value !== "");
    const kept = chips.map((chip) => [chip.option, chip.input.value, chip.sent]);
    this.leave("");
    try {
      await this.answered(entry.name, this.ask("slash", { words: entry.words, options: Object.fromEntries(values) }));
    } catch (error) {
      this.restore(entry, kept, error.message);
    }
  }

  restore(entry, kept, problem) {
    if (!this.command && !this.text.value) {
      this.begin(entry);
      for (const [option, value, sent] of kept) this.fill(option.name, value, sent);
      const named = /'([^']+)'/.exec(problem.slice(problem.indexOf("option")));
      const wrong = this.command.chips.find(({ option }) => option.name === named?.[1]);
      if (wrong) this.wrong(wrong);
    }
    this.complain(problem);
  }

  wrong(chip) {
    chip.element.classList.add("wrong");
    chip.input.setAttribute("aria-invalid", "true");
    chip.input.setAttribute("aria-describedby", "composer-error");
    chip.input.focus();
    this.suggestions.hide();
  }

  async answered(name, asking) {
    const outcome = await asking;
    if (outcome.modal) this.opened(outcome);
    else if (outcome.failed) this.failed(name, outcome.failed);
  }
}

function optionTitle(option) {
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
