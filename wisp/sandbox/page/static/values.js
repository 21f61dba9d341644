// The values that the page offers for an option: its choices, or users, roles and channels.

import { ChannelType, OptionType } from "./discord.js";
import { avatar } from "./dom.js";
import { candidates } from "./mentions.js";

/** @import { Choice, Option } from "./frames.js" */
/** @import { View } from "./view.js" */

/** @typedef {{label: string, text: string, sent: string, hint?: string, icon?: Element | null}} OfferedValue */

const ENTITIES = /** @type {number[]} */ ([
  OptionType.USER,
  OptionType.ROLE,
  OptionType.MENTIONABLE,
  OptionType.CHANNEL,
]);

/** @param {View} view @param {Option} option @param {string} typed @returns {OfferedValue[]} */
export function offeredValues(view, option, typed) {
  if (option.choices) return matchingChoices(option.choices, typed);
  if (option.type === OptionType.BOOLEAN) return booleans(typed);
  return ENTITIES.includes(option.type) ? entities(view, option, typed) : [];
}

/** @param {Choice[]} choices @param {string} typed @returns {OfferedValue[]} */
export function matchingChoices(choices, typed) {
  const matching = choices.filter(({ name }) => name.toLowerCase().includes(typed.toLowerCase()));
  return matching.map(({ name, value }) => ({ label: name, text: name, sent: String(value) }));
}

/** @param {string} typed @returns {OfferedValue[]} */
export function booleans(typed) {
  const matching = ["True", "False"].filter((name) => name.toLowerCase().startsWith(typed.toLowerCase()));
  return matching.map((name) => ({ label: name, text: name, sent: name.toLowerCase() }));
}

/** @param {View} view @param {Option} option @param {string} typed @returns {OfferedValue[]} */
function entities(view, { type, channel_types: types }, typed) {
  const found = candidates(view, type, typed);
  const fitting = found.filter(({ channelType = ChannelType.GUILD_TEXT }) => {
    return type !== OptionType.CHANNEL || !types || types.includes(channelType);
  });
  return fitting.map(({ user, ...rest }) => ({ ...rest, icon: user ? avatar(user, "small") : null }));
}
