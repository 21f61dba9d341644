// One message as an element: its header, text, embeds, files, components and reactions.

import { avatar, bytes, colour, h, icon, outside, ownFile, safeAddress, tint } from "./dom.js";
import { flat, markdown, spoiler } from "./markdown.js";
import { stampElement, written } from "./times.js";

const ROW = 1,
  BUTTON = 2,
  TEXT_SELECT = 3,
  SECTION = 9,
  TEXT = 10,
  THUMBNAIL = 11,
  GALLERY = 12,
  FILE = 13,
  LINE = 14,
  CONTAINER = 17;
const SELECTS = {
  3: "Make a selection",
  5: "Select a user",
  6: "Select a role",
  7: "Select a user or role",
  8: "Select a channel",
};
const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

// What Discord itself says in a channel of what an author did, by the kind of the message.
const EVENTS = {
  6: ["pin", () => "pinned a message to this channel."],
  7: ["people", () => "joined the server."],
  18: ["thread", ({ content }) => ["started a thread: ", h("b", {}, content)]],
  21: ["thread", () => "wrote the message that this thread begins with."],
};

export const isEvent = ({ kind }) => kind in EVENTS;

// `hands` is what the page does with a message: click, select, menu, dismiss, react, mention, jump.
export function messageElement(message, hands, { joined = false } = {}) {
  const context = { names: message.names, mention: hands.mention };
  const label = `message-${message.id}`;
  const classes = ["message", joined && "joined", message.private && "private", message.mentions_me && "mentions-me"];
  const element = h("li", {
    class: classes.filter(Boolean).join(" "),
    id: label,
    tabindex: "-1",
    "data-id": message.id,
    "aria-labelledby": `${label}-author ${label}-body`,
    oncontextmenu: (event) => {
      if (event.target.closest("a, input")) return;
      event.preventDefault();
      hands.menu(message, { x: event.clientX, y: event.clientY });
    },
  });
  if (message.reply) element.append(replyLine(message.reply, message.names, hands));
  else if (message.used) element.append(usedLine(message.used, hands));
  const body = h("div", { class: "body", id: `${label}-body` }, ...bodyParts(message, context, hands));
  element.append(
    h(
      "div",
      { class: "gutter" },
      isEvent(message)
        ? icon(EVENTS[message.kind][0])
        : joined
          ? h("time", { class: "small-time" }, written(message.moment * 1000, "t"))
          : avatar(message.author),
    ),
    h("div", { class: "column" }, header(message, label, joined || isEvent(message), hands), body),
    tools(message, hands),
  );
  return element;
}

function header(message, label, joined, hands) {
  const named = { class: "author", id: `${label}-author` };
  const author = message.webhook
    ? h("span", { ...named, title: `The webhook ${message.webhook}` }, message.author.name) // is nobody, and has no menu
    : h(
        "button",
        { ...named, type: "button", onclick: (event) => hands.user(message.author, event.currentTarget) },
        message.author.nick || message.author.name,
      );
  const color = hands.colour(message.author.id);
  if (color) tint(author, color);
  return h(
    "div",
    { class: joined ? "unseen" : "header" },
    author,
    message.author.bot && h("span", { class: "tag" }, "APP"),
    message.pinned && h("span", { class: "muted" }, "pinned"),
    stampElement(message.moment * 1000, "time"),
  );
}

function tools(message, hands) {
  const add = (name, label, action) =>
    h("button", { type: "button", "aria-label": label, title: label, tabindex: "-1", onclick: action }, icon(name));
  return h(
    "div",
    { class: "message-tools" },
    hands.reacts &&
      !message.private &&
      add("smile", "Add a reaction", (event) => hands.react(message, event.currentTarget)),
    hands.edits(message) && add("edit", "Edit", () => hands.edit(message)),
    hands.answers(message) && add("reply", "Reply", () => hands.answer(message)),
    add("more", "More", (event) => hands.menu(message, event.currentTarget)),
  );
}

