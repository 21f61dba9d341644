"""Discord's REST API over a world: a table of routes, one file for each page of Discord's documentation."""
