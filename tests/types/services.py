"""Checked by pyright, not run: what a type checker makes of services and guild data."""

from __future__ import annotations

from typing import Any, assert_type

import hikari
import msgspec

import wisp
from wisp.services import AuditService, CacheService, DatabaseService, GuildData, MetricsService, SchedulerService
from wisp.services.guild_data import BoundData


class Quote(msgspec.Struct):
    """A value of the bot's own."""

    text: str


async def bound_data(data: BoundData) -> None:
    assert_type(await data.get("key"), Any)
    assert_type(await data.get("key", default=None), Any)
    assert_type(await data.get("count", default=0), int)
    assert_type(await data.get("name", "nobody"), str)
    assert_type(await data.get("scores", type=list[int]), list[int] | None)
    assert_type(await data.get("scores", type=list[int], default=None), list[int] | None)
    assert_type(await data.get("scores", type=list[int], default=[]), list[int])
    assert_type(await data.get("count", type=int, default="none"), int | str)
    assert_type(await data.get("quote", type=Quote), Quote | None)
    assert_type(await data.increment("count"), int)
    assert_type(await data.increment("count", by=0.5), float)
    assert_type(await data.get_all(), dict[str, Any])


async def guild_data(data: GuildData) -> None:
    assert_type(await data.get(guild_id=1, key="key"), Any)
    assert_type(await data.get(guild_id=1, key="count", default=0), int)
    assert_type(await data.get(guild_id=1, key="scores", type=list[int]), list[int] | None)
    assert_type(await data.get(guild_id=1, key="count", type=int, default="none"), int | str)


async def of_a_context(ctx: wisp.Context) -> None:
    assert_type(ctx.data, BoundData)
    assert_type(ctx.guild_data, GuildData)
    assert_type(await ctx.data.get("count", default=0), int)


async def of_a_guild(ctx: wisp.GuildContext) -> None:
    assert_type(ctx.guild_id, hikari.Snowflake)
    assert_type(ctx.member, hikari.InteractionMember)


async def services(ctx: wisp.Context) -> None:
    assert_type(ctx.services.get("weather"), Any)
    assert_type(ctx.services.get_typed("audit", AuditService), AuditService | None)
    assert_type(ctx.services.get_typed("metrics", MetricsService), MetricsService | None)
    assert_type(ctx.services.get_typed("scheduler", SchedulerService), SchedulerService | None)
    db = ctx.services.get_typed("db", DatabaseService)
    assert db is not None
    async with db.transaction() as tx:
        assert_type(await tx.fetchone("SELECT 1"), tuple[Any, ...] | None)
    assert_type(await db.fetchall("SELECT 1"), list[tuple[Any, ...]])


async def cached(cache: CacheService) -> None:
    async def fetch() -> list[int]:
        return [1]

    assert_type(await cache.get_or_set("plain", lambda: 1), int)
    assert_type(await cache.get_or_set("async", fetch), list[int])
