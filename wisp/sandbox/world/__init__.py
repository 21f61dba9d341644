"""What there is in the local Discord, and its rules: it knows nothing of HTTP, websockets or wisp.

bounds          how many and how long
permissions     what may be allowed, and how it adds up
objects         users, guilds, channels, messages, interactions, and their payloads
signal          what one part tells all that subscribed to it
changes         what the subscribers of a world are told
state           what all parts share: clock, ids, the bot, who sees what
users           users and their presences
attachments     files
messages        posting, editing, deleting and pinning messages
reactions       reactions to messages
webhooks        webhooks of channels
emojis          emojis of guilds and of the application
roles           roles of guilds
members         members of guilds, and bans
invites         invites into guilds
channels        channels and their overwrites
threads         threads of channels
guilds          guilds
commands        registered commands
interactions    interactions that the bot can still answer
audit_log       what was done, and why
auto_moderation  rules against what people write, and what follows
world           all of that as one Discord
"""
