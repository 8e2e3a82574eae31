"""Reads variables one by one and collects what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

T = TypeVar("T")

_HINTS: Final[Mapping[str, str]] = {
    "LIVEKIT_URL": "the address of your LiveKit server, for example wss://my-project.livekit.cloud "
    "or ws://127.0.0.1:7880.",
    "LIVEKIT_API_KEY": "the API key that your LiveKit server knows.",
    "LIVEKIT_API_SECRET": "the secret that belongs to LIVEKIT_API_KEY.",
}


class Reader:
    """Reads one variable after another and collects ``problems``. Blank means absent.

    Only the variables that ``only`` names are read (None: all); others count as absent.
    """

    def __init__(self, values: Mapping[str, str], only: Collection[str] | None = None) -> None:
        self._values = values
        self._only = only
        self.problems: list[str] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return the parsed variable; None, with a problem, if it is missing or malformed."""
        raw = self._raw(name)
        if raw:
            return self._parsed(name, parse, raw)
        if self._is_wanted(name):
            near = next((key for key in self._values if key.upper() == name != key), None)
            hint = _HINTS[name] if near is None else f"'{near}' is set; write it in capitals."
            self.problems.append(f"{name} is missing: {hint}")
        return None

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Return the parsed variable, or ``default`` if it is absent or, with a problem, wrong."""
        raw = self._raw(name)
        value = self._parsed(name, parse, raw) if raw else default
        return default if value is None else value

    def _is_wanted(self, name: str) -> bool:
        return self._only is None or name in self._only

    def _raw(self, name: str) -> str:
        if not self._is_wanted(name):
            return ""
        raw = self._values.get(name, "").strip()
        if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"":
            raw = raw[1:-1].strip()  # `docker run --env-file` passes quotes on
        return raw

    def _parsed(self, name: str, parse: Callable[[str], T], raw: str) -> T | None:
        try:
            raw.encode()
            return parse(raw)
        except UnicodeEncodeError:  # undecodable bytes of the environment
            self.problems.append(f"{name} must be UTF-8 text.")
        except ValueError as error:
            self.problems.append(f"{name} {error}")
        return None
