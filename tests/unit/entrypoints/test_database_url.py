"""DATABASE_URL as hosting services give it and as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from application.settings import Storage
from entrypoints.settings.database_url import parse_database_url


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "Postgres"])
def test_given_any_scheme_of_postgresql_then_the_driver_is_asyncpg(scheme: str) -> None:
    storage, url = parse_database_url(f"{scheme}://user:pass@host:5433/db")

    assert storage is Storage.POSTGRESQL
    assert url == "postgresql+asyncpg://user:pass@host:5433/db"


@pytest.mark.parametrize("options", ["", "?sslmode=require", "?application_name=me@home"])
@given(password=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1))
def test_given_a_password_with_any_characters_then_it_is_read(options: str, password: str) -> None:
    if "%" in password or "?" in password:
        return  # which begin an escape and the options: see below
    _, url = parse_database_url(f"postgres://user:{password}@host/db{options}")

    parsed = make_url(url)
    assert (parsed.username, parsed.password) == ("user", password)
    assert (parsed.host, parsed.database) == ("host", "db")
    assert len(parsed.query) == len(options.split("=")) - 1


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("p@ss:w/rd#%", "p@ss:w/rd#%"),
        ("p%40ss%3Aw%2Frd%23%25", "p@ss:w/rd#%"),
        ("100%", "100%"),
        ("what?", "what?"),
        ("what?this=that", "what?this=that"),
        ("a b", "a b"),
        ("+plus+", "+plus+"),
    ],
)
def test_given_an_escaped_or_an_unescaped_password_then_it_is_read(
    written: str, password: str
) -> None:
    _, url = parse_database_url(f"postgres://user:{written}@host/db?sslmode=require")

    parsed = make_url(url)
    assert parsed.password == password
    assert dict(parsed.query) == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("postgres:///db?host=/run/pg", "postgresql+asyncpg:///db?host=/run/pg"),
        ("postgres://u@/db?host=/run/pg", "postgresql+asyncpg://u@/db?host=/run/pg"),
        ("postgres://u@%2Frun%2Fpg/db", "postgresql+asyncpg://u@/db?host=/run/pg"),
        ("postgres://u@[::1]:5432/db", "postgresql+asyncpg://u@[::1]:5432/db"),
        ("postgres://host", "postgresql+asyncpg://host"),
        (
            "postgres://u@a:1,[::1],c/db?target_session_attrs=read-write",
            "postgresql+asyncpg://u@/db?target_session_attrs=read-write&host=a,::1,c&port=1,5432,5432",
        ),
        (
            "postgres://u:p@h1:5433,h2/db?target_session_attrs=read-write",
            "postgresql+asyncpg://u:p@/db?target_session_attrs=read-write&host=h1,h2&port=5433,5432",
        ),
        ("postgres://u@/db?host=h1,h2", "postgresql+asyncpg://u@/db?host=h1,h2&port=5432,5432"),
        (
            "postgres://u@/db?host=h1,h2&port=5433",
            "postgresql+asyncpg://u@/db?host=h1,h2&port=5433,5433",
        ),
        (
            "postgres://u@/db?host=h1:1&host=[::1]:2&host=::2",
            "postgresql+asyncpg://u@/db?host=h1,::1,::2&port=1,2,5432",
        ),
        (
            "postgres://u@h1,h2/db?port=5433",
            "postgresql+asyncpg://u@/db?host=h1,h2&port=5433,5433",
        ),
        (
            "postgres://u@h0/db?host=h1,h2",
            "postgresql+asyncpg://u@/db?host=h1,h2&port=5432,5432",
        ),
        (
            "postgres://u@%2Frun%2Fa,%2Frun%2Fb:5433/db",
            "postgresql+asyncpg://u@/db?host=/run/a,/run/b&port=5432,5433",
        ),
        (
            "postgres://u@/db?host=/run/a,/run/b",
            "postgresql+asyncpg://u@/db?host=/run/a,/run/b&port=5432,5432",
        ),
        (
            "postgres://u@h:6543/db?pgbouncer=true&channel_binding=require&connection_limit=5",
            "postgresql+asyncpg://u@h:6543/db?pgbouncer=true&channel_binding=require&connection_limit=5",
        ),
    ],
)
def test_given_sockets_several_hosts_or_options_then_they_are_kept(written: str, read: str) -> None:
    assert parse_database_url(written) == (Storage.POSTGRESQL, read)
    dialect: Any = PGDialect_asyncpg
    assert dialect().create_connect_args(make_url(read))  # what the driver is given


def test_given_several_hosts_then_the_password_is_masked_where_the_url_is_shown() -> None:
    _, url = parse_database_url("postgres://u:hunter@h1,h2/d?target_session_attrs=read-write")

    assert "hunter" not in f"{make_url(url)} {make_url(url)!r}"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///data/backend.db",
        "sqlite+aiosqlite:////var/lib/backend.db",
        "sqlite+aiosqlite:////tmp/a%3Fb.db",
    ],
)
def test_given_a_file_then_it_is_kept(url: str) -> None:
    assert parse_database_url(url) == (Storage.SQLITE, url)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://u:hunter@h/d", "postgresql://user:password@host/database"),
        ("data/backend.db", "sqlite+aiosqlite:///path/to/file.db"),
        ("hunter", "sqlite+aiosqlite:///path/to/file.db"),
        ("postgresql+psycopg2://u:hunter@h/d", "must begin with postgresql://"),
        ("sqlite:///hunter.db", "must begin with sqlite+aiosqlite:///"),
        ("sqlite+aiosqlite://hunter/x.db", "three slashes"),
        ("sqlite+aiosqlite://", "three slashes"),
        ("sqlite+aiosqlite:///", "not a folder"),
        ("sqlite+aiosqlite:////tmp", "not a folder"),
        ("sqlite+aiosqlite:///hunter/", "not a folder"),
        ("sqlite+aiosqlite:///:memory:", "memory://"),
        ("sqlite+aiosqlite:///file:/hunter?mode=rwc&uri=true", "without options"),
        ("sqlite+aiosqlite:///file:/hunter", "no file:"),
        ("sqlite+aiosqlite:///hunter?mode=ro", "%3F"),
        ("sqlite+aiosqlite:///~/hunter.db", "'~' is not expanded"),
        ("sqlite+aiosqlite:///hunter%00.db", "control and invisible characters"),
        ("postgres://u:hunter%00@h/d", "control and invisible characters"),
        ("postgres://u:hunter@h/d?colour=red", "unknown option 'colour'"),
        ("postgres://u:p?hunter", "without the unknown option; options are"),
        ("postgres://u:hunter/d", "with a number as the port"),
        ("postgres://u:p@h:70000/d", "with a number as the port"),
        ("postgres://u:p@h:0/d", "with a number as the port"),
        ("postgres://u:p@h:x/d", "with a number as the port"),
        ("postgres://u:p@a b/d", "with a number as the port"),
        ("postgres://u:hunter@h1,/d", "a host between commas"),
        ("postgres://u:hunter@/d?host=h1,,h2", "a host between commas"),
        ("postgres://u:hunter@h1,h2:x/d", "with a number as the port"),
        ("postgres://u:hunter@/d?host=h1,h2&port=1,2,3", "one port, or as many as it has hosts"),
        ("postgres://u:hunter@h1/d?port=1,2", "one port, or as many as it has hosts"),
        ("postgres://u:hunter@/d?port=1,2", "one port, or as many as it has hosts"),
        ("postgres://u:hunter@/d?host=h1,h2&port=x", "a number from 1 to 65535 as its option port"),
        ("postgres://u:hunter@/d?port=x", "a number from 1 to 65535 as its option port"),
        ("postgres://h/d?sslmode=hunter", "one of disable, allow, prefer, require"),
        ("postgres://h/d?sslrootcert=/no/such/file", "path of a file, or system"),
        ("postgres://h/d?connect_timeout=soon", "whole number of seconds"),
        ("postgres://h/d?connection_limit=1", "a whole number from 2 to 999"),
        ("postgres://h/d?pgbouncer=hunter", "one of true, false"),
        ("postgres://h/d?target_session_attrs=hunter", "one of any, primary"),
        ("postgres://h/d?channel_binding=hunter", "one of disable, prefer, require"),
        ("postgres://h/d?application_name=", "a value as its option application_name"),
    ],
)
def test_given_anything_else_then_a_sentence_tells_what_to_write(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        parse_database_url(url)

    assert hint in str(caught.value)
    assert "hunter" not in str(caught.value)


def test_given_a_path_that_cannot_be_looked_at_then_opening_it_tells_why(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/{'x' * 300}"

    assert parse_database_url(url) == (Storage.SQLITE, url)
