// Dialogs: a frame for all of them, the forms that a bot opens, and the page's own questions.

import { ComponentType, TEXT_INPUT_LENGTH, TextInputStyle } from "./discord.js";
import { avatar, byId, focusOn, h } from "./dom.js";
import { icon } from "./icons.js";
import { reason } from "./link.js";
import { markdown } from "./markdown.js";

/** @import { Child } from "./dom.js" */
/** @import { Component, Modal, User } from "./frames.js" */

let numbers = 0;

/** An id that no other dialog of the page has had. */
function newId() {
  numbers += 1;
  return `dialog-${numbers}`;
}

/**
 * @typedef {object} DialogContent
 * @property {Child[]} content
 * @property {Child[]} actions
 * @property {() => Promise<void>} submit what it throws is shown, and the dialog stays open
 * @property {() => void} [closed] is called when the dialog closes in any way
 * @property {{icon: Element, text: string} | null} [notice]
 * @property {boolean} [wide]
 */

/** Open a dialog; the browser keeps the keyboard inside. @param {string} title @param {DialogContent} content */
export function dialog(title, { content, actions, submit, closed, notice = null, wide = false }) {
  const id = newId();
  const problem = h("p", { class: "dialog-problem", role: "alert", hidden: true });
  const opener = document.activeElement;
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    element.close();
    element.remove();
    closed?.();
    if (opener?.isConnected) focusOn(opener);
  };
  const close = h("button", { type: "button", class: "tool", "aria-label": "Close", onclick: end }, icon("close"));
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    h("header", { class: "dialog-header" }, notice?.icon, h("h2", { id }, title), close),
    notice && h("p", { class: "dialog-notice" }, notice.text),
    h("div", { class: "dialog-content scroll" }, content),
    problem,
    h("footer", { class: "dialog-actions" }, actions),
  );
  const element = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": id }, form);
  element.addEventListener("cancel", (event) => {
    event.preventDefault();
    end();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted(form, problem, submit);
  });
  byId("app").after(element);
  element.showModal();
  focusOn(element.querySelector("[autofocus]") ?? element.querySelector("input, textarea, select"));
  return { element, end };
}

/** @param {HTMLFormElement} form @param {HTMLElement} problem @param {() => Promise<void>} submit */
async function submitted(form, problem, submit) {
  const button = form.querySelector("button[type=submit]");
  problem.hidden = true;
  button?.toggleAttribute("disabled", true);
  try {
    await submit();
  } catch (error) {
    problem.textContent = reason(error);
    problem.hidden = false;
  } finally {
    button?.toggleAttribute("disabled", false);
  }
}

/** @param {() => void} end */
const cancelButton = (end) => h("button", { type: "button", class: "button secondary", onclick: end }, "Cancel");

/** @param {string} label */
const submitButton = (label, kind = "primary") => h("button", { type: "submit", class: `button ${kind}` }, label);

// The forms of a bot

/** @typedef {{id: string, element: HTMLInputElement | HTMLTextAreaElement, check: () => boolean}} FormInput */

/**
 * Open a form of the bot. `send` gets the texts by custom id; what it throws is shown, and the form stays open.
 * @param {object} parts
 * @param {Modal} parts.modal
 * @param {User} parts.bot
 * @param {(values: Record<string, string>) => Promise<void>} parts.send
 * @param {() => void} parts.cancelled
 */
export function openForm({ modal, bot, send, cancelled }) {
  /** @type {FormInput[]} */
  const inputs = [];
  const content = modal.components.map((row) => formPart(row, inputs));
  const warning = "Do not share passwords or other sensitive information.";
  let sent = false;
  const { end } = dialog(modal.title, {
    content,
    notice: { icon: avatar(bot), text: `This form will be submitted to ${bot.name}. ${warning}` },
    actions: [cancelButton(() => end()), submitButton("Submit")],
    submit: async () => {
      const wrong = inputs.filter((one) => !one.check());
      if (wrong.length) {
        wrong[0].element.focus();
        return;
      }
      await send(Object.fromEntries(inputs.map(({ id, element }) => [id, element.value])));
      sent = true;
      end();
    },
    closed: () => {
      if (!sent) cancelled();
    },
  });
}

