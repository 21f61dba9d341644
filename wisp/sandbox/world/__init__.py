"""What there is in the local Discord, and its rules: it knows nothing of HTTP, websockets or wisp.

signal          what one part tells all others that subscribed to it
bounds          how many and how long
permissions     what may be allowed, and how it adds up
objects         users, guilds, channels, messages, interactions, and their payloads
changes         what watchers are told
state           what all parts share
messages        posting, editing, reacting, pinning
guilds          members, roles, channels, threads, bans
belongings      webhooks, invites, emojis
commands        registered commands, and interactions
audit_log       what was done, and why
world           all of that as one Discord
"""
