"""The sandbox in a browser: the page, its tabs, what they can do and what they are shown.

log             the bot's log and traffic, in the panel
views           what a browser is shown, as JSON
page            what all browsers share
tab             one browser
actions         what a browser can ask for
site            the page over HTTP
"""
