"""Discord's gateway over a world: sessions, shards, intents, and the websockets that carry events."""
