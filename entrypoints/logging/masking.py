"""Nothing that is written down outside the ledger shows a secret or a telephone number."""

from __future__ import annotations

import re
import string
from typing import Any, Final

_FOLDED: Final = bytes.maketrans(
    b"123456789" + string.ascii_uppercase.encode(), b"000000000" + string.ascii_lowercase.encode()
)
_DIGITS: Final = b"0000000"
_UUID: Final = re.compile(
    rb"(?<![0-9A-Za-z%\\])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9A-Za-z])"
)
"""A name of ours that stands alone. One in three has seven digits in a row somewhere."""
_SECRETS: Final = re.compile(
    # Names of ours, which are no numbers; what is escaped, such as %2b, begins no name.
    r"(?P<name>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![A-Za-z0-9%\\])(?:[0-9a-f]{32}){1,2}(?![A-Za-z0-9]))"
    r"|(?P<jwt>eyJ)[\w-]{4,}(?:\.[\w-]*){0,2}"
    r"|(?P<key>(?:blk_[a-z2-7]{12}|tk_[0-9a-f]{32})_)[\w-]+"
    r"|(?P<label>(?i:api[_-]?key|passw(?:or)?d|pwd|secret|token)"
    r"""\\*["']?\s*[:=]\s*\\*["']?(?i:(?:bearer|basic)\s+)?)[^\s&"',;#}\\]+"""
    r"|(?P<scheme>\b(?i:bearer|basic)\s+)\S+"
    r"""|(?P<user>://[^\s:/@]{0,200}:)[^\s"'<>]{0,2048}(?=@)"""
    r"|(?<!\d)(?<!\d\.)(?P<plus>\+?)(?P<number>\d{7,})"
    r"|\+(?=(?:[ ().-]*\d){7})(?P<spaced>\d+(?:[ ().-]{1,3}\d+)+)",
    re.ASCII,
)


def masked(text: str) -> str:
    """``text`` without tokens, keys, passwords, and numbers but their last two digits.

    A key keeps the part that it is listed by, a ticket its id. A number is seven digits or more, or
    what follows a plus with blanks, hyphens, dots or brackets between its digits.
    """
    return _SECRETS.sub(_instead, text)


def may_need_masking(text: bytes) -> bool:
    """False where :func:`masked` would certainly return the text as it is, in few microseconds."""
    said = text.translate(_FOLDED)
    # A single letter that is rare is found faster than the word that it is in.
    return (
        (_DIGITS in said and _DIGITS in _UUID.sub(b"", text).translate(_FOLDED))
        or b"+" in said or b"@" in said
        or b"bearer" in said or b"basic" in said or b"secret" in said
        or (
            b"k" in said
            and (b"key" in said or b"token" in said or b"blk_" in said or b"tk_" in said)
        )
        or (b"w" in said and (b"passw" in said or b"pwd" in said))
        or (b"j" in said and b"eyj" in said)
    )  # fmt: skip


def _instead(found: re.Match[str]) -> str:
    if found["name"]:
        return found["name"]
    if found["number"]:
        return f"{found['plus']}…{found['number'][-2:]}"
    if found["spaced"]:
        return "+…" + re.sub(r"\D", "", found["spaced"])[-2:]
    return f"{found['jwt'] or found['key'] or found['label'] or found['scheme'] or found['user']}…"


def mask_values(event: dict[str, Any]) -> dict[str, Any]:
    """Every text in a line's event, however deep, but its time."""
    return {name: value if name == "timestamp" else _deep(value) for name, value in event.items()}


def _deep(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {_deep(key): _deep(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_deep(item) for item in value]
    return value if isinstance(value, int | float | None) else masked(str(value))
