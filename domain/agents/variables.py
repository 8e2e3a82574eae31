"""Variables of a saved agent: ``{{customer_name}}`` in its prompt and its greeting.

``{{`` always begins a variable; spaces around the name are allowed. Defaults and values are plain
text: they are inserted once and never searched for variables, so that no value can name another
variable and no loop is possible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.agents.agent_config import MAX_METADATA_BYTES
from domain.shared.errors import InvalidInput, MetadataTooLarge

MAX_VARIABLES: Final = 100
MAX_VALUE: Final = 4096
"""Characters of a variable's default or value."""

Variables = Mapping[str, str | None]
"""The default of each variable; None: a session must give a value."""

NAME_PATTERN: Final = "[A-Za-z_][A-Za-z0-9_]{0,63}"
_NAME: Final = re.compile(NAME_PATTERN, re.ASCII)
_PLACEHOLDER: Final = re.compile(rf"\{{\{{(?: *({NAME_PATTERN}) *\}}\}})?", re.ASCII)
"""``{{name}}``; without the group where ``{{`` is not followed by a name and ``}}``."""
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
"""Which neither JSON in UTF-8 nor a database can hold."""
_EXAMPLE: Final = {"customer_name": "there"}


def check_variables(given: object) -> Variables:
    """Return the variables that an agent declares.

    Raises :class:`InvalidInput` naming the variable: a name, default or number that is not
    allowed. A default that contains ``{{`` is refused, because it would not be replaced.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "variables must be an object: each name with its default, or null if a value is "
            "required.",
            field="variables",
            example=_EXAMPLE,
        )
    if len(given) > MAX_VARIABLES:
        raise InvalidInput(
            f"variables must have at most {MAX_VARIABLES} names, not {len(given)}.",
            field="variables",
        )
    for name, default in given.items():
        _check_name(name)
        if default is not None:
            _check_value(name, default)
            if "{{" in default:
                raise InvalidInput(
                    f"variables.{name} must not contain '{{{{': a default is plain text and cannot "
                    "refer to a variable.",
                    field=f"variables.{name}",
                    example="there",
                )
    return dict(given)


def check_template(text: str, variables: Variables, field: str) -> None:
    """Raise :class:`InvalidInput` naming ``field`` for bad syntax or an undeclared variable."""
    for found in _PLACEHOLDER.finditer(text):
        name = found[1]
        if name is None:
            raise InvalidInput(
                f"{field} has '{{{{' at character {found.start() + 1} without a variable's name "
                "and '}}' after it.",
                field=field,
                example="Hello {{customer_name}}!",
            )
        if name not in variables:
            raise InvalidInput(
                f"{field} uses the variable '{name}', which is not declared in variables.",
                field=field,
            )


def resolve(variables: Variables, given: object) -> Mapping[str, str]:
    """Return the value of each declared variable: the one ``given``, or else its default.

    Raises :class:`InvalidInput` naming the variable that is not declared, has no value or has
    one that is not allowed.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "variables must be an object of names and values.", field="variables", example=_EXAMPLE
        )
    for name, value in given.items():
        _check_name(name)
        if name not in variables:
            declared = ", ".join(variables) or "none"
            raise InvalidInput(
                f"variables.{name} is no variable of this agent, which declares {declared}.",
                field=f"variables.{name}",
            )
        _check_value(name, value)
    return {name: _value(name, given.get(name, default)) for name, default in variables.items()}


def render(text: str, values: Mapping[str, str], field: str) -> str:
    """Return ``text`` with each variable replaced by its value, in one pass.

    ``text`` has passed :func:`check_template`. Raises :class:`MetadataTooLarge` before it builds a
    text that no metadata can hold.
    """
    pieces: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        begins, ends = found.span()
        pieces += (text[end:begins], values[found[1]])
        end = ends
    pieces.append(text[end:])
    size = sum(map(len, pieces))
    if size > MAX_METADATA_BYTES:
        raise MetadataTooLarge(
            f"{field} is too large with the values of its variables: {size} "
            f"characters, the limit of the agent's metadata is {MAX_METADATA_BYTES} bytes.",
            field=field,
            limitBytes=MAX_METADATA_BYTES,
        )
    return "".join(pieces)


def _value(name: str, value: str | None) -> str:
    if value is None:
        raise InvalidInput(
            f"variables.{name} is required: the agent has no default for it.",
            field=f"variables.{name}",
            example="Ann",
        )
    return value


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            "A name in variables must be 1 to 64 characters of A-Z, a-z, 0-9 and '_', and must "
            "not begin with a digit.",
            field="variables",
            example=_EXAMPLE,
        )


def _check_value(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > MAX_VALUE:
        raise InvalidInput(
            f"variables.{name} must be a string of at most {MAX_VALUE} characters.",
            field=f"variables.{name}",
            example="Ann",
        )
    if _HALF_PAIR.search(value):
        raise InvalidInput(
            f"variables.{name} has a character that is half of a surrogate pair.",
            field=f"variables.{name}",
        )
