"""The .env file as editors, shells and mistakes write it."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from entrypoints.settings import InvalidSettings, load_settings

TEXT = "LIVEKIT_URL=wss://p.livekit.cloud\nLIVEKIT_API_KEY=APIabc\nLIVEKIT_API_SECRET=secret\n"
READ = ("wss://p.livekit.cloud", "APIabc", "secret")


def read(folder: Path, environ: dict[str, str] | None = None) -> tuple[str, str, str]:
    settings = load_settings(environ or {}, folder)
    return settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF8 + b"# mine\n" + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip().encode(),
        "".join(f"export {line}\n" for line in TEXT.split()).encode(),
        TEXT.replace("=", ' = "').replace("\n", '" # comment\n').encode(),
        TEXT.replace("=", "='").replace("\n", "'\n").encode(),
        f"# clé\n\n{TEXT}\nEMPTY=\nALONE\n".encode(),
    ],
)
def test_given_any_usual_encoding_or_form_then_the_file_is_read(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)

    assert read(tmp_path) == READ


def test_given_special_characters_then_values_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TEXT.replace("=secret", "=a#b$HOME${X}c"))

    assert read(tmp_path)[2] == "a#b$HOME${X}c"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("# clé\n".encode("latin-1") + TEXT.encode(), ".env line 1 is not UTF-8 text"),
        (TEXT.encode() + b"X=\xff\n", ".env line 4 is not UTF-8 text"),
        (TEXT.encode() + b"X=a\0b\n", ".env line 4 contains a NUL character"),
        (TEXT.encode("utf-16-le"), ".env line 1 contains a NUL character"),
        (TEXT.encode("utf-16")[:-1], "is not UTF-16 text"),
        (TEXT.replace("=", ": ").encode(), ".env line 1 is not NAME=value"),
        (b"'A=B'=c\n", ".env line 1 is not NAME=value"),
        (TEXT.replace("=secret", '="secret').encode(), ".env line 3 is not NAME=value"),
    ],
)
def test_given_a_file_that_cannot_be_read_then_one_sentence_names_the_line(
    content: bytes, problem: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)

    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path)

    [found] = caught.value.problems
    assert problem in found
    assert "secret" not in found


def test_given_a_file_that_may_not_be_opened_then_one_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(".env")

    with pytest.raises(InvalidSettings, match=r"\.env cannot be read: Too many levels"):
        read(tmp_path)


def test_given_a_folder_of_that_name_then_it_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    environ = dict(line.split("=") for line in TEXT.split())

    assert read(tmp_path, environ) == READ


def test_given_a_blank_variable_then_the_file_s_is_used(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TEXT)

    assert read(tmp_path, {"LIVEKIT_API_KEY": " ", "LIVEKIT_URL": ""}) == READ
