"""A real PgBouncer between a test and its database, stopped by its pid."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection

import pytest
from sqlalchemy import make_url

from tests.databases import PostgresServer
from tests.guard import guard_folder
from tests.livekit_server import free_port

_START_LIMIT_SECONDS = 20.0


def find_pgbouncer() -> str:
    """Return the binary. Without one the test is skipped, but fails in CI (``CI`` set)."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is not None:
        return found
    missing = "There is no PgBouncer here; run `sh scripts/install_pgbouncer.sh`."
    if os.environ.get("CI"):
        raise RuntimeError(missing)
    pytest.skip(missing)


@contextmanager
def pooled(server: PostgresServer, direct_url: str, mode: str = "transaction") -> Iterator[str]:
    """Yield a URL that reaches ``direct_url``'s database through two sessions in pool ``mode``."""
    binary = find_pgbouncer()
    pgdata, database = server.installation.pgdata, make_url(direct_url).database
    (socket,) = (file for file in Path(pgdata).glob(".s.PGSQL.*") if file.suffix != ".lock")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
    guard_folder(folder)
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n{database} = host={pgdata} port={socket.suffix[1:]} user=postgres\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {folder}/users\nlogfile = {folder}/log\n"
        f"pool_mode = {mode}\ndefault_pool_size = 2\n"
    )
    command = [binary, str(folder / "ini")]
    if os.geteuid() == 0:  # as which it does not run
        owner = Path(pgdata).owner()
        command[1:1] = ["-u", owner]
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, owner)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/{database}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"PgBouncer did not start:\n{log.read_text() if log.exists() else ''}")
