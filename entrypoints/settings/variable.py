"""How a settings group declares the variables that it is read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

T = TypeVar("T")

_KEY: Final = "variable"


@attrs.frozen(kw_only=True)
class Variable:
    """An environment variable; ``hint`` says what it is, if the service cannot start without it.

    ``parse`` raises ValueError with the end of a sentence that begins with the variable's name.
    """

    name: str
    parse: Callable[[str], Any]
    default: Any
    hint: str | None = None


@attrs.frozen
class Problem:
    """What is wrong with a combination of ``variables``, as a ``sentence``."""

    variables: frozenset[str]
    sentence: str


def required(name: str, parse: Callable[[str], str], hint: str, *, secret: bool = False) -> str:
    """Declare an attribute that is read from a variable without which the service cannot start.

    Args:
        name: The variable.
        parse: Turns its text into the value.
        hint: The end of the message "NAME is missing: …".
        secret: Whether ``repr`` leaves the value out.
    """
    field: str = _attribute(Variable(name=name, parse=parse, default="", hint=hint), secret)
    return field  # which attrs replaces with the value


def optional(name: str, parse: Callable[[str], T], default: T, *, secret: bool = False) -> T:
    """Declare an attribute that is read from a variable, or is ``default`` if that is absent."""
    field: T = _attribute(Variable(name=name, parse=parse, default=default), secret)
    return field


def variables_of(group: type[attrs.AttrsInstance]) -> dict[str, Variable]:
    """Return the variables of ``group`` by the attribute that each is read into."""
    return {field.name: field.metadata[_KEY] for field in attrs.fields(group)}


def _attribute(variable: Variable, secret: bool) -> Any:  # noqa: FBT001 - private
    return attrs.field(default=variable.default, repr=not secret, metadata={_KEY: variable})
