"""Values in JSON that are well-formed and cannot be kept (RFC 8259, 6 and 8.2)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Final

from domain.shared.errors import InvalidInput

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")


class _Constant(str):
    """``NaN``, ``Infinity`` or ``-Infinity``, which JSON does not have."""

    __slots__ = ()


def check_values(text: str) -> None:
    """Raise :class:`InvalidInput` for the first value in ``text`` that cannot be kept.

    Return if there is none in a field, or if ``text`` is not a JSON object. (The request's own
    reader is faster, and does not say where such a value is.)
    """
    try:
        data = json.loads(text, parse_constant=_Constant)
    except (ValueError, RecursionError):
        return
    for field, problem in _problems(data if isinstance(data, dict) else {}):
        readable = field[:256].encode(errors="backslashreplace").decode()
        raise InvalidInput(f"{readable} {problem}", field=readable)


def _problems(data: object) -> Iterator[tuple[str, str]]:
    # A list rather than recursion, so that no input can exhaust the stack.
    left = [("", data)]
    while left:
        field, value = left.pop()
        if isinstance(value, dict):
            inner = [(f"{field}.{key}" if field else key, child) for key, child in value.items()]
            yield from ((path, _CUT) for path, _ in inner if _HALF_A_PAIR.search(path))
            left += reversed(inner)
        elif isinstance(value, list):
            left += reversed([(f"{field}[{i}]", child) for i, child in enumerate(value)])
        elif problem := _problem(value):
            yield field, problem


_CUT: Final = (
    "has half of a surrogate pair (\\ud800 to \\udfff): the text was cut within a character, such "
    "as an emoji. Cut it between whole characters."
)


def _problem(value: object) -> str:
    if isinstance(value, _Constant):
        return f"is {value}, which is no JSON. Send a number or null."
    if isinstance(value, str) and _HALF_A_PAIR.search(value):
        return _CUT
    if isinstance(value, float) and not math.isfinite(value):
        return "is a number beyond the range of a double, about 1.8e308. Send it as a string."
    return ""
