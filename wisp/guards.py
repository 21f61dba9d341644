"""Guards: the checks that decorators add before a handler runs, and the order in which they run."""

from __future__ import annotations

import abc
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partialmethod
from typing import TYPE_CHECKING, Any, TypeVar, cast

import hikari

from .context import runtime_of
from .errors import Problem, UserError, WispError
from .inspection import misfit

if TYPE_CHECKING:
    from .context import InteractionContext

T = TypeVar("T")

_MARK = "__wisp_rules__"

_PLACE, _OWNER, _PERMISSIONS, _OWN = range(4)
"""The ranks of checks."""

_GUILDS_ONLY = "This works in servers only."
_OWNERS_ONLY = "This is for the owner of the bot only."
_REFUSED = "You cannot use this."


class Rule:
    """What a decorator left on a function or a group. `problem` is its (message, fix) if its settings are invalid."""

    problem: tuple[str, str] | None = None

    def __call__(self, target: T) -> T:
        """Put the rule on a function, a group, or the result of `@bot.command`, and return that."""
        if isinstance(target, (staticmethod, classmethod, partialmethod)):
            # the class returns what these wrap, without the rule
            kind = type(cast(object, target)).__name__
            raise TypeError(f"a guard above @{kind} has no effect: write it below")
        # decorators are applied from the bottom up, and read from the top down
        setattr(target, _MARK, (self, *getattr(target, _MARK, ())))
        return target


class Check(Rule):
    """A check: `ask(ctx)` raises UserError to refuse the call. Lower ranks run first."""

    def __init__(self, rank: int, ask: Callable[[InteractionContext[Any]], Awaitable[None]]) -> None:
        self.rank: int = rank
        self.ask: Callable[[InteractionContext[Any]], Awaitable[None]] = ask
        self.__wrapped__: Callable[..., Any] = ask
        self.__name__: str = getattr(ask, "__name__", repr(ask))


class Limit(Rule):
    """A limit on how often, or how many at a time, a handler runs. Lower ranks are taken first.

    `counter(store, name)` makes the counter of a run of the bot. The name stays the same over a restart.
    """

    def __init__(self, rank: int, counter: Callable[[Any, str], Counter]) -> None:
        self.rank: int = rank
        self.counter: Callable[[Any, str], Counter] = counter


class Counter(abc.ABC):
    """The calls that one limit has counted in one run of the bot, by the key that `key_of(ctx)` returns.

    Calls with the key None are not counted.
    """

    key_of: Callable[..., Hashable]

    @abc.abstractmethod
    def admit(self, ctx: InteractionContext[Any], key: Hashable) -> AbstractAsyncContextManager[None]:
        """Count a call while it runs. Entering the result raises UserError if the limit is reached."""


class _ShowsErrors(Rule):
    pass


class Rules:
    """All rules of one handler: checks in their order, then counters in theirs."""

    def __init__(self, rules: Sequence[Rule], counters: Sequence[Counter]) -> None:
        checks = [rule for rule in rules if isinstance(rule, Check)]
        self._checks = tuple(check.ask for check in sorted(checks, key=lambda check: check.rank))
        self._counters = tuple(counters)
        self.shows_errors: bool = any(isinstance(rule, _ShowsErrors) for rule in rules)

    async def check(self, ctx: InteractionContext[Any]) -> None:
        """Run the checks. Raises UserError if one refuses the call."""
        for ask in self._checks:
            await ask(ctx)

    @asynccontextmanager
    async def limits(self, ctx: InteractionContext[Any]) -> AsyncGenerator[None]:
        """Count a call inside of the block. Entering it raises UserError if a limit is reached."""
        async with AsyncExitStack() as admitted:
            for counter in self._counters:
                if (key := counter.key_of(ctx)) is not None:
                    await admitted.enter_async_context(counter.admit(ctx, key))
            yield


NO_RULES = Rules((), ())


def rules_on(holder: object) -> tuple[Rule, ...]:
    """Return the rules on a function, a group or the result of `@bot.command`, each once, from the top down.

    They include those of the functions inside decorators, `functools.partial`, bound methods and callable objects.
    """
    # functools.wraps copies the rules of the function inside
    return tuple(dict.fromkeys(rule for level in _levels(holder) for rule in getattr(level, _MARK, ())))


def _levels(holder: object) -> Iterator[object]:
    yield holder
    for name in ("func", "__wrapped__", "__func__"):
        inner = getattr(holder, name, None)
        if callable(inner):
            yield from _levels(inner)
    if callable(holder) and not inspect.isroutine(holder):
        yield from _levels(type(holder).__call__)


def rule_problems(rules: Iterable[Rule], problem: Callable[[str, str, str], Problem]) -> list[Problem]:
    """Return the problems of these rules, made by `problem("", message, fix)`."""
    return [problem("", *rule.problem) for rule in rules if rule.problem is not None]


def misplaced_rules(function: object, problem: Callable[[str, str], Problem]) -> list[Problem]:
    """Return a problem, made by `problem(message, fix)`, if a listener or a job has rules: no user calls it."""
    message = "guards only apply to handlers that users invoke"
    return [problem(message, "Check in the function itself, and return")] if rules_on(function) else []


