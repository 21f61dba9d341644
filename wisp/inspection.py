"""Inspection: what the annotations and signatures of functions and classes mean at run time."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Union, cast

import msgspec

_BY_NAME = "__wisp_fields_by_name__"
_UNIONS = (Union, types.UnionType)


@typing.dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class AnyOrder(msgspec.StructMeta):
    """Make a struct in which a field with a default can stand above one without. Its fields are given by name then.

    msgspec does not inherit `kw_only` from a base class.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **settings: Any) -> Any:
        """Make the class. `settings` are those of msgspec, `kw_only` included."""
        if any(hasattr(base, _BY_NAME) for base in bases):
            settings.setdefault("kw_only", True)  # else msgspec puts the fields of the base class last
        try:
            return super().__new__(mcs, name, bases, namespace, **settings)
        except TypeError:
            if "kw_only" in settings:
                raise
        return super().__new__(mcs, name, bases, {**namespace, _BY_NAME: True}, kw_only=True, **settings)


class Metadata:
    """The base of what wisp reads inside `Annotated[...]`: `wisp.Option`, `wisp.Field`. `of` is what one describes."""

    __slots__ = ()

    of: ClassVar[str]


class Unpacked(NamedTuple):
    """An annotation taken apart: its type, the metadata of `Annotated` (inner first), and whether None is allowed."""

    type: Any
    metadata: tuple[Any, ...]
    allows_none: bool

    @property
    def bare(self) -> Any:
        """The annotation without the metadata."""
        return _union((self.type, type(None))) if self.allows_none else self.type


