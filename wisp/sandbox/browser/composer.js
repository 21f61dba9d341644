// The message box: text with mentions, or a command with its options, each in a field of its own.

import {
  BOOLEAN,
  CHANNEL,
  entries,
  FILE,
  INTEGER,
  KINDS,
  MENTIONABLE,
  NUMBER,
  optionTitle,
  ROLE,
  STRING,
  typedOptions,
  USER,
} from "./commands.js";
import { avatar, byId, h, icon, sameNamed } from "./dom.js";
import { mentioned } from "./editing.js";
import { Suggestions } from "./suggestions.js";
import { Tray } from "./tray.js";

const MOST_SHOWN = 50;

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
    this.text.setAttribute(
      "aria-label",
      may ? `Message ${name}` : `Commands in ${name}: you cannot send messages here`,
    );
    if (this.command && !entries(place.commands).some(({ name: other }) => other === this.command.entry.name)) {
      const gone = this.command.entry.name;
      this.leave("", { focus: false });
      this.complain(`${gone} is not on offer here any more`);
    } else if (!this.command && this.text.value.startsWith("/") && document.activeElement === this.text) {
      this.typed();
    }
  }

  focus() {
    (this.command ? (this.command.chips[0]?.input ?? this.command.rest) : this.text).focus();
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
    const entered = all
      .filter(({ name }) => value.startsWith(`${name} `))
      .sort((a, b) => b.name.length - a.name.length)[0];
    if (entered) {
      this.begin(entered, typedOptions(value.slice(entered.name.length)) ?? []);
      return;
    }
    const typed = value.slice(1).toLowerCase();
    const rank = ({ name }) => (name.slice(1).startsWith(typed) ? 0 : 1);
    const found = all.filter(({ name }) => name.slice(1).includes(typed)).sort((a, b) => rank(a) - rank(b));
    const items = found.slice(0, MOST_SHOWN).map((entry) => ({
      icon: avatar(this.place.bot),
      label: h(
        "span",
        {},
        h("b", {}, entry.name),
        ...entry.options
          .filter(({ required }) => required)
          .map(({ name }) => h("span", { class: "hint-option" }, name)),
      ),
      detail: entry.description,
      hint: this.place.bot.name,
      pick: () => this.begin(entry),
    }));
    const title = h(
      "div",
      { class: "suggest-title" },
      items.length ? `Commands of ${this.place.bot.name}` : "No command matches",
    );
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
    if (items.length)
      this.suggestions.show(this.text, items, { label: sign === "@" ? "People and roles" : "Channels" });
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
      found.push(
        ...channels.map((one) => ({
          label: `#${one.name}`,
          text: `#${one.name}`,
          sent: `<#${one.id}>`,
          kind: one.kind,
        })),
      );
    }
    if (kind === USER || kind === MENTIONABLE) {
      const members = (guild?.members ?? [this.place.me, this.place.bot]).filter(fits);
      const twice = sameNamed(guild?.members ?? []);
      // of two of one name only the id tells which is meant
      const written = (one) => (twice.has(one.name) ? `<@${one.id}>` : `@${one.name}`);
      const hint = (one) => (twice.has(one.name) ? one.id : one.nick ? one.name : one.bot ? "APP" : "");
      found.push(
        ...members.map((one) => ({
          icon: avatar(one, "small"),
          label: one.nick || one.name,
          hint: hint(one),
          text: written(one),
          sent: `<@${one.id}>`,
        })),
      );
    }
    if (kind === ROLE || kind === MENTIONABLE) {
      const roles = (guild?.roles ?? []).filter(fits);
      found.push(
        ...roles.map((one) => ({
          label: `@${one.name.replace(/^@/, "")}`,
          hint: "role",
          text: `@${one.name.replace(/^@/, "")}`,
          sent: `<@&${one.id}>`,
        })),
      );
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
    else if ((key === "Tab" || key === "Enter") && !event.shiftKey && this.suggestions.active >= 0)
      this.suggestions.pick();
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
      oninput: () => {
        this.complain("");
        this.restTyped();
      },
      onfocus: () => this.restTyped(),
      onkeydown: (event) => this.restKey(event),
    });
    const chips = h("div", { class: "chips" });
    this.command = { entry, chips: [], rest, box: chips };
    this.form.replaceChildren(
      h(
        "div",
        { class: "command-line", role: "group", "aria-label": `${entry.name}: ${entry.description}` },
        h("span", { class: "command-name" }, entry.name),
        chips,
        rest,
      ),
      h(
        "button",
        { type: "button", class: "tool", "aria-label": `Leave ${entry.name}`, onclick: () => this.leave("") },
        icon("close"),
      ),
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
    const chip = this.chipOf(option) ?? this.addChip(option);
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
      ...(file
        ? {}
        : {
            role: "combobox",
            "aria-haspopup": "listbox",
            "aria-expanded": "false",
            "aria-autocomplete": "list",
            maxlength: "6000",
          }),
      ...(option.type === INTEGER ? { inputmode: "numeric" } : option.type === NUMBER ? { inputmode: "decimal" } : {}),
    });
    const element = h("span", { class: "chip" }, h("label", { for: id }, option.name), input);
    // `taken` is the choice that was taken, `from` the field that was left for this one, `words` what is text in it
    const chip = { option, input, element, sent: null, asked: 0, taken: null, from: null, words: new Set() };
    input.addEventListener("focus", () => this.chipTyped(chip));
    input.addEventListener("input", () => {
      chip.sent = null;
      chip.from = null;
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

  // Leaves a field for another where its text ends in options: ` days:` as it is typed, ` days:3 kind:tool` pasted.
  redirected(chip) {
    const { input, option } = chip;
    if (input.value === `${option.name}:`) input.value = "";
    for (const { index } of input.value.matchAll(/(?:^|\s)(?=[^\s:"]+:)/g)) {
      const given = typedOptions(input.value.slice(index));
      if (!given?.every(([name]) => this.leads(chip, name))) continue;
      const text = input.value;
      input.value = text.slice(0, index).trim();
      if (chip.taken?.text === input.value) chip.sent = chip.taken.sent;
      this.size(chip);
      const last = given.map(([name, value]) => this.fill(name, value)).at(-1);
      last.from = { chip, text };
      last.input.focus();
      return true;
    }
    return false;
  }

  // Whether a name and a colon lead out of a field. In a text they may be what somebody means to say: there only
  // an option that is not filled yet is meant, and none that Backspace led back from.
  leads(chip, name) {
    const option = this.command.entry.options.find((one) => one.name === name);
    if (!option || option === chip.option) return false;
    return chip.option.type !== STRING || !(chip.words.has(name) || this.chipOf(option)?.input.value);
  }

  chipOf(option) {
    return this.command.chips.find((one) => one.option === option);
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
    this.suggestions.show(
      input,
      items.map((item) => ({ ...item, pick: () => this.take(chip, item) })),
      { title, label: `Values of ${option.name}` },
    );
  }

  valuesOf(option, typed) {
    const needle = typed.toLowerCase();
    const plain = (label, sent) => ({ label, text: label, sent });
    if (option.choices)
      return option.choices
        .filter(({ name }) => name.toLowerCase().includes(needle))
        .map(({ name, value }) => plain(name, String(value)));
    if (option.type === BOOLEAN)
      return ["True", "False"]
        .filter((one) => one.toLowerCase().startsWith(needle))
        .map((one) => plain(one, one.toLowerCase()));
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
    const items = choices.map(({ name, value }) => ({
      label: name,
      pick: () => this.take(chip, { text: name, sent: String(value) }),
    }));
    const none = h("div", { class: "muted suggest-wait" }, problem ?? "No options match your search.");
    const begun = choices[0] && input.value && choices[0].name.toLowerCase().startsWith(input.value.toLowerCase());
    this.suggestions.show(input, items, {
      title: items.length ? title : h("div", {}, title, none),
      active: begun || !input.value ? 0 : -1,
      label: `Values of ${option.name}`,
    });
  }

  take(chip, { text, sent }) {
    chip.input.value = text;
    chip.sent = sent;
    chip.taken = { text, sent };
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
    } else if (event.key === "Backspace" && chip.option.type !== FILE && chip.input.selectionEnd === 0) {
      event.preventDefault();
      this.backOver(chip);
    }
  }

  // To the field before; one that is empty and not required goes. Out of a field that a text was just left for, the
  // text is as it was typed, and the option's name a word of it.
  backOver(chip) {
    const { from, input, option } = chip;
    const kept = option.required || input.value !== "";
    const at = kept ? this.command.chips.indexOf(chip) : this.removeChip(chip);
    const before =
      from && !input.value && this.command.chips.includes(from.chip) ? from.chip : this.command.chips[at - 1];
    if (before && before === from?.chip) {
      before.input.value = from.text;
      before.sent = null;
      before.words.add(option.name);
      this.size(before);
    }
    if (before) this.toEnd(before);
    else if (option.required && !input.value) this.leave(this.command.entry.name);
    else if (!kept) this.command.rest.focus();
  }

  toEnd({ input, option }) {
    input.focus();
    if (option.type !== FILE) input.setSelectionRange(input.value.length, input.value.length);
  }

  unused() {
    const used = new Set(this.command.chips.map(({ option }) => option));
    return this.command.entry.options.filter((option) => !used.has(option));
  }

  updateRest() {
    const count = this.unused().length;
    this.command.rest.placeholder = count ? `+${count} optional` : "";
    this.command.rest.setAttribute(
      "aria-label",
      count
        ? `${this.command.entry.name}: ${count} more option${count === 1 ? "" : "s"}`
        : `${this.command.entry.name}: Enter sends`,
    );
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
      if (chips.length) this.toEnd(chips.at(-1));
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
    return this.command.chips.map((chip) => [
      chip.option.name,
      chip.sent ?? (chip.option.type === FILE ? "" : chip.input.value.trim()),
    ]);
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
      await this.ask("say", {
        text: mentioned(text, this.picked),
        files: keys,
        ...(reply ? { reply: reply.message.id, ping: reply.ping } : {}),
      });
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
    const words = text
      .slice(1)
      .split(/\s+/)
      .filter((word) => word && !word.includes(":"))
      .slice(0, 3);
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
