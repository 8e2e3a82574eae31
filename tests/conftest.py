"""Fixtures that every tier can use."""

import functools
from pathlib import Path
from unittest import mock

import httpx
import pytest
import structlog
from hypothesis import settings

from tests import guard
from tests.databases import (
    database_url,
    empty_postgres_url,
    empty_sql_url,
    empty_sqlite_url,
    migrated_file,
    postgres,
    postgres_url,
    sql_url,
    sqlite_url,
)
from tests.warm_processes import cold_processes, start_warm

__all__ = [
    "cold_processes",
    "database_url",
    "empty_postgres_url",
    "empty_sql_url",
    "empty_sqlite_url",
    "migrated_file",
    "postgres",
    "postgres_url",
    "sql_url",
    "sqlite_url",
]

# No property is judged by a clock.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")

UNIT = Path(__file__).parent / "unit"
CERTIFICATES_ONCE = mock.patch(
    "httpx._transports.default.create_ssl_context", functools.cache(httpx.create_ssl_context)
)
"""Otherwise each client loads all certificates, which takes longer than its requests."""


def pytest_configure() -> None:
    guard.install()
    start_warm()
    CERTIFICATES_ONCE.start()
    # To show the local variables of each traceback takes a second.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure the coverage of unit tests only, and not of their random histories.

    Being measured doubles a test's time, and these tests cover the domain.
    """
    for item in items:
        if UNIT not in item.path.parents or item.path.name.startswith("test_any_"):
            item.add_marker("no_cover")
