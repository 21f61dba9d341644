"""Guards: what a decorator demands before a handler runs, and the order in which it is asked."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partialmethod, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import hikari

from .context import responder_of, runtime_of
from .errors import Problem, UserError, WispError
from .inspection import misfit

if TYPE_CHECKING:
    from .context import InteractionContext
    from .cooldowns import CooldownStore
    from .runtime import Runtime

T = TypeVar("T")
D = TypeVar("D", bound=Callable[..., Any])

Release = Callable[[bool], Awaitable[object] | None]
"""Gives back what a limit gave, told whether the call failed. The result, if any, is done when that is kept."""

_MARK = "__wisp_rules__"

_PLACE, _OWNER, _PERMISSIONS, _OWN = range(4)

_SERVERS_ONLY = "This works in servers only."
_OWNERS_ONLY = "This is for the owner of the bot only."
_REFUSED = "You cannot use this."


class Rule:
    """What one decorator left on a function or a group. `wrong` is (problem, fix) where it was written wrongly."""

    wrong: tuple[str, str] | None = None

    def __call__(self, target: T) -> T:
        """Put the rule on a function, a group, or what `@bot.command` made of one; the same thing again."""
        if isinstance(target, (staticmethod, classmethod, partialmethod)):
            # the class gives out what is inside, and the rule would stay behind
            kind = type(cast(object, target)).__name__
            raise TypeError(f"a guard above @{kind} would be passed by: write it below")
        try:
            # decorators are applied from the bottom up, and read from the top down
            setattr(target, _MARK, (self, *getattr(target, _MARK, ())))
        except AttributeError:
            raise TypeError(f"{target!r} cannot carry a guard: put it on the function itself") from None
        return target


class Check(Rule):
    """A demand: `ask(ctx)` raises UserError, or gives something to wait for that does. Lower ranks are asked first."""

    def __init__(self, rank: int, ask: Callable[[InteractionContext[Any]], Awaitable[object] | None]) -> None:
        self.rank: int = rank
        self.ask: Callable[[InteractionContext[Any]], Awaitable[object] | None] = ask
        self.__wrapped__: Callable[..., Any] = ask
        self.__name__: str = getattr(ask, "__name__", repr(ask))


class Limit(Rule, abc.ABC):
    """How often, or how many at a time, a handler runs. What it counts is kept by a `Counter` of each session."""

    rank: int

    @abc.abstractmethod
    def counter(self, runtime: Runtime, store: CooldownStore, name: str) -> Counter:
        """What counts in this run. `name` tells the limit from all others, after a restart too."""


class Counter(abc.ABC):
    """What counts the calls of one limit, of one function or of all in a group, in one session."""

    @abc.abstractmethod
    async def take(self, ctx: InteractionContext[Any]) -> Release | None:
        """Let a call in, and say how to give back what it took; UserError where there is nothing left."""


class _ShowsErrors(Rule):
    pass


class Rules:
    """All that stands before one handler: checks in their order, then counters in theirs."""

    __slots__ = ("_checks", "_counters", "shows_errors")

    def __init__(self, rules: Sequence[Rule], counters: Sequence[Counter]) -> None:
        checks = [rule for rule in rules if isinstance(rule, Check)]
        self._checks = tuple(check.ask for check in sorted(checks, key=lambda check: check.rank))
        self._counters = tuple(counters)
        self.shows_errors: bool = any(isinstance(rule, _ShowsErrors) for rule in rules)

    async def check(self, ctx: InteractionContext[Any]) -> None:
        """Ask whether the call may be made. Raises UserError where it may not."""
        for ask in self._checks:
            asked = ask(ctx)
            if asked is not None:
                await asked

    def limits(self, ctx: InteractionContext[Any]) -> Held:
        """Return a context manager that holds a slot of each limit. Raises UserError if a limit is reached."""
        return Held(self._counters, ctx)


class Held:
    """What the limits of a handler gave to one call. It is given back at the end of the block."""

    __slots__ = ("_counters", "_ctx", "_releases")

    def __init__(self, counters: Sequence[Counter], ctx: InteractionContext[Any]) -> None:
        self._counters = counters
        self._ctx = ctx
        self._releases: list[Release] = []

    async def __aenter__(self) -> None:
        if not self._counters:
            return
        responder_of(self._ctx).releases = self._releases
        try:
            for counter in self._counters:
                if (release := await counter.take(self._ctx)) is not None:
                    self._releases.append(release)
        except BaseException:
            await self._release(failed=True)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._releases:
            await self._release(failed=kind is not None)

    async def _release(self, *, failed: bool) -> None:
        for stored in [release(failed) for release in reversed(self._releases)]:
            if stored is not None:
                await stored


NO_RULES = Rules((), ())


def rules_on(*holders: object) -> tuple[Rule, ...]:
    """The rules that stand on functions, groups, or what was made of a function, each once, from the top down.

    Those of every function behind are among them: behind decorators, `functools.partial`, bound methods and callable
    objects, however deep.
    """
    found = (rule for holder in holders for level in _levels(holder) for rule in getattr(level, _MARK, ()))
    return tuple(dict.fromkeys(found))  # functools.wraps copies what stands on the function inside


def _levels(holder: object) -> Iterator[object]:
    yield holder
    for name in ("func", "__wrapped__", "__func__"):
        behind = getattr(holder, name, None)
        if callable(behind):
            yield from _levels(behind)
    if callable(holder) and not inspect.isroutine(holder):
        yield from _levels(type(holder).__call__)


def rule_problems(rules: Iterable[Rule], mistake: Callable[[str, str, str], Problem]) -> list[Problem]:
    """What was written wrongly."""
    return [mistake("", *rule.wrong) for rule in rules if rule.wrong is not None]


def misplaced_rules(function: object, mistake: Callable[[str, str], Problem]) -> list[Problem]:
    """That rules stand on what nobody calls, a listener or a job: empty where none do."""
    fix = "Ask in the function itself, and return"
    problem = "guards are for what people call, and nobody is asked here"
    return [mistake(problem, fix)] if rules_on(function) else []


def can_be_decorated(value: object) -> bool:
    """Whether a value that came for a setting is a function or a group: the parentheses were forgotten."""
    return callable(value) or hasattr(value, "guarded_by")


def without_parentheses(rule: Rule, target: Any, decorator: str, example: str) -> Any:
    """The target of a decorator that stands without its parentheses, with the mistake on it."""
    rule.wrong = (f"@{decorator} stands without parentheses", f"Write `@{decorator}({example})`")
    return rule(target)


def _without_arguments(decorator: D) -> D:
    """Let a decorator that takes the function alone note a mistake if it stands with parentheses."""

    @wraps(decorator)
    def decorate(*targets: Any, **settings: Any) -> Any:
        if targets or settings:
            return decorator(*targets, **settings)
        rule, name = Rule(), f"@wisp.{decorator.__name__}"
        rule.wrong = (f"{name} stands with parentheses", f"Write `{name}`")
        return rule

    return cast(D, decorate)


# ---- place and people ----


@_without_arguments
def require_guild(target: T) -> T:
    """Refuse in direct messages."""
    return Check(_PLACE, _ask_guild)(target)


@_without_arguments
def require_owner(target: T) -> T:
    """Refuse whoever does not own the bot: its application's owner or team, or `owners=` where that is set."""
    return Check(_OWNER, _ask_owner)(target)


