"""A Discord on loopback: a world, its REST and gateway, and people who use the bot in it.

All parts, from the ground up. Each imports only those before it; `tests/test_architecture.py` reads this list, and the
lists of the folders.

world/          what there is, and its rules
faults          what goes wrong on purpose
rest/           Discord's REST API
gateway/        Discord's gateway
breakable       the verbs that make a Discord fail
people/         people who use the bot
terminal/       the sandbox in a terminal
page/           the sandbox in a browser
server          a sandbox that runs
"""

from wisp.sandbox.people.person import Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world.objects import Impossible
from wisp.sandbox.world.world import World

__all__ = ["Impossible", "Person", "Reply", "Sandbox", "World"]
