// The page: makes its parts, hands them what the sandbox pushes, and keeps what belongs to the page as a whole.

import { Clock } from "./clock.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Permission } from "./discord.js";
import { byId } from "./dom.js";
import { icon } from "./icons.js";
import { Interactions } from "./interactions.js";
import { closeDrawers, isDrawerOpen, isNarrow, startLayout } from "./layout.js";
import { Link, reason } from "./link.js";
import { closeFloating, isFloating } from "./lists.js";
import { Members } from "./members.js";
import { Menus } from "./menus.js";
import { MessageActions } from "./message_actions.js";
import { Panel } from "./panel.js";
import { channelIcon, Sidebar } from "./sidebar.js";
import { followTheme } from "./theme.js";
import { View } from "./view.js";

/** @import { Ask, MessagesFrame, PlaceFrame } from "./frames.js" */

/** Where the tab was, to be there again after a reload. */
const REMEMBERED = "was";

const view = new View();
const link = new Link({ opened, pushed, lost });

/** @type {Ask} */
const ask = (what, fields) => link.ask(what, fields);

/** Ask, and say below the messages why something cannot be done. @type {Ask} */
const attempt = async (what, fields) => {
  try {
    return await link.ask(what, fields);
  } catch (error) {
    conversation.note(reason(error));
    return null;
  }
};

const interactions = new Interactions({ view, ask, note: (text) => conversation.note(text) });
const menus = new Menus({
  view,
  ask,
  attempt,
  interactions,
  actions: () => actions,
  insert: (text) => composer.insert(text),
});
const actions = new MessageActions({
  view,
  ask,
  attempt,
  interactions,
  composer: () => composer,
  conversation: () => conversation,
  userMenu: (user, anchor) => menus.user(user, anchor),
});
const conversation = new Conversation({ view, ask, actions, leave: () => composer.focus() });
const composer = new Composer({
  view,
  ask,
  upload: (file) => link.upload(file),
  opened: (outcome) => interactions.showForm(outcome),
  failed: (name, text) => conversation.note(`${name}: ${text}`),
  up: () => conversation.focusLast(),
  replies: (id) => conversation.showRepliedTo(id),
});
const clock = new Clock({ view, ask, attempt });
const sidebar = new Sidebar({ view, ask, attempt, menus });
const members = new Members({ view, menus });
const panel = new Panel(byId("panel"), {
  follow: (on) => follow(on),
  toggled: (on) => {
    byId("open-panel").setAttribute("aria-expanded", String(on));
    byId("open-panel").classList.toggle("on", on);
  },
});

// The connection

async function opened() {
  byId("banner").hidden = true;
  const remembered = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "null");
  if (remembered) {
    const { id, direct, channel } = remembered;
    await ask("be", { user: id }).catch(() => {});
    await ask("go", direct ? {} : { channel }).catch(() => {});
  }
  if (panel.open) follow(true);
}

function lost() {
  byId("banner").textContent = "The sandbox does not answer: it has ended, or is busy. Trying again…";
  byId("banner").hidden = false;
}

/** @param {any} frame */
function pushed(frame) {
  if (frame.push === "hello") view.permissions = frame.permissions;
  else if (frame.push === "place") showPlace(frame);
  else if (frame.push === "channel") conversation.showChannel(frame);
  else if (frame.push === "messages") showMessages(frame);
  else if (frame.push === "typing") conversation.showTyping(frame.names);
  else if (frame.push === "records") panel.add(frame.records);
}

/** @param {PlaceFrame} place */
function showPlace(place) {
  const before = view.known ? view.place : null;
  view.place = place;
  remember(place);
  showTitle(place);
  clock.update();
  sidebar.update();
  members.update();
  composer.update(view.may(Permission.SEND_MESSAGES), view.may(Permission.ATTACH_FILES));
  if (before?.channel.id !== place.channel.id || before.me.id !== place.me.id) closeDrawers();
}

/** @param {PlaceFrame} place */
function remember({ me, channel, guild }) {
  sessionStorage.setItem(REMEMBERED, JSON.stringify({ id: me.id, channel: channel.id, direct: !guild }));
}

/** @param {PlaceFrame} place */
function showTitle({ channel, guild, online, bot }) {
  document.title = `${guild ? `#${channel.name}` : channel.name} — wisp sandbox`;
  byId("title").replaceChildren(icon(channelIcon(channel)), channel.name);
  byId("topic").textContent = channel.topic ?? "";
  byId("status").textContent = online ? "" : `${bot.name} is offline`;
}

/** @param {MessagesFrame} frame */
function showMessages(frame) {
  conversation.showChanges(frame);
  composer.tray.drop(frame.gone);
}

// The panel

/** @param {boolean} on */
function follow(on) {
  ask("follow", { on }).catch(() => {});
}

byId("open-panel").append(icon("panel"));
byId("open-panel").addEventListener("click", () => panel.toggle());

/** A filter is cleared first, which the browser does. @param {EventTarget | null} target */
function leavePanel(target) {
  if (target instanceof HTMLInputElement && target.type === "search" && target.value) return;
  if (target instanceof Node && panel.box.contains(target)) byId("open-panel").focus();
  panel.toggle(false);
}

// Files that are dropped on the messages are sent along with the next one.

const main = /** @type {HTMLElement} */ (document.querySelector(".main"));

main.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
main.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  composer.tray.add([...event.dataTransfer.files]);
});

// Keys of the whole page

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    escaped(event);
    return;
  }
  const typing = "input, textarea, select, [contenteditable], dialog, [role=menu], [role=listbox]";
  if (event.target instanceof Element && event.target.closest(typing)) return;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  composer.focus();
  composer.insert("/");
});

/** @param {KeyboardEvent} event */
function escaped({ target }) {
  const inPanel = target instanceof Node && panel.box.contains(target);
  if (isFloating()) closeFloating();
  else if (isDrawerOpen()) closeDrawers();
  else if (panel.open && (isNarrow() || inPanel)) leavePanel(target);
  else composer.focus();
}

startLayout();
followTheme(() => view.known && sidebar.update());
setInterval(() => {
  clock.tick();
  conversation.pass();
}, 1000);
