"""The sandbox in a terminal: typed lines become actions, and what changes becomes lines."""
