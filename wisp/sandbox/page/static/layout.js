// The two sides of the page: beside the messages in a wide window, drawers over them in a narrow one.

import { byId, focusOn } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {"left" | "right"} Side */

const NARROW = window.matchMedia("(max-width: 760px)"); // both sides are drawers
const SLIM = window.matchMedia("(max-width: 1080px)"); // the right one is

const app = byId("app");

export const isNarrow = () => NARROW.matches;

/** Whether a side lies open over the messages. */
export const isDrawerOpen = () => app.matches(".left-open, .right-open");

export function startLayout() {
  byId("open-left").append(icon("menu"));
  byId("open-right").append(icon("people"));
  byId("open-left").addEventListener("click", () => toggleDrawer("left"));
  byId("open-right").addEventListener("click", () => (SLIM.matches ? toggleDrawer("right") : toggleMembers()));
  byId("shade").addEventListener("click", closeDrawers);
  for (const query of [NARROW, SLIM]) query.addEventListener("change", reset);
  reset();
}

function reset() {
  closeDrawers();
  showMembersState();
}

export function closeDrawers() {
  setDrawer("left", false);
  if (SLIM.matches) setDrawer("right", false);
  else settle();
}

/** @param {Side} side */
function toggleDrawer(side) {
  setDrawer(side, !app.classList.contains(`${side}-open`));
  if (!byId(side).inert) focusOn(byId(side).querySelector("button"));
}

/** @param {Side} side @param {boolean} on */
function setDrawer(side, on) {
  app.classList.toggle(`${side}-open`, on);
  byId(`open-${side}`).setAttribute("aria-expanded", String(on));
  const left = NARROW.matches && app.classList.contains("left-open");
  const right = SLIM.matches && app.classList.contains("right-open");
  byId("shade").hidden = !(left || right);
  settle();
}

function toggleMembers() {
  app.classList.toggle("right-closed");
  settle();
  showMembersState();
}

function showMembersState() {
  byId("open-right").setAttribute("aria-expanded", String(!byId("right").inert));
}

/** Keep the keyboard out of what is out of sight. */
function settle() {
  const { classList } = app;
  byId("left").inert = NARROW.matches && !classList.contains("left-open");
  byId("right").inert = SLIM.matches ? !classList.contains("right-open") : classList.contains("right-closed");
}
