// The field of one option on the command line: its name, and what is typed or chosen for it.

import { OPTION_KINDS } from "./commands.js";
import { OPTION_LENGTH, OptionType } from "./discord.js";
import { h } from "./dom.js";

/** @import { Option } from "./frames.js" */

const LEAST_WIDTH = 4;
const MOST_WIDTH = 40;

/** @type {Record<number, {inputmode: string}>} */
const INPUT_MODES = { [OptionType.INTEGER]: { inputmode: "numeric" }, [OptionType.NUMBER]: { inputmode: "decimal" } };

const COMBOBOX = {
  role: "combobox",
  "aria-haspopup": "listbox",
  "aria-expanded": "false",
  "aria-autocomplete": "list",
  maxlength: String(OPTION_LENGTH),
};

/**
 * What was taken from the list: its text in the field, and the value that is sent for it.
 * @typedef {{text: string, sent: string}} Taken
 */

/**
 * @typedef {object} FieldEvents
 * @property {(field: OptionField) => void} entered it has the keyboard
 * @property {(field: OptionField) => void} typed its text was changed by hand
 * @property {(event: KeyboardEvent, field: OptionField) => void} key
 * @property {(field: OptionField) => void} chosen a file was chosen
 */

export class OptionField {
  /** @param {Option} option @param {FieldEvents} events */
  constructor(option, { entered, typed, key, chosen }) {
    this.option = option;
    this.isFile = option.type === OptionType.ATTACHMENT;
    /** What is sent: a value of the list or the key of a file; null if the text itself is. @type {string | null} */
    this.sent = null;
    /** @type {Taken | null} */
    this.taken = null;
    /**
     * The field that was left for this one, and the text that led here.
     * @type {{field: OptionField, text: string} | null}
     */
    this.from = null;
    /** Names of options that are words of this field's text. @type {Set<string>} */
    this.words = new Set();
    /** How often the bot was asked for suggestions. */
    this.asked = 0;
    /** @type {Promise<string> | null} */
    this.uploading = null;
    const id = `option-${option.name}`;
    const kind = `${OPTION_KINDS[option.type]}${option.required ? ", required" : ""}`;
    this.input = h("input", {
      id,
      type: this.isFile ? "file" : "text",
      "aria-label": `${option.name}, ${kind}: ${option.description}`,
      autocomplete: "off",
      ...(this.isFile ? {} : COMBOBOX),
      ...INPUT_MODES[option.type],
      onfocus: () => entered(this),
      oninput: () => {
        this.sent = null;
        this.from = null;
        this.clearProblem();
        typed(this);
      },
      onkeydown: (event) => key(event, this),
      onchange: () => this.isFile && chosen(this),
    });
    this.element = h("span", { class: "chip" }, h("label", { for: id }, option.name), this.input);
    this.fit();
  }

  get text() {
    return this.isFile ? "" : this.input.value;
  }

  /** What is sent for the option; "" for none. */
  get value() {
    return this.sent ?? this.text.trim();
  }

  /** @param {string} text @param {string | null} sent */
  set(text, sent = null) {
    if (!this.isFile) this.input.value = text;
    this.sent = sent;
    this.fit();
  }

  /** @param {Taken} taken */
  take(taken) {
    this.taken = taken;
    this.set(taken.text, taken.sent);
    this.clearProblem();
  }

  /** As wide as its text. */
  fit() {
    if (!this.isFile) this.input.size = Math.max(LEAST_WIDTH, Math.min(MOST_WIDTH, this.input.value.length + 1));
  }

  focusEnd() {
    this.input.focus();
    if (!this.isFile) this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }

  /** Show that the sandbox refused this option. @param {string} describedBy the id of what says why */
  showProblem(describedBy) {
    this.element.classList.add("wrong");
    this.input.setAttribute("aria-invalid", "true");
    this.input.setAttribute("aria-describedby", describedBy);
    this.input.focus();
  }

  clearProblem() {
    this.element.classList.remove("wrong");
    this.input.removeAttribute("aria-invalid");
    this.input.removeAttribute("aria-describedby");
  }
}
