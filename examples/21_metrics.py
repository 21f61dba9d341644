"""Metrics: counts, durations and states, by name and, if that helps, by labels.

    metrics.increment("orders.done", labels={"kind": "tea"})
    metrics.timing("orders.duration", seconds)
    metrics.gauge("orders.waiting", 3)
    with metrics.timed("orders.cooking"): ...     also a decorator, of plain and async functions

`snapshot()` gives everything: counters, gauges, and for each timing its count, total, median, 95th and 99th percentile.
`prometheus()` gives the text that Prometheus reads.

wisp counts and times commands, components, forms, autocomplete, events, jobs and database statements by their outcome
(`wisp.commands`, `wisp.command.duration`, ...), and counts `wisp.errors` and `wisp.refusals`. A name has up to 1,000
sets of labels, so label by things with few values, such as commands, not by ids. Further sets are counted as "other",
with a warning in the log.
"""

import wisp
from wisp.services import MetricsService
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def order(ctx: wisp.Context, kind: str) -> str:
    """Order something."""
    metrics = ctx.services.get_typed("metrics", MetricsService)
    if metrics:
        with metrics.timed("orders.cooking"):
            metrics.increment("orders.done", labels={"kind": kind})
    return "Here you are."


bot.run()


async def test_orders_are_counted_and_timed(discord: Discord) -> None:
    await discord.member("ada").slash("order", kind="tea")
    metrics = bot.services.get_typed("metrics", MetricsService)
    assert metrics
    assert metrics.snapshot().counters['orders.done{kind="tea"}'] == 1
    assert metrics.snapshot().timings["orders.cooking"].count == 1
    assert 'wisp_commands_total{command="/order",outcome="done"} 1' in metrics.prometheus()