@_without_arguments
def require_admin(target: T) -> T:
    """Refuse members who are no administrators; in direct messages everybody."""
    return Check(_PERMISSIONS, lambda ctx: _ask_member(ctx, hikari.Permissions.ADMINISTRATOR))(target)


def require_permissions(
    *permissions: hikari.Permissions, bot: hikari.Permissions = hikari.Permissions.NONE
) -> Callable[[T], T]:
    """Refuse members who lack any of these permissions in the channel; in direct messages everybody.

    `bot` is what the bot itself needs there. Administrators have all.
    """
    if permissions and can_be_decorated(permissions[0]):
        example = "hikari.Permissions.BAN_MEMBERS"
        return without_parentheses(Rule(), permissions[0], "wisp.require_permissions", example)
    member = hikari.Permissions.NONE
    wrong = None
    for permission in (*permissions, bot):
        if not isinstance(permission, hikari.Permissions):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            wrong = (f"require_permissions got {permission!r}", "Give it hikari.Permissions.BAN_MEMBERS and the like")
    if wrong is None:
        for permission in permissions:
            member |= permission
        if not member and not bot:
            wrong = ("require_permissions names none", "Write `require_permissions(hikari.Permissions.BAN_MEMBERS)`")

    def ask(ctx: InteractionContext[Any]) -> None:
        _ask_member(ctx, member)
        granted = ctx.interaction.app_permissions or hikari.Permissions.NONE
        if missing := _missing(granted, bot):
            raise UserError(f"I need {_in_words(missing)} for this.")

    check = Check(_PERMISSIONS, ask)
    check.wrong = wrong
    return check


