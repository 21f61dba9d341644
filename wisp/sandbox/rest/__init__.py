"""Discord's REST API over a world: a table of routes, one file for each page of Discord's documentation.

errors          Discord's errors: status, code, words, page
fields          the fields of a JSON object, read one by one
shapes          what Discord refuses in messages, commands and modals
drafts          the message in a body, and what Discord keeps of it
images          images in data URIs
cdn             pictures by their addresses
body            the body of a request: JSON, or a form with files
call            one call as its handler sees it, and how to write a handler
rate_limits     buckets, and the global limit
users, applications, commands, interactions, threads, members, prunes   one page each
guilds, emojis, stickers, scheduled_events, audit_log, polls, soundboard, voice, auto_moderation   one page each
stage_instances   one page
messages, invites, channels, webhooks, welcome_screens, widgets, onboarding, search   one page each, which use others
unserved        what the sandbox does not serve, and why
app             the table of routes
"""
