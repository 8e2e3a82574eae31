"""Each small change that cosmic-ray knows to a file of domain/, as source text."""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import attrs
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

PROJECT: Final = Path(__file__).resolve().parents[2]
DOMAIN: Final = PROJECT / "domain"


@attrs.frozen
class Mutant:
    """One change, in the statement that is in the lines ``start`` to ``end`` (from 1)."""

    path: Path
    operator: str
    occurrence: int
    start: int
    end: int
    source: str = attrs.field(repr=False)
    mutated: str = attrs.field(repr=False)

    @property
    def module(self) -> str:
        """``domain.shared.retry_on_conflict``"""
        parts = self.path.relative_to(PROJECT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def key(self) -> str:
        """The same for the same change of the same file."""
        return hashlib.sha256(f"{self.module}\n{self.mutated}".encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """For people: where it is, and what was changed to what."""
        where = f"{self.path.relative_to(PROJECT)}:{self.start}"
        return f"{where} {self.operator.removeprefix('core/')}"

    @property
    def diff(self) -> str:
        """The changed lines."""
        lines = difflib.unified_diff(
            self.source.splitlines(), self.mutated.splitlines(), n=0, lineterm=""
        )
        return "\n".join(line for line in lines if line[:3] not in ("---", "+++", "@@ "))


def mutants(files: list[Path]) -> Iterator[Mutant]:
    """Every mutant of ``files`` once, but those of annotations, which nothing evaluates.

    (Each file has ``from __future__ import annotations``.)
    """
    for path in files:
        source = path.read_text()
        seen = {source}
        unevaluated = list(_annotations(source))
        statements = list(_statements(source))
        for name in sorted(operator_names()):
            kind = get_operator(name)
            if kind.arguments():  # those of one's own making
                continue
            operator = kind()
            for occurrence, (start, end) in enumerate(_places(source, operator)):
                if any(first <= start and end <= last for first, last in unevaluated):
                    continue
                mutated = None
                with suppress(AttributeError):  # "except binascii.Error" is beyond cosmic-ray 8.7
                    mutated = mutate_code(source, operator, occurrence)
                if mutated is not None and mutated not in seen:
                    seen.add(mutated)
                    around = [lines for lines in statements if lines[0] <= start[0] <= lines[1]]
                    first, last = max(around)
                    yield Mutant(path, name, occurrence, first, last, source, mutated)


Place = tuple[int, int]


def _places(source: str, operator: Any) -> Iterator[tuple[Place, Place]]:
    for node in ast_nodes(get_ast(source)):
        yield from operator.mutation_positions(node)


def _annotations(source: str) -> Iterator[tuple[Place, Place]]:
    for node in ast.walk(ast.parse(source)):
        for told in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(told, ast.expr):
                yield (
                    (told.lineno, told.col_offset),
                    (told.end_lineno or told.lineno, told.end_col_offset or told.col_offset),
                )


def _statements(source: str) -> Iterator[Place]:
    """The first and the last line of each; of one with a body, what stands before that."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt | ast.ExceptHandler):
            continue
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        body: list[ast.stmt] = getattr(node, "body", [])
        first = min(one.lineno for one in (node, *decorators))
        yield first, body[0].lineno - 1 if body else node.end_lineno or node.lineno
