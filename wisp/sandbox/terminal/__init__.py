"""The sandbox in a terminal: typed lines become actions, and changes become lines.

console         the keyboard and the screen
text            messages as plain text
transcript      changes as lines
breaking        the lines that make a Discord fail
completion      what a line may become
chat            lines in, lines out
"""
