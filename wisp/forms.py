"""Forms: a class whose fields are the inputs of a Discord modal, and whose instances are what people typed."""

from __future__ import annotations

import inspect
import os
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import hikari
import msgspec

from . import limits
from .errors import AnswerError, Problem, UserError
from .handlers import in_words
from .inspection import (
    AnyOrder,
    Metadata,
    foreign_metadata,
    misplaced_metadata,
    resolve_annotations,
    underlying,
    unpack,
)
from .locations import place_of_class
from .options import short_repr

F = TypeVar("F", bound="Form")


class Field(Metadata):
    """What Discord shows of one input of a form: `Annotated[str, wisp.Field("Your text", multiline=True)]`.

    `label` (1 to 45 characters) stands above it, the field's name in words where it is left out; `placeholder` (up to
    100) inside while it is empty; `value` is what stands in it at first. `min` and `max` bound the characters
    (0 to 4000, 1 to 4000).
    """

    of = "inputs of forms"
    __slots__ = ("label", "max", "min", "multiline", "placeholder", "value")

    def __init__(
        self,
        label: str = "",
        *,
        placeholder: str = "",
        value: str = "",
        min: int | None = None,
        max: int | None = None,
        multiline: bool = False,
    ) -> None:
        self.label: str = label
        self.placeholder: str = placeholder
        self.value: str = value
        self.min: int | None = min
        self.max: int | None = max
        self.multiline: bool = multiline


class Form(msgspec.Struct, metaclass=AnyOrder):
    """A form of 1 to 5 inputs: each field, a `str`, is one; `await ctx.form(Feedback)` opens it.

    A field with a default may be left empty, and is the default then; `str | None` is None then.
    """


class _Input:
    __slots__ = ("default", "field", "name", "required")

    def __init__(self, name: str, field: Field, default: Any, *, required: bool) -> None:
        self.name = name
        self.field = field
        self.default = default
        self.required = required

    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "type": int(hikari.ComponentType.TEXT_INPUT),
            "custom_id": self.name,
            "style": int(hikari.TextInputStyle.PARAGRAPH if self.field.multiline else hikari.TextInputStyle.SHORT),
            "label": self.field.label or in_words(self.name),
            "required": self.required,
        }
        optional = {
            "placeholder": self.field.placeholder or None,
            "value": self.field.value or None,
            "min_length": self.field.min,
            "max_length": self.field.max,
        }
        return payload | {name: value for name, value in optional.items() if value is not None}

    def wrong_texts(self) -> Iterator[str]:
        """Say of a default that it is outside of the bounds, and of a `value` that it is too long to be sent.

        A `value` that is too short is one that the user continues. "" stands for a field that is left empty.
        """
        texts: list[tuple[str, Any, Any]] = [
            ("its default", self.default, self.field.min),
            ("its value", self.field.value, None),
        ]
        most: Any = self.field.max
        for what, text, least in texts:
            if not isinstance(text, str) or not text:
                continue
            if isinstance(most, int) and len(text) > most:
                yield f"{what} {short_repr(text)} is longer than max={most}"
            elif isinstance(least, int) and len(text) < least:
                yield f"{what} {short_repr(text)} is shorter than min={least}"


