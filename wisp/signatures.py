"""Signatures: whether a function can be called, and awaited, as wisp does that."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .annotations import underlying


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
