"""The modules of this bot."""
