"""What calls of the sandbox's REST cost: CPU microseconds a call, client included. Run it with each tree as PYTHONPATH.

python tests/bench/rest_calls.py [calls of each kind]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from wisp.sandbox import Sandbox

EMBED = {"title": "Title", "description": "Text", "fields": [{"name": "a", "value": "b"}] * 5}


async def main(count: int) -> dict[str, float]:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        channel = next(iter(guild.channels.values()))
        headers = {"Authorization": f"Bot {sandbox.token}"}
        place, member = f"/channels/{channel.id}", next(user for user in world.users.values() if user.name == "bob").id

        async def call(method: str, path: str, body: Any = None) -> Any:
            async with session.request(method, sandbox.rest_url + path, json=body, headers=headers) as response:
                text = await response.read()
                assert response.status < 300, text
                return json.loads(text) if text else None

        message = (await call("POST", f"{place}/messages", {"content": "first"}))["id"]
        calls: dict[str, Callable[[int], tuple[Any, ...]]] = {
            "get a channel": lambda n: ("GET", place),
            "list 1 message": lambda n: ("GET", f"{place}/messages?limit=1"),
            "send a message": lambda n: ("POST", f"{place}/messages", {"content": f"message {n}"}),
            "send an embed": lambda n: ("POST", f"{place}/messages", {"embeds": [EMBED]}),
            "edit a message": lambda n: ("PATCH", f"{place}/messages/{message}", {"content": f"edit {n}"}),
            "edit a channel": lambda n: ("PATCH", place, {"topic": f"topic {n}", "nsfw": False}),
            "edit a member": lambda n: ("PATCH", f"/guilds/{guild.id}/members/{member}", {"nick": f"bob {n}"}),
            "pin and unpin": lambda n: ("PUT" if n % 2 else "DELETE", f"{place}/messages/pins/{message}"),
        }
        found: dict[str, float] = {}
        for name, make in calls.items():
            start = time.process_time()
            for number in range(count):
                await call(*make(number))
            found[name] = (time.process_time() - start) / count * 1e6
        return found


if __name__ == "__main__":
    for name, cost in asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)).items():
        print(f"{cost:8.0f}  {name}")
