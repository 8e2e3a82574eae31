"""Reads variables one by one and collects what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from entrypoints.settings.variable import Variable


class Reader:
    """Reads one variable after another and collects ``problems``. Blank means absent.

    ``wrong`` has the names of the missing and malformed variables, which are read as their default.
    Only the variables that ``only`` names are read (None: all); others count as absent.
    """

    def __init__(self, values: Mapping[str, str], only: Collection[str] | None = None) -> None:
        self._values = values
        self._only = only
        self.problems: list[str] = []
        self.wrong: set[str] = set()

    def read(self, variable: Variable) -> Any:
        """Return the parsed value, or the default; a missing or malformed one adds a problem."""
        if self._only is not None and variable.name not in self._only:
            return variable.default
        raw = self._raw(variable.name)
        if raw:
            return self._parsed(variable, raw)
        if variable.hint is not None:
            self._refuse(variable, f"is missing: {self._similar(variable)}")
        return variable.default

    def _raw(self, name: str) -> str:
        raw = self._values.get(name, "").strip()
        if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"":
            raw = raw[1:-1].strip()  # `docker run --env-file` passes quotes on
        return raw

    def _similar(self, variable: Variable) -> str | None:
        name = variable.name
        near = next((key for key in self._values if key.upper() == name != key), None)
        return variable.hint if near is None else f"'{near}' is set; write it in capitals."

    def _parsed(self, variable: Variable, raw: str) -> Any:
        try:
            raw.encode()
            return variable.parse(raw)
        except UnicodeEncodeError:  # undecodable bytes of the environment
            self._refuse(variable, "must be UTF-8 text.")
        except ValueError as error:
            self._refuse(variable, str(error))
        return variable.default

    def _refuse(self, variable: Variable, problem: str) -> None:
        self.wrong.add(variable.name)
        self.problems.append(f"{variable.name} {problem}")
