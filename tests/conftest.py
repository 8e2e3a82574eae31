"""Fixtures that every tier can use."""

import functools
import gc
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any
from unittest import mock

import httpx
import pytest
import structlog
from hypothesis import settings

import application
import domain
from tests import guard
from tests.databases import (
    database_url,
    empty_postgres_url,
    empty_sql_url,
    empty_sqlite_url,
    postgres,
    postgres_url,
    sql_url,
    sqlite_url,
)
from tests.statements import share_statements
from tests.warm_processes import cold_processes, start_warm

__all__ = [
    "cold_processes",
    "database_url",
    "empty_postgres_url",
    "empty_sql_url",
    "empty_sqlite_url",
    "postgres",
    "postgres_url",
    "sql_url",
    "sqlite_url",
]

# No property is judged by a clock. Each run tries other values, so that 30 of them are enough for a
# property of a function; one of a history says how many it needs (tests/examples.py).
settings.register_profile("ours", max_examples=30, deadline=None)
settings.load_profile("ours")

SLOW = "pytest.mark.slow"
"""How a test file marks its tests; see tests/unit/test_slow_marks.py."""
UNIT = Path(__file__).parent / "unit"
CERTIFICATES_ONCE = mock.patch(
    "httpx._transports.default.create_ssl_context", functools.cache(httpx.create_ssl_context)
)
"""Otherwise each client loads all certificates, which takes longer than its requests."""


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # nothing that is imported or collected is garbage
    guard.install()
    start_warm()
    share_statements()
    config.pluginmanager.register(Coverage(config))
    CERTIFICATES_ONCE.start()
    # To show the local variables of each traceback takes a second.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a slow test where only slow ones run: most, which take a minute."""
    alone = config.option.markexpr == "slow" and collection_path.name.startswith("test_")
    return True if alone and SLOW not in collection_path.read_text() else None


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through every test and module again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def covers(path: Path) -> bool:
    """Whether a file has tests of domain/ or application/ that are no random histories."""
    if UNIT not in path.parents or path.parent == UNIT or path.name.startswith("test_any_"):
        return False
    return path.relative_to(UNIT).parts[0] not in ("adapters", "entrypoints")


class Coverage:
    """Measures the unit tests of domain/ and application/ only: they cover these.

    Being measured doubles the time of a test, and of the collection.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._measures = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, Any, Any]:
        if self._controller() is not None:
            for package in (domain, application):  # what importing them runs is measured
                for module in walk_packages(package.__path__, f"{package.__name__}."):
                    import_module(module.name)
        self._measure(on=False)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._measure(on=covers(item.path))
        return (yield)

    def _controller(self) -> Any:
        plugin = self._config.pluginmanager.getplugin("_cov")
        return plugin and plugin.cov_controller

    def _measure(self, *, on: bool) -> None:
        controller = self._controller()
        if controller and on is not self._measures:
            controller.resume() if on else controller.pause()
            self._measures = on
