// One message as an element: its header, its text, and what else belongs to it.

import { componentElement, emojiText } from "./components.js";
import { MessageFlag, MessageType } from "./discord.js";
import { avatar, h, tint } from "./dom.js";
import { embedElement } from "./embeds.js";
import { attachments } from "./files.js";
import { icon } from "./icons.js";
import { flat, markdown } from "./markdown.js";
import { shownName } from "./names.js";
import { stampElement, written } from "./times.js";

/** @import { Child } from "./dom.js" */
/** @import { Message, Names, Reaction, Reply } from "./frames.js" */
/** @import { IconName } from "./icons.js" */
/** @import { Context } from "./inline.js" */
/** @import { MessageActions } from "./message_actions.js" */

/**
 * What Discord says in a channel of a user's deed, by type of message.
 * @type {Record<number, {name: IconName, text: (message: Message) => Child}>}
 */
const EVENTS = {
  [MessageType.CHANNEL_PINNED_MESSAGE]: { name: "pin", text: () => "pinned a message to this channel." },
  [MessageType.USER_JOIN]: { name: "people", text: () => "joined the server." },
  [MessageType.THREAD_CREATED]: {
    name: "thread",
    text: ({ content }) => ["started a thread: ", h("b", {}, content)],
  },
  [MessageType.THREAD_STARTER_MESSAGE]: {
    name: "thread",
    text: () => "wrote the message that this thread begins with.",
  },
};

/** @param {Message} message */
export const isEvent = ({ kind }) => kind in EVENTS;

/** The id of a message's element. @param {string} id */
const elementId = (id) => `message-${id}`;

/** The element of a message, if the page shows it. @param {string} id */
export const shownMessage = (id) => document.getElementById(elementId(id));

/**
 * A control of a message that is shown.
 * @param {string} id
 * @param {string} control
 * @returns {HTMLElement | null | undefined}
 */
export const shownControl = (id, control) => shownMessage(id)?.querySelector(`[data-control="${CSS.escape(control)}"]`);

/**
 * `joined` puts the message under its author's last one, without a header.
 * @param {Message} message
 * @param {MessageActions} actions
 */
export function messageElement(message, actions, { joined = false } = {}) {
  const context = { names: message.names, mention: actions.mention };
  const label = elementId(message.id);
  const classes = ["message", joined && "joined", message.private && "private", message.mentions_me && "mentions-me"];
  const attributes = {
    class: classes.filter(Boolean).join(" "),
    id: label,
    tabindex: "-1",
    "data-id": message.id,
    "aria-labelledby": `${label}-author ${label}-body`,
    oncontextmenu: (/** @type {MouseEvent} */ event) => {
      if (event.target instanceof Element && event.target.closest("a, input")) return;
      event.preventDefault();
      actions.menu(message, { x: event.clientX, y: event.clientY });
    },
  };
  return h(
    "li",
    attributes,
    message.reply ? replyLine(message.reply, message.names, actions) : usedLine(message, actions),
    h("div", { class: "gutter" }, gutter(message, joined)),
    h(
      "div",
      { class: "column" },
      header(message, label, joined || isEvent(message), actions),
      h("div", { class: "body", id: `${label}-body` }, ...bodyParts(message, context, actions)),
    ),
    tools(message, actions),
  );
}

/** @param {Message} message @param {boolean} joined */
function gutter(message, joined) {
  if (isEvent(message)) return icon(EVENTS[message.kind].name);
  return joined ? h("time", { class: "small-time" }, written(message.moment * 1000, "t")) : avatar(message.author);
}

/** @param {Message} message @param {string} label @param {boolean} joined @param {MessageActions} actions */
function header(message, label, joined, actions) {
  const { author, webhook } = message;
  const attributes = { class: "author", id: `${label}-author` };
  const open = (/** @type {{currentTarget: HTMLElement}} */ event) => actions.user(author, event.currentTarget);
  const name = webhook
    ? h("span", { ...attributes, title: `The webhook ${webhook}` }, author.name) // is no user, and has no menu
    : h("button", { ...attributes, type: "button", onclick: open }, shownName(author));
  const color = actions.colourOf(author.id);
  if (color) tint(name, color);
  return h(
    "div",
    { class: joined ? "unseen" : "header" },
    name,
    author.bot && h("span", { class: "tag" }, "APP"),
    message.pinned && h("span", { class: "muted" }, "pinned"),
    stampElement(message.moment * 1000, "time"),
  );
}

