// The messages of a channel: the newest below, older ones as one scrolls up, few of them at a time.

import { byId, h } from "./dom.js";
import { editor } from "./editing.js";
import { isEvent, messageElement } from "./messages.js";
import { now } from "./times.js";

const MOST_ELEMENTS = 300;
const JOINED_WITHIN = 7 * 60;
const TYPING_LASTS = 10000;

// Whether a message stands under its author's last one, without a header of its own.
function joins(before, message) {
  return (
    before &&
    !message.reply &&
    !isEvent(message) &&
    !isEvent(before) &&
    !message.used &&
    before.author.id === message.author.id &&
    before.author.name === message.author.name && // a webhook has another one whenever it likes
    before.private === message.private &&
    message.moment - before.moment < JOINED_WITHIN
  );
}

// `hands` is what is done with messages, `place` where one is, `leave` where Escape leads.
export function conversation({ ask, hands, place, leave }) {
  // Who reads the newest message goes on reading it when a picture has come, a text grew, or there is less room.
  let following = true;

  const scroller = byId("scroll");
  const list = byId("messages");
  let editing = null;
  let answered = null;
  let messages = [];
  let more = false;
  let fetching = false;
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const toEnd = () => {
    following = true;
    byId("newest").hidden = true;
    scroller.scrollTop = scroller.scrollHeight;
  };

  function element(message, before) {
    const made = messageElement(message, hands, { joined: Boolean(joins(before, message)) });
    for (const control of made.querySelectorAll("[data-control]")) {
      if (hands.busy(message, control.dataset.control)) control.classList.add("busy");
    }
    made.classList.toggle("answered", message.id === answered);
    if (editing?.id === message.id) made.querySelector(".body").replaceChildren(editing.box.element);
    return made;
  }

  // Drawn again where it stands, with the keyboard where it was.
  function redrawn(id) {
    const at = messages.findIndex((message) => message.id === id);
    if (at >= 0) byId(`message-${id}`)?.replaceWith(element(messages[at], messages[at - 1]));
  }

  function edit(message, { save, remove }) {
    stopEditing();
    const box = editor(message, {
      save,
      remove,
      end: () => {
        stopEditing();
        leave();
      },
    });
    editing = { id: message.id, box };
    redrawn(message.id);
    box.focus();
    byId(`message-${message.id}`)?.scrollIntoView({ block: "nearest" });
  }

  function stopEditing() {
    const was = editing;
    editing = null;
    if (was) redrawn(was.id);
  }

  // The message that is being replied to stands out.
  function showAnswered(id) {
    answered = id;
    for (const one of list.querySelectorAll(".message")) one.classList.toggle("answered", one.dataset.id === id);
  }

  function showChannel(frame) {
    editing = null;
    messages = frame.messages;
    more = frame.more;
    // The whole channel is no news to be read out.
    list.parentElement.setAttribute("aria-live", "off");
    list.setAttribute("aria-label", `Messages in ${place().channel.name}`);
    list.replaceChildren(...messages.map((message, number) => element(message, messages[number - 1])));
    showBeginning();
    showTyping([]);
    toEnd();
    requestAnimationFrame(() => list.parentElement.setAttribute("aria-live", "polite"));
  }

  function showBeginning() {
    const name = place().channel.name;
    byId("beginning").replaceChildren(
      ...(more
        ? [h("button", { type: "button", class: "button secondary", onclick: older }, "Older messages")]
        : [
            h("p", { class: "beginning-title" }, place().guild ? `Welcome to #${name}!` : name),
            h(
              "p",
              { class: "muted" },
              place().guild
                ? `This is the start of the #${name} channel. Type / for the commands of ${place().bot.name}.`
                : `This is the beginning of your direct messages with ${name}.`,
            ),
          ]),
    );
  }

  function showChanges({ changed, gone }) {
    const end = atEnd();
    const focused = document.activeElement?.closest?.(".message")?.dataset.id;
    const control = document.activeElement?.dataset?.control;
    const writing = editing?.box.element.contains(document.activeElement) && document.activeElement;
    const mark = writing && [writing.selectionStart, writing.selectionEnd];
    for (const id of gone) drop(id);
    for (const message of changed) put(message);
    trim();
    if (writing?.isConnected) {
      writing.focus({ preventScroll: true });
      if (writing.setSelectionRange) writing.setSelectionRange(...mark);
    } else if (focused && !document.activeElement?.closest?.(".message")) {
      const now = byId(`message-${focused}`);
      (control ? (now?.querySelector(`[data-control="${CSS.escape(control)}"]`) ?? now) : now)?.focus({
        preventScroll: true,
      });
    }
    if (end || changed.some((message) => message.author.id === place().me.id && !message.edited)) toEnd();
    else if (changed.length) byId("newest").hidden = false;
    if (changed.some((message) => message.author.bot)) showTyping([]);
  }

  function drop(id) {
    const at = messages.findIndex((message) => message.id === id);
    if (at < 0) return;
    messages.splice(at, 1);
    byId(`message-${id}`)?.remove();
    redraw(at);
  }

  function put(message) {
    const at = messages.findIndex((one) => one.id === message.id);
    if (at >= 0) {
      messages[at] = message;
      byId(`message-${message.id}`)?.replaceWith(element(message, messages[at - 1]));
      return;
    }
    // ids are ordered by time, as the messages are
    let to = messages.length;
    while (to > 0 && BigInt(messages[to - 1].id) > BigInt(message.id)) to -= 1;
    if (to === 0 && more) return;
    messages.splice(to, 0, message);
    const after = messages[to + 1] && byId(`message-${messages[to + 1].id}`);
    list.insertBefore(element(message, messages[to - 1]), after ?? null);
    redraw(to + 1);
  }

  // Whether a message stands under its author's last one may have changed.
  function redraw(at) {
    const message = messages[at];
    const old = message && byId(`message-${message.id}`);
    if (old && old.classList.contains("joined") !== Boolean(joins(messages[at - 1], message)))
      old.replaceWith(element(message, messages[at - 1]));
  }

  function trim() {
    if (messages.length <= MOST_ELEMENTS || !atEnd()) return;
    for (const message of messages.splice(0, messages.length - MOST_ELEMENTS)) byId(`message-${message.id}`)?.remove();
    more = true;
    redraw(0);
    showBeginning();
  }

  async function older() {
    if (!more || fetching || !messages.length) return;
    fetching = true;
    try {
      const answer = await ask("older", { before: messages[0].id });
      if (answer.channel !== place().channel.id) return;
      const height = scroller.scrollHeight;
      more = answer.more;
      messages = [...answer.messages, ...messages];
      list.prepend(...answer.messages.map((message, number) => element(message, answer.messages[number - 1])));
      redraw(answer.messages.length);
      showBeginning();
      scroller.scrollTop += scroller.scrollHeight - height;
    } catch {
      showBeginning();
    } finally {
      fetching = false;
    }
  }

  function jump(id) {
    const target = byId(`message-${id}`);
    if (!target) {
      note("That message is further up: load older ones first");
      return;
    }
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
    target.classList.add("found");
    setTimeout(() => target.classList.remove("found"), 2000);
  }

  // A line that only this browser shows: that nobody answered, that something cannot be done.
  function note(text) {
    const line = h(
      "li",
      { class: "note" },
      h("span", { role: "alert" }, text),
      h("button", { type: "button", class: "plain-link", onclick: () => line.remove() }, "Dismiss"),
    );
    list.append(line);
    while (list.querySelectorAll(".note").length > 5) list.querySelector(".note").remove();
    toEnd();
  }

  let typingUntil = 0;

  function showTyping(names) {
    typingUntil = names.length ? now() + TYPING_LASTS : 0;
    const box = byId("typing");
    box.replaceChildren(
      ...(names.length
        ? [
            h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
            h("b", {}, names.join(", ")),
            names.length > 1 ? " are typing…" : " is typing…",
          ]
        : []),
    );
  }

  // What is over by the sandbox's time is shown no longer.
  function pass() {
    if (typingUntil && now() >= typingUntil) showTyping([]);
  }

  const watched = new ResizeObserver(() => following && toEnd());
  watched.observe(scroller);
  watched.observe(list);

  scroller.addEventListener(
    "scroll",
    () => {
      following = atEnd();
      if (following) byId("newest").hidden = true;
      if (scroller.scrollTop < 80) older();
    },
    { passive: true },
  );
  byId("newest").addEventListener("click", toEnd);

  // The keyboard among messages: up and down, Enter for what is in one, the menu key for its commands.
  list.addEventListener("keydown", (event) => {
    const current = event.target.closest(".message");
    if (!current) return;
    if (event.target === current && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      let next = current;
      do next = event.key === "ArrowUp" ? next.previousElementSibling : next.nextElementSibling;
      while (next && !next.classList.contains("message"));
      (next ?? current).focus();
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      const message = messages.find((one) => one.id === current.dataset.id);
      if (message) hands.menu(message, current);
    } else if (
      event.target === current &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.altKey &&
      hands.keys[event.key.toLowerCase()]
    ) {
      event.preventDefault();
      event.stopPropagation();
      const message = messages.find((one) => one.id === current.dataset.id);
      if (message) hands.keys[event.key.toLowerCase()](message, current);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      leave();
    }
  });

  const last = () => list.querySelector(".message:last-of-type")?.focus();
  return { showChannel, showChanges, showTyping, showAnswered, edit, note, jump, last, pass };
}