function replyLine(reply, names, hands) {
  const said = reply.deleted
    ? h("em", {}, "Original message was deleted")
    : flat(reply.content, names) || h("em", {}, "Click to see attachment");
  return h(
    "div",
    { class: "above" },
    h("span", { class: "spine" }),
    avatar(reply.author, "tiny"),
    h("span", { class: "above-name" }, reply.author.nick || reply.author.name),
    h("button", { type: "button", class: "above-text", onclick: () => hands.jump(reply.id) }, said),
  );
}

function usedLine({ user, command }, hands) {
  return h(
    "div",
    { class: "above" },
    h("span", { class: "spine" }),
    avatar(user, "tiny"),
    h(
      "button",
      { type: "button", class: "above-name", onclick: (event) => hands.user(user, event.currentTarget) },
      user.name,
    ),
    h("span", {}, " used "),
    h("span", { class: "mention" }, command.startsWith("/") ? command : `/${command}`),
  );
}

function bodyParts(message, context, hands) {
  if (message.thinking) {
    const name = message.author.name;
    return [
      h(
        "p",
        { class: "thinking" },
        h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
        `${name} is thinking…`,
      ),
      ...privacy(message, hands),
    ];
  }
  const edited =
    message.edited && h("span", { class: "edited", title: written(message.edited * 1000, "F") }, "(edited)");
  const parts = [];
  if (isEvent(message)) {
    parts.push(
      h(
        "div",
        { class: "text muted event" },
        h("b", {}, message.author.nick || message.author.name),
        " ",
        EVENTS[message.kind][1](message),
      ),
    );
  } else if (message.content) {
    parts.push(h("div", { class: "text" }, markdown(message.content, context), edited && " ", edited));
  }
  parts.push(...attachments(message.attachments.filter((file) => !(message.flags & 32768))));
  parts.push(...message.embeds.map((embed) => embedElement(embed, context)));
  if (message.components.length) {
    parts.push(
      h(
        "div",
        { class: "components" },
        ...message.components.map((one) => component(one, { message, context, hands })),
      ),
    );
  }
  if (edited && !message.content) parts.push(edited);
  if (message.thread) parts.push(threadBox(message.thread, hands));
  if (message.reactions?.length) parts.push(reactions(message, hands));
  parts.push(h("p", { class: "went-wrong", role: "alert", hidden: true }));
  parts.push(...privacy(message, hands));
  return parts;
}

function threadBox(thread, hands) {
  return h(
    "button",
    {
      type: "button",
      class: "thread-box",
      "aria-label": `Go to the thread ${thread.name}`,
      onclick: () => hands.go(thread.id),
    },
    icon("thread"),
    h("b", {}, thread.name),
    h("span", { class: "thread-see" }, "See thread ›"),
  );
}

function privacy(message, hands) {
  if (!message.private) return [];
  return [
    h(
      "p",
      { class: "privacy" },
      icon("eye"),
      "Only you can see this • ",
      message.thinking
        ? null
        : h(
            "button",
            { type: "button", class: "plain-link", onclick: () => hands.dismiss(message) },
            "Dismiss message",
          ),
    ),
  ];
}

function reactions(message, hands) {
  return h(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    ...message.reactions.map(({ emoji, count, mine, by }) =>
      h(
        "button",
        {
          type: "button",
          class: mine ? "reaction mine" : "reaction",
          "aria-pressed": String(mine),
          "aria-label": `${emoji.name}, ${count}`,
          title: by.join(", "),
          onclick: () => hands.toggleReaction(message, emoji, !mine),
        },
        h("span", {}, emoji.id ? `:${emoji.name}:` : emoji.name),
        h("span", { class: "count" }, String(count)),
      ),
    ),
  );
}

// Files

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

