"""People who use the bot as a real client lets them, with commands, components and forms.

commands        a slash command and its values, as a client sends them
components      buttons, selects and forms, as a client sends them
typed           what a typed line or value means
reply           what a person gets for an interaction
person          a person, and what they can do
"""

from wisp.sandbox.people.person import People, Person

__all__ = ["People", "Person"]
