// Roles, permissions and what a channel says of them: here they are changed by hand, whoever one is.

import { dialog } from "./dialogs.js";
import { colour, h } from "./dom.js";

const allows = (bits, bit) => (BigInt(bits) & BigInt(bit)) !== 0n;
const roleName = (role) => `@${role.name.replace(/^@/, "")}`;

// The rows of permissions under a filter, which takes the client's names and the API's.
function filtered(rows) {
  const none = h("p", { class: "muted", role: "status" });
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "Filter",
    "aria-label": "Filter permissions",
  });
  search.addEventListener("input", () => {
    const needle = search.value.trim().toLowerCase();
    for (const { permission, row } of rows)
      row.hidden = !names(permission).some((name) => name.toLowerCase().includes(needle));
    none.textContent = rows.every(({ row }) => row.hidden) ? "Nothing matches" : "";
  });
  return [
    search,
    none,
    h("div", { class: "switches", role: "group", "aria-label": "Permissions" }, ...rows.map(({ row }) => row)),
  ];
}

const names = ({ api, server, channel }) => [api, api.replaceAll("_", " "), server, channel];

// What a role allows in the whole server. `ask` does it, and refuses in words.
export function editRole(role, { permissions, ask }) {
  const boxes = permissions.map((permission) => {
    const input = h("input", { type: "checkbox", checked: allows(role.permissions, permission.bit) });
    return { permission, input, row: h("label", { class: "switch", title: permission.api }, input, permission.server) };
  });
  const tint = h("input", { type: "color", value: colour(role.color) ?? "#99aab5", "aria-label": "Colour" });
  let tinted = role.color !== 0;
  tint.addEventListener("input", () => {
    tinted = true;
  });
  const everyone = role.name === "@everyone";
  const remove = h("button", { type: "button", class: "button danger" }, "Delete role");
  const { end } = dialog(`Role ${roleName(role)}`, {
    wide: true,
    content: [everyone ? null : h("label", { class: "switch" }, tint, "Colour"), ...filtered(boxes)],
    actions: [everyone || role.fixed ? null : remove, h("button", { type: "submit", class: "button primary" }, "Save")],
    submit: async () => {
      const bits = boxes.reduce(
        (sum, { permission, input }) => (input.checked ? sum | BigInt(permission.bit) : sum),
        0n,
      );
      await ask("change role", {
        role: role.id,
        permissions: String(bits),
        color: tinted ? parseInt(tint.value.slice(1), 16) : 0,
      });
      end();
    },
  });
  remove.addEventListener("click", async () => {
    await ask("delete role", { role: role.id }).catch(() => {});
    end();
  });
}

// What a channel allows and denies a role or a member, over what the roles allow.
export function editChannel(channel, { guild, permissions, ask }) {
  const targets = [
    ...guild.roles.map((one) => [one.id, roleName(one)]),
    ...guild.members.map((one) => [one.id, one.name]),
  ];
  const whose = h(
    "select",
    { class: "input", "aria-label": "For whom" },
    ...targets.map(([id, name]) => h("option", { value: id }, name)),
  );
  whose.value = guild.id;
  const rows = permissions.map((permission) => {
    const choice = h(
      "select",
      { class: "input three", "aria-label": permission.channel },
      ...["as the roles say", "allowed", "denied"].map((text) => h("option", {}, text)),
    );
    return {
      permission,
      choice,
      row: h("label", { class: "switch", title: permission.api }, h("span", {}, permission.channel), choice),
    };
  });
  const fill = () => {
    const said = channel.overwrites.find(({ id }) => id === whose.value) ?? { allow: "0", deny: "0" };
    for (const {
      permission: { bit },
      choice,
    } of rows)
      choice.selectedIndex = allows(said.allow, bit) ? 1 : allows(said.deny, bit) ? 2 : 0;
  };
  whose.addEventListener("change", fill);
  fill();
  const { end } = dialog(`Permissions in #${channel.name}`, {
    wide: true,
    content: [whose, ...filtered(rows)],
    actions: [h("button", { type: "submit", class: "button primary" }, "Save")],
    submit: async () => {
      const sum = (index) =>
        String(
          rows.reduce(
            (bits, { permission, choice }) => (choice.selectedIndex === index ? bits | BigInt(permission.bit) : bits),
            0n,
          ),
        );
      await ask("overwrite", { channel: channel.id, target: whose.value, allow: sum(1), deny: sum(2) });
      end();
    },
  });
}
