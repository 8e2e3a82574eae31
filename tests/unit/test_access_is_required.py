"""Nothing returns or changes a tenant's data without being given an ``Access``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_type_hints

import pytest

from domain.access.access import Access
from entrypoints.container import Container
from tests.service import PROJECT

LAYERS: Final = ("domain", "application", "adapters", "entrypoints")
REPOSITORIES: Final = (
    "domain/sessions/repository.py",
    "domain/calls/repository.py",
    "domain/agents/repository.py",
    "domain/phone_numbers/repository.py",
    "domain/tickets/repository.py",
    "domain/webhooks/repository.py",
    "domain/webhooks/delivery_repository.py",
)
OWNED: Final = (
    "Session", "Call", "SessionOutline", "CallOutline", "Agent", "AgentVersion", "PhoneNumber",
    "Ticket", "Webhook", "Delivery",
)  # fmt: skip
"""What belongs to a tenant."""

PROGRAMS: Final = ("entrypoints/http", "entrypoints/cli")
WITHOUT_ACCESS: Final = {
    "authenticate": "returns the access",
    "authenticate_client": "returns the access",
    "authenticate_ticket": "returns the access",
    "receive_webhook": "stores what LiveKit has signed, which no tenant sends",
    "worker_verifier": "returns the access",
    "telemetry_sink": "passes on what is of no tenant",
    "backup": "copies the whole database file",
    "restore": "replaces the whole database file",
    "migrate": "changes the schema",
    "storage": "opens the database; `entrypoints/cli/process.py` calls no method of it",
    "cached_stats": "counts over all tenants, on a route for the scope admin",
    "recent_readiness": "asks whether LiveKit and the database answer",
    "heartbeat": "reads the database's clock",
    "livekit_client": "opens connections; `entrypoints/cli/livekit.py` calls no method of it",
    "delivery_sender": "closes its connections",
    "local_sender": "closes its connections",
    "egresses": "is replaced by none; `entrypoints/cli` calls no method of it",
    "erase_recordings": "carries out what an erasure that took an access has marked",
    "event_stream": "takes the access of each listener; `run` reads for all of them",
    "change_watch": "hints to each listener what its access may read",
    "outbox": "is followed by the operator's own commands",
    "play_recording": "takes an access, or a link that someone with one has made",
    "post_report": "takes an access with a report; `read` only decodes a body",
    "recording_store": "opens the store; the programs call no method of it",
    "sweep_store": "looks for what is of no recording, of all tenants",
    "rate_limiter": "counts requests",
    "refusal_limiter": "counts requests",
    "dialled_at_home": "formats a number",
    "simulator": "runs without a ledger",
    "simulated_call": "runs without a ledger",
    "clock": "tells the time",
    "settings": "has what the environment says",
    "telemetry": "measures",
    "tracing": "measures",
}
"""What the HTTP API and the command line take from the container and give no ``Access``: why."""


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

    assert returning
    for method in returning:
        assert "access" in {argument.arg for argument in method.args.args}, method.name


def test_a_request_is_never_carried_out_as_the_system() -> None:
    assert [
        str(path)
        for path, module in modules("entrypoints/http")
        if any(isinstance(node, ast.Name) and node.id == "SYSTEM" for node in ast.walk(module))
    ] == []


def providers_used() -> set[str]:
    """Return the names that the HTTP API and the command line take from the container."""
    return {
        node.attr
        for _, module in modules(*PROGRAMS)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value).split("(")[0] in ("container", "Container")
    }


def methods_without_access(use_case: type) -> list[str]:
    """Return its public coroutine methods that take neither an access nor a command with one."""
    return [
        name
        for name, method in inspect.getmembers(use_case, inspect.iscoroutinefunction)
        if (name == "__call__" or not name.startswith("_"))
        and not any(
            parameter is Access or getattr(parameter, "__annotations__", {}).get("access")
            for parameter in get_type_hints(method).values()
        )
    ]


def test_a_program_calls_no_use_case_without_an_access() -> None:
    used = providers_used()

    assert used >= {"start_session_once", "read_calls", "manage_keys", "replay_events"}
    assert {*WITHOUT_ACCESS} <= used
    for name in used - {*WITHOUT_ACCESS}:
        use_case = getattr(Container.providers[name], "cls", None)
        assert use_case is not None, f"{name} is no use case"
        assert use_case.__module__.startswith("domain."), f"{name} is no use case"
        assert methods_without_access(use_case) == [], name
