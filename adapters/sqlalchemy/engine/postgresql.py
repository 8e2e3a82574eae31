"""Engines for PostgreSQL, also behind a pooler."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
from sqlalchemy import URL, Connection, Dialect, event, func, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from adapters.sqlalchemy.engine.bulk import Bulk
from adapters.sqlalchemy.engine.fail_over import FailOver
from adapters.sqlalchemy.engine.hosts import Hosts
from domain.shared.errors import StorageUnavailable

_CONNECTIONS: Final = 10
"""The most that one process holds unless the URL says so; a server admits 100 by default."""
_PASSED_ON: Final = frozenset({"host", "port", "passfile", "target_session_attrs"})
_TLS_FILES: Final = frozenset({"sslcert", "sslkey", "sslrootcert"})
_OPTIONS: Final = (
    _PASSED_ON
    | _TLS_FILES
    | {"ssl", "sslmode", "application_name", "channel_binding", "connect_timeout"}
    | {"options", "pgbouncer", "connection_limit"}
)
"""What may follow the URL's question mark, named as in libpq's URLs; the last two are Prisma's."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_LEAST_LOCK_WAIT: Final = timedelta(milliseconds=25)
_LEAST_IDLE: Final = timedelta(seconds=2)
_LIMITED: Final = "waits are limited"
_UNNAMED: Final = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""Prepare each statement anew and without a name: the next one may reach another session.

The driver sends a statement and its parameters in one exchange, which a pooler keeps together.
"""


def engines(
    url: URL, patience: timedelta, command_limit: timedelta | None
) -> tuple[AsyncEngine, AsyncEngine, Bulk]:
    """Return the reading and the writing engine, which share their connections, also with a bulk.

    Both wait up to ``patience`` for a connection and up to ``command_limit`` for an answer. The
    first connection finds out whether a pooler is between, unless ``url`` says so (``pgbouncer``).
    A command waits for a lock for a small part of ``command_limit``, and the server ends a
    transaction in which this process does nothing for most of it.
    Raises :class:`~domain.shared.errors.StorageUnavailable` for an unknown option in ``url``.
    """
    reader = create_async_engine(
        url.difference_update_query(set(url.query) - _PASSED_ON),
        pool_size=int(str(url.query.get("connection_limit", _CONNECTIONS))),
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        hide_parameters=True,
        # A single SELECT without BEGIN before and ROLLBACK after it.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        connect_args=_arguments(url, patience, command_limit),
    )
    writer = reader.execution_options(isolation_level="READ COMMITTED")
    pooling = _adapt_to_poolers(reader, url)
    if command_limit is not None:
        _limit_waiting(reader, writer, command_limit, pooling)
    event.listen(reader.sync_engine, "checkout", _replace_closed)
    event.listen(reader.sync_engine, "handle_error", _give_up_after_timeout)
    fail_over = FailOver()
    fail_over.watch(reader.sync_engine)
    return reader, writer, Bulk(reader, fail_over, _has_session)


def _has_session(connection: Connection) -> bool:
    """Return whether the server's session is this connection's own and its waits are limited."""
    return bool(connection.info.get(_LIMITED))


def require_session(connection: Connection, url: URL) -> None:
    """Raise :class:`~domain.shared.errors.StorageUnavailable` if a pooler may change the session.

    ``pgbouncer=false`` in ``url`` says that it does not.
    """
    if url.query.get("pgbouncer") == "false":
        return
    process = connection.scalar(select(func.pg_backend_pid()))
    if _process(connection.connection.driver_connection) != process:
        raise StorageUnavailable(
            "DATABASE_URL goes through a connection pooler, but a migration needs one session "
            "from its beginning to its end. Run it with the database's direct URL, or add "
            "pgbouncer=false to the URL if the pooler is in session mode."
        )


def _arguments(url: URL, patience: timedelta, command_limit: timedelta | None) -> dict[str, Any]:
    """Return the driver's arguments; it would not take the URL's options by libpq's names."""
    unknown = sorted(set(url.query) - _OPTIONS)
    if unknown:
        raise StorageUnavailable(
            f"DATABASE_URL has the unknown option '{unknown[0]}'; "
            f"there are {', '.join(sorted(_OPTIONS))}."
        )
    option = {name: str(value) for name, value in url.query.items()}
    server = {"application_name": option.get("application_name", "backend-livekit")}
    if "options" in option:
        server["options"] = option["options"]
    arguments: dict[str, Any] = {
        # libpq's zero means no limit.
        "timeout": float(option.get("connect_timeout", 0)) or patience.total_seconds(),
        "command_timeout": command_limit and command_limit.total_seconds(),
        "server_settings": server,
        "async_creator_fn": Hosts(float(option.get("connect_timeout", 0)) or None).connect,
    }
    files = {name: option[name] for name in _TLS_FILES & option.keys()}
    mode = option.get("sslmode", option.get("ssl"))
    if _trusts_system(mode, files):
        context = ssl.create_default_context()
        context.check_hostname = mode != "verify-ca"
        if "sslcert" in files:
            _load_certificate(context, files["sslcert"], files.get("sslkey"))
        return {**arguments, "ssl": context}
    if mode is not None:
        arguments["ssl"] = mode
    if files:
        arguments["dsn"] = f"postgresql://?{urlencode(files)}"  # the driver's only way to take them
    return arguments


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except OSError:  # ssl.SSLError is one
        raise StorageUnavailable(
            "DATABASE_URL's sslcert and sslkey are not a certificate and its key in PEM files."
        ) from None


