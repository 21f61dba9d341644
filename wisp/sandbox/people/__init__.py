"""People who use the bot as a real client lets them, with commands, components and forms."""
