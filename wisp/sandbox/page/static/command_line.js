// A command while it is filled in: its name, a field for each option that is given, and a box for the names of others.

import { OPTION_KINDS, optionStarts } from "./commands.js";
import { Completion } from "./completion.js";
import { OptionType } from "./discord.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { reason } from "./link.js";
import { OptionField } from "./option_field.js";

/** @import { Entry } from "./commands.js" */
/** @import { Ask, Option } from "./frames.js" */
/** @import { Taken } from "./option_field.js" */
/** @import { Suggestions } from "./suggestions.js" */
/** @import { View } from "./view.js" */

/**
 * A command line as it was, to be restored if the sandbox refuses it.
 * @typedef {{name: string, text: string, sent: string | null}[]} Kept
 */

export class CommandLine {
  /**
   * `complain` says what is wrong, `send` sends the command, `leave` goes back to the text box, with a text in it.
   * @param {Entry} entry
   * @param {object} parts
   * @param {View} parts.view
   * @param {Ask} parts.ask
   * @param {(file: File) => Promise<string>} parts.upload
   * @param {Suggestions} parts.suggestions
   * @param {(text: string) => void} parts.complain
   * @param {() => void} parts.send
   * @param {(text: string) => void} parts.leave
   */
  constructor(entry, { view, ask, upload, suggestions, complain, send, leave }) {
    this.entry = entry;
    this.view = view;
    this.ask = ask;
    this.upload = upload;
    this.suggestions = suggestions;
    this.complain = complain;
    this.send = send;
    this.leave = leave;
    /** @type {OptionField[]} */
    this.fields = [];
    this.completion = new Completion({
      view,
      suggestions,
      ask: (field) => this.ask("complete", this.completionOf(field)),
      take: (field, taken) => this.take(field, taken),
    });
    this.fieldBox = h("div", { class: "chips" });
    this.rest = this.restBox();
    this.elements = this.makeElements();
    for (const option of entry.options) if (option.required) this.add(option);
    this.showRest();
  }

