// Parts of the page that are drawn anew only if what they show has changed.

import { keepFocus } from "./dom.js";

export class Redrawn {
  /** @param {HTMLElement} box @param {() => void} draw */
  constructor(box, draw) {
    this.box = box;
    this.draw = draw;
    this.shown = "";
  }

  /** Draw if anything of `what`, all that the part shows, is other than last time. @param {...unknown} what */
  show(...what) {
    const fresh = JSON.stringify(what);
    if (fresh === this.shown) return;
    this.shown = fresh;
    keepFocus(this.box, this.draw);
  }
}
