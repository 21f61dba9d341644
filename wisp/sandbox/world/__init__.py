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
polls           polls in messages
reactions       reactions to messages
webhooks        webhooks of channels
announcements   what is published, and the channels that follow
emojis          emojis of guilds and of the application
pictures        pictures that were uploaded, by their paths on the CDN
stickers        stickers of guilds, and the pack that everyone has
roles           roles of guilds
voice           voice states of members
members         members of guilds, and bans
stages          stage instances: which stage channels are live
invites         invites into guilds
channels        channels and their overwrites
threads         threads of channels
guilds          guilds
commands        registered commands
scheduled_events   scheduled events of guilds
interactions    interactions that the bot can still answer
audit_log       what was done, and why
auto_moderation  rules against what people write, and what follows
world           all of that as one Discord
"""
