"""The sandbox in a terminal: typed lines become actions, and changes become lines.

console         the keyboard and the screen
text            messages as plain text
transcript      changes as lines
breaking        the lines that make a Discord fail
speaker         who speaks, and what words name
completion      what a line may become
guild_verbs     the verbs that change a guild
verbs           the table of verbs
chat            lines in, lines out
"""
