"""A Discord on loopback: a world, its REST and gateway, and people who use the bot in it."""

from wisp.sandbox.people.person import Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world.objects import Impossible
from wisp.sandbox.world.world import World

__all__ = ["Impossible", "Person", "Reply", "Sandbox", "World"]
