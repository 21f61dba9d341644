"""The sandbox in a browser: the page, its tabs, what they can do and what they are shown."""