function attachments(files) {
  const pictures = files.filter((file) => PICTURES.has(file.content_type));
  const others = files.filter((file) => !PICTURES.has(file.content_type));
  return [
    pictures.length > 0 &&
      h(
        "div",
        { class: pictures.length > 1 ? "gallery" : "pictures" },
        ...pictures.map((file) =>
          media(file.url, file.description || file.filename, { hidden: file.filename.startsWith("SPOILER_") }),
        ),
      ),
    ...others.map((file) => fileBox(file.filename, file.size, file.url)),
  ].filter(Boolean);
}

function fileBox(name, size, url) {
  return h(
    "div",
    { class: "file" },
    icon("file"),
    h(
      "div",
      {},
      outside(url, { class: "link file-name" }, name),
      size !== null && size !== undefined && h("div", { class: "muted" }, bytes(size)),
    ),
  );
}

// A picture that the sandbox serves is shown; of one elsewhere on the net only the address is, for nothing is fetched.
function media(url, description, { hidden = false, small = false } = {}) {
  const own = ownFile(url);
  const node = own
    ? outside(url, { class: "picture" }, h("img", { src: own, alt: description || "A picture", loading: "lazy" }))
    : h(
        "span",
        { class: small ? "elsewhere small" : "elsewhere" },
        icon("link"),
        outside(url, { class: "link", title: url }, description || shortened(url)),
      );
  return hidden ? spoiler([node]) : node;
}

function shortened(text) {
  const url = safeAddress(text);
  if (!url) return text.slice(0, 80);
  const name = url.host + (url.pathname === "/" ? "" : url.pathname);
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}

// Embeds

function embedElement(embed, context) {
  const box = h("article", {
    class: "embed",
    "aria-label": embed.title ? `Embed: ${flat(embed.title, context.names)}` : "Embed",
  });
  const color = colour(embed.color);
  if (color) box.style.borderInlineStartColor = color;
  const main = h("div", { class: "embed-main" });
  if (embed.author) {
    const { name, url } = embed.author;
    main.append(h("div", { class: "embed-author" }, url ? outside(url, {}, name) : name));
  }
  if (embed.title) {
    const title = markdown(embed.title, { ...context, plain: true });
    main.append(h("div", { class: "embed-title" }, embed.url ? outside(embed.url, { class: "link" }, title) : title));
  }
  if (embed.description) main.append(h("div", { class: "embed-text" }, markdown(embed.description, context)));
  if (embed.fields?.length) main.append(fields(embed.fields, context));
  if (embed.thumbnail) box.classList.add("with-thumbnail");
  box.append(main);
  if (embed.thumbnail)
    box.append(h("div", { class: "embed-thumbnail" }, media(embed.thumbnail.url, null, { small: true })));
  if (embed.image) box.append(h("div", { class: "embed-image" }, media(embed.image.url, null)));
  if (embed.footer || embed.timestamp) {
    const moment = embed.timestamp && Date.parse(embed.timestamp);
    box.append(
      h(
        "div",
        { class: "embed-footer" },
        embed.footer?.text,
        embed.footer && embed.timestamp && h("span", { class: "dot", "aria-hidden": "true" }, "•"),
        embed.timestamp && stampElement(moment),
      ),
    );
  }
  return box;
}

// Up to three fields that are inline share a line, as in a client.
function fields(all, context) {
  const box = h("div", { class: "fields" });
  let line = [];
  const flush = () => {
    for (const element of line) element.style.setProperty("--span", String(12 / line.length));
    line = [];
  };
  for (const field of all) {
    const element = h(
      "div",
      { class: field.inline ? "field inline" : "field" },
      h("div", { class: "field-name" }, markdown(field.name, { ...context, plain: true })),
      h("div", { class: "field-value" }, markdown(field.value, context)),
    );
    box.append(element);
    if (!field.inline) {
      flush();
      element.style.setProperty("--span", "12");
      continue;
    }
    line.push(element);
    if (line.length === 3) flush();
  }
  flush();
  return box;
}