def _trusts_system(mode: str | None, files: dict[str, str]) -> bool:
    """Whether the server's certificate is checked against the machine's authorities.

    As by libpq for ``sslrootcert=system``, and where the driver would miss ~/.postgresql/root.crt.
    """
    root = files.get("sslrootcert")
    if root is not None:
        return root == "system"
    own = Path("~/.postgresql/root.crt").expanduser()
    return mode in ("verify-ca", "verify-full") and not own.is_file()


def _adapt_to_poolers(engine: AsyncEngine, url: URL) -> Callable[[], bool | None]:
    """Return a function that says whether a pooler is between; None while it is not known."""
    pgbouncer = url.query.get("pgbouncer")
    pooled: bool | None = None if pgbouncer is None else pgbouncer == "true"

    def before_connecting(
        _dialect: Dialect, _record: object, _args: object, arguments: dict[str, Any]
    ) -> None:
        nonlocal pooled
        if pooled is None:
            pooled = await_only(_is_pooled(arguments))
        if pooled:
            arguments.update(_UNNAMED)

    event.listen(engine.sync_engine, "do_connect", before_connecting)
    return lambda: pooled


def _limit_waiting(
    reader: AsyncEngine,
    writer: AsyncEngine,
    command_limit: timedelta,
    is_pooled: Callable[[], bool | None],
) -> None:
    """Limit waits for locks and idle transactions in each session, or where a pooler may change
    the session in each transaction. As start-up parameters a pooler would refuse them.
    """
    lock_ms = max(_LEAST_LOCK_WAIT, command_limit / 20) // _MILLISECOND
    idle_ms = max(_LEAST_IDLE, command_limit * 0.8) // _MILLISECOND

    def limits(for_transaction: bool) -> str:  # noqa: FBT001 - as PostgreSQL's function has it
        local = str(for_transaction).lower()
        return (
            f"SELECT set_config('lock_timeout', '{lock_ms}', {local}), "
            f"set_config('idle_in_transaction_session_timeout', '{idle_ms}', {local})"
        )

    def limit_session(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_LIMITED] = is_pooled() is False
        if record.info[_LIMITED]:
            connection.run_async(lambda driver: driver.execute(limits(for_transaction=False)))

    def limit_transaction(connection: Connection) -> None:
        if not connection.info.get(_LIMITED):
            connection.exec_driver_sql(limits(for_transaction=True))

    event.listen(reader.sync_engine, "connect", limit_session)
    event.listen(writer.sync_engine, "begin", limit_transaction)


async def _is_pooled(arguments: dict[str, Any]) -> bool | None:
    """Return whether a pooler is between; None if the server refuses the connection."""
    others = {**arguments, "statement_cache_size": 0}
    connect = others.pop("async_creator_fn")
    try:
        connection = await connect(**others)
        try:
            process = await connection.fetchval("SELECT pg_backend_pid()")
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        return None  # the engine's own attempt reports it
    return _process(connection) != int(process)


def _process(connection: Any) -> int:
    """Return the server process that the connection was given to; poolers make up a number.

    Otherwise a cancellation, which names it, would reach another client's session.
    """
    number: int = connection.get_server_pid()
    return number


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:
    # Costs no round trip, unlike a ping, and saves the first request after the server's restart.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _give_up_after_timeout(context: ExceptionContext) -> None:
    # The state of a connection that has not answered is unknown.
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
