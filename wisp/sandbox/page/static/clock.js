// The time of the bot and the sandbox: people see it, and advance it.

import { askText } from "./dialogs.js";
import { announce, byId } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./lists.js";
import { now, tick, written } from "./times.js";

/** @import { Ask, Time } from "./frames.js" */
/** @import { View } from "./view.js" */

const DURATIONS = ["1 minute", "1 hour", "1 day"];
const HINT = "Such as 90s, 2h or 1d 6h. What falls due until then happens at once, in order.";

export class Clock {
  /** @param {{view: View, ask: Ask, attempt: Ask}} parts */
  constructor({ view, ask, attempt }) {
    this.view = view;
    this.ask = ask;
    this.attempt = attempt;
    this.element = /** @type {HTMLTimeElement} */ (byId("clock"));
    this.button = byId("advance");
    this.button.append(icon("clock"));
    this.button.addEventListener("click", () => this.menu());
    /** @type {Time | null} */
    this.before = null;
  }

  update() {
    const { time, bot } = this.view.place;
    const { before } = this;
    this.before = time;
    this.button.hidden = !time.movable;
    this.button.classList.toggle("on", time.moving);
    if (time.moving) this.button.setAttribute("aria-busy", "true");
    else this.button.removeAttribute("aria-busy");
    this.element.hidden = !time.moving && !time.moves;
    this.tick();
    if (time.moving && !before?.moving) announce("The time is moving");
    else if (before && time.moves !== before.moves) announce(`It is ${written(now(), "F")} for ${bot.name}`);
  }

  /** Show what time it is, everywhere on the page. */
  tick() {
    tick();
    if (!this.view.known || this.element.hidden) return;
    const text = this.view.place.time.moving ? "Time is moving…" : written(now(), "S");
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.dateTime = new Date(now()).toISOString();
  }

  menu() {
    const { time, bot } = this.view.place;
    if (time.moving) {
      announce("The time is moving");
      return;
    }
    const done = (/** @type {string} */ by) => this.ask("advance", { by });
    const another = () => askText("Advance time", { label: "Duration", button: "Advance", hint: HINT, done });
    openMenu(this.button, "Advance time", [
      `Advance time for ${bot.name} and this server`,
      ...DURATIONS.map((by) => ({ label: by, action: () => this.attempt("advance", { by }) })),
      null,
      { label: "Another duration…", action: another },
    ]);
  }
}