// Components

function component(one, at) {
  switch (one.type) {
    case ROW:
      return h("div", { class: "action-row" }, ...one.components.map((inner) => component(inner, at)));
    case BUTTON:
      return button(one, at);
    case SECTION:
      return h(
        "div",
        { class: "section" },
        h("div", { class: "section-text" }, ...one.components.map((inner) => component(inner, at))),
        h("div", { class: "accessory" }, component(one.accessory, at)),
      );
    case TEXT:
      return h("div", { class: "text" }, markdown(one.content, at.context));
    case THUMBNAIL:
      return h(
        "div",
        { class: "thumbnail" },
        media(one.media.url, one.description, { hidden: one.spoiler, small: true }),
      );
    case GALLERY:
      return h(
        "div",
        { class: one.items.length > 1 ? "gallery" : "pictures" },
        ...one.items.map((item) => media(item.media.url, item.description, { hidden: item.spoiler })),
      );
    case FILE: {
      const file = at.message.attachments.find(({ url }) => url === one.file.url);
      const box = fileBox(file?.filename ?? one.name ?? "file", file?.size, one.file.url);
      return one.spoiler ? spoiler([box]) : box;
    }
    case LINE:
      return h("hr", { class: `${one.divider === false ? "blank" : ""} ${one.spacing === 2 ? "wide" : ""}` });
    case CONTAINER:
      return container(one, at);
    default:
      if (one.type in SELECTS) return select(one, at);
      return h("div", { class: "muted" }, `(a component of type ${one.type})`);
  }
}

function container(one, at) {
  const box = h("div", { class: "container" }, ...one.components.map((inner) => component(inner, at)));
  const color = colour(one.accent_color);
  if (color) {
    box.classList.add("accented");
    box.style.setProperty("--accent", color);
  }
  return one.spoiler ? spoiler([box]) : box;
}

function emojiNode(emoji) {
  return emoji?.name ? h("span", { class: "button-emoji" }, emoji.id ? `:${emoji.name}:` : emoji.name) : null;
}

function button(one, { message, hands }) {
  const style = BUTTON_STYLES[one.style] ?? "secondary";
  const inner = [
    emojiNode(one.emoji),
    one.label && h("span", {}, one.label),
    !one.label && !one.emoji && style === "premium" && "Shop",
  ];
  if (style === "link") {
    if (one.disabled || !safeAddress(one.url)) {
      return h(
        "button",
        { type: "button", class: "button link-button", disabled: Boolean(one.disabled), title: one.url },
        ...inner,
        icon("link"),
      );
    }
    return outside(one.url, { class: "button link-button", title: one.url }, ...inner, icon("link"));
  }
  const element = h(
    "button",
    { type: "button", class: `button ${style}`, disabled: Boolean(one.disabled), "data-control": one.custom_id },
    ...inner,
  );
  element.addEventListener("click", () => hands.click(message, one, element));
  return element;
}

function select(one, { message, hands }) {
  const chosen = chosenNames(one, hands);
  const label = one.placeholder || SELECTS[one.type];
  const element = h(
    "button",
    {
      type: "button",
      class: chosen.length ? "select filled" : "select",
      disabled: Boolean(one.disabled),
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": chosen.length ? `${label}: ${chosen.join(", ")}` : label,
      "data-control": one.custom_id,
    },
    h(
      "span",
      { class: "select-text" },
      chosen.length
        ? chosen.map((name) => h("span", { class: one.max_values > 1 || one.type !== TEXT_SELECT ? "pill" : "" }, name))
        : label,
    ),
    icon("down"),
  );
  element.addEventListener("click", () => hands.select(message, one, element));
  return element;
}

function chosenNames(one, hands) {
  if (one.type === TEXT_SELECT) return one.options.filter((option) => option.default).map((option) => option.label);
  return (one.default_values ?? []).map(({ id }) => hands.nameOf(id) ?? id);
}
