// Interactions with the bot: buttons, selects, menu commands and forms. A control is busy until the bot answers.

import { emojiText } from "./components.js";
import { openForm } from "./dialogs.js";
import { ComponentType } from "./discord.js";
import { avatar, h } from "./dom.js";
import { reason } from "./link.js";
import { openChoices } from "./lists.js";
import { shownControl, shownMessage } from "./messages.js";
import { roleName, shownName } from "./names.js";

/** @import { Ask, Component, Message, Outcome } from "./frames.js" */
/** @import { ListOption } from "./lists.js" */
/** @import { View } from "./view.js" */

export class Interactions {
  /** `note` writes a line below the messages. @param {{view: View, ask: Ask, note: (text: string) => void}} parts */
  constructor({ view, ask, note }) {
    this.view = view;
    this.ask = ask;
    this.note = note;
    /** @type {Set<string>} */
    this.busy = new Set();
  }

  /** @param {Message} message @param {string} control */
  isBusy(message, control) {
    return this.busy.has(`${message.id}/${control}`);
  }

  /**
   * Use something of the bot's. If the bot does not answer, the page says so below what was used, as a client does.
   * @param {string} what
   * @param {object} fields
   * @param {string} name
   * @param {{message?: Message | null, element?: HTMLElement | null}} [used]
   */
  async use(what, fields, name, { message = null, element = null } = {}) {
    const control = element?.dataset.control;
    const release = message && element && control ? this.occupy(message, element, control) : () => {};
    try {
      const outcome = await this.ask(what, fields);
      if (outcome.modal) this.showForm(outcome);
      else if (outcome.failed) this.failed(message, name, "This interaction failed");
    } catch (error) {
      this.failed(message, name, reason(error));
    } finally {
      release();
    }
  }

  /**
   * Make a control busy until the result is called.
   * @param {Message} message
   * @param {HTMLElement} element
   * @param {string} control
   */
  occupy(message, element, control) {
    const key = `${message.id}/${control}`;
    this.busy.add(key);
    element.classList.add("busy");
    element.setAttribute("aria-busy", "true");
    return () => {
      this.busy.delete(key);
      // the message may have been drawn anew
      for (const one of [element, shownControl(message.id, control)]) {
        one?.classList.remove("busy");
        one?.removeAttribute("aria-busy");
      }
    };
  }

  /** @param {Message | null} message @param {string} name @param {string} text */
  failed(message, name, text) {
    /** @type {HTMLElement | null | undefined} */
    const line = message && shownMessage(message.id)?.querySelector(".went-wrong");
    if (!line) {
      this.note(`${name}: ${text}`);
      return;
    }
    line.textContent = text;
    line.hidden = false;
  }

  /** @param {Message} message @param {Component} control @param {HTMLElement} element */
  click(message, control, element) {
    const name = control.label ?? "This interaction";
    this.use("click", { message: message.id, button: control.custom_id }, name, { message, element });
  }

  /** @param {Message} message @param {Component} control @param {HTMLElement} element */
  select(message, control, element) {
    const strings = control.type === ComponentType.STRING_SELECT;
    const chosen = strings
      ? control.options.filter((one) => one.default).map(({ value }) => value)
      : (control.default_values ?? []).map(({ id }) => id);
    const name = control.placeholder ?? "The select";
    openChoices(element, {
      label: control.placeholder || "Choices",
      options: this.choices(control),
      least: control.min_values ?? 1,
      most: control.max_values ?? 1,
      chosen,
      searched: !strings,
      done: (values) =>
        this.use("select", { message: message.id, select: control.custom_id, values }, name, { message, element }),
    });
  }

  /** @param {Component} control @returns {ListOption[]} */
  choices({ type, options, channel_types: types }) {
    const { guild, members } = this.view;
    if (type === ComponentType.STRING_SELECT) {
      return options.map(({ value, label, description, emoji }) => {
        const sign = emoji ? h("span", { class: "choice-emoji" }, emojiText(emoji)) : null;
        return { value, label, description, icon: sign };
      });
    }
    if (type === ComponentType.CHANNEL_SELECT) {
      const channels = (guild?.channels ?? []).filter(({ kind }) => !types?.length || types.includes(kind));
      return channels.map(({ id, name }) => ({ value: id, label: `#${name}` }));
    }
    const users = members.map((one) => ({ value: one.id, label: shownName(one), icon: avatar(one, "small") }));
    const roles = (guild?.roles ?? []).map((role) => ({ value: role.id, label: roleName(role) }));
    if (type === ComponentType.USER_SELECT) return users;
    return type === ComponentType.ROLE_SELECT ? roles : [...users, ...roles];
  }

  /** Open the form with which the bot answered. @param {Outcome} outcome */
  showForm({ modal, form }) {
    if (!modal) return;
    openForm({
      modal,
      bot: this.view.place.bot,
      send: async (values) => {
        const outcome = await this.ask("submit", { form, values });
        if (outcome.failed) throw new Error("Something went wrong. Try again.");
        if (outcome.modal) this.showForm(outcome);
      },
      cancelled: () => {
        this.ask("cancel", { form }).catch(() => {});
      },
    });
  }
}
