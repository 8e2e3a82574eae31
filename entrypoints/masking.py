"""Nothing that is written down outside the ledger shows a secret or a telephone number."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any, Final

# One of these is in whatever is masked.
_SIGNS: Final = (b"eyJ", b"blk_", b"earer ", b"asic ", b"://")
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_NUMBER: Final = b"0" * 7
_SECRETS: Final = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"  # no number
    r"|(?P<jwt>eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)"
    r"|(?P<key>blk_[a-z2-7]{12})_[\w-]+"
    r"|(?P<scheme>\b(?:[Bb]earer|[Bb]asic) )\S+"
    r"|(?P<user>://[^\s:/@]*):[^\s/@]*@"
    r"|(?<![A-Za-z0-9.])(?P<plus>\+?)(?P<number>\d{7,15})(?![A-Za-z0-9])",
    re.ASCII,
)


def masked(text: str) -> str:
    """``text`` without tokens, keys, passwords in addresses, and numbers but their last two digits.

    A key keeps the part that it is listed by.
    """
    return _SECRETS.sub(_instead, text)


def may_need_masking(text: bytes) -> bool:
    """False where :func:`masked` would certainly return the text as it is: in a microsecond."""
    return _NUMBER in text.translate(_DIGITS) or any(sign in text for sign in _SIGNS)


def _instead(found: re.Match[str]) -> str:
    if found["uuid"]:
        return found["uuid"]
    if found["jwt"]:
        return "eyJ…"
    if found["key"]:
        return f"{found['key']}_…"
    if found["scheme"]:
        return f"{found['scheme']}…"
    if found["user"]:
        return f"{found['user']}:…@"
    return f"{found['plus']}…{found['number'][-2:]}"


def mask_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Structlog processor: every text in the event, however deep."""
    for name, value in event.items():
        if name != "timestamp":
            event[name] = _deep(value)
    return event


def _deep(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {_deep(key): _deep(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_deep(one) for one in value]
    return value if isinstance(value, int | float | None) else masked(str(value))


class MaskingFormatter(logging.Formatter):
    """For what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked."""
        return masked(super().format(record))
