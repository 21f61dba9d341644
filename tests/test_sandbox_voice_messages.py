"""Voice messages, and what Discord's own messages refer to."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from wisp.sandbox import Sandbox
from wisp.sandbox.people.person import People


async def test_a_voice_message_keeps_its_flag_its_duration_and_its_waveform() -> None:
    about = {"id": 0, "filename": "voice.ogg", "duration_secs": 1.5, "waveform": "AAAA"}
    async with Sandbox() as sandbox:
        general = next(iter(sandbox.world.channels.values()))
        data = aiohttp.FormData()
        data.add_field("payload_json", json.dumps({"flags": 1 << 13 | 1 << 12, "attachments": [about]}))
        data.add_field("files[0]", b"OggS", filename="a.bin")
        url, headers = f"{sandbox.rest_url}/channels/{general.id}/messages", {"Authorization": f"Bot {sandbox.token}"}
        async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=headers) as response:
            message: Any = await response.json()
    assert message["flags"] == 1 << 13 | 1 << 12
    (attachment,) = message["attachments"]
    assert (attachment["content_type"], attachment["duration_secs"], attachment["waveform"]) == (
        "audio/ogg",
        1.5,
        "AAAA",
    )


async def test_the_message_about_a_new_thread_refers_to_it() -> None:
    async with Sandbox() as sandbox:
        ada = People(sandbox.world).member("ada")
        thread = await ada.start_thread("plans")
        (said,) = [message for message in ada.messages if message.kind == 18]
    assert said.payload()["message_reference"] == {
        "type": 0,
        "channel_id": str(thread.channel.id),
        "guild_id": str(thread.guild and thread.guild.id),
    }
