"""``python -m tests.mutation [FILE …]``: how many small changes of domain/ do its tests notice?

Outcomes are kept in .cache/mutation.jsonl, so that a run which was interrupted goes on; a changed
file's mutants are new ones. After a change of the tests, ``--survivors`` tries again those that
survived, and ``--anew`` all.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from tests.mutation.mutants import DOMAIN, PROJECT, Mutant, mutants
from tests.mutation.trial import Coverage, covered, outcome

KEPT: Final = PROJECT / ".cache" / "mutation.jsonl"
NEEDED_PERCENT: Final = 85


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("files", nargs="*", type=Path, default=sorted(DOMAIN.rglob("*.py")))
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--survivors", action="store_true", help="try again what survived")
    again.add_argument("--anew", action="store_true", help="try all again")
    arguments = parser.parse_args()
    known = {} if arguments.anew else _kept(without_survivors=arguments.survivors)

    everything = list(mutants([path.resolve() for path in arguments.files]))
    to_do = [mutant for mutant in everything if mutant.key not in known]
    if to_do:
        began = time.monotonic()
        tests = covered()
        sys.stdout.write(f"{len(to_do)} of {len(everything)} mutants, {len(tests.seconds)} tests\n")
        sys.stdout.flush()
        # Forked, so that each has the tests' coverage without being sent it.
        processes = multiprocessing.get_context("fork")
        with KEPT.open("a") as file, processes.Pool(initializer=_use, initargs=[tests]) as pool:
            for mutant, found in zip(to_do, pool.imap(_try, to_do), strict=True):
                known[mutant.key] = found
                file.write(json.dumps([mutant.key, found]) + "\n")
                file.flush()
        sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return _report(everything, known)


_tests: Coverage


def _use(tests: Coverage) -> None:
    global _tests  # noqa: PLW0603 - of a process of the pool
    _tests = tests


def _try(mutant: Mutant) -> str:
    return outcome(mutant, _tests.of(mutant))


def _kept(*, without_survivors: bool) -> dict[str, str]:
    KEPT.parent.mkdir(exist_ok=True)
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    known = dict(json.loads(line) for line in lines)
    return {
        key: what for key, what in known.items() if not (without_survivors and what == "survived")
    }


def _report(everything: list[Mutant], known: dict[str, str]) -> int:
    by_file: dict[Path, Counter[str]] = defaultdict(Counter)
    for mutant in everything:
        by_file[mutant.path.relative_to(PROJECT)][known[mutant.key]] += 1
    for mutant in everything:
        if known[mutant.key] == "survived":
            sys.stdout.write(f"\n{mutant.name} [{mutant.key}]\n{mutant.diff}\n")
    sys.stdout.write("\n")
    for path, counts in sorted(by_file.items()):
        sys.stdout.write(f"{_score(counts):6.1f} % of {counts.total():4}  {path}\n")
    total = sum(by_file.values(), Counter[str]())
    sys.stdout.write(f"{_score(total):6.1f} % of {total.total():4}  killed: {dict(total)}\n")
    return 0 if _score(total) >= NEEDED_PERCENT else 1


def _score(counts: Counter[str]) -> float:
    return 100 * (1 - counts["survived"] / counts.total())


if __name__ == "__main__":
    sys.exit(main())
