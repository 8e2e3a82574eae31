"""No production file has more than 250 lines, and no function more than 40."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from tests.service import PROJECT

FILES: Final = [
    path
    for layer in ("domain", "application", "adapters", "entrypoints")
    for path in (PROJECT / layer).rglob("*.py")
]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def named(path: Path, what: object) -> str:
    return f"{path.relative_to(PROJECT)}: {what}"


def test_no_file_has_more_than_250_lines() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in FILES}

    assert len(lines) > 100
    assert [named(path, number) for path, number in lines.items() if number > 250] == []


def test_no_function_has_more_than_40_lines() -> None:
    functions = [
        (path, node)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert [named(path, node.name) for path, node in functions if length(node) > 40] == []
