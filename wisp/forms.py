"""Forms: a class whose fields are the inputs of a Discord modal, and whose instances are submitted forms."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from types import FunctionType, ModuleType
from typing import Any, ClassVar, NamedTuple, TypeVar

import hikari
import msgspec

from . import limits
from .errors import AnswerError, Problem, UserError
from .inspection import (
    InvalidDefinition,
    Metadata,
    in_words,
    refuse_misplaced,
    resolve_annotations,
    short_repr,
    underlying,
    unpack,
)
from .locations import place_of_class
from .structs import AnyOrder

F = TypeVar("F", bound="Form")


@dataclass(eq=False, slots=True)
class Field(Metadata):
    """What Discord shows of one input of a form: `Annotated[str, wisp.Field("Your text", multiline=True)]`.

    `label` (1 to 45 characters) is shown above it, by default the field's name in words; `placeholder` (up to 100)
    inside while it is empty; `value` is its text at first. `min` and `max` bound the characters (0 to 4000, 1 to 4000).
    """

    of: ClassVar[str] = "inputs of forms"

    label: str = ""
    _: KW_ONLY
    placeholder: str = ""
    value: str = ""
    min: int | None = None
    max: int | None = None
    multiline: bool = False


class Form(msgspec.Struct, metaclass=AnyOrder):
    """A form of 1 to 5 inputs, one for each field, a `str`: `await ctx.form(Feedback)` opens it.

    A field with a default may be left empty, and is the default then; `str | None` is None then.
    """


class _Input(NamedTuple):
    name: str
    label: str
    field: Field
    is_required: bool
    has_default: bool

    def row(self) -> hikari.impl.ModalActionRowBuilder:
        field = self.field
        return hikari.impl.ModalActionRowBuilder().add_text_input(
            self.name,
            self.label,
            style=hikari.TextInputStyle.PARAGRAPH if field.multiline else hikari.TextInputStyle.SHORT,
            placeholder=field.placeholder or hikari.UNDEFINED,
            value=field.value or hikari.UNDEFINED,
            required=self.is_required,
            min_length=0 if field.min is None else field.min,
            max_length=limits.INPUT_VALUE if field.max is None else field.max,
        )

    def read(self, text: str) -> str:
        """Return a text that was submitted. Raises UserError if it is out of bounds: a modified client can send it."""
        least, most = self.field.min or 0, self.field.max or limits.INPUT_VALUE
        if least <= len(text) <= most:
            return text
        raise UserError(f"{self.label}: enter {least} to {most} characters, not {len(text)}.")


def _inputs_of(form: type[Form]) -> list[_Input]:
    """Return the inputs of a form. Raises InvalidDefinition if one of its fields is no text input."""
    try:
        hints = resolve_annotations(form)
    except Exception as error:
        fix = "Import the names of its annotations outside `if TYPE_CHECKING:`"
        raise InvalidDefinition(f"its annotations cannot be evaluated ({error})", fix) from None
    return [_read_input(field, hints[field.name]) for field in msgspec.structs.fields(form)]


def _read_input(field: msgspec.structs.FieldInfo, hint: Any) -> _Input:
    try:
        refuse_misplaced(field.name, "str", field.default)
        annotation = unpack(hint)
        shown = annotation.only(Field) or Field()
        if annotation.type is not str:
            words = annotation.type.__name__ if isinstance(annotation.type, type) else annotation.type
            raise InvalidDefinition(f"a form has text inputs only, and this is `{words}`", "Use `str` or `str | None`")
        if not (field.required or field.default is None or isinstance(field.default, str)):
            raise InvalidDefinition(f"its default is {short_repr(field.default)}", "Give it a str, or None")
    except InvalidDefinition as invalid:
        raise InvalidDefinition(f'field "{field.name}": {invalid.message}', invalid.fix) from None
    is_required = field.required and not annotation.allows_none
    return _Input(field.name, shown.label or in_words(field.name), shown, is_required, not field.required)


def _title_of(form: type[Form]) -> str:
    """Return the first paragraph of the docstring of a form, else its name in words."""
    told = form.__doc__ if form.__doc__ and form.__doc__ != Form.__doc__ else ""
    return " ".join(told.strip().split("\n\n")[0].split()).rstrip(".") or in_words(form.__name__)


def modal_of(form: type[Form]) -> tuple[str, list[hikari.impl.ModalActionRowBuilder]]:
    """Return the title and the rows of a form as a modal. Raises AnswerError if Discord would refuse it."""
    if problems := form_problems(form):
        raise AnswerError(str(problems[0]))
    return _title_of(form), [one.row() for one in _inputs_of(form)]


def read_form(form: type[F], typed: dict[str, str]) -> F:
    """Return a submitted form, of the texts by field. Raises UserError if one is missing or out of bounds."""
    values: dict[str, str | None] = {}
    for one in _inputs_of(form):
        if text := typed.get(one.name, ""):
            values[one.name] = one.read(text)
        elif one.is_required:
            raise UserError(f"{one.label} is needed.")
        elif not one.has_default:
            values[one.name] = None
    return form(**values)


# ---- problems ----


def form_problems(form: type[Form]) -> list[Problem]:
    """Return what Discord would refuse in a form."""

    def problem(message: str, fix: str) -> Problem:
        file, line = place_of_class(form)
        return Problem(f'form "{form.__name__}"', message, fix, file=file, line=line)

    try:
        inputs = _inputs_of(form)
    except InvalidDefinition as invalid:
        return [problem(invalid.message, invalid.fix)]
    if not 1 <= len(inputs) <= 5:
        fix = "Spread them over two forms" if inputs else "Add one, like `text: str`"
        return [problem(f"it has {len(inputs)} fields, and a form takes 1 to 5", fix)]
    rows = [one.row().build()[0] for one in inputs]
    found: list[Problem] = []
    for violation in limits.modal_violations({"title": _title_of(form), "custom_id": "form", "components": rows}):
        from .limit_fixes import fix_of

        of = f'field "{inputs[int(violation.path[1])].name}": ' if len(violation.path) > 1 else ""
        about = f"{violation.path[-1]}: " if violation.path else ""
        got = f" (got {violation.got})" if violation.got else ""
        found.append(problem(f"{of}{about}{violation.message.rstrip('.')}{got}", fix_of(violation)[:-1]))
    if not found:
        for one in inputs:  # Discord itself accepts a value that is too short, which the user continues
            if one.field.max is not None and len(one.field.value) > one.field.max:
                message = f'field "{one.name}": its value {short_repr(one.field.value)} is longer than max='
                found.append(problem(f"{message}{one.field.max}", "Change the text or the limit"))
    return found


def problems_around(functions: Iterable[Callable[..., Any]]) -> list[Problem]:
    """Return the problems of the forms in the files of these functions, and in the files that those import from.

    A form that is defined inside a function is found if one of these functions uses it there.
    """
    functions = [*map(underlying, functions)]
    files: dict[int, Mapping[str, Any]] = {id(names): names for names in map(_globals_of, functions)}
    for names in list(files.values()):
        for value in names.values():
            if imported := _namespace_of(value):
                files[id(imported)] = imported
            if isinstance(value, type):
                files[id(value)] = vars(value)  # a form in a class
    values = [value for names in files.values() for value in names.values()]
    values += [value for function in functions for value in _closure_of(function)]
    # by its type: `isinstance` asks a proxy for its class, and it may have none yet
    forms = dict.fromkeys(value for value in values if type(value) is AnyOrder and issubclass(value, Form))
    return [problem for form in forms if form is not Form for problem in form_problems(form)]


def _globals_of(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(function, "__globals__", {})


def _closure_of(function: Callable[..., Any]) -> Iterator[object]:
    """Yield what a function uses of the functions around it."""
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # it is not defined yet
            yield cell.cell_contents


def _namespace_of(value: object) -> dict[str, Any]:
    """Return the names of an imported module, or of the file that defines an imported function or class."""
    if isinstance(value, (type, FunctionType)):
        value = sys.modules.get(value.__module__)
    return vars(value) if isinstance(value, ModuleType) else {}
