"""Forms: a class whose fields are the inputs of a Discord modal, and whose instances are submitted forms."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from types import FunctionType, ModuleType
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

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


class _Input:
    def __init__(self, name: str, field: Field, default: Any, *, required: bool) -> None:
        self.name: str = name
        self.field: Field = field
        self.default: Any = default
        self.required: bool = required
        self.label: str = field.label or in_words(name)
        payload = {
            "type": int(hikari.ComponentType.TEXT_INPUT),
            "custom_id": name,
            "style": int(hikari.TextInputStyle.PARAGRAPH if field.multiline else hikari.TextInputStyle.SHORT),
            "label": self.label,
            "required": required,
            "placeholder": field.placeholder or None,
            "value": field.value or None,
            "min_length": field.min,
            "max_length": field.max,
        }
        self.payload: dict[str, Any] = {key: value for key, value in payload.items() if value is not None}

    def problems(self) -> Iterator[str]:
        """Yield a message if the default is out of bounds, and one if `value` is too long.

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

    def read(self, text: str) -> str:
        """Return a text that was submitted. Raises UserError if it is out of bounds: a modified client can send it."""
        least, most = self.field.min or 0, self.field.max or limits.INPUT_VALUE
        if least <= len(text) <= most:
            return text
        raise UserError(f"{self.label}: enter {least} to {most} characters, not {len(text)}.")


class Row:
    """A row of a modal whose payload is made already, for functions that take one of hikari's builders."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self._payload = payload

    def build(self) -> tuple[dict[str, Any], tuple[()]]:
        """Return the row as JSON."""
        return {"type": int(hikari.ComponentType.ACTION_ROW), "components": [self._payload]}, ()


# ---- from a class to inputs ----


# weak, so that the form of a module that was unloaded can be collected
_inputs: WeakKeyDictionary[type[Form], tuple[_Input, ...]] = WeakKeyDictionary()


def inputs_of(form: type[Form]) -> tuple[_Input, ...]:
    """Return the inputs of a form. Raises InvalidDefinition if there are none, or too many, or one is no text input."""
    if form not in _inputs:
        _inputs[form] = _read_inputs(form)
    return _inputs[form]


def _read_inputs(form: type[Form]) -> tuple[_Input, ...]:
    try:
        hints = resolve_annotations(form)
    except Exception as error:
        fix = "Import the names of its annotations outside `if TYPE_CHECKING:`"
        raise InvalidDefinition(f"its annotations cannot be evaluated ({error})", fix) from None
    fields = msgspec.structs.fields(form)
    if not fields:
        raise InvalidDefinition("it has no fields, and a form takes 1 to 5", "Add one, like `text: str`")
    if len(fields) > 5:
        problem = f"it has {len(fields)} fields, and a form takes 1 to 5"
        raise InvalidDefinition(problem, "Spread them over two forms")
    return tuple(_read_input(field, hints[field.name]) for field in fields)


def _read_input(field: msgspec.structs.FieldInfo, hint: Any) -> _Input:
    try:
        refuse_misplaced(field.name, "str", field.default)
        annotation = unpack(hint)
        shown = annotation.only(Field) or Field()
        if annotation.type is not str:
            words = annotation.type.__name__ if isinstance(annotation.type, type) else annotation.type
            problem = f"a form has text inputs only, and this is `{words}`"
            raise InvalidDefinition(problem, "Use `str` or `str | None`")
        if field.default not in (None, msgspec.NODEFAULT) and not isinstance(field.default, str):
            raise InvalidDefinition(f"its default is {short_repr(field.default)}", "Give it a str, or None")
        if len(field.name) > limits.CUSTOM_ID[1]:
            raise InvalidDefinition(f"its name takes more than {limits.CUSTOM_ID[1]} characters", "Shorten it")
    except InvalidDefinition as invalid:
        raise InvalidField(field.name, invalid) from None
    return _Input(field.name, shown, field.default, required=field.required and not annotation.allows_none)


class InvalidField(InvalidDefinition):
    """A field of a form that no text input can be."""

    def __init__(self, name: str, invalid: InvalidDefinition) -> None:
        super().__init__(invalid.message, invalid.fix)
        self.name: str = name


def title_of(form: type[Form]) -> str:
    """Return the title of a form: the first paragraph of its docstring, else its name in words."""
    told = form.__doc__ if form.__doc__ and form.__doc__ != Form.__doc__ else ""
    return " ".join(told.strip().split("\n\n")[0].split()).rstrip(".") or in_words(form.__name__)


def modal_of(form: type[Form]) -> tuple[str, list[Any]]:
    """Return the title and the rows of a form as a modal. Raises AnswerError if Discord would refuse it."""
    if problems := form_problems(form):
        raise AnswerError(str(problems[0]))
    return title_of(form), [Row(one.payload) for one in inputs_of(form)]


def read_form(form: type[F], typed: dict[str, str]) -> F:
    """Return a submitted form, of the texts by field. Raises UserError if one is missing or out of bounds."""
    values: dict[str, Any] = {}
    for one in inputs_of(form):
        if text := typed.get(one.name, ""):
            values[one.name] = one.read(text)
        elif one.required:
            raise UserError(f"{one.label} is needed.")
    nothing = {field.name: None for field in msgspec.structs.fields(form) if field.required}
    return form(**(nothing | values))


# ---- problems ----


def form_problems(form: type[Form]) -> list[Problem]:
    """Return what Discord would refuse in a form."""

    def problem(field: str | None, message: str, fix: str) -> Problem:
        of = f', field "{field}"' if field else ""
        file, line = place_of_class(form)
        return Problem(f'form "{form.__name__}"{of}', message, fix, file=file, line=line)

    try:
        inputs = inputs_of(form)
    except InvalidDefinition as invalid:
        return [problem(getattr(invalid, "name", None), invalid.message, invalid.fix)]
    payload = {
        "title": title_of(form),
        "custom_id": "form",
        "components": [Row(one.payload).build()[0] for one in inputs],
    }
    found: list[Problem] = []
    for violation in limits.modal_violations(payload):
        from .limit_fixes import fix_of

        row = violation.path[1] if len(violation.path) > 1 else None
        field = inputs[row].name if isinstance(row, int) and row < len(inputs) else None
        about = f"{violation.path[-1]}: " if violation.path else ""
        got = f" (got {violation.got})" if violation.got else ""
        found.append(problem(field, f"{about}{violation.message.rstrip('.')}{got}", fix_of(violation)[:-1]))
    for one in inputs:
        found += [problem(one.name, message, "Change the text or the limit") for message in one.problems()]
    return found


def problems_around(functions: Iterable[Callable[..., Any]]) -> list[Problem]:
    """Return the problems of all forms in the modules of these functions, and in the modules that those import from."""
    modules = set[object]()
    for module in {id(names): names for names in map(_globals_of, functions)}.values():
        modules.add(module.get("__name__"))
        for value in module.values():
            if isinstance(value, ModuleType):
                modules.add(value.__name__)
            elif isinstance(value, (type, FunctionType)):
                modules.add(value.__module__)
    if any(form_problems(form) for form in _forms_in(modules)):
        gc.collect()  # some may be of a function that has ended, or of a module that was reloaded
    return [problem for form in _forms_in(modules) for problem in form_problems(form)]


def _globals_of(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(underlying(function), "__globals__", {})


def _forms_in(modules: set[object], base: type[Form] = Form) -> Iterator[type[Form]]:
    """Return all living forms that are defined in these modules. Python's list of subclasses is a weak one."""
    for form in base.__subclasses__():
        if form.__module__ in modules:
            yield form
        yield from _forms_in(modules, form)