/** @param {Component} row @param {FormInput[]} inputs */
function formPart(row, inputs) {
  if (row.type === ComponentType.TEXT_DISPLAY) return h("div", { class: "text" }, markdown(row.content));
  const inner = innerComponent(row);
  if (inner.type !== ComponentType.TEXT_INPUT) {
    return h("p", { class: "muted" }, `(a component of type ${inner.type}: the page fills in text inputs only)`);
  }
  return textInput(inner, row, inputs);
}

/** @param {Component} row */
function innerComponent(row) {
  if (row.type === ComponentType.LABEL) return row.component;
  return row.type === ComponentType.ACTION_ROW ? row.components[0] : row;
}

/** @param {Component} component @param {Component} row @param {FormInput[]} inputs */
function textInput(component, row, inputs) {
  const { custom_id, style, label, min_length, max_length: most = TEXT_INPUT_LENGTH, placeholder, value } = component;
  const id = `${newId()}-input`;
  const required = component.required !== false;
  const least = Math.max(min_length ?? 0, required ? 1 : 0);
  const problem = h("p", { class: "input-problem", id: `${id}-problem`, "aria-live": "polite" });
  const counter = h("span", { class: "counter", "aria-hidden": "true" });
  const attributes = {
    id,
    class: "input",
    required,
    maxlength: most,
    placeholder,
    value: value ?? "",
    "aria-describedby": `${id}-problem`,
    oninput: () => {
      count();
      showProblem("");
    },
  };
  const short = style === TextInputStyle.SHORT;
  const element = short ? h("input", { type: "text", ...attributes }) : h("textarea", { rows: "4", ...attributes });
  const count = () => {
    counter.textContent = String(most - element.value.length);
  };
  const showProblem = (/** @type {string} */ text) => {
    problem.textContent = text;
    if (text) element.setAttribute("aria-invalid", "true");
    else element.removeAttribute("aria-invalid");
  };
  const check = () => {
    const text = lengthProblem(element.value, { least, required });
    showProblem(text);
    return !text;
  };
  count();
  inputs.push({ id: custom_id, element, check });
  return h(
    "div",
    { class: "field-box" },
    h("label", { for: id }, label ?? row.label ?? custom_id, required && requiredSign()),
    row.description && h("p", { class: "muted" }, row.description),
    h("div", { class: "input-box" }, element, counter),
    problem,
  );
}

const requiredSign = () => h("span", { class: "required", "aria-hidden": "true" }, " *");

/**
 * What is wrong with the length of a text; "" if nothing is.
 * @param {string} text
 * @param {{least: number, required: boolean}} limits
 */
export function lengthProblem({ length }, { least, required }) {
  if (!length) return required ? "This is a required field" : "";
  return length < least ? `Must be at least ${least} characters in length.` : "";
}

// Questions of the page

/**
 * Ask whether something is to be done.
 * @param {string} title
 * @param {{text: string, button: string, done: () => Promise<unknown>}} question
 */
export function confirm(title, { text, button, done }) {
  const { element, end } = dialog(title, {
    content: [h("p", {}, text)],
    actions: [cancelButton(() => end()), submitButton(button, "danger")],
    submit: async () => {
      await done();
      end();
    },
  });
  focusOn(element.querySelector("button[type=submit]"));
}

/**
 * Ask for one line of text, which `done` gets.
 * @param {string} title
 * @param {object} question
 * @param {string} question.label
 * @param {string} question.button
 * @param {string} [question.hint]
 * @param {number} [question.most] the longest text
 * @param {(text: string) => unknown} question.done
 */
export function askText(title, { label, button, hint, most = 100, done }) {
  const id = `${newId()}-text`;
  const attributes = { maxlength: most, required: true, autofocus: true, autocomplete: "off" };
  const element = h("input", { id, class: "input", type: "text", ...attributes });
  const { end } = dialog(title, {
    content: [
      h(
        "div",
        { class: "field-box" },
        h("label", { for: id }, label),
        element,
        hint && h("p", { class: "muted" }, hint),
      ),
    ],
    actions: [cancelButton(() => end()), submitButton(button)],
    submit: async () => {
      const text = element.value.trim();
      if (!text) throw new Error(`${label} is expected`);
      await done(text);
      end();
    },
  });
}