def guard(ask: Callable[..., Any]) -> Callable[[T], T]:
    """A guard of your own: `ask(ctx)`, plain or async, is True where the call may be made.

    False refuses it in general words, a text in these, and UserError in its own. Anything else is an error: neither
    would be right. The result is a decorator, to keep and to use as often as needed.
    """
    name = getattr(ask, "__name__", repr(ask))

    def judge(answer: object) -> None:
        if answer is True:
            return
        if answer is False or isinstance(answer, str):
            raise UserError(answer or _REFUSED)
        raise WispError(f'the guard "{name}" gave {answer!r}. Expected True, False, or a text that refuses')

    async def judged(answer: Awaitable[object]) -> None:
        judge(await answer)

    def asking(ctx: InteractionContext[Any]) -> Awaitable[object] | None:
        answer = ask(ctx)
        if inspect.isawaitable(answer):
            return judged(answer)
        judge(answer)
        return None

    check = Check(_OWN, asking)
    check.__wrapped__, check.__name__ = ask, name  # for who puts it where the function should be
    if not callable(ask):  # pyright: ignore[reportUnnecessaryComparison]: users err
        check.wrong = (f"wisp.guard got {ask!r}", "Give it a function of the context")
    elif problem := misfit(ask, "ctx"):
        check.wrong = (f'guard "{name}": {problem}', f"Write `def {name}(ctx)`")
    return check


@_without_arguments
def handle_errors(target: T) -> T:
    """Show people also what went wrong: the exception's text, beside the id that finds it in the log."""
    return _ShowsErrors()(target)


def _ask_guild(ctx: InteractionContext[Any]) -> None:
    if ctx.guild_id is None:
        raise UserError(_SERVERS_ONLY)


def _ask_owner(ctx: InteractionContext[Any]) -> None:
    if int(ctx.user.id) not in runtime_of(ctx).owners:
        raise UserError(_OWNERS_ONLY)


def _ask_member(ctx: InteractionContext[Any], needed: hikari.Permissions) -> None:
    if ctx.member is None:
        raise UserError(_SERVERS_ONLY)
    if missing := _missing(ctx.member.permissions, needed):
        raise UserError(f"You need {_in_words(missing)} for this.")


def _missing(granted: hikari.Permissions, needed: hikari.Permissions) -> hikari.Permissions:
    return hikari.Permissions.NONE if granted & hikari.Permissions.ADMINISTRATOR else needed & ~granted


# what people know by another name than the API's: https://support.discord.com/hc/en-us/articles/206029707
_NAMES = {
    "CREATE_INSTANT_INVITE": "Create Invite",
    "MANAGE_GUILD": "Manage Server",
    "VIEW_GUILD_INSIGHTS": "View Server Insights",
    "STREAM": "Video",
    "SEND_TTS_MESSAGES": "Send Text-to-Speech Messages",
    "MENTION_ROLES": "Mention @everyone, @here, and All Roles",
    "USE_EXTERNAL_EMOJIS": "Use External Emoji",
    "MANAGE_GUILD_EXPRESSIONS": "Manage Expressions",
    "CREATE_GUILD_EXPRESSIONS": "Create Expressions",
    "SEND_MESSAGES_IN_THREADS": "Send Messages in Threads",
    "START_EMBEDDED_ACTIVITIES": "Use Activities",
    "MODERATE_MEMBERS": "Timeout Members",
    "SEND_POLLS": "Create Polls",
}


def _in_words(permissions: hikari.Permissions) -> str:
    """Permissions as Discord's settings name them: "the permission Manage Server"."""
    names = [
        _NAMES.get(name, name.replace("_", " ").title())
        for name in (str(permission.name) for permission in sorted(permissions.split()))
    ]
    return f"the permission{'s' if len(names) > 1 else ''} {' and '.join(names)}"
