"""Nothing returns or changes a tenant's data without being given an ``Access``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.service import PROJECT

LAYERS: Final = ("domain", "application", "adapters", "entrypoints")
REPOSITORIES: Final = ("domain/sessions/repository.py", "domain/calls/repository.py")
OWNED: Final = ("Session", "Call", "SessionOutline", "CallOutline")
"""What belongs to a tenant."""


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            yield path.relative_to(PROJECT), ast.parse(path.read_text())


def defaults(module: ast.Module) -> Iterator[tuple[int, str, ast.expr]]:
    """Each parameter and class field that has a default, with the name of its type."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            places = [*node.args.posonlyargs, *node.args.args]
            given = node.args.defaults
            pairs = [*zip(places[len(places) - len(given) :], given, strict=True)]
            pairs += [
                (one, default)
                for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                if default is not None
            ]
            for parameter, default in pairs:
                yield parameter.lineno, ast.unparse(parameter.annotation or default), default
        elif isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and field.value is not None:
                    yield field.lineno, ast.unparse(field.annotation), field.value


def is_default(value: ast.expr) -> bool:
    """Whether a field's value is a default, not the options of a required field."""
    return not (
        isinstance(value, ast.Call)
        and ast.unparse(value.func) == "attrs.field"
        and not {"default", "factory"} & {one.arg for one in value.keywords}
    )


def test_no_parameter_and_no_field_has_a_default_access() -> None:
    assert [
        f"{path}:{line}"
        for path, module in modules(*LAYERS)
        for line, annotation, default in defaults(module)
        if (annotation.split(" | ")[0] in ("Access", "Tenants") and is_default(default))
        or ast.unparse(default) == "SYSTEM"
    ] == []  # fmt: skip


@pytest.mark.parametrize("path", REPOSITORIES)
def test_a_repository_s_methods_that_return_a_tenant_s_records_take_an_access(path: str) -> None:
    methods = [
        node
        for node in ast.walk(ast.parse((PROJECT / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None
    ]
    returning = [
        method
        for method in methods
        if method.name != "save"  # which was given the record
        and {one.id for one in ast.walk(method.returns or method) if isinstance(one, ast.Name)}
        & {*OWNED}
    ]

    assert len(returning) >= 5
    for method in returning:
        assert "access" in {argument.arg for argument in method.args.args}, method.name


def test_a_request_is_never_carried_out_as_the_system() -> None:
    assert [
        str(path)
        for path, module in modules("entrypoints/http")
        if any(isinstance(node, ast.Name) and node.id == "SYSTEM" for node in ast.walk(module))
    ] == []
