"""Run commands; what goes wrong is one line on standard error, with an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, Final

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from domain.shared.errors import DomainError
from entrypoints.cli.output import printable
from entrypoints.logging.streams import open_closed_streams
from entrypoints.settings import InvalidSettings

_LONGEST: Final = 400


def run(app: typer.Typer, arguments: list[str]) -> int:
    """Run the command that ``arguments`` name and return the exit code.

    2: the command line or the configuration is wrong; 1: the command failed.
    """
    open_closed_streams()
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
        sys.stdout.flush()  # here, where a failure can still be reported
    except NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except ClickException as error:
        code = _fail(_usage_sentence(error), error.exit_code)
    except InvalidSettings as error:
        code = _fail(str(error), 2)
    except DomainError as error:
        code = _fail(_short(str(error)), 1)
    except typer.Abort:
        code = _fail("Aborted.", 1)
    except BrokenPipeError:  # `backend calls list | head`
        _discard_output()
        code = 1
    except OSError as error:
        code = _fail(_system_sentence(error), 1)
    return code


def _fail(sentence: str, code: int) -> int:
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
    return code


def _usage_sentence(error: ClickException) -> str:
    """Name the option and what it takes; numbers have a range."""
    param: Any = getattr(error, "param", None)
    least, most = getattr(param, "min", None), getattr(param, "max", None)
    if least is None or most is None:
        return _short(error.format_message())
    kind = "whole number" if isinstance(least, int) else "number"
    return f"{param.opts[0]} must be a {kind} from {least:g} to {most:g}."


def _system_sentence(error: OSError) -> str:
    if _output_is_broken():
        _discard_output()
        return f"Standard output cannot be written ({error.strerror})."
    place = f"{printable(error.filename)}: " if error.filename else ""
    return _short(f"{place}{error.strerror or error}.")


def _output_is_broken() -> bool:
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _discard_output() -> None:
    """Let the interpreter not try again, at its end, to write what cannot be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
