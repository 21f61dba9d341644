"""A bot on a local Discord, in virtual time: what the command line and tests run it on."""
