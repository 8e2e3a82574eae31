"""Tests run in a forked process, in which one module of domain/ may be another.

Nothing is written to the project, so that trials don't disturb each other, nor anything else.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs
import coverage
import hypothesis.stateful
import pytest
import pytest_asyncio.plugin
import pytest_timeout

from tests.mutation.mutants import DOMAIN, PROJECT, Mutant

TESTS: Final = [
    f"tests/unit/{folder.name}"
    for folder in sorted(DOMAIN.iterdir())
    if (PROJECT / "tests" / "unit" / folder.name).is_dir()
]
EXAMPLES: Final = 25
"""Of each property: enough to kill, and a hundred times faster than what `make test` tries."""
_MEMORY: Final = 4 << 30
_KILLED, _SURVIVED, _BROKEN = 10, 11, 12
# Of pytest's plugins only those that the tests need: schemathesis's alone takes half a second.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
_ARGUMENTS: Final = [
    "-x", "--noconftest", "--assert=plain", "--import-mode=importlib",
    "--timeout=0", "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler",
    "-p", pytest_asyncio.plugin.__name__, "-p", pytest_timeout.__name__,
    f"--rootdir={PROJECT}", "-c", str(PROJECT / "pyproject.toml"),
]  # fmt: skip


@attrs.frozen
class Coverage:
    """What the unmutated tests do: how long each takes, and which run each line of domain/."""

    seconds: dict[str, float]
    by_line: dict[str, dict[int, list[str]]]

    def of(self, mutant: Mutant) -> dict[str, float]:
        """The tests that may notice it, the fastest first, and how long each takes.

        A statement that runs while the module is imported may be noticed by any, one that never
        runs by none.
        """
        lines = self.by_line.get(str(mutant.path.relative_to(PROJECT)), {})
        tests: set[str] = set()
        for line in range(mutant.start, mutant.end + 1):
            tests.update(lines.get(line, []))
        if tests == {""}:
            tests = set(self.seconds)
        tests.discard("")
        in_order = sorted(tests, key=lambda name: (self.seconds[name], name))
        return {name: self.seconds[name] for name in in_order}


def covered() -> Coverage:
    """Run all tests once."""
    reading, writing = os.pipe()

    def run() -> int:
        os.close(reading)
        measured = coverage.Coverage(
            data_file=None, source=[str(DOMAIN)], branch=False, config_file=False
        )
        watcher = _Watcher(measured)
        measured.start()
        code = pytest.main([*_ARGUMENTS, *TESTS], plugins=[watcher, _Fewer()])
        measured.stop()
        data = measured.get_data()
        told = {
            "seconds": watcher.seconds,
            "by_line": {
                str(Path(name).relative_to(PROJECT)): data.contexts_by_lineno(name)
                for name in data.measured_files()
            },
        }
        with os.fdopen(writing, "w") as pipe:
            json.dump(told, pipe)
        return int(code)

    pid = _forked(run, silent=False)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        sys.exit(f"The tests fail before anything is changed ({code}).")
    told = json.loads(text)
    by_line = {
        path: {int(line): names for line, names in lines.items()}
        for path, lines in told["by_line"].items()
    }
    return Coverage(told["seconds"], by_line)


def outcome(mutant: Mutant, tests: Mapping[str, float]) -> str:
    """``killed``, ``timeout`` (killed too) or ``survived``.

    ``tests`` are tried in their order; with each is how many seconds it usually takes.
    """
    if not tests:
        return "survived"

    def run() -> int:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        sys.meta_path.insert(0, _Mutated(mutant))
        files = dict.fromkeys(name.partition("::")[0] for name in tests)
        code = pytest.main([*_ARGUMENTS, *files], plugins=[_Chosen(tests), _Fewer()])
        return _SURVIVED if code == pytest.ExitCode.OK else _KILLED

    code = os.waitstatus_to_exitcode(os.waitpid(_forked(run, silent=True), 0)[1])
    if -code in (signal.SIGALRM, signal.SIGPROF):
        return "timeout"
    return "survived" if code == _SURVIVED else "killed"


def _forked(run: Callable[[], int], *, silent: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = _BROKEN
    try:
        if silent:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        code = run()
    except BaseException:  # noqa: BLE001 - told by the exit code
        traceback.print_exc()
    finally:
        os._exit(code)


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, name: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.mutant.module:
            return None
        package = self.mutant.path.name == "__init__.py"
        return importlib.util.spec_from_loader(name, self, is_package=package)

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self.mutant.mutated, str(self.mutant.path), "exec")
        exec(code, module.__dict__)


class _Chosen:
    """Runs some tests, in their order; ends the process if one takes far longer than usual."""

    def __init__(self, tests: Mapping[str, float]) -> None:
        self.seconds = tests
        self.place = {name: place for place, name in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.place),
            key=lambda item: self.place[item.nodeid],
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        usual = self.seconds[item.nodeid]
        signal.setitimer(signal.ITIMER_PROF, 2 + 5 * usual)  # of work, however busy the machine is
        signal.setitimer(signal.ITIMER_REAL, 20 + 50 * usual)  # for who only waits


class _Fewer:
    """Properties try few examples, always the same, and don't look for the smallest."""

    def __init__(self) -> None:
        hypothesis.settings.register_profile(
            "mutation",
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            function: Any = getattr(item, "obj", None)
            given = getattr(function, "_hypothesis_internal_use_settings", None)
            if given is not None:
                fewer = min(given.max_examples, EXAMPLES)
                function._hypothesis_internal_use_settings = hypothesis.settings(
                    given, max_examples=fewer
                )


class _Watcher:
    """Tells coverage which test is running, and how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.measured.switch_context(item.nodeid)
        result = yield
        self.measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
