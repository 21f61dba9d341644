// The dialogs for roles and channels: what a role allows, and what a channel allows and denies over that.

import { dialog } from "./dialogs.js";
import { h } from "./dom.js";
import { colour, roleName } from "./names.js";

/** @import { Ask, Channel, Guild, PermissionName, Role } from "./frames.js" */

/** @typedef {{permission: PermissionName, row: HTMLElement}} Row */

const DISCORDS_GREY = "#99aab5";

/** @param {string} bits @param {string} bit */
const allows = (bits, bit) => (BigInt(bits) & BigInt(bit)) !== 0n;

/** The bits of some permissions together. @param {PermissionName[]} permissions */
const sum = (permissions) => String(permissions.reduce((bits, { bit }) => bits | BigInt(bit), 0n));

/** Rows of permissions under a filter, which takes the client's names and the API's. @param {Row[]} rows */
function filtered(rows) {
  const none = h("p", { class: "muted", role: "status" });
  const attributes = { type: "search", class: "search", placeholder: "Filter", "aria-label": "Filter permissions" };
  const search = h("input", {
    ...attributes,
    oninput: () => {
      const needle = search.value.trim().toLowerCase();
      for (const { permission, row } of rows) row.hidden = !names(permission).some((name) => name.includes(needle));
      none.textContent = rows.every(({ row }) => row.hidden) ? "Nothing matches" : "";
    },
  });
  const group = { class: "switches", role: "group", "aria-label": "Permissions" };
  return [search, none, h("div", group, ...rows.map(({ row }) => row))];
}

/** @param {PermissionName} permission */
const names = ({ api, server, channel }) =>
  [api, api.replaceAll("_", " "), server, channel].map((name) => name.toLowerCase());

/**
 * Edit what a role allows in the whole server.
 * @param {Role} role
 * @param {{permissions: PermissionName[], ask: Ask}} parts
 */
export function editRole(role, { permissions, ask }) {
  const rows = permissions.map((permission) => {
    const input = h("input", { type: "checkbox", checked: allows(role.permissions, permission.bit) });
    return { permission, input, row: h("label", { class: "switch", title: permission.api }, input, permission.server) };
  });
  const everyone = role.name === "@everyone";
  const tint = tintInput(role);
  const remove = h(
    "button",
    {
      type: "button",
      class: "button danger",
      onclick: async () => {
        await ask("delete role", { role: role.id }).catch(() => {});
        end();
      },
    },
    "Delete role",
  );
  const { end } = dialog(`Role ${roleName(role)}`, {
    wide: true,
    content: [!everyone && h("label", { class: "switch" }, tint.element, "Colour"), ...filtered(rows)],
    actions: [!everyone && !role.fixed && remove, saveButton()],
    submit: async () => {
      const allowed = sum(rows.filter(({ input }) => input.checked).map(({ permission }) => permission));
      await ask("change role", { role: role.id, permissions: allowed, color: tint.color() });
      end();
    },
  });
}

/** The input for a role's colour; a role without one keeps none until a colour is chosen. @param {Role} role */
function tintInput({ color }) {
  let tinted = color !== 0;
  const element = h("input", {
    type: "color",
    value: colour(color) ?? DISCORDS_GREY,
    "aria-label": "Colour",
    oninput: () => {
      tinted = true;
    },
  });
  return { element, color: () => (tinted ? parseInt(element.value.slice(1), 16) : 0) };
}

const saveButton = () => h("button", { type: "submit", class: "button primary" }, "Save");

const SETTINGS = ["as the roles say", "allowed", "denied"];
const ALLOWED = 1;
const DENIED = 2;

/**
 * Edit what a channel allows and denies a role or a member.
 * @param {Channel} channel
 * @param {{guild: Guild, permissions: PermissionName[], ask: Ask}} parts
 */
export function editChannel(channel, { guild, permissions, ask }) {
  const roles = guild.roles.map((role) => h("option", { value: role.id }, roleName(role)));
  const members = guild.members.map((member) => h("option", { value: member.id }, member.name));
  const target = h(
    "select",
    { class: "input", "aria-label": "For whom", onchange: () => show() },
    ...roles,
    ...members,
  );
  target.value = guild.id;
  const rows = permissions.map((permission) => {
    const options = SETTINGS.map((text) => h("option", {}, text));
    const setting = h("select", { class: "input three", "aria-label": permission.channel }, ...options);
    const label = h("span", {}, permission.channel);
    return { permission, setting, row: h("label", { class: "switch", title: permission.api }, label, setting) };
  });
  const show = () => {
    const { allow, deny } = channel.overwrites.find(({ id }) => id === target.value) ?? { allow: "0", deny: "0" };
    for (const { permission, setting } of rows) {
      const denied = allows(deny, permission.bit) ? DENIED : 0;
      setting.selectedIndex = allows(allow, permission.bit) ? ALLOWED : denied;
    }
  };
  show();
  const chosen = (/** @type {number} */ index) =>
    sum(rows.filter(({ setting }) => setting.selectedIndex === index).map(({ permission }) => permission));
  const { end } = dialog(`Permissions in #${channel.name}`, {
    wide: true,
    content: [target, ...filtered(rows)],
    actions: [saveButton()],
    submit: async () => {
      const overwrite = { allow: chosen(ALLOWED), deny: chosen(DENIED) };
      await ask("overwrite", { channel: channel.id, target: target.value, ...overwrite });
      end();
    },
  });
}
