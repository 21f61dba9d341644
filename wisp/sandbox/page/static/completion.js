// The completion of an option's value: what the page offers for it, or what the bot suggests.

import { optionTitle } from "./commands.js";
import { h } from "./dom.js";
import { reason } from "./link.js";
import { offeredValues } from "./values.js";

/** @import { Choice } from "./frames.js" */
/** @import { OptionField, Taken } from "./option_field.js" */
/** @import { Suggestions } from "./suggestions.js" */
/** @import { OfferedValue } from "./values.js" */
/** @import { View } from "./view.js" */

const MOST_SHOWN = 50;

/** Milliseconds without a key before the bot is asked. */
const PAUSE = 120;

export class Completion {
  /**
   * @param {object} parts
   * @param {View} parts.view
   * @param {Suggestions} parts.suggestions
   * @param {(field: OptionField) => Promise<Choice[]>} parts.ask what the bot suggests
   * @param {(field: OptionField, taken: Taken) => void} parts.take
   */
  constructor({ view, suggestions, ask, take }) {
    this.view = view;
    this.suggestions = suggestions;
    this.ask = ask;
    this.take = take;
  }

  /** Suggest values for a field. @param {OptionField} field */
  suggest(field) {
    const { option, input } = field;
    const title = optionTitle(option);
    field.asked += 1; // what the bot was asked before comes too late now
    if (field.sent !== null) this.suggestions.show(input, [], { title });
    else if (option.autocomplete) this.askBot(field, title);
    else this.show(field, offeredValues(this.view, option, field.text.trim()), title);
  }

  /**
   * @param {OptionField} field
   * @param {OfferedValue[]} values
   * @param {Element} title
   * @param {number} active
   */
  show(field, values, title, active = 0) {
    const items = values.slice(0, MOST_SHOWN).map(({ text, sent, ...shown }) => ({
      ...shown,
      pick: () => this.take(field, { text, sent }),
    }));
    this.suggestions.show(field.input, items, { title, active, label: `Values of ${field.option.name}` });
  }

  /** @param {OptionField} field @param {Element} title */
  async askBot(field, title) {
    const mine = field.asked;
    const { input } = field;
    const note = (/** @type {string} */ text) => h("div", {}, title, h("div", { class: "muted suggest-wait" }, text));
    this.suggestions.show(input, [], { title: note("Loading options…") });
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (mine !== field.asked || !input.isConnected) return;
    let choices = /** @type {Choice[]} */ ([]);
    let problem = "No options match your search.";
    try {
      choices = await this.ask(field);
    } catch (error) {
      problem = reason(error);
    }
    if (mine !== field.asked || document.activeElement !== input) return;
    const values = choices.map(({ name, value }) => ({ label: name, text: name, sent: String(value) }));
    const begun = choices[0]?.name.toLowerCase().startsWith(field.text.toLowerCase());
    this.show(field, values, values.length ? title : note(problem), begun ? 0 : -1);
  }
}
