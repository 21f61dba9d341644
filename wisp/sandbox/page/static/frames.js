// The frames that the sandbox sends, as types for `tsc --checkJs`. Nothing in this file runs.

/** @typedef {{id: string, name: string, bot: boolean, nick?: string | null}} User */
/** @typedef {User & {roles: string[]}} Member */

/**
 * @typedef {object} Channel
 * @property {string} id
 * @property {string} name
 * @property {number} kind a ChannelType
 * @property {string | null} guild
 * @property {string | null} topic
 * @property {{id: string, allow: string, deny: string}[]} overwrites
 */

/**
 * @typedef {object} Role
 * @property {string} id
 * @property {string} name
 * @property {string} permissions
 * @property {number} position
 * @property {number} color
 * @property {boolean} fixed whether it belongs to an app
 */

/**
 * @typedef {object} Guild
 * @property {string} id
 * @property {string} name
 * @property {string} owner
 * @property {Channel[]} channels
 * @property {Role[]} roles
 * @property {Member[]} members
 * @property {number} member_count also of the members who are not listed
 */

/** @typedef {{name: string, value: string | number}} Choice */

/**
 * @typedef {object} Option an option of a command, or a subcommand
 * @property {number} type
 * @property {string} name
 * @property {string} description
 * @property {boolean} [required]
 * @property {Choice[]} [choices]
 * @property {Option[]} [options]
 * @property {boolean} [autocomplete]
 * @property {number} [min_value]
 * @property {number} [max_value]
 * @property {number} [min_length]
 * @property {number} [max_length]
 * @property {number[]} [channel_types]
 */

/** @typedef {{name: string, description: string, options?: Option[]}} Command */
/** @typedef {{movable: boolean, moving: boolean, moves: number}} Time */
/** @typedef {{api: string, bit: string, server: string, channel: string}} PermissionName */

/**
 * @typedef {object} PlaceFrame everything around the messages, as one person sees it
 * @property {User} me
 * @property {User} bot
 * @property {User[]} people
 * @property {{id: string, name: string}[]} guilds
 * @property {number} more_guilds
 * @property {Guild | null} guild
 * @property {Channel} channel
 * @property {string} permissions
 * @property {Command[]} commands
 * @property {{user: string[], message: string[]}} menus
 * @property {Record<string, number>} unread
 * @property {string[]} unread_guilds
 * @property {boolean} unread_direct
 * @property {boolean} online whether the bot is connected
 * @property {Time} time
 */

/** @typedef {{name: string, id: string | null}} Emoji */
/** @typedef {{emoji: Emoji, count: number, mine: boolean, by: string[]}} Reaction */
/** @typedef {{id: string, author: User, content: string, deleted: boolean}} Reply */
/** @typedef {{url: string, filename: string, size: number, content_type?: string, description?: string}} Attachment */
/** @typedef {Record<string, string | null>} Names the names of what is mentioned: by "@1", "@&2" and "#3" */

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} channel
 * @property {number} moment
 * @property {User} author
 * @property {string | null} webhook
 * @property {number | null} edited
 * @property {boolean} private
 * @property {boolean} thinking
 * @property {number} kind a MessageType
 * @property {Reply | null} reply
 * @property {{id: string, name: string} | null} thread
 * @property {{user: User, command: string} | null} used
 * @property {boolean} mentions_me
 * @property {string} content
 * @property {Embed[]} embeds
 * @property {Component[]} components
 * @property {Attachment[]} attachments
 * @property {number} flags
 * @property {boolean} pinned
 * @property {Reaction[]} reactions
 * @property {Names} names
 */

/**
 * @typedef {object} Embed
 * @property {string} [title]
 * @property {string} [description]
 * @property {string} [url]
 * @property {number} [color]
 * @property {string} [timestamp]
 * @property {{name: string, url?: string}} [author]
 * @property {{text: string}} [footer]
 * @property {{url: string}} [image]
 * @property {{url: string}} [thumbnail]
 * @property {{name: string, value: string, inline?: boolean}[]} [fields]
 */

/** @typedef {{value: string, label: string, description?: string, emoji?: Emoji, default?: boolean}} SelectOption */
/** @typedef {{media: {url: string}, description?: string, spoiler?: boolean}} GalleryItem */

/**
 * @typedef {object} Component the fields of every type of component
 * @property {number} type
 * @property {string} custom_id
 * @property {Component[]} components
 * @property {Component} component
 * @property {Component} accessory
 * @property {number} [style]
 * @property {string} [label]
 * @property {string} [description]
 * @property {Emoji} [emoji]
 * @property {string} url
 * @property {boolean} [disabled]
 * @property {string} [placeholder]
 * @property {number} [min_values]
 * @property {number} [max_values]
 * @property {SelectOption[]} options
 * @property {{id: string}[]} [default_values]
 * @property {number[]} [channel_types]
 * @property {string} content
 * @property {{url: string}} media
 * @property {GalleryItem[]} items
 * @property {{url: string}} file
 * @property {string} [name]
 * @property {boolean} [spoiler]
 * @property {boolean} [divider]
 * @property {number} [spacing]
 * @property {number} [accent_color]
 * @property {boolean} [required]
 * @property {number} [min_length]
 * @property {number} [max_length]
 * @property {string} [value]
 */

/** @typedef {{title: string, components: Component[]}} Modal */
/** @typedef {{failed: string | null, modal?: Modal, form?: string}} Outcome what became of an interaction */

/**
 * @typedef {object} LogRecord
 * @property {number} number
 * @property {string} kind
 * @property {number} moment
 * @property {string} level
 * @property {string} title
 * @property {string} body
 */

/** @typedef {{messages: Message[], more: boolean, channel: string}} ChannelFrame */
/** @typedef {{changed: Message[], gone: string[]}} MessagesFrame */

/** @typedef {(what: string, fields?: object) => Promise<any>} Ask asks the sandbox for an action by its name */

export {};