/** @param {Message} message @param {MessageActions} actions */
function tools(message, actions) {
  const tool = (
    /** @type {IconName} */ name,
    /** @type {string} */ label,
    /** @type {import("./dom.js").Handler<MouseEvent>} */ onclick,
  ) => h("button", { type: "button", "aria-label": label, title: label, tabindex: "-1", onclick }, icon(name));
  return h(
    "div",
    { class: "message-tools" },
    actions.canReact(message) &&
      tool("smile", "Add a reaction", (event) => actions.react(message, event.currentTarget)),
    actions.canEdit(message) && tool("edit", "Edit", () => actions.edit(message)),
    actions.canReply(message) && tool("reply", "Reply", () => actions.reply(message)),
    tool("more", "More", (event) => actions.menu(message, event.currentTarget)),
  );
}

/** @param {Reply} reply @param {Names} names @param {MessageActions} actions */
function replyLine(reply, names, actions) {
  const text = reply.deleted
    ? h("em", {}, "Original message was deleted")
    : flat(reply.content, names) || h("em", {}, "Click to see attachment");
  return h(
    "div",
    { class: "above" },
    h("span", { class: "spine" }),
    avatar(reply.author, "tiny"),
    h("span", { class: "above-name" }, shownName(reply.author)),
    h("button", { type: "button", class: "above-text", onclick: () => actions.jump(reply.id) }, text),
  );
}

/** Who used which command, above the bot's answer. @param {Message} message @param {MessageActions} actions */
function usedLine({ used }, actions) {
  if (!used) return null;
  const { user, command } = used;
  const open = (/** @type {{currentTarget: HTMLElement}} */ event) => actions.user(user, event.currentTarget);
  return h(
    "div",
    { class: "above" },
    h("span", { class: "spine" }),
    avatar(user, "tiny"),
    h("button", { type: "button", class: "above-name", onclick: open }, user.name),
    h("span", {}, " used "),
    h("span", { class: "mention" }, command.startsWith("/") ? command : `/${command}`),
  );
}

/** Three dots, of something that goes on. */
export const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

/** @param {Message} message @param {Context} context @param {MessageActions} actions @returns {Child[]} */
function bodyParts(message, context, actions) {
  if (message.thinking) {
    return [h("p", { class: "thinking" }, dots(), `${message.author.name} is thinking…`), privacy(message, actions)];
  }
  const at = { message, context, actions };
  const edited =
    message.edited && h("span", { class: "edited", title: written(message.edited * 1000, "F") }, "(edited)");
  const layout = (message.flags & MessageFlag.IS_COMPONENTS_V2) !== 0; // which shows the files that it names itself
  return [
    textElement(message, context, edited || null),
    ...attachments(layout ? [] : message.attachments),
    ...message.embeds.map((embed) => embedElement(embed, context)),
    message.components.length > 0 &&
      h("div", { class: "components" }, ...message.components.map((one) => componentElement(one, at))),
    message.content ? null : edited || null,
    message.thread && threadBox(message.thread, actions),
    message.reactions.length > 0 && reactions(message, actions),
    h("p", { class: "went-wrong", role: "alert", hidden: true }),
    privacy(message, actions),
  ];
}

/** @param {Message} message @param {Context} context @param {HTMLElement | null} edited */
function textElement(message, context, edited) {
  if (isEvent(message)) {
    const author = h("b", {}, shownName(message.author));
    return h("div", { class: "text muted event" }, author, " ", EVENTS[message.kind].text(message));
  }
  return message.content && h("div", { class: "text" }, markdown(message.content, context), edited && " ", edited);
}

/** @param {{id: string, name: string}} thread @param {MessageActions} actions */
function threadBox({ id, name }, actions) {
  return h(
    "button",
    { type: "button", class: "thread-box", "aria-label": `Go to the thread ${name}`, onclick: () => actions.go(id) },
    icon("thread"),
    h("b", {}, name),
    h("span", { class: "thread-see" }, "See thread ›"),
  );
}

/** @param {Message} message @param {MessageActions} actions */
function privacy(message, actions) {
  if (!message.private) return null;
  const attributes = { type: "button", class: "plain-link", onclick: () => actions.dismiss(message) };
  return h(
    "p",
    { class: "privacy" },
    icon("eye"),
    "Only you can see this • ",
    !message.thinking && h("button", attributes, "Dismiss message"),
  );
}

/** @param {Message} message @param {MessageActions} actions */
function reactions(message, actions) {
  const button = (/** @type {Reaction} */ { emoji, count, mine, by }) =>
    h(
      "button",
      {
        type: "button",
        class: mine ? "reaction mine" : "reaction",
        "aria-pressed": String(mine),
        "aria-label": `${emoji.name}, ${count}`,
        title: by.join(", "),
        onclick: () => actions.toggleReaction(message, emoji, !mine),
      },
      h("span", {}, emojiText(emoji)),
      h("span", { class: "count" }, String(count)),
    );
  return h("div", { class: "reactions", role: "group", "aria-label": "Reactions" }, ...message.reactions.map(button));
}
