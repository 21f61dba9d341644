"""A Discord on loopback: a world, its REST and gateway, and people who use the bot in it."""

from wisp.sandbox.people import Impossible, Person, Reply
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world import World

__all__ = ["Impossible", "Person", "Reply", "Sandbox", "World"]
