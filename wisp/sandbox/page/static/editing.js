// The editor of the person's own message: a box in the place of its text.

import { h } from "./dom.js";
import { reason } from "./link.js";
import { mentioned, readable } from "./mentions.js";

/** @import { Message } from "./frames.js" */

/**
 * `save` gets the new text and may refuse it, `remove` is called if no text is left, `end` when the editor closes.
 * @typedef {{save: (text: string) => Promise<unknown>, remove: () => void, end: () => void}} EditorActions
 */

/** @typedef {{element: HTMLElement, focus: () => void}} Editor */

/** @param {Message} message @param {EditorActions} actions @returns {Editor} */
export function editor(message, { save, remove, end }) {
  const { text, written } = readable(message.content, message.names);
  const id = `edit-${message.id}`;
  const problem = h("p", { class: "edit-problem", role: "alert", id: `${id}-problem`, hidden: true });
  const box = h("textarea", {
    class: "edit-box scroll",
    rows: "1",
    value: text,
    "aria-label": "Edit message",
    "aria-describedby": `${id}-problem`,
    oninput: () => grow(box),
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Escape") end();
      else if (event.key === "Enter" && !event.shiftKey) send();
      else return;
      event.preventDefault();
    },
  });

  async function send() {
    if (!box.value.trim() && !message.attachments.length) {
      remove();
      return;
    }
    const changed = mentioned(box.value, written);
    try {
      if (changed !== message.content) await save(changed);
      end();
    } catch (error) {
      problem.textContent = reason(error);
      problem.hidden = false;
    }
  }

  const button = (/** @type {string} */ label, /** @type {() => void} */ action) =>
    h("button", { type: "button", class: "plain-link", onclick: action }, label);
  const keys = h("p", { class: "muted" }, "escape to ", button("cancel", end), " • enter to ", button("save", send));
  const focus = () => {
    grow(box);
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  };
  return { element: h("div", { class: "editor" }, box, problem, keys), focus };
}

/** As high as its text, up to half of the window. @param {HTMLTextAreaElement} box */
export function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, window.innerHeight / 2)}px`;
}