class _Row:
    """A row of a modal that was made already, where hikari asks for a builder."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self._payload = payload

    def build(self) -> tuple[dict[str, Any], tuple[()]]:
        return {"type": int(hikari.ComponentType.ACTION_ROW), "components": [self._payload]}, ()


def modal_of(form: type[Form]) -> tuple[str, list[Any]]:
    """Return the title and the rows of a form as a modal. Raises AnswerError if Discord would refuse it."""
    if problems := form_problems(form):
        raise AnswerError(str(problems[0]))
    return _title(form), [_Row(one.payload()) for one in _inputs(form)]


def read_form(form: type[F], typed: Mapping[str, str]) -> F:
    """Return a form with what a user typed. Raises UserError if that is out of bounds."""
    values: dict[str, Any] = {}
    for one in _inputs(form):
        text = typed.get(one.name, "")
        if text:
            values[one.name] = _checked(one, text)
        elif one.required:
            raise UserError(f"{one.payload()['label']} is needed.")
    nothing = {field.name: None for field in msgspec.structs.fields(form) if field.required}
    return form(**(nothing | values))


def form_problems(form: type[Form]) -> list[Problem]:
    """What Discord would not take of a form."""
    try:
        inputs = _inputs(form)
    except _Unusable as unusable:
        return [_problem(form, *unusable.args)]
    payload = {
        "title": _title(form),
        "custom_id": "form",
        "components": [_Row(one.payload()).build()[0] for one in inputs],
    }
    found: list[Problem] = []
    for problem in limits.modal_violations(payload):
        row = problem.path[1] if len(problem.path) > 1 else None
        of = f', field "{inputs[row].name}"' if isinstance(row, int) and row < len(inputs) else ""
        about = f"{problem.path[-1]}: " if problem.path else ""
        got = f" (got {problem.got})" if problem.got else ""
        found.append(_problem(form, of, f"{about}{problem.message.rstrip('.')}{got}", limits.fix_of(problem)[:-1]))
    for one in inputs:
        for problem in one.wrong_texts():
            found.append(_problem(form, f', field "{one.name}"', problem, "Change the text or the limit"))
    return found


def forms_in(function: Callable[..., Any]) -> list[type[Form]]:
    """The forms that a function comes to, as far as its code tells: to be checked before somebody opens one.

    What it calls by name is followed, through functions, methods of its own object and modules of the bot.
    """
    found: dict[type[Form], None] = {}
    seen: set[object] = set()
    following = [function]
    while following:
        for thing in _named_by(following.pop()):
            if isinstance(thing, type) and issubclass(thing, Form):
                if thing is not Form:
                    found[thing] = None
            elif isinstance(thing, (types.FunctionType, types.MethodType)) and thing not in seen and _is_ours(thing):
                seen.add(thing)
                following.append(thing)
    return list(found)


def _named_by(function: Callable[..., Any]) -> Iterable[object]:
    """What the names in the code of a function stand for: around it, in modules, and on the object of a method."""
    plain = underlying(function)
    if not hasattr(plain, "__code__"):
        return
    names = dict.fromkeys(_names_in(plain.__code__))
    cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=False)
    around = plain.__globals__ | {name: _content(cell) for name, cell in cells}
    holders = [thing for name in names if isinstance(thing := around.get(name), types.ModuleType)]
    holder: object = getattr(function, "__self__", None)
    for name in names:
        yield around.get(name)
        for module in holders:
            yield vars(module).get(name)
        thing = inspect.getattr_static(type(holder), name, None)
        yield types.MethodType(thing, holder) if isinstance(thing, types.FunctionType) else thing


def _is_ours(function: types.FunctionType | types.MethodType) -> bool:
    """Whether a function belongs to the bot, and not to a library."""
    name = str(underlying(function).__globals__.get("__name__"))
    file = underlying(function).__code__.co_filename
    return name.partition(".")[0] != "wisp" and not file.startswith(_LIBRARIES)


_LIBRARIES = (os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(hikari.__file__)))


def _names_in(code: CodeType) -> Iterable[str]:
    yield from (*code.co_names, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not yet
        return None


class _Unusable(Exception):
    """A field that no text input can be: (of what, problem, fix)."""


# weak, so that the form of a module that was unloaded can go
_INPUTS: WeakKeyDictionary[type[Form], tuple[_Input, ...]] = WeakKeyDictionary()


def _inputs(form: type[Form]) -> tuple[_Input, ...]:
    if form not in _INPUTS:
        _INPUTS[form] = _read_inputs(form)
    return _INPUTS[form]


def _read_inputs(form: type[Form]) -> tuple[_Input, ...]:
    try:
        hints = resolve_annotations(form)
    except Exception as error:
        fix = "Import the names of its annotations outside `if TYPE_CHECKING:`"
        raise _Unusable("", f"its annotations mean nothing at run time ({error})", fix) from None
    fields = msgspec.structs.fields(form)
    if not fields:
        raise _Unusable("", "it has no fields, and a form takes 1 to 5", "Add one, like `text: str`")
    if len(fields) > 5:
        raise _Unusable("", f"it has {len(fields)} fields, and a form takes 1 to 5", "Spread them over two forms")
    return tuple(_input(field, hints[field.name]) for field in fields)


def _input(field: msgspec.structs.FieldInfo, annotation: Any) -> _Input:
    of = f', field "{field.name}"'
    if misplaced := misplaced_metadata(field.name, "str", field.default):
        raise _Unusable(of, *misplaced)
    text, metadata, allows_none = unpack(annotation)
    if foreign := foreign_metadata(metadata, Field):
        raise _Unusable(of, *foreign)
    shown = [one for one in metadata if isinstance(one, Field)]
    if len(shown) > 1 or Field in metadata:
        raise _Unusable(of, "it needs one `wisp.Field(...)`", 'Write `Annotated[str, wisp.Field("label")]`')
    if text is not str:
        words = text.__name__ if isinstance(text, type) else text
        raise _Unusable(of, f"a form has text inputs only, and this is `{words}`", "Use `str` or `str | None`")
    if field.default not in (None, msgspec.NODEFAULT) and not isinstance(field.default, str):
        raise _Unusable(of, f"its default is {short_repr(field.default)}", "Give it a text, or None")
    if len(field.name) > 100:
        raise _Unusable(of, "its name takes more than 100 characters", "Shorten it")
    told = shown[0] if shown else Field()
    return _Input(field.name, told, field.default, required=field.required and not allows_none)


def _title(form: type[Form]) -> str:
    told = form.__doc__ if form.__doc__ and form.__doc__ != Form.__doc__ else ""
    return " ".join(told.strip().split("\n\n")[0].split()).rstrip(".") or in_words(form.__name__)


def _problem(form: type[Form], of: str, problem: str, fix: str) -> Problem:
    file, line = place_of_class(form)
    return Problem(f'form "{form.__name__}"{of}', problem, fix, file=file, line=line)


def _checked(one: _Input, text: str) -> str:
    """Discord holds clients to these bounds, and others can send forms too."""
    least, most = one.field.min or 0, one.field.max or limits.INPUT_VALUE
    if least <= len(text) <= most:
        return text
    raise UserError(f"{one.payload()['label']}: {least} to {most} characters are expected, and {len(text)} came.")