def underlying(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the written function behind decorators, `functools.partial`, bound methods and callable objects."""
    for name in ("func", "__wrapped__", "__func__"):
        behind = getattr(function, name, None)
        if callable(behind):
            return underlying(behind)
    return function if hasattr(function, "__code__") else type(function).__call__


def resolve_annotation(function: Callable[..., Any], name: str, names: Mapping[str, Any]) -> Any:
    """Return the type that the annotation of parameter `name` (or "return") stands for, as `expand` gives it.

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
    """Return the types of the fields of a class by name, as `expand` gives them. Raises as `resolve_annotation`."""
    return {name: expand(hint) for name, hint in typing.get_type_hints(cls, include_extras=True).items()}


def expand(annotation: Any) -> Any:
    """Replace aliases (`type X = ...`, generic ones included) and NewTypes at every level by what they stand for.

    A union of Literals and None becomes one Literal. A recursive alias is left in place inside of itself.
    """
    return _expanded(annotation, {}, ())


def unpack(annotation: Any) -> Unpacked:
    """Separate an expanded annotation from the metadata of `Annotated`, also of the parts of a union, and from None."""
    parts = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        inner = unpack(parts[0])
        return inner._replace(metadata=(*inner.metadata, *parts[1:]))
    if origin is Literal and None in parts and len(parts) > 1:
        return Unpacked(Literal[tuple(part for part in parts if part is not None)], (), True)
    if origin not in _UNIONS:
        return Unpacked(annotation, (), False)
    inner = [unpack(part) for part in parts if part is not type(None)]
    return Unpacked(
        _union(tuple(part.type for part in inner)),
        tuple(metadata for part in inner for metadata in part.metadata),
        len(inner) < len(parts) or any(part.allows_none for part in inner),
    )


def union_parts(annotation: Any) -> tuple[Any, ...]:
    """Return the parts of a union, or the annotation itself as the only part."""
    return typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else (annotation,)


def are_the_function(arguments: tuple[Any, ...]) -> bool:
    """Return whether a decorator of types stands without parentheses, and got the function instead of types."""
    return len(arguments) == 1 and callable(arguments[0]) and not _is_annotation(arguments[0])


def _is_annotation(value: object) -> bool:
    """Return whether a value is a type as annotations name one: a class, a union, an alias, `Annotated[...]`."""
    return isinstance(value, type) or typing.get_origin(value) is not None or _is_alias(value)


def wrong_context(function: Callable[..., Any], name: str, names: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (problem, fix) if the first parameter is annotated with a class that the context `wisp.<name>` is not.

    Base classes, protocols and what has no meaning at run time are accepted.
    """
    import wisp

    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None or first.annotation is first.empty:
        return None
    try:
        annotated = unpack(resolve_annotation(function, first.name, names)).type
        if any(_includes(typing.get_origin(part) or part, getattr(wisp, name)) for part in union_parts(annotated)):
            return None
    except Exception:  # a name for type checkers alone
        return None
    problem = f"its context is annotated as `{inspect.formatannotation(annotated)}`, and it gets a `wisp.{name}`"
    return problem, f"Write `{first.name}: wisp.{name}`"


def _includes(annotated: Any, context: type) -> bool:
    if annotated is Any or not isinstance(annotated, type) or getattr(annotated, "_is_protocol", False):
        return True
    return issubclass(context, annotated) or issubclass(annotated, context)


def misplaced_metadata(name: str, annotation: Any, default: object) -> tuple[str, str] | None:
    """Return (problem, fix) if a `wisp.Option` or `wisp.Field` is the default of a parameter or field."""
    cls = default if isinstance(default, type) else type(default)
    if not issubclass(cls, Metadata):
        return None
    told = "str" if annotation is inspect.Parameter.empty else annotation
    words = told if isinstance(told, str) else inspect.formatannotation(told)
    fix = f"Write `{name}: Annotated[{words}, wisp.{cls.__name__}(...)]`"
    return f"`wisp.{cls.__name__}` is its default, and belongs in its annotation", fix


def foreign_metadata(metadata: Iterable[Any], own: type[Metadata] | None = None) -> tuple[str, str] | None:
    """Return (problem, fix) if the metadata of an annotation has a `wisp.Option` or `wisp.Field` that is not `own`."""
    for one in metadata:
        cls = one if isinstance(one, type) else type(one)
        if issubclass(cls, Metadata) and (own is None or not issubclass(cls, own)):
            fix = f"Write `wisp.{own.__name__}(...)`" if own else "Remove it"
            return f"its annotation has a `wisp.{cls.__name__}`, which is for {cls.of}", fix
    return None


def _is_alias(annotation: Any) -> bool:
    """Return whether this is a `type X = ...`, of Python 3.12 or of typing_extensions."""
    return type(annotation).__name__ == "TypeAliasType"


def _expanded(annotation: Any, bound: Mapping[Any, Any], within: tuple[Any, ...]) -> Any:
    """Expand an annotation in which type parameters stand for `bound`, inside of the aliases `within`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    alias = origin if _is_alias(origin) else annotation
    if _is_alias(alias):
        if alias in within:
            return annotation
        given = tuple(_expanded(argument, bound, within) for argument in arguments)
        return _expanded(alias.__value__, _bound(alias.__type_params__, given), (*within, alias))
    if isinstance(annotation, typing.TypeVar):
        return bound.get(annotation, annotation)
    if isinstance(annotation, typing.NewType):
        return _expanded(annotation.__supertype__, bound, within)
    if origin is Literal:
        return _literal(arguments, within)
    if origin is Annotated:
        return Annotated[(_expanded(arguments[0], bound, within), *arguments[1:])]
    parts = tuple(_expanded(argument, bound, within) for argument in arguments)
    if origin in _UNIONS:
        return _union(parts)
    if isinstance(origin, type) and parts != arguments:
        return cast(Any, origin)[parts]
    return annotation


def _bound(parameters: tuple[Any, ...], given: tuple[Any, ...]) -> dict[Any, Any]:
    """Map the type parameters of an alias to the types that it was given, or to their defaults (Python 3.13)."""
    bound = {parameter: parameter.__default__ for parameter in parameters if _has_default(parameter)}
    return bound | dict(zip(parameters, given, strict=False))


def _has_default(parameter: Any) -> bool:
    return hasattr(parameter, "has_default") and parameter.has_default()


def _literal(values: tuple[Any, ...], within: tuple[Any, ...]) -> Any:
    """Build a Literal in which aliases of other Literals are replaced by their values."""
    expanded = [_expanded(value, {}, within) if _is_alias(value) else value for value in values]
    return Literal[tuple(expanded)]


def _union(parts: tuple[Any, ...]) -> Any:
    """Build a union; a Literal if there is nothing but Literals and None in it."""
    literals = [part for part in parts if typing.get_origin(part) is Literal]
    if literals and all(part in literals or part is type(None) for part in parts):
        values = (typing.get_args(part) if part in literals else (None,) for part in parts)
        return Literal[tuple(value for several in values for value in several)]
    return Union[parts]  # noqa: UP007 - the parts are known only here


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


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call gives a coroutine: of an async function or method, or an object with such a `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(underlying(function))


def call_problem(function: object, *arguments: str) -> str:
    """Return why a value cannot be called with these positional arguments and awaited, "" if it can."""
    if not callable(function):
        return f"it is a value of type {type(function).__name__}, and no function"
    return misfit(function, *arguments) if is_async(function) else "its function is not async"


def method_problem(owner: object, name: str, *arguments: str) -> str:
    """Return why a method of an object is not async, or does not take these arguments; "" if it does."""
    problem = call_problem(getattr(owner, name), *arguments)
    return problem and f"its {name} is not `async def {name}({', '.join(('self', *arguments))})`: {problem}"
