// The page: what the sandbox pushes is shown, what a person does is asked of it.

import { announce, avatar, byId, colour, fill, h, icon, sameNamed, tint } from "./dom.js";
import { askText, confirm, openForm } from "./dialogs.js";
import { Composer } from "./composer.js";
import { conversation } from "./conversation.js";
import { Link } from "./link.js";
import { editChannel, editRole } from "./manage.js";
import { closeFloating, isFloating, openChoices, openMenu } from "./lists.js";
import { Panel } from "./panel.js";
import { now, tick, written } from "./times.js";

const CHANNEL_ICONS = { 0: "hash", 5: "hash", 2: "speaker", 13: "speaker", 10: "thread", 11: "thread", 12: "thread" };
const CATEGORY = 4;
const WRITTEN = [0, 19];
const SILENT = [CATEGORY, 15, 16];
const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢", "✅", "❌"];
const ADD_REACTIONS = 1n << 6n;
const SEND_MESSAGES = 1n << 11n;
const MANAGE_MESSAGES = 1n << 13n;
const ATTACH_FILES = 1n << 15n;
const CREATE_PUBLIC_THREADS = 1n << 35n;

let permissions = [];
let place = null;
const busy = new Map();

const link = new Link({ opened, pushed, lost });
const composer = new Composer({
  ask: (what, fields) => link.ask(what, fields),
  upload: (file) => link.upload(file),
  opened: showForm,
  failed: (name, text) => talk.note(`${name}: ${text}`),
  up: () => talk.last(),
  replies: (id) => talk.showAnswered(id),
});
const panel = new Panel(byId("panel"), {
  follow: (on) => link.ask("follow", { on }).catch(() => {}),
  toggled: (on) => {
    byId("open-panel").setAttribute("aria-expanded", String(on));
    byId("open-panel").classList.toggle("on", on);
  },
});

// Connection

async function opened() {
  byId("banner").hidden = true;
  const was = JSON.parse(sessionStorage.getItem("was") ?? "null");
  if (was) {
    await link.ask("be", { user: was.id }).catch(() => {});
    await link.ask("go", was.direct ? {} : { channel: was.channel }).catch(() => {});
  }
  if (panel.open) link.ask("follow", { on: true }).catch(() => {});
}

function lost() {
  byId("banner").textContent = "The sandbox does not answer: it has ended, or is busy. Trying again…";
  byId("banner").hidden = false;
}

function pushed(frame) {
  if (frame.push === "hello") permissions = frame.permissions;
  else if (frame.push === "place") showPlace(frame);
  else if (frame.push === "channel") talk.showChannel(frame);
  else if (frame.push === "messages") showMessages(frame);
  else if (frame.push === "typing") talk.showTyping(frame.names);
  else if (frame.push === "records") panel.add(frame.records);
}

function showMessages(frame) {
  talk.showChanges(frame);
  composer.tray.drop(frame.gone);
}

// Asks, and says why where it cannot be done.
async function attempt(what, fields) {
  try {
    return await link.ask(what, fields);
  } catch (error) {
    talk.note(error.message);
    return null;
  }
}

// The place: guilds, channels, members, who one is

function showPlace(frame) {
  const moved = place?.channel.id !== frame.channel.id || place?.me.id !== frame.me.id;
  const was = place?.time;
  place = frame;
  sessionStorage.setItem("was", JSON.stringify({ id: place.me.id, channel: place.channel.id, direct: !place.guild }));
  const name = place.channel.name;
  document.title = `${place.guild ? `#${name}` : name} — wisp sandbox`;
  byId("title").replaceChildren(icon(place.guild ? (CHANNEL_ICONS[place.channel.kind] ?? "hash") : "people"), name);
  byId("topic").textContent = place.channel.topic ?? "";
  byId("status").textContent = place.online ? "" : `${place.bot.name} is offline`;
  showTime(was);
  keepFocus(byId("guilds"), drawGuilds);
  keepFocus(byId("left"), drawChannels);
  keepFocus(byId("right"), drawMembers);
  keepFocus(byId("you"), drawYou);
  hands.reacts = may(ADD_REACTIONS);
  composer.update(place, may(SEND_MESSAGES), may(ATTACH_FILES));
  if (moved) closeDrawers();
}

