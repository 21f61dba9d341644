"""The audit log: who did what, where and when.

`audit.log_action(...)` writes a record to the log and the database and waits for neither; `await audit.recent(...)`
reads records back, newest first. wisp itself records when a module is turned on or off.

Metadata can be anything: it is converted to JSON at once, within bounds, tokens and passwords are hidden, and nothing
that you give it raises. While the disk fails, up to 10,000 records wait for it; further ones are in the log only, and
counted. 100,000 records are kept for 90 days, unless you say otherwise:

    bot.services.register("audit", AuditService(keep_days=7, keep_records=1000))
"""

import hikari

import wisp
from wisp.services import AuditService
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command(guild_only=True)
@wisp.require_permissions(hikari.Permissions.MODERATE_MEMBERS)
async def mute(ctx: wisp.Context, member: hikari.Member, reason: str) -> str:
    """Mute a member."""
    audit = ctx.services.get_typed("audit", AuditService)
    if audit:
        metadata = {"member": member.id, "reason": reason}
        audit.log_action(action="mute", user_id=ctx.user.id, guild_id=ctx.guild_id, metadata=metadata)
    return f"{member.mention} is muted."


@bot.command(guild_only=True, ephemeral=True)
async def history(ctx: wisp.Context) -> str:
    """Show what was done here."""
    audit = ctx.services.get_typed("audit", AuditService)
    records = await audit.recent(guild_id=ctx.guild_id, limit=10) if audit else []
    return "\n".join(f"{record.time:%c} <@{record.user_id}> {record.action}" for record in records) or "Nothing."


bot.run()


async def test_what_was_done_is_shown(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("history")).content == "Nothing."
    await ada.slash("mute", member=bob, reason="too loud")
    assert (await ada.slash("history")).content.endswith(f"{ada.mention} mute")
