"""Inspection: what the signatures, annotations and settings of the bot's functions and classes mean at run time."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, Union, cast

S = TypeVar("S")

_UNIONS = (Union, types.UnionType)


class InvalidDefinition(Exception):
    """A definition that wisp or Discord cannot use: what is wrong with it, and what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message, fix)
        self.message: str = message
        self.fix: str = fix


# ---- functions ----


def underlying(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the written function behind decorators, `functools.partial`, bound methods and callable objects."""
    for name in ("func", "__wrapped__", "__func__"):
        behind = getattr(function, name, None)
        if callable(behind):
            return underlying(behind)
    return function if hasattr(function, "__code__") else type(function).__call__


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call returns a coroutine: of an async function or method, or an object with such `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(underlying(function))


def misfit(function: Callable[..., Any], *arguments: str, **fields: str) -> str:
    """Return why a call with these positional arguments and keyword arguments fails, "" if the function takes them."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C: unknown
        return ""
    try:
        signature.bind(*arguments, **fields)
    except TypeError as error:
        return f"it is called with ({', '.join([*arguments, *(f'{name}=' for name in fields)])}), which fails: {error}"
    return ""


def call_problem(function: object, *arguments: str) -> str:
    """Return why a value cannot be called with these positional arguments and awaited, "" if it can."""
    if not callable(function):
        return f"it is a value of type {type(function).__name__}, not a function"
    return misfit(function, *arguments) if is_async(function) else "its function is not async"


def method_problem(owner: object, name: str, *arguments: str) -> str:
    """Return why a method of an object is not async, or does not take these arguments; "" if it does."""
    problem = call_problem(getattr(owner, name), *arguments)
    return problem and f"its {name} is not `async def {name}({', '.join(('self', *arguments))})`: {problem}"


def are_the_function(arguments: tuple[Any, ...]) -> bool:
    """Return whether a decorator that takes types has no parentheses, and so got the function instead of types."""
    if len(arguments) != 1 or not callable(arguments[0]):
        return False
    return not (isinstance(arguments[0], type) or typing.get_origin(arguments[0]) or _is_alias(arguments[0]))


def first_paragraph(function: Callable[..., Any]) -> str:
    """Return the first paragraph of a docstring, on one line."""
    # functools.partial and the like have docstrings about themselves
    return " ".join((inspect.getdoc(underlying(function)) or "").split("\n\n")[0].split())


def in_words(name: str) -> str:
    """Return a name as the beginning of a sentence: `last_seen` is "Last seen"."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name


def short_repr(value: object) -> str:
    """Return a value of the bot's code for a message: at most 60 characters, even if its `__repr__` raises."""
    try:
        text = repr(value)
    except Exception:
        text = f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."


# ---- parameters ----


class Metadata:
    """Base of what wisp reads inside `Annotated[...]`: `wisp.Option`, `wisp.Field`. `of` is what one describes."""

    __slots__ = ()

    of: ClassVar[str]


M = TypeVar("M", bound=Metadata)


class Annotation(NamedTuple):
    """An annotation taken apart: its type, the metadata of `Annotated` (inner first), and whether None is allowed."""

    type: Any
    metadata: tuple[Any, ...]
    allows_none: bool

    @property
    def bare(self) -> Any:
        """The annotation without the metadata."""
        return _union((self.type, type(None))) if self.allows_none else self.type

    def only(self, own: type[M]) -> M | None:
        """Return the metadata of this class, None without any. Raises InvalidDefinition for other or several ones."""
        self.refuse_metadata(own)
        found = [one for one in self.metadata if isinstance(one, own)]
        if len(found) > 1:
            raise InvalidDefinition(f"it has {len(found)} `wisp.{own.__name__}`s", "Keep one of them")
        return found[0] if found else None

    def refuse_metadata(self, own: type[Metadata] | None = None) -> None:
        """Raise InvalidDefinition if the metadata has a `wisp.Option` or `wisp.Field` other than instances of `own`."""
        for one in self.metadata:
            cls = one if isinstance(one, type) else type(one)
            if issubclass(cls, Metadata) and (cls is one or cls is not own):
                problem = "is not called" if cls is own else f"is for {cls.of}"
                fix = f"Write `wisp.{own.__name__}(...)`" if own else "Remove it"
                raise InvalidDefinition(f"the `wisp.{cls.__name__}` in its annotation {problem}", fix)


class Parameter:
    """One parameter of a function. `kind` and `default` are those of `inspect.Parameter`.

    `names` are the local names around the function, for annotations that are text.
    """

    def __init__(self, function: Callable[..., Any], written: inspect.Parameter, names: Mapping[str, Any]) -> None:
        self.name: str = written.name
        self.kind: Any = written.kind
        self.default: Any = written.default
        self._function = function
        self._names = names
        self._written = written

    def __str__(self) -> str:
        return str(self._written)

    @property
    def has_default(self) -> bool:
        """Whether it can be left out."""
        return self.default is not inspect.Parameter.empty

    @property
    def is_annotated(self) -> bool:
        """Whether it has an annotation."""
        return self._written.annotation is not inspect.Parameter.empty

    @property
    def is_named(self) -> bool:
        """Whether it takes one argument by name."""
        return self.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

    def check_default(self) -> None:
        """Raise InvalidDefinition if a `wisp.Option` or `wisp.Field` is its default, in place of in its annotation."""
        refuse_misplaced(self.name, self._written.annotation, self.default)

    def resolve(self) -> Any:
        """Return what its annotation stands for, as `expand` does. Raises InvalidDefinition if there is none."""
        if not self.is_annotated:
            raise InvalidDefinition("it has no annotation", f"Add one, for example `{self.name}: str`")
        try:
            return resolve_annotation(self._function, self.name, self._names)
        except Exception as error:
            raise InvalidDefinition(
                f"its annotation `{self._written.annotation}` cannot be evaluated ({error})",
                "Import the name outside `if TYPE_CHECKING:`, and define it before the function",
            ) from None

    def read(self) -> Annotation:
        """Return its annotation taken apart. Raises InvalidDefinition if there is none."""
        return unpack(self.resolve())


def read_parameters(function: Callable[..., Any], names: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters of a function, in order; none if it is written in C, and they are unknown."""
    try:
        written = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [Parameter(function, one, names) for one in written]


def refuse_misplaced(name: str, annotation: Any, default: object) -> None:
    """Raise InvalidDefinition if a `wisp.Option` or `wisp.Field` is the default of a parameter or field."""
    cls = default if isinstance(default, type) else type(default)
    if issubclass(cls, Metadata):
        written = "str" if annotation is inspect.Parameter.empty else annotation
        written = written if isinstance(written, str) else inspect.formatannotation(written)
        fix = f"Write `{name}: Annotated[{written}, wisp.{cls.__name__}(...)]`"
        raise InvalidDefinition(f"`wisp.{cls.__name__}` is its default, and belongs in its annotation", fix)


C = TypeVar("C", bound=type)


def requested_context(parameters: list[Parameter], *contexts: C) -> C:
    """Return which of these classes the first parameter is annotated with: the first, unless it names a later one.

    Later classes are subclasses of the first. Base classes, protocols and names that only a type checker knows stand
    for the first. Raises InvalidDefinition if the annotation excludes all of them.
    """
    try:
        annotated = parameters[0].read().type
    except (IndexError, InvalidDefinition):
        return contexts[0]
    parts: list[Any] = [typing.get_origin(part) or part for part in union_parts(annotated)]
    classes = [part for part in parts if _is_plain_class(part)]
    first = contexts[0]
    for later in reversed(contexts[1:]):
        if classes == parts and all(issubclass(cls, later) for cls in classes):
            return later
    if classes != parts or any(issubclass(cls, first) or issubclass(first, cls) for cls in classes):
        return first
    problem = f"its first parameter is annotated as `{inspect.formatannotation(annotated)}`, and it gets a "
    right = f"wisp.{first.__name__}"
    raise InvalidDefinition(f"{problem}`{right}`", f"Write `{parameters[0].name}: {right}`")


def _is_plain_class(annotation: Any) -> bool:
    return isinstance(annotation, type) and annotation is not Any and not getattr(annotation, "_is_protocol", False)


# ---- annotations ----


def resolve_annotation(function: Callable[..., Any], name: str, names: Mapping[str, Any]) -> Any:
    """Return the type that the annotation of parameter `name` (or "return") stands for, as `expand` does.

    The annotation can be text. `names` are the local names around the function. Raises any exception that evaluating
    the annotation raises, such as NameError.
    """
    plain = underlying(function)
    holder = types.SimpleNamespace(__annotations__={name: plain.__annotations__[name]})
    hints = typing.get_type_hints(
        holder, globalns=getattr(plain, "__globals__", {}), localns=dict(names), include_extras=True
    )
    return expand(hints[name])


def resolve_annotations(cls: type) -> dict[str, Any]:
    """Return the types of the fields of a class by name, as `expand` does. Raises as `resolve_annotation`."""
    return {name: expand(hint) for name, hint in typing.get_type_hints(cls, include_extras=True).items()}


def unpack(annotation: Any) -> Annotation:
    """Separate an expanded annotation from the metadata of `Annotated`, also of the parts of a union, and from None."""
    parts = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        inner = unpack(parts[0])
        return inner._replace(metadata=(*inner.metadata, *parts[1:]))
    if origin is Literal and None in parts and len(parts) > 1:
        return Annotation(Literal[tuple(part for part in parts if part is not None)], (), True)
    if origin not in _UNIONS:
        return Annotation(annotation, (), False)
    inner = [unpack(part) for part in parts if part is not type(None)]
    return Annotation(
        _union(tuple(part.type for part in inner)),
        tuple(metadata for part in inner for metadata in part.metadata),
        len(inner) < len(parts) or any(part.allows_none for part in inner),
    )


def union_parts(annotation: Any) -> tuple[Any, ...]:
    """Return the parts of a union, or the annotation itself as the only part."""
    return typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else (annotation,)


def expand(annotation: Any, within: tuple[Any, ...] = ()) -> Any:
    """Replace aliases (`type X = ...`) and NewTypes at every level by what they stand for.

    A union of Literals and None becomes one Literal. An alias `within` itself is left in place, as is a generic one.
    """
    if _is_alias(annotation):
        return annotation if annotation in within else expand(annotation.__value__, (*within, annotation))
    if isinstance(annotation, typing.NewType):
        return expand(annotation.__supertype__, within)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return Annotated[(expand(arguments[0], within), *arguments[1:])]
    parts = tuple(expand(argument, within) for argument in arguments)
    if origin in _UNIONS:
        return _union(parts)
    return cast(Any, origin)[parts] if isinstance(origin, type) and parts != arguments else annotation


def _is_alias(annotation: Any) -> bool:
    return type(annotation).__name__ == "TypeAliasType"  # of Python 3.12, or of typing_extensions


def _union(parts: tuple[Any, ...]) -> Any:
    """Build a union; a Literal if there is nothing but Literals and None in it."""
    literals = [part for part in parts if typing.get_origin(part) is Literal]
    if literals and all(part in literals or part is type(None) for part in parts):
        values = (typing.get_args(part) if part in literals else (None,) for part in parts)
        return Literal[tuple(value for several in values for value in several)]
    return Union[parts]  # noqa: UP007 - the parts are known only here


# ---- settings ----


SettingChecks = Mapping[str, tuple[Callable[[object], bool], str]]
"""For each setting that a decorator takes: a test of its value, and the words for what passes it."""


def checked_settings(settings: S, checks: SettingChecks, decorator: str) -> tuple[S, list[tuple[str, str]]]:
    """Return the settings that can be used, and (message, fix) of each that cannot."""
    usable: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in cast("dict[str, Any]", settings).items():
        if name not in checks:
            near = difflib.get_close_matches(name, checks, 1, cutoff=0.5)
            fix = f"Did you mean {near[0]}=?" if near else f"It takes {', '.join(checks)}"
            wrong.append((f"{decorator} has no setting {name}=", fix))
        elif value is not None and checks[name][0](value):
            usable[name] = value
        elif value is not None:
            wrong.append((f"{name}= is {value!r}", f"Give it {checks[name][1]}"))
    return cast(S, usable), wrong


def is_str(value: object) -> bool:
    """Return whether a setting is a str."""
    return isinstance(value, str)


def is_bool(value: object) -> bool:
    """Return whether a setting is True or False."""
    return isinstance(value, bool)


def maps_to_str(value: object) -> bool:
    """Return whether a setting maps anything to str."""
    return isinstance(value, Mapping) and all(map(is_str, cast("Mapping[Any, Any]", value).values()))


def is_filled_with(cls: type) -> Callable[[object], bool]:
    """Return a test for lists, tuples and sets that have members, all of this class (bool is not an int here)."""

    def check(value: object) -> bool:
        values = cast("list[object]", value) if isinstance(value, (list, tuple, set, frozenset)) else []
        return bool(values) and all(isinstance(one, cls) and not isinstance(one, bool) for one in values)

    return check