  restBox() {
    return h("input", {
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
  }

  makeElements() {
    const { name, description } = this.entry;
    const leave = () => this.leave("");
    return [
      h(
        "div",
        { class: "command-line", role: "group", "aria-label": `${name}: ${description}` },
        h("span", { class: "command-name" }, name),
        this.fieldBox,
        this.rest,
      ),
      h("button", { type: "button", class: "tool", "aria-label": `Leave ${name}`, onclick: leave }, icon("close")),
      h("button", { type: "submit", class: "tool send", "aria-label": `Use ${name}` }, icon("reply")),
    ];
  }

  focus() {
    (this.fields[0]?.input ?? this.rest).focus();
  }

  // Fields

  /** @param {string} name */
  option(name) {
    return this.entry.options.find((one) => one.name === name);
  }

  /** @param {Option | undefined} option */
  fieldOf(option) {
    return this.fields.find((one) => one.option === option);
  }

  unused() {
    return this.entry.options.filter((option) => !this.fieldOf(option));
  }

  /** @param {Option} option */
  add(option) {
    const field = new OptionField(option, {
      entered: (one) => this.suggestValues(one),
      typed: (one) => {
        this.complain("");
        this.fieldTyped(one);
      },
      key: (event, one) => this.fieldKey(event, one),
      chosen: (one) => this.uploadInto(one),
    });
    this.fields.push(field);
    this.fieldBox.append(field.element);
    this.showRest();
    return field;
  }

  /** @param {OptionField} field */
  remove(field) {
    this.fields = this.fields.filter((one) => one !== field);
    field.element.remove();
    this.showRest();
  }

  /**
   * Fill in an option by its name; null, and a complaint, if the command has none of this name.
   * @param {string} name
   * @param {string} text
   * @param {string | null} sent
   */
  fill(name, text, sent = null) {
    const option = this.option(name);
    if (!option) {
      this.complain(`${this.entry.name} has no option "${name}"`);
      return null;
    }
    const field = this.fieldOf(option) ?? this.add(option);
    field.set(text, sent);
    return field;
  }

  /** Go to the next empty field that is required, else behind the last. @param {OptionField | null} from */
  onward(from = null) {
    const after = from ? this.fields.slice(this.fields.indexOf(from) + 1) : this.fields;
    const empty = (/** @type {OptionField} */ one) => one !== from && !one.input.value && one.option.required;
    const next = [...after, ...this.fields].find(empty);
    (next?.input ?? this.rest).focus();
  }

  /** @param {OptionField} field */
  async uploadInto(field) {
    const file = field.input.files?.[0];
    if (!file) return;
    field.sent = null;
    field.uploading = this.upload(file);
    try {
      field.sent = await field.uploading;
    } catch (error) {
      this.refused(field, reason(error));
    } finally {
      field.uploading = null;
    }
  }

  /** @param {OptionField | undefined} field @param {string} problem */
  refused(field, problem) {
    field?.showProblem("composer-error");
    if (field) this.suggestions.hide();
    this.complain(problem);
  }

  // Options that are typed or pasted into the field of another one

  /** @param {OptionField} field */
  fieldTyped(field) {
    const { input, option } = field;
    if (!field.isFile && input.value === `${option.name}:`) input.value = "";
    const starts = optionStarts(field.text, (name) => this.leads(field, name));
    if (starts.length === 1 && starts[0].last) {
      this.leaveFor(field, starts[0].at, [[starts[0].name, ""]]);
      return;
    }
    this.suggestValues(field);
    if (starts.length) this.parseFrom(field, starts);
  }

  /**
   * Whether a name and a colon lead out of a field. In a text they may be a part of it: there only an option that is
   * not filled in yet is meant, and none whose field Backspace led back from.
   * @param {OptionField} field
   * @param {string} name
   */
  leads(field, name) {
    const option = this.option(name);
    if (!option || option === field.option) return false;
    return field.option.type !== OptionType.STRING || !(field.words.has(name) || this.fieldOf(option)?.input.value);
  }

  /**
   * Let the sandbox parse what may be options at the end of a field.
   * @param {OptionField} field
   * @param {{at: number}[]} starts
   */
  async parseFrom(field, starts) {
    const { text } = field;
    for (const { at } of starts) {
      const given = await this.parsed(text.slice(at));
      if (field.text !== text || !this.fields.includes(field) || !field.input.isConnected) return;
      if (given?.every(([name]) => this.leads(field, name))) {
        this.leaveFor(field, at, given);
        return;
      }
    }
  }

  /**
   * Options by name, as the sandbox reads them; null if it cannot.
   * @param {string} text
   * @returns {Promise<[string, string][] | null>}
   */
  async parsed(text) {
    try {
      return (await this.ask("parse", { line: `${this.entry.name} ${text}` })).options;
    } catch {
      return null;
    }
  }

  /**
   * Leave a field, whose text ends at `at`, for the options that stand behind it.
   * @param {OptionField} field
   * @param {number} at
   * @param {[string, string][]} given
   */
  leaveFor(field, at, given) {
    const { text, taken } = field;
    const kept = text.slice(0, at).trim();
    field.set(kept, taken?.text === kept ? taken.sent : null);
    const last = given.map(([name, value]) => this.fill(name, value)).at(-1);
    if (!last) return;
    last.from = { field, text };
    last.input.focus();
  }

  /**
   * Go to the field before. A field that is empty and not required goes away. If a text was just left for this
   * field, the text is again as it was typed, and the option's name is a word of it.
   * @param {OptionField} field
   */
  back(field) {
    const { from, input, option } = field;
    const before = this.fields[this.fields.indexOf(field) - 1];
    const returns = from !== null && !input.value && this.fields.includes(from.field);
    const kept = option.required || input.value !== "";
    if (!kept) this.remove(field);
    if (returns) {
      from.field.set(from.text);
      from.field.words.add(option.name);
      from.field.focusEnd();
    } else if (before) before.focusEnd();
    else if (option.required && !input.value) this.leave(this.entry.name);
    else if (!kept) this.rest.focus();
  }

  // Suggestions

  /** @param {OptionField} field */
  suggestValues(field) {
    field.fit();
    this.completion.suggest(field);
  }

  /** @param {OptionField} field @param {Taken} taken */
  take(field, taken) {
    field.take(taken);
    this.onward(field);
  }

  // The box behind the fields

  showRest() {
    const count = this.unused().length;
    const more = count ? `${count} more option${count === 1 ? "" : "s"}` : "Enter sends";
    this.rest.placeholder = count ? `+${count} optional` : "";
    this.rest.setAttribute("aria-label", `${this.entry.name}: ${more}`);
    this.rest.classList.toggle("done", !count);
  }

  restTyped() {
    const { rest, entry } = this;
    const unused = this.unused();
    const [named] = optionStarts(rest.value.trim(), (name) => unused.some((option) => option.name === name));
    if (named?.last && named.at === 0) {
      rest.value = "";
      this.fill(named.name, "")?.input.focus();
      return;
    }
    const needle = rest.value.trim().toLowerCase();
    const items = unused
      .filter(({ name }) => name.includes(needle))
      .map((option) => ({
        label: option.name,
        detail: option.description,
        hint: OPTION_KINDS[option.type],
        pick: () => {
          rest.value = "";
          this.add(option).input.focus();
        },
      }));
    const title = h("div", { class: "suggest-title" }, h("b", {}, entry.name), " ", entry.description);
    this.suggestions.show(rest, items, { title, active: needle ? 0 : -1, label: "More options" });
  }

  // Keys

  /** @param {KeyboardEvent} event @param {OptionField} field */
  fieldKey(event, field) {
    if (this.commonKey(event) || event.isComposing) return;
    if (event.key === "Backspace" && !field.isFile && field.input.selectionEnd === 0) {
      event.preventDefault();
      this.back(field);
    }
  }

  /** @param {KeyboardEvent} event */
  restKey(event) {
    if (this.commonKey(event) || event.isComposing) return;
    if (event.key === "Backspace" && !this.rest.value) {
      event.preventDefault();
      const last = this.fields.at(-1);
      if (last) last.focusEnd();
      else this.leave(this.entry.name);
    }
  }

  /** Keys that mean the same everywhere on the line; whether this was one. @param {KeyboardEvent} event */
  commonKey(event) {
    if (event.isComposing) return false;
    if (this.suggestions.key(event)) return true;
    if (event.key === "Enter") {
      event.preventDefault();
      this.send();
      return true;
    }
    if (event.key !== "Escape") return false;
    event.stopPropagation();
    this.leave("");
    return true;
  }

  // Sending

  /** The options that have a value, by name. @returns {[string, string][]} */
  values() {
    const all = this.fields.map((field) => /** @type {[string, string]} */ ([field.option.name, field.value]));
    return all.filter(([, value]) => value !== "");
  }

  /** What the sandbox is to complete. @param {OptionField} field */
  completionOf({ option, text }) {
    const others = this.values().filter(([name]) => name !== option.name);
    return { words: this.entry.words, option: option.name, typed: text, options: Object.fromEntries(others) };
  }

  /** @returns {Kept} */
  kept() {
    return this.fields.map(({ option, text, sent }) => ({ name: option.name, text, sent }));
  }

  /** Fill in what was kept, and show which option the sandbox refused. @param {Kept} kept @param {string} problem */
  restore(kept, problem) {
    for (const { name, text, sent } of kept) this.fill(name, text, sent);
    this.onward();
    const named = /'([^']+)'/.exec(problem.slice(problem.indexOf("option")));
    this.refused(
      this.fields.find(({ option }) => option.name === named?.[1]),
      problem,
    );
  }
}
