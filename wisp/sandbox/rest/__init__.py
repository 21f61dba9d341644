"""Discord's REST API over a world: a table of routes, one file for each page of Discord's documentation.

payload_limits  what Discord refuses in the payloads of messages and commands
errors          Discord's errors: status, code, words, page
contents        what Discord stores of a message
forms           the body of a call
call            what all handlers use
fields          a JSON value, read field by field
images          images in data URIs
rate_limits     buckets, and the global limit
audit_log, applications, commands, soundboard, interactions, messages, threads, members, prunes, emojis   one page each
webhooks, guilds, invites, channels   one page each, which use others
app             the table of routes
"""
