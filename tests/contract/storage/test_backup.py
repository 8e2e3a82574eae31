"""A SQLite database's file, its backup, and back: whose they are, and where."""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from adapters.sqlalchemy.schema.backup import backup, restore
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import new_session, opened
from tests.databases import copy_migrated

STEPS = ("rename", "replace", "unlink", "link", "fsync")
"""What changes names, or brings bytes to the disk."""


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def names_in(folder: Path) -> set[str]:
    return {*os.listdir(folder)}


def sessions_in(file: Path) -> int:
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    assert isinstance(number, int)
    return number


async def add(url: str, number: int) -> None:
    async with opened(url) as ledger:
        for _ in range(number):
            await SessionStore(ledger.unit_of_work).add(new_session())


@pytest.fixture
def loose_umask() -> Any:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("loose_umask")
async def test_a_new_database_and_its_logs_are_their_owner_s_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(url_of(file)) as ledger:
        await SessionStore(ledger.unit_of_work).add(new_session())

        files = names_in(tmp_path)
        assert files == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
        assert {mode_of(tmp_path / name) for name in files} == {0o600}


async def test_a_database_that_is_there_stays_as_open_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.touch()
    file.chmod(0o640)

    await add(url_of(file), 1)

    assert mode_of(file) == 0o640


@pytest.mark.parametrize("name", ["ledger #1.db", "100%.db", "what?.db", "%23.db", "ü&x=1.db"])
async def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    file, copy = tmp_path / name, tmp_path / f"copy of {name}"
    url = url_of(tmp_path / quote(name))
    copy_migrated(file)
    await add(url, 1)
    assert sessions_in(file) == 1

    backup(url, copy)
    await add(url, 1)
    assert restore(url, copy) is not None

    assert sessions_in(copy) == 1
    assert sessions_in(file) == 1
    async with opened(url):
        pass
    assert {one.partition(".before")[0] for one in names_in(tmp_path)} == {name, copy.name}


@pytest.fixture
async def replaceable(tmp_path: Path) -> tuple[Path, Path]:
    """A database with two sessions, and a backup with one."""
    file, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    copy_migrated(file)
    await add(url_of(file), 1)
    backup(url_of(file), copy)
    await add(url_of(file), 1)
    return file, copy


@pytest.mark.usefixtures("loose_umask")
def test_nobody_else_can_read_what_is_restored_at_any_moment(
    replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, copy = replaceable
    copy.chmod(0o644)
    before, modes = {*file.parent.iterdir()}, set[int]()

    def note() -> None:
        modes.update(mode_of(one) for one in {*file.parent.iterdir()} - before)

    watch(monkeypatch, note)
    restore(url_of(file), copy)

    note()
    assert modes == {0o600}
    assert mode_of(file) == 0o600


def test_whenever_a_restore_is_killed_a_whole_database_is_there(
    replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, copy = replaceable
    seen: list[int] = []

    watch(monkeypatch, lambda: seen.append(sessions_in(file)))
    old = restore(url_of(file), copy)

    assert old is not None
    assert sessions_in(old) == 2
    assert len(seen) > 4
    assert seen == sorted(seen, reverse=True), "the old one, then the new one"
    assert sessions_in(file) == 1


def test_a_restore_that_fails_changes_nothing(
    replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, copy = replaceable
    before = names_in(file.parent)
    for fatal in range(20):
        steps = itertools.count(0)

        def fail(steps: Iterator[int] = steps, fatal: int = fatal) -> None:
            if next(steps) == fatal:
                raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            watch(patch, fail, ("rename", "unlink", "replace"))
            try:
                restore(url_of(file), copy)
            except StorageUnavailable:
                assert names_in(file.parent) == before, fatal
                assert sessions_in(file) == 2
            else:
                break
    assert fatal > 2
    assert sessions_in(file) == 1


def test_a_restore_needs_no_links(
    replaceable: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, copy = replaceable

    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    old = restore(url_of(file), copy)

    assert old is not None
    assert sessions_in(old) == 2
    assert sessions_in(file) == 1


def test_a_link_to_the_database_stays_one(replaceable: tuple[Path, Path]) -> None:
    file, copy = replaceable
    link = file.with_name("link.db")
    link.symlink_to(file)

    restore(url_of(link), copy)

    assert link.is_symlink()
    assert sessions_in(file) == 1


def watch(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[], None], steps: Collection[str] = STEPS
) -> None:
    """Call ``look`` before each of ``steps``."""
    for name in steps:
        step = getattr(os, name)

        def watched(*args: Any, step: Callable[..., Any] = step, **named: Any) -> Any:
            look()
            return step(*args, **named)

        monkeypatch.setattr(os, name, watched)
