"""How a process's files are divided among clients, the database and LiveKit."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sqlalchemy.engine import postgresql, sqlite
from entrypoints.http.server import open_files
from entrypoints.http.server.open_files import (
    LEAST_CLIENTS,
    LEAST_LIVEKIT,
    MOST_CLIENTS,
    TooFewFiles,
    client_connections,
    livekit_connections,
)
from entrypoints.settings import Settings, load_settings

SETTINGS = load_settings(
    {"LIVEKIT_URL": "ws://h", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
)
URLS = (
    "memory://",
    "sqlite+aiosqlite:///a.db",
    "postgresql://h/d",
    "postgresql://h/d?connection_limit=999",
)


def settings(url: str, workers: int = 1) -> Settings:
    found = load_settings(
        {"LIVEKIT_URL": "ws://h", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s",
         "DATABASE_URL": url}
    )  # fmt: skip
    return attrs.evolve(found, workers=workers)


@given(
    url=st.sampled_from(URLS),
    workers=st.integers(1, 64),
    limit=st.integers(1, 2_000_000),
    inherited=st.integers(3, 300),
)
def test_clients_leave_files_to_the_database_and_to_livekit(
    url: str, workers: int, limit: int, inherited: int
) -> None:
    configured = settings(url, workers)
    try:
        clients = client_connections(configured, limit, inherited)
    except TooFewFiles as error:
        needed = int(str(error).partition("configuration needs ")[2].partition(".")[0])
        assert limit < needed
        assert client_connections(configured, needed, inherited) >= LEAST_CLIENTS
        return

    database = {"memory": 0, "sqlite": 15, "postgresql": 10}[configured.storage]
    database = 999 if "999" in url else database
    assert LEAST_CLIENTS <= clients <= MOST_CLIENTS
    assert limit - clients >= inherited + 25 + database + 2 * LEAST_LIVEKIT


def test_with_many_files_half_or_all_but_512_are_the_clients() -> None:
    assert client_connections(SETTINGS, 20_000, 3) == 20_000 - 512
    assert client_connections(SETTINGS, 400, 3) == 200
    assert client_connections(SETTINGS, 2**30, 3) == MOST_CLIENTS


@pytest.mark.parametrize(
    ("limit", "least", "most"), [(96, 4, 4), (400, 30, 75), (20_000, 100, 100)]
)
def test_livekit_has_as_many_connections_as_there_are_files_for(
    monkeypatch: pytest.MonkeyPatch, limit: int, least: int, most: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr("entrypoints.http.server.open_files.open_files", lambda: 20)

    assert least <= livekit_connections(SETTINGS) <= most


def test_the_database_s_share_is_what_its_adapters_open() -> None:
    postgresql_connections = postgresql._CONNECTIONS
    sqlite_connections = (
        sqlite._READERS + 3
    )  # a writer, and a thread that reads and one that writes

    assert postgresql_connections == open_files._POSTGRESQL
    assert 2 * sqlite_connections + 1 == open_files._SQLITE
