// A message of one's own while it is changed: a box in the place of its text.

import { h } from "./dom.js";

// Mentions as they are read, and how to get back to how they are written.
export function readable(content, names) {
  const written = new Map();
  const text = content.replace(/<(@!?|@&|#)(\d+)>/g, (whole, sign, id) => {
    const name = names[`${sign.replace("!", "")}${id}`];
    const shown = name && `${sign[0]}${name.replace(/^@/, "")}`;
    if (!shown || (written.has(shown) && written.get(shown) !== whole)) return whole;
    written.set(shown, whole);
    return shown;
  });
  return { text, written };
}

// A text with the mentions in it as Discord writes them: `names` maps what is read to that.
export function mentioned(text, names) {
  const longest = [...names].sort(([one], [other]) => other.length - one.length);
  return longest.reduce((changed, [name, mention]) => changed.replaceAll(name, mention), text);
}

// `save` gets the new text and may refuse it, `remove` is asked where nothing is left of it, `end` is called when it is over.
export function editor(message, { save, remove, end }) {
  const { text, written } = readable(message.content, message.names);
  const id = `edit-${message.id}`;
  const problem = h("p", { class: "edit-problem", role: "alert", id: `${id}-problem`, hidden: true });
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, window.innerHeight / 2)}px`;
  };
  const send = async () => {
    if (!box.value.trim() && !message.attachments.length) {
      remove();
      return;
    }
    const changed = mentioned(box.value, written);
    if (changed === message.content) {
      end();
      return;
    }
    try {
      await save(changed);
      end();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  const box = h("textarea", {
    class: "edit-box scroll",
    rows: "1",
    value: text,
    "aria-label": "Edit message",
    "aria-describedby": `${id}-problem`,
    oninput: grow,
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Escape") end();
      else if (event.key === "Enter" && !event.shiftKey) send();
      else return;
      event.preventDefault();
    },
  });
  const element = h(
    "div",
    { class: "editor" },
    box,
    problem,
    h(
      "p",
      { class: "muted" },
      "escape to ",
      h("button", { type: "button", class: "plain-link", onclick: () => end() }, "cancel"),
      " • enter to ",
      h("button", { type: "button", class: "plain-link", onclick: send }, "save"),
    ),
  );
  const focus = () => {
    grow();
    box.focus();
  };
  requestAnimationFrame(() => box.setSelectionRange(box.value.length, box.value.length));
  return { element, focus };
}
