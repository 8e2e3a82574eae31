"""Environment → settings.

The variables, their defaults and their rules are the contract's; ``.env.example`` lists them. Each
group of settings is a module; :mod:`entrypoints.settings.root` joins them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from entrypoints.settings.env_file import UnreadableEnvFile, read_env_file
from entrypoints.settings.reader import Reader
from entrypoints.settings.root import Settings, variables

__all__ = ["InvalidSettings", "Settings", "load_settings", "read_environment", "variables"]


class InvalidSettings(Exception):
    """One or more variables are missing or malformed; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"backend-livekit cannot start, because its configuration is incomplete or wrong:\n"
            f"{lines}\n"
            "Set these in the environment or in a .env file in the working folder; "
            ".env.example shows every variable."
        )


def load_settings(
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    only: Collection[str] | None = None,
) -> Settings:
    """Return the settings in ``environ`` (default: the process's) over ``folder``'s ``.env``.

    ``only`` names the variables that the caller uses. The others are not read: they have their
    defaults, and LiveKit's address and keys are empty. None reads all.
    Raises :class:`InvalidSettings` naming every wrong variable; never a secret's value.
    """
    reader = Reader(read_environment(environ, folder), only)
    values = {name: reader.read(variable) for name, variable in variables().items()}
    settings = Settings(**values)
    # A combination with the default that stands in for a wrong value says nothing.
    combined = (
        problem.sentence
        for problem in settings.problems()
        if reader.wrong.isdisjoint(problem.variables)
    )
    problems = [*reader.problems, *combined]
    if problems:
        raise InvalidSettings(problems)
    return settings


def read_environment(
    environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Return ``environ`` (default: the process's) over what ``folder``'s ``.env`` sets.

    A blank variable does not hide the file's: Docker Compose passes variables that are not set
    as blank ones. Raises :class:`InvalidSettings` for a file that cannot be read.
    """
    try:
        from_file = read_env_file((folder or Path()) / ".env")
    except UnreadableEnvFile as error:
        raise InvalidSettings([str(error)]) from None
    given = os.environ if environ is None else environ
    return {
        **given,
        **{name: text for name, text in from_file.items() if not given.get(name, "").strip()},
    }