def can_be_decorated(value: object) -> bool:
    """Return whether the value of a setting is a function or a group, because the parentheses were forgotten."""
    return callable(value) or hasattr(value, "guarded_by")


def without_parentheses(rule: Rule, target: Any, decorator: str, example: str) -> Any:
    """Return the target of a decorator that was used without parentheses, with a problem that says so."""
    rule.problem = (f"@{decorator} needs parentheses", f"Write `@{decorator}({example})`")
    return rule(target)


def require_guild(target: T) -> T:
    """Refuse calls in direct messages."""
    return Check(_PLACE, _ask_guild)(target)


def require_owner(target: T) -> T:
    """Refuse users who do not own the bot: the owner or team of its application, or `owners=` if that is set."""
    return Check(_OWNER, _ask_owner)(target)


def require_admin(target: T) -> T:
    """Refuse members who are not administrators, and all calls in direct messages."""
    return require_permissions(hikari.Permissions.ADMINISTRATOR)(target)


def require_permissions(
    *permissions: hikari.Permissions, bot: hikari.Permissions = hikari.Permissions.NONE
) -> Callable[[T], T]:
    """Refuse members who lack any of these permissions in the channel, and all calls in direct messages.

    `bot` is what the bot itself needs there. Administrators have all permissions.
    """
    example = "hikari.Permissions.BAN_MEMBERS"
    if permissions and can_be_decorated(permissions[0]):
        return without_parentheses(Rule(), permissions[0], "wisp.require_permissions", example)
    for permission in (*permissions, bot):
        if not isinstance(permission, hikari.Permissions):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            rule = Rule()
            rule.problem = (f"require_permissions got {permission!r}", f"Give it values like {example}")
            return rule
    member = hikari.Permissions.NONE
    for permission in permissions:
        member |= permission

    async def has_permissions(ctx: InteractionContext[Any]) -> None:
        if ctx.member is None:
            raise UserError(_GUILDS_ONLY)
        if missing := _missing(ctx.member.permissions, member):
            raise UserError(f"You need {_in_words(missing)} for this.")
        if missing := _missing(ctx.interaction.app_permissions or hikari.Permissions.NONE, bot):
            raise UserError(f"I need {_in_words(missing)} for this.")

    check = Check(_PERMISSIONS, has_permissions)
    if not member and not bot:
        check.problem = ("require_permissions names no permission", f"Write `require_permissions({example})`")
    return check


def guard(ask: Callable[..., Any]) -> Callable[[T], T]:
    """Make a guard of your own: `ask(ctx)`, plain or async, returns True to let the call through.

    False refuses the call in general words, a str in those words; UserError refuses it in its own. Any other result
    is an error. The guard is a decorator that can be used any number of times.
    """
    name = getattr(ask, "__name__", repr(ask))

    async def check_call(ctx: InteractionContext[Any]) -> None:
        answer = ask(ctx)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is False or isinstance(answer, str):
            raise UserError(answer or _REFUSED)
        if answer is not True:
            raise WispError(f'the guard "{name}" returned {answer!r}. Expected True, False, or a str that refuses')

    check = Check(_OWN, check_call)
    check.__wrapped__, check.__name__ = ask, name  # for a problem if it is used as a command
    if not callable(ask):  # pyright: ignore[reportUnnecessaryComparison]: users err
        check.problem = (f"wisp.guard got {ask!r}", "Give it a function of the context")
    elif problem := misfit(ask, "ctx"):
        check.problem = (f'guard "{name}": {problem}', f"Write `def {name}(ctx)`")
    return check


def handle_errors(target: T) -> T:
    """Show users the text of an exception too, beside the id that finds it in the log."""
    return _ShowsErrors()(target)


async def _ask_guild(ctx: InteractionContext[Any]) -> None:
    if ctx.guild_id is None:
        raise UserError(_GUILDS_ONLY)


async def _ask_owner(ctx: InteractionContext[Any]) -> None:
    if int(ctx.user.id) not in runtime_of(ctx).owner_ids:
        raise UserError(_OWNERS_ONLY)


def _missing(granted: hikari.Permissions, needed: hikari.Permissions) -> hikari.Permissions:
    return hikari.Permissions.NONE if granted & hikari.Permissions.ADMINISTRATOR else needed & ~granted


# permissions whose name in Discord's settings differs: https://support.discord.com/hc/en-us/articles/206029707
_NAMES = {
    "STREAM": "Video",
    "MENTION_ROLES": "Mention @everyone, @here, and All Roles",
    "MANAGE_GUILD_EXPRESSIONS": "Manage Expressions",
    "CREATE_GUILD_EXPRESSIONS": "Create Expressions",
    "START_EMBEDDED_ACTIVITIES": "Use Activities",
    "MODERATE_MEMBERS": "Timeout Members",
    "SEND_POLLS": "Create Polls",
}


def _in_words(permissions: hikari.Permissions) -> str:
    """Name permissions as Discord's settings do: "the permission Manage Server"."""
    keys = [str(permission.name) for permission in sorted(permissions.split())]
    names = [_NAMES.get(key) or key.replace("GUILD", "SERVER").replace("_", " ").title() for key in keys]
    return f"the permission{'s' if len(names) > 1 else ''} {' and '.join(names)}"
