// The right side: the members of the server or, in direct messages, the person and the bot.

import { avatar, byId, fill, h, tint } from "./dom.js";
import { icon } from "./icons.js";
import { shownName } from "./names.js";
import { Redrawn } from "./redraw.js";

/** @import { User } from "./frames.js" */
/** @import { Menus } from "./menus.js" */
/** @import { View } from "./view.js" */

export class Members {
  /** @param {{view: View, menus: Menus}} parts */
  constructor({ view, menus }) {
    this.view = view;
    this.menus = menus;
    this.list = new Redrawn(byId("right"), () => this.draw());
  }

  update() {
    const { me, bot, online, guild } = this.view.place;
    this.list.show(me, bot, online, guild && [guild.owner, guild.members, guild.member_count, guild.roles]);
  }

  draw() {
    const { members, guild } = this.view;
    const hidden = guild ? guild.member_count - members.length : 0;
    const join = { type: "button", class: "add-member", "data-key": "join", onclick: () => this.menus.join() };
    fill(
      byId("right"),
      this.group(
        "Apps",
        members.filter(({ bot }) => bot),
      ),
      this.group(
        "Members",
        members.filter(({ bot }) => !bot),
      ),
      hidden > 0 && h("p", { class: "muted more-members" }, `and ${hidden} more`),
      guild && h("button", join, icon("plus"), "Let somebody join"),
    );
  }

  /** @param {string} title @param {User[]} members */
  group(title, members) {
    if (!members.length) return null;
    const rows = members.map((member) => h("li", {}, this.memberButton(member)));
    return [h("h3", { class: "group-title" }, `${title} — ${members.length}`), h("ul", {}, ...rows)];
  }

  /** @param {User} member */
  memberButton(member) {
    const { bot, online } = this.view.place;
    const name = h("span", { class: "member-name" }, shownName(member));
    const color = this.view.colourOf(member.id);
    if (color) tint(name, color);
    const open = (/** @type {MouseEvent & {currentTarget: HTMLElement}} */ event) => {
      event.preventDefault();
      this.menus.user(member, event.currentTarget);
    };
    const attributes = {
      type: "button",
      class: member.id === bot.id && !online ? "member offline" : "member",
      "data-key": `member-${member.id}`,
      "aria-haspopup": "menu",
      onclick: open,
      oncontextmenu: open,
    };
    const note = this.note(member);
    return h(
      "button",
      attributes,
      avatar(member),
      h(
        "span",
        { class: "member-text" },
        h("span", {}, name, member.bot && h("span", { class: "tag" }, "APP")),
        note && h("span", { class: "muted" }, note),
      ),
    );
  }

  /** @param {User} member */
  note({ id }) {
    if (id === this.view.place.me.id) return "You";
    return id === this.view.guild?.owner ? "Owner" : null;
  }
}