// Time: people move it, and see what time it is then

function showTime(was) {
  const { movable, moving, moves } = place.time;
  const button = byId("advance");
  button.hidden = !movable;
  button.classList.toggle("on", moving);
  if (moving) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
  byId("clock").hidden = !moving && !moves;
  pass();
  if (moving && !was?.moving) announce("The time is moving");
  else if (was && moves !== was.moves) announce(`It is ${written(now(), "F")} for ${place.bot.name}`);
}

// What changes as time passes.
function pass() {
  tick();
  talk.pass();
  const clock = byId("clock");
  if (!place || clock.hidden) return;
  const text = place.time.moving ? "Time is moving…" : written(now(), "S");
  if (clock.textContent !== text) clock.textContent = text;
  clock.dateTime = new Date(now()).toISOString();
}

function timeMenu(anchor) {
  if (place.time.moving) {
    announce("The time is moving");
    return;
  }
  const advance = (by) => link.ask("advance", { by });
  openMenu(anchor, "Advance time", [
    `Advance time for ${place.bot.name} and this server`,
    ...["1 minute", "1 hour", "1 day"].map((by) => ({ label: by, action: () => attempt("advance", { by }) })),
    null,
    {
      label: "Another duration…",
      action: () =>
        askText("Advance time", {
          label: "Duration",
          button: "Advance",
          hint: "Such as 90s, 2h or 1d 6h. What falls due until then happens at once, in order.",
          done: advance,
        }),
    },
  ]);
}

const may = (bit) => (BigInt(place.permissions) & bit) !== 0n;

