// The left side: the servers, the channels of one of them, and the person.

import { askText } from "./dialogs.js";
import { ChannelType } from "./discord.js";
import { avatar, byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { initials } from "./names.js";
import { Redrawn } from "./redraw.js";
import { isDark, switchTheme } from "./theme.js";

/** @import { Child } from "./dom.js" */
/** @import { Ask, Channel } from "./frames.js" */
/** @import { IconName } from "./icons.js" */
/** @import { Menus } from "./menus.js" */
/** @import { View } from "./view.js" */

/** @type {Record<number, IconName>} */
const CHANNEL_ICONS = {
  [ChannelType.GUILD_VOICE]: "speaker",
  [ChannelType.GUILD_STAGE_VOICE]: "speaker",
  [ChannelType.ANNOUNCEMENT_THREAD]: "thread",
  [ChannelType.PUBLIC_THREAD]: "thread",
  [ChannelType.PRIVATE_THREAD]: "thread",
};

/** Channels that hold others, and no messages. */
const WITHOUT_MESSAGES = /** @type {number[]} */ ([
  ChannelType.GUILD_CATEGORY,
  ChannelType.GUILD_FORUM,
  ChannelType.GUILD_MEDIA,
]);

/** @param {Channel} channel */
export const channelIcon = ({ guild, kind }) => (guild ? (CHANNEL_ICONS[kind] ?? "hash") : "people");

export class Sidebar {
  /** @param {{view: View, ask: Ask, attempt: Ask, menus: Menus}} parts */
  constructor({ view, ask, attempt, menus }) {
    this.view = view;
    this.ask = ask;
    this.attempt = attempt;
    this.menus = menus;
    this.guilds = new Redrawn(byId("guilds"), () => this.drawGuilds());
    this.channels = new Redrawn(byId("left"), () => this.drawChannels());
    this.you = new Redrawn(byId("you"), () => this.drawYou());
  }

  update() {
    const { bot, me, channel, guild, guilds, more_guilds, unread, unread_guilds, unread_direct } = this.view.place;
    this.guilds.show(bot, guild?.id, guilds, more_guilds, unread_guilds, unread_direct);
    this.channels.show(bot, channel, guild?.id, guild?.name, guild?.channels, unread);
    this.you.show(me, isDark());
  }

  // Servers

  drawGuilds() {
    const { bot, guild, guilds, more_guilds: more, unread_guilds: unread, unread_direct } = this.view.place;
    const messages = () => this.attempt("go");
    fill(
      byId("guilds"),
      railButton("dm", "Direct messages", messages, !guild, avatar(bot), unread_direct && unreadDot()),
      h("hr"),
      ...guilds.map(({ id, name }) => {
        const current = id === guild?.id;
        const go = () => this.attempt("go", { guild: id });
        const dot = !current && unread.includes(id) && unreadDot();
        return railButton(`guild-${id}`, name, go, current, initials(name), dot);
      }),
      more > 0 && h("p", { class: "muted" }, `+${more}`),
      railButton("add", "Add a server", () => this.addGuild(), false, icon("plus")),
    );
  }

  addGuild() {
    const done = (/** @type {string} */ name) => this.ask("add guild", { name });
    askText("Add a server", { label: "Name", button: "Create", hint: "You own it, and the bot is in it.", done });
  }

  // Channels

  drawChannels() {
    const { guild, channel } = this.view.place;
    const open = (/** @type {{currentTarget: HTMLElement}} */ event) => this.menus.guild(event.currentTarget);
    fill(
      byId("guild"),
      h("h2", {}, guild ? guild.name : "Direct messages"),
      guild && menuButton("guild-menu", `Change ${guild.name}`, "down", open),
    );
    const rows = (guild ? guild.channels : [channel]).map((one) =>
      h("li", { class: "channel-row" }, this.channelButton(one), this.channelTool(one)),
    );
    byId("channels").replaceChildren(h("ul", { class: "channel-list", "aria-label": "Channels" }, ...rows));
  }

  /** @param {Channel} channel */
  channelButton(channel) {
    if (WITHOUT_MESSAGES.includes(channel.kind)) return h("span", { class: "category" }, channel.name);
    const { place } = this.view;
    const current = channel.id === place.channel.id;
    const count = place.unread[channel.id];
    const thread = CHANNEL_ICONS[channel.kind] === "thread";
    const classes = ["channel", thread && "thread", current && "current", count && "unread"];
    const attributes = {
      type: "button",
      class: classes.filter(Boolean).join(" "),
      "data-key": `channel-${channel.id}`,
      "aria-current": current ? "page" : null,
      "aria-label": count ? `${channel.name}, ${count} unread` : channel.name,
      onclick: () => this.attempt("go", channel.guild ? { channel: channel.id } : {}),
      oncontextmenu: (/** @type {MouseEvent & {currentTarget: HTMLElement}} */ event) => {
        event.preventDefault();
        if (channel.guild) this.menus.channel(channel, event.currentTarget);
      },
    };
    return h(
      "button",
      attributes,
      channel.guild ? icon(channelIcon(channel)) : avatar(place.bot, "small"),
      h("span", { class: "channel-name" }, channel.name),
      count > 0 && h("span", { class: "count-badge", "aria-hidden": "true" }, String(count)),
    );
  }

  /** @param {Channel} channel */
  channelTool(channel) {
    if (!channel.guild || channel.id !== this.view.place.channel.id) return null;
    return menuButton("channel-menu", `Change #${channel.name}`, "gear", (event) => {
      this.menus.channel(channel, event.currentTarget);
    });
  }

  // The person

  drawYou() {
    const { me } = this.view.place;
    const theme = isDark() ? "Light" : "Dark";
    byId("you").replaceChildren(
      h(
        "button",
        {
          type: "button",
          class: "you-button",
          "data-key": "you",
          "aria-haspopup": "menu",
          "aria-label": `You are ${me.name}: be somebody else`,
          onclick: (event) => this.menus.people(event.currentTarget),
        },
        avatar(me),
        h("span", { class: "member-text" }, h("b", {}, me.name), h("span", { class: "muted" }, "Switch person")),
      ),
      h(
        "button",
        {
          type: "button",
          class: "tool",
          "data-key": "theme",
          "aria-label": theme,
          title: theme,
          onclick: () => {
            switchTheme();
            this.update();
          },
        },
        icon(isDark() ? "sun" : "moon"),
      ),
    );
  }
}

/**
 * @param {string} key
 * @param {string} label
 * @param {() => void} onclick
 * @param {boolean} current
 * @param {...Child} inner
 */
function railButton(key, label, onclick, current, ...inner) {
  const attributes = {
    type: "button",
    class: current ? "guild current" : "guild",
    "data-key": key,
    "aria-current": current ? "true" : null,
    "aria-label": label,
    title: label,
    onclick,
  };
  return h("button", attributes, ...inner);
}

const unreadDot = () => h("span", { class: "dot-unread" });

/**
 * @param {string} key
 * @param {string} label
 * @param {IconName} name
 * @param {(event: {currentTarget: HTMLElement}) => void} onclick
 */
function menuButton(key, label, name, onclick) {
  const attributes = { type: "button", class: "tool", "data-key": key, "aria-haspopup": "menu", "aria-label": label };
  return h("button", { ...attributes, onclick }, icon(name));
}
