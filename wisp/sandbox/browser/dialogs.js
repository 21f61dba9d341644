// Dialogs: the forms that a bot opens, and small questions of the page's own. The browser keeps the keyboard inside.

import { avatar, byId, h, icon } from "./dom.js";
import { markdown } from "./markdown.js";

const ROW = 1,
  INPUT = 4,
  TEXT = 10,
  LABEL = 18;
const SHORT = 1;
const LONGEST = 4000;

let numbers = 0;

export function dialog(title, { content, actions, submit, closed = null, notice = null, wide = false }) {
  numbers += 1;
  const id = `dialog-${numbers}`;
  const problem = h("p", { class: "dialog-problem", role: "alert", hidden: true });
  const close = h("button", { type: "button", class: "tool", "aria-label": "Close" }, icon("close"));
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    h("header", { class: "dialog-header" }, notice?.icon, h("h2", { id }, title), close),
    notice?.text && h("p", { class: "dialog-notice" }, notice.text),
    h("div", { class: "dialog-content scroll" }, content),
    problem,
    actions.length > 0 && h("footer", { class: "dialog-actions" }, actions),
  );
  const element = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": id }, form);
  const opener = document.activeElement;
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    element.close();
    element.remove();
    closed?.();
    if (opener?.isConnected) opener.focus();
  };
  close.addEventListener("click", end);
  element.addEventListener("cancel", (event) => {
    event.preventDefault();
    end();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const button = form.querySelector("button[type=submit]");
    if (button) button.disabled = true;
    try {
      await submit?.({ end });
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      if (button) button.disabled = false;
    }
  });
  byId("app").after(element);
  element.showModal();
  (element.querySelector("[autofocus]") ?? element.querySelector("input, textarea, select"))?.focus();
  return { element, end };
}

const cancelButton = (end) =>
  h("button", { type: "button", class: "button secondary", onclick: () => end() }, "Cancel");
const submitButton = (label, kind = "primary") => h("button", { type: "submit", class: `button ${kind}` }, label);

// A form that the bot opened. `send` gets the texts by custom id; what it throws is shown, and the form stays.
export function openForm({ modal, bot, send, cancelled }) {
  const inputs = [];
  const content = modal.components.map((row) => formPart(row, inputs));
  let sent = false;
  const { end } = dialog(modal.title, {
    content,
    notice: {
      icon: avatar(bot),
      text: `This form will be submitted to ${bot.name}. Do not share passwords or other sensitive information.`,
    },
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
    closed: () => sent || cancelled(),
  });
}

function formPart(row, inputs) {
  if (row.type === TEXT) return h("div", { class: "text" }, markdown(row.content));
  const inner = row.type === LABEL ? row.component : row.type === ROW ? row.components[0] : row;
  if (inner.type !== INPUT)
    return h("p", { class: "muted" }, `(a component of type ${inner.type}: people here fill in texts only)`);
  const id = `input-${numbers}-${inputs.length}`;
  const required = inner.required !== false;
  const most = inner.max_length ?? LONGEST;
  const least = Math.max(inner.min_length ?? 0, required ? 1 : 0);
  const problem = h("p", { class: "input-problem", id: `${id}-problem`, "aria-live": "polite" });
  const counter = h("span", { class: "counter", "aria-hidden": "true" });
  const element = h(inner.style === SHORT ? "input" : "textarea", {
    id,
    class: "input",
    ...(inner.style === SHORT ? { type: "text" } : { rows: "4" }),
    required,
    maxlength: most,
    placeholder: inner.placeholder,
    value: inner.value ?? "",
    "aria-describedby": `${id}-problem`,
  });
  const count = () => {
    counter.textContent = String(most - element.value.length);
  };
  element.addEventListener("input", () => {
    count();
    problem.textContent = "";
    element.removeAttribute("aria-invalid");
  });
  count();
  const check = () => {
    const length = element.value.length;
    const missing = required && !length;
    const short = length > 0 && length < least;
    problem.textContent = missing
      ? "This is a required field"
      : short
        ? `Must be at least ${least} characters in length.`
        : "";
    if (missing || short) element.setAttribute("aria-invalid", "true");
    return !missing && !short;
  };
  inputs.push({ id: inner.custom_id, element, check });
  return h(
    "div",
    { class: "field-box" },
    h(
      "label",
      { for: id },
      inner.label ?? row.label ?? inner.custom_id,
      required && h("span", { class: "required", "aria-hidden": "true" }, " *"),
    ),
    row.description && h("p", { class: "muted" }, row.description),
    h("div", { class: "input-box" }, element, counter),
    problem,
  );
}

// A question to which the answer is yes, or nothing; what `done` throws is shown.
export function confirm(title, { text, button, done }) {
  const { element, end } = dialog(title, {
    content: [h("p", {}, text)],
    actions: [cancelButton(() => end()), submitButton(button, "danger")],
    submit: async () => {
      await done();
      end();
    },
  });
  element.querySelector("button[type=submit]").focus();
}

// One line of text is asked for; `done` gets it, and what it throws is shown.
export function askText(title, { label, button, hint = null, most = 100, done }) {
  numbers += 1;
  const id = `ask-${numbers}`;
  const element = h("input", {
    id,
    class: "input",
    type: "text",
    maxlength: most,
    required: true,
    autofocus: true,
    autocomplete: "off",
  });
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
      if (!element.value.trim()) throw new Error(`${label} is expected`);
      await done(element.value.trim());
      end();
    },
  });
}