// What is drawn anew keeps the keyboard where it was, by the element's data-key.
function keepFocus(box, draw) {
  const key = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  draw();
  if (key) box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function drawGuilds() {
  const unread = ({ id }) => id !== place.guild?.id && place.unread_guilds.includes(id);
  const entry = (key, label, current, action, ...inner) =>
    h(
      "button",
      {
        type: "button",
        class: current ? "guild current" : "guild",
        "data-key": key,
        "aria-current": current ? "true" : null,
        "aria-label": label,
        title: label,
        onclick: action,
      },
      ...inner,
    );
  fill(
    byId("guilds"),
    entry(
      "dm",
      "Direct messages",
      !place.guild,
      () => attempt("go"),
      avatar(place.bot),
      place.unread_direct && h("span", { class: "dot-unread" }),
    ),
    h("hr"),
    ...place.guilds.map((guild) =>
      entry(
        `guild-${guild.id}`,
        guild.name,
        guild.id === place.guild?.id,
        () => attempt("go", { guild: guild.id }),
        initials(guild.name),
        unread(guild) && h("span", { class: "dot-unread" }),
      ),
    ),
    place.more_guilds ? h("p", { class: "muted" }, `+${place.more_guilds}`) : null,
    entry(
      "add",
      "Add a server",
      false,
      () =>
        askText("Add a server", {
          label: "Name",
          button: "Create",
          hint: "You own it, and the bot is in it.",
          done: (name) => link.ask("add guild", { name }),
        }),
      icon("plus"),
    ),
  );
}

const initials = (name) =>
  name
    .split(/\s+/)
    .slice(0, 3)
    .map((word) => [...word][0] ?? "")
    .join("");

function drawChannels() {
  const { guild } = place;
  fill(
    byId("guild"),
    h("h2", {}, guild ? guild.name : "Direct messages"),
    guild &&
      h(
        "button",
        {
          type: "button",
          class: "tool",
          "data-key": "guild-menu",
          "aria-haspopup": "menu",
          "aria-label": `Change ${guild.name}`,
          onclick: (event) => guildMenu(event.currentTarget),
        },
        icon("down"),
      ),
  );
  const channels = guild ? guild.channels : [{ ...place.channel, direct: true }];
  byId("channels").replaceChildren(
    h(
      "ul",
      { class: "channel-list", "aria-label": "Channels" },
      ...channels.map((channel) => h("li", { class: "channel-row" }, channelButton(channel), channelTool(channel))),
    ),
  );
}

function channelTool(channel) {
  if (channel.id !== place.channel.id || channel.direct) return null;
  return h(
    "button",
    {
      type: "button",
      class: "tool",
      "data-key": "channel-menu",
      "aria-haspopup": "menu",
      "aria-label": `Change #${channel.name}`,
      onclick: (event) => channelMenu(channel, event.currentTarget),
    },
    icon("gear"),
  );
}

function channelMenu(channel, anchor) {
  openMenu(anchor, `#${channel.name}`, [
    {
      label: "Permissions…",
      action: () =>
        editChannel(channel, { guild: place.guild, permissions, ask: (what, fields) => link.ask(what, fields) }),
    },
    ...(channel.id === place.channel.id && threads()
      ? [{ label: "Create a thread…", action: () => startThread() }]
      : []),
    { label: "Copy channel id", action: () => copy(channel.id) },
  ]);
}

function channelButton(channel) {
  if (SILENT.includes(channel.kind)) return h("span", { class: "category" }, channel.name);
  const current = channel.id === place.channel.id;
  const count = place.unread[channel.id];
  return h(
    "button",
    {
      type: "button",
      class: ["channel", CHANNEL_ICONS[channel.kind] === "thread" && "thread", current && "current", count && "unread"]
        .filter(Boolean)
        .join(" "),
      "data-key": `channel-${channel.id}`,
      "aria-current": current ? "page" : null,
      "aria-label": count ? `${channel.name}, ${count} unread` : channel.name,
      onclick: () => attempt("go", channel.direct ? {} : { channel: channel.id }),
      oncontextmenu: (event) => {
        event.preventDefault();
        if (!channel.direct) channelMenu(channel, event.currentTarget);
      },
    },
    channel.direct ? avatar(place.bot, "small") : icon(CHANNEL_ICONS[channel.kind] ?? "hash"),
    h("span", { class: "channel-name" }, channel.name),
    count ? h("span", { class: "count-badge", "aria-hidden": "true" }, String(count)) : null,
  );
}

function guildMenu(anchor) {
  const ask = (title, label, what) => () =>
    askText(title, { label, button: "Create", done: (name) => link.ask(what, { name }) });
  openMenu(anchor, place.guild.name, [
    { label: "Add a channel", action: ask("Add a channel", "Name", "add channel") },
    { label: "Add a role", action: newRole },
    { label: "Let somebody join", action: join },
    null,
    "Roles",
    ...place.guild.roles.map((role) => ({
      label: `@${role.name.replace(/^@/, "")}`,
      hint: role.fixed ? "of an app" : "",
      action: () => changeRole(role.id),
    })),
  ]);
}

function newRole() {
  askText("Add a role", {
    label: "Name",
    button: "Create",
    done: async (name) => changeRole(await link.ask("add role", { name })),
  });
}

function changeRole(id) {
  const role = place.guild?.roles.find((one) => one.id === id);
  if (role) editRole(role, { permissions, ask: (what, fields) => link.ask(what, fields) });
}

function join() {
  askText("Let somebody join", {
    label: "Their name",
    button: "Join",
    most: 32,
    hint: "Somebody new, or who is in another server.",
    done: (name) => link.ask("join", { name }),
  });
}

function colourOf(id) {
  const member = place.guild?.members.find((one) => one.id === id);
  const roles = (place.guild?.roles ?? []).filter((role) => role.color && member?.roles.includes(role.id));
  return roles.length ? colour(roles.sort((a, b) => b.position - a.position)[0].color) : null;
}

function drawMembers() {
  const members = place.guild?.members ?? [place.bot, place.me];
  const group = (title, some) =>
    some.length
      ? [
          h("h3", { class: "group-title" }, `${title} — ${some.length}`),
          h("ul", {}, ...some.map((member) => h("li", {}, memberButton(member)))),
        ]
      : [];
  const hidden = place.guild ? place.guild.member_count - members.length : 0;
  byId("right").replaceChildren(
    ...group(
      "Apps",
      members.filter(({ bot }) => bot),
    ),
    ...group(
      "Members",
      members.filter(({ bot }) => !bot),
    ),
    ...(hidden > 0 ? [h("p", { class: "muted more-members" }, `and ${hidden} more`)] : []),
    ...(place.guild
      ? [
          h(
            "button",
            { type: "button", class: "add-member", "data-key": "join", onclick: join },
            icon("plus"),
            "Let somebody join",
          ),
        ]
      : []),
  );
}

function memberButton(member) {
  const offline = member.bot && member.id === place.bot.id && !place.online;
  const name = h("span", { class: "member-name" }, member.nick || member.name);
  const color = colourOf(member.id);
  if (color) tint(name, color);
  const element = h(
    "button",
    {
      type: "button",
      class: offline ? "member offline" : "member",
      "data-key": `member-${member.id}`,
      "aria-haspopup": "menu",
      onclick: (event) => userMenu(member, event.currentTarget),
      oncontextmenu: (event) => {
        event.preventDefault();
        userMenu(member, event.currentTarget);
      },
    },
    avatar(member),
    h(
      "span",
      { class: "member-text" },
      h("span", {}, name, member.bot && h("span", { class: "tag" }, "APP")),
      member.id === place.me.id && h("span", { class: "muted" }, "You"),
      member.id === place.guild?.owner && member.id !== place.me.id && h("span", { class: "muted" }, "Owner"),
    ),
  );
  return element;
}

function userMenu(user, anchor) {
  openMenu(anchor, user.name, [
    user.nick ? `${user.nick} (${user.name})` : user.name,
    ...place.menus.user.map((command) => ({
      label: command,
      hint: "Apps",
      action: () => use("menu", { command, user: user.id }, command),
    })),
    place.menus.user.length ? null : "No apps offer anything here",
    {
      label: "Mention",
      action: () =>
        insert(`${sameNamed(place.guild?.members ?? []).has(user.name) ? `<@${user.id}>` : `@${user.name}`} `),
    },
    ...(user.bot || user.id === place.me.id
      ? []
      : [{ label: `Be ${user.name}`, action: () => attempt("be", { user: user.id }) }]),
    ...roleEntries(user),
    ...leaveEntry(user),
  ]);
}

const memberOf = (id) => place.guild?.members.find((one) => one.id === id);

function roleEntries(user) {
  const member = memberOf(user.id);
  const roles = (place.guild?.roles ?? []).filter(
    (role) => role.id !== place.guild.id && (!role.fixed || member?.roles.includes(role.id)),
  );
  if (!member) return [];
  const entry = (role) => {
    const has = member.roles.includes(role.id);
    return {
      label: role.name,
      checked: has,
      action: () => attempt("give role", { user: user.id, role: role.id, on: !has }),
    };
  };
  return [null, "Roles", ...roles.map(entry), { label: "New role…", action: newRole }];
}

function leaveEntry(user) {
  if (!memberOf(user.id) || user.id === place.guild.owner) return [];
  return [null, { label: `Let ${user.name} leave`, danger: true, action: () => attempt("leave", { user: user.id }) }];
}

function insert(text) {
  if (composer.command) return;
  composer.text.focus();
  composer.text.setRangeText(text, composer.text.selectionStart, composer.text.selectionEnd, "end");
  composer.typed();
}

function drawYou() {
  byId("you").replaceChildren(
    h(
      "button",
      {
        type: "button",
        class: "you-button",
        "data-key": "you",
        "aria-haspopup": "menu",
        "aria-label": `You are ${place.me.name}: be somebody else`,
        onclick: (event) => peopleMenu(event.currentTarget),
      },
      avatar(place.me),
      h("span", { class: "member-text" }, h("b", {}, place.me.name), h("span", { class: "muted" }, "Switch person")),
    ),
    h(
      "button",
      {
        type: "button",
        class: "tool",
        "data-key": "theme",
        "aria-label": dark() ? "Light" : "Dark",
        title: dark() ? "Light" : "Dark",
        onclick: switchTheme,
      },
      icon(dark() ? "sun" : "moon"),
    ),
  );
}

function peopleMenu(anchor) {
  const twice = sameNamed(place.people);
  openMenu(anchor, "Who are you?", [
    ...place.people.map((user) => ({
      label: user.name,
      hint: twice.has(user.name) ? user.id : null,
      checked: user.id === place.me.id,
      action: () => attempt("be", { user: user.id }),
    })),
    null,
    { label: "Somebody new…", action: newPerson },
  ]);
}

function newPerson() {
  askText("Be somebody new", {
    label: "Name",
    button: "Join and be",
    most: 32,
    done: async (name) => {
      await link.ask("be", { user: await link.ask("join", { name }) });
    },
  });
}

// Messages

const hands = {
  click: (message, control, element) =>
    use("click", { message: message.id, button: control.custom_id }, control.label ?? "This interaction", {
      message,
      element,
    }),
  select: chooseIn,
  menu: messageMenu,
  user: userMenu,
  dismiss: (message) => attempt("dismiss", { message: message.id }),
  jump: (id) => talk.jump(id),
  go: (channel) => attempt("go", { channel }),
  answers: (message) => !message.private && may(SEND_MESSAGES),
  answer: (message) => {
    if (composer.command) composer.leave("");
    composer.tray.answer(message, { self: message.author.id === place.me.id });
  },
  edits: (message) => isMine(message) && !message.private && WRITTEN.includes(message.kind),
  edit: (message) =>
    talk.edit(message, {
      save: (text) => link.ask("edit", { message: message.id, text }),
      remove: () => hands.delete(message),
    }),
  deletes: (message) => !message.private && (isMine(message) || (place.guild && may(MANAGE_MESSAGES))),
  delete: (message) =>
    confirm("Delete message", {
      text: "Are you sure you want to delete this message?",
      button: "Delete",
      done: () => link.ask("delete", { message: message.id }),
    }),
  // what a key does with the message that has the keyboard, as in the client
  keys: {
    e: (message) => hands.edits(message) && hands.edit(message),
    r: (message) => hands.answers(message) && hands.answer(message),
    delete: (message) => hands.deletes(message) && hands.delete(message),
    backspace: (message) => hands.deletes(message) && hands.delete(message),
    "+": (message, anchor) => hands.reacts && !message.private && hands.react(message, anchor),
  },
  busy: (message, control) => busy.has(`${message.id}/${control}`),
  colour: colourOf,
  nameOf: (id) => nameOf(id),
  mention: (kind, id, anchor) => {
    if (kind === "#") attempt("go", { channel: id });
    else
      userMenu(
        place.guild?.members.find((one) => one.id === id) ?? place.people.find((one) => one.id === id) ?? place.bot,
        anchor,
      );
  },
  reacts: false,
  react: (message, anchor) =>
    openMenu(
      anchor,
      "Reactions",
      QUICK.map((name) => ({ label: name, action: () => hands.toggleReaction(message, { name, id: null }, true) })),
    ),
  toggleReaction: (message, { name, id }, on) =>
    attempt("react", { message: message.id, emoji: name, emoji_id: id, on }),
};

const isMine = (message) => message.author.id === place.me.id && !message.webhook;

function nameOf(id) {
  const { guild } = place;
  const user = [...(guild?.members ?? []), ...place.people, place.bot].find((one) => one.id === id);
  const role = guild?.roles.find((one) => one.id === id);
  const channel = guild?.channels.find((one) => one.id === id);
  return user
    ? `@${user.nick || user.name}`
    : role
      ? `@${role.name.replace(/^@/, "")}`
      : channel
        ? `#${channel.name}`
        : null;
}

// An interaction: busy until the bot answers; where it does not, the client says so below what was used.
async function use(what, fields, name, { message = null, element = null } = {}) {
  if (element) {
    busy.set(`${message.id}/${element.dataset.control}`, true);
    element.classList.add("busy");
    element.setAttribute("aria-busy", "true");
  }
  try {
    const outcome = await link.ask(what, fields);
    if (outcome.modal) showForm(outcome);
    else if (outcome.failed) failedOn(message, name, "This interaction failed");
  } catch (error) {
    failedOn(message, name, error.message);
  } finally {
    if (element) {
      busy.delete(`${message.id}/${element.dataset.control}`);
      const now = byId(`message-${message.id}`)?.querySelector(
        `[data-control="${CSS.escape(element.dataset.control)}"]`,
      );
      for (const one of [element, now]) {
        one?.classList.remove("busy");
        one?.removeAttribute("aria-busy");
      }
    }
  }
}

function failedOn(message, name, text) {
  const line = message && byId(`message-${message.id}`)?.querySelector(".went-wrong");
  if (!line) {
    talk.note(`${name}: ${text}`);
    return;
  }
  line.textContent = text;
  line.hidden = false;
}

function chooseIn(message, control, element) {
  const send = (values) =>
    use("select", { message: message.id, select: control.custom_id, values }, control.placeholder ?? "The select", {
      message,
      element,
    });
  const chosen =
    control.type === 3
      ? control.options.filter((one) => one.default).map(({ value }) => value)
      : (control.default_values ?? []).map(({ id }) => id);
  openChoices(element, {
    label: control.placeholder || "Choices",
    options: choicesOf(control),
    least: control.min_values ?? 1,
    most: control.max_values ?? 1,
    chosen,
    searched: control.type !== 3,
    done: send,
  });
}

function choicesOf({ type, options, channel_types: kinds }) {
  const { guild } = place;
  if (type === 3) {
    return options.map(({ value, label, description, emoji }) => ({
      value,
      label,
      description,
      icon: emoji ? h("span", { class: "choice-emoji" }, emoji.id ? `:${emoji.name}:` : emoji.name) : null,
    }));
  }
  const users = (guild?.members ?? [place.me, place.bot]).map((one) => ({
    value: one.id,
    label: one.nick || one.name,
    icon: avatar(one, "small"),
  }));
  const roles = (guild?.roles ?? []).map((one) => ({ value: one.id, label: `@${one.name.replace(/^@/, "")}` }));
  if (type === 5) return users;
  if (type === 6) return roles;
  if (type === 7) return [...users, ...roles];
  return (guild?.channels ?? [])
    .filter(({ kind }) => !kinds?.length || kinds.includes(kind))
    .map((one) => ({ value: one.id, label: `#${one.name}` }));
}

function messageMenu(message, anchor) {
  const offered = message.private ? [] : place.menus.message;
  openMenu(anchor, "Message", [
    ...offered.map((command) => ({
      label: command,
      hint: "Apps",
      action: () => use("menu", { command, message: message.id }, command, { message }),
    })),
    offered.length ? null : "No apps offer anything here",
    ...(hands.reacts && !message.private
      ? [{ label: "Add a reaction…", action: () => hands.react(message, anchor) }]
      : []),
    ...(hands.edits(message) ? [{ label: "Edit message", hint: "E", action: () => hands.edit(message) }] : []),
    ...(hands.answers(message) ? [{ label: "Reply", hint: "R", action: () => hands.answer(message) }] : []),
    ...(threads() && !message.private && !message.thread
      ? [{ label: "Create a thread…", action: () => startThread(message) }]
      : []),
    { label: "Copy text", action: () => copy(message.content) },
    { label: "Copy message id", action: () => copy(message.id) },
    ...(message.private && !message.thinking
      ? [{ label: "Dismiss message", action: () => hands.dismiss(message) }]
      : []),
    ...(hands.deletes(message)
      ? [{ label: "Delete message", hint: "Del", danger: true, action: () => hands.delete(message) }]
      : []),
  ]);
}

// A thread begins in a text channel, whoever starts it.
const threads = () => place.guild && place.channel.kind === 0 && may(CREATE_PUBLIC_THREADS);

function startThread(message = null) {
  askText("Create a thread", {
    label: "Thread name",
    button: "Create thread",
    done: (name) => link.ask("start thread", { name, ...(message ? { message: message.id } : {}) }),
  });
}

function copy(text) {
  navigator.clipboard.writeText(text).then(
    () => announce("Copied"),
    () => talk.note("The browser does not let the page copy"),
  );
}

function showForm({ modal, form }) {
  openForm({
    modal,
    bot: place.bot,
    send: async (values) => {
      const outcome = await link.ask("submit", { form, values });
      if (outcome.failed) throw new Error("Something went wrong. Try again.");
      if (outcome.modal) showForm(outcome);
    },
    cancelled: () => link.ask("cancel", { form }).catch(() => {}),
  });
}

const talk = conversation({
  ask: (what, fields) => link.ask(what, fields),
  hands,
  place: () => place,
  leave: () => composer.focus(),
});

// Drawers, theme, keys of the whole page

const narrow = window.matchMedia("(max-width: 760px)");
const slim = window.matchMedia("(max-width: 1080px)");

function drawer(side, on) {
  const app = byId("app");
  app.classList.toggle(`${side}-open`, on);
  byId(`open-${side}`).setAttribute("aria-expanded", String(on));
  byId("shade").hidden = !(
    (narrow.matches && app.classList.contains("left-open")) ||
    (slim.matches && app.classList.contains("right-open"))
  );
  settle();
}

// What is out of sight is out of the keyboard's way.
function settle() {
  const app = byId("app");
  byId("left").inert = narrow.matches && !app.classList.contains("left-open");
  byId("right").inert = slim.matches ? !app.classList.contains("right-open") : app.classList.contains("right-closed");
}

function closeDrawers() {
  drawer("left", false);
  if (slim.matches) drawer("right", false);
  else settle();
}

// Files that are dropped on the conversation go along with the next message.
document
  .querySelector(".main")
  .addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
document.querySelector(".main").addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  composer.tray.add([...event.dataTransfer.files]);
});

