// Content that is hidden until it is pressed.

import { h } from "./dom.js";

/** @param {(string | Node)[]} inner */
export function spoiler(inner) {
  const hidden = h("span", { class: "spoiler-text", "aria-hidden": "true", inert: true }, ...inner);
  const show = () => {
    if (box.classList.contains("shown")) return;
    box.classList.add("shown");
    box.removeAttribute("role");
    box.removeAttribute("tabindex");
    box.removeAttribute("aria-label");
    hidden.removeAttribute("aria-hidden");
    hidden.removeAttribute("inert");
  };
  const box = h(
    "span",
    {
      class: "spoiler",
      role: "button",
      tabindex: "0",
      "aria-label": "Spoiler: press to show",
      onclick: show,
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          show();
        }
      },
    },
    hidden,
  );
  return box;
}
