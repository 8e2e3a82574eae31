"""The ``.env`` file: read in whatever encoding an editor or a shell has written it."""

from __future__ import annotations

import codecs
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

# Windows' editors and PowerShell write these marks. UTF-32's begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


class UnreadableEnvFile(Exception):
    """The file is there but cannot be read; the message is a sentence about it."""


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables that the file at ``path`` sets; none if it is absent or a folder.

    A virtual environment may be a folder of this name. Raises :class:`UnreadableEnvFile`, whose
    message names a line but shows nothing of it: it may hold a secret.
    """
    try:
        if path.is_dir():
            return {}
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableEnvFile(f".env cannot be read: {error.strerror}.") from None
    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(_decoded(raw))):
        if binding.error or "=" in (binding.key or ""):
            raise UnreadableEnvFile(f".env line {binding.original.line} is not NAME=value.")
        if binding.key is not None and binding.value:
            found[binding.key] = binding.value
    return found


def _decoded(raw: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableEnvFile(
            f".env line {line} is not {encoding.upper().removesuffix('-SIG')} text; "
            "save the file as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableEnvFile(
            f".env line {line} contains a NUL character; save the file as UTF-8."
        )
    return text