byId("open-left").append(icon("menu"));
byId("advance").append(icon("clock"));
byId("advance").addEventListener("click", (event) => timeMenu(event.currentTarget));
byId("open-panel").append(icon("panel"));
byId("open-right").append(icon("people"));
byId("open-left").addEventListener("click", () => {
  drawer("left", !byId("app").classList.contains("left-open"));
  if (!byId("left").inert) byId("left").querySelector("button")?.focus();
});
byId("open-panel").addEventListener("click", () => panel.toggle());

// A filter is cleared first, which the browser does.
function leavePanel(target) {
  if (target.type === "search" && target.value) return;
  if (panel.box.contains(target)) byId("open-panel").focus();
  panel.toggle(false);
}

byId("open-right").addEventListener("click", () => {
  if (slim.matches) {
    drawer("right", !byId("app").classList.contains("right-open"));
    if (!byId("right").inert) byId("right").querySelector("button")?.focus();
    return;
  }
  const closed = byId("app").classList.toggle("right-closed");
  byId("open-right").setAttribute("aria-expanded", String(!closed));
  settle();
});
byId("shade").addEventListener("click", closeDrawers);
for (const query of [narrow, slim])
  query.addEventListener("change", () => {
    closeDrawers();
    byId("open-right").setAttribute("aria-expanded", String(!byId("right").inert));
  });
closeDrawers();
byId("open-right").setAttribute("aria-expanded", String(!byId("right").inert));

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const theme = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  keepFocus(byId("you"), drawYou);
}

if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => place && drawYou());

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (isFloating()) closeFloating();
    else if (byId("app").matches(".left-open, .right-open")) closeDrawers();
    else if (panel.open && (narrow.matches || panel.box.contains(event.target))) leavePanel(event.target);
    else composer.focus();
    return;
  }
  const typing = event.target.closest?.(
    "input, textarea, select, [contenteditable], dialog, [role=menu], [role=listbox]",
  );
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    composer.focus();
    insert("/");
  }
});

setInterval(pass, 1000);
