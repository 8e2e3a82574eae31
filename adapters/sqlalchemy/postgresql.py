"""Engines for PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.errors import StorageUnavailable

_CONNECTIONS: Final = 10
"""The most that one process holds; a server admits 100 by default."""
_OPTIONS: Final = frozenset({"host", "port", "ssl", "sslmode", "passfile", "target_session_attrs"})
"""What may follow the URL's question mark, named as in libpq's URLs."""


def engines(
    url: URL, patience: timedelta, command_limit: timedelta | None
) -> tuple[AsyncEngine, AsyncEngine]:
    """The reading and the writing engine, which share their connections.

    Waits of up to ``patience`` for a connection and of up to ``command_limit`` for an answer.
    Raises :class:`~domain.errors.StorageUnavailable` for an unknown option in ``url``.
    """
    reader = create_async_engine(
        _for_asyncpg(url),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        hide_parameters=True,
        # A single SELECT without BEGIN before and ROLLBACK after it.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        connect_args={
            "timeout": patience.total_seconds(),
            "command_timeout": command_limit and command_limit.total_seconds(),
            "server_settings": {"application_name": "backend-livekit"},
        },
    )
    event.listen(reader.sync_engine, "checkout", _replace_closed)
    event.listen(reader.sync_engine, "handle_error", _give_up_after_timeout)
    return reader, reader.execution_options(isolation_level="READ COMMITTED")


def _for_asyncpg(url: URL) -> URL:
    """``url`` with its options as the driver names them; an unknown one would be a TypeError."""
    unknown = sorted(set(url.query) - _OPTIONS)
    if unknown:
        raise StorageUnavailable(
            f"DATABASE_URL has the unknown option '{unknown[0]}'; "
            f"there are {', '.join(sorted(_OPTIONS))}."
        )
    if "sslmode" not in url.query:
        return url
    mode = url.query["sslmode"]
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:
    # Costs no round trip, unlike a ping, and saves the first request after the server's restart.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _give_up_after_timeout(context: ExceptionContext) -> None:
    # Nobody knows what state a connection is in that has not answered.
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
