"""Discord's gateway over a world: sessions, shards, intents, and the websockets that carry events.

frames          opcodes, close codes, compression
intents         which events a bot hears
sessions        what a shard hears across its connections, and how many may start
connection      one websocket
gateway         where shards connect, and who hears an event
"""
