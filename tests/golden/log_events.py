"""The log events, collected from the source with ``ast``, whichever file they are in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

import attrs

from tests.golden.files import PROJECT, as_lines

LAYERS: Final = ("domain", "application", "adapters", "entrypoints")
LEVELS: Final = {
    "debug": "debug", "info": "info", "msg": "info", "warning": "warning", "warn": "warning",
    "error": "error", "exception": "error", "critical": "critical", "fatal": "critical",
    "log": "any",
}  # fmt: skip
"""The level that a line has by the logger's method that writes it."""
_GETTERS: Final = ("get_logger", "getLogger")
_MAKERS: Final = (*_GETTERS, "bind", "new", "try_unbind", "unbind")
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Seen = frozenset[ast.expr]


def golden_files() -> dict[str, str]:
    """Return the text of the file: a line for each way in which an event is logged."""
    lines = (f"{event} | {line}" for event, how in log_events(_sources()).items() for line in how)
    return {"log_events.txt": as_lines(lines)}


def log_events(sources: Iterable[str]) -> dict[str, list[str]]:
    """Return the levels and the fields that each event is logged with, by the event's text.

    ``{}`` stands for the values in an f-string, ``<expression>`` for a text that only the running
    service knows, ``**`` for fields that come from a mapping.
    """
    sources = list(sources)
    makers = [source for source in sources if any(maker in source for maker in _GETTERS)]
    loggers = {name for source in makers for name in _loggers(ast.parse(source))}
    found: dict[str, set[str]] = {}
    for source in sources:
        if any(name in source for name in (*loggers, *_GETTERS)):
            for event, line in _Module(ast.parse(source), loggers).lines():
                found.setdefault(event, set()).add(line)
    return {event: sorted(lines) for event, lines in found.items()}


def _sources() -> Iterator[str]:
    for layer in LAYERS:
        for path in sorted((PROJECT / layer).rglob("*.py")):
            yield path.read_text(encoding="utf-8")


def _loggers(tree: ast.AST) -> Iterator[str]:
    """Yield the names that loggers are assigned to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _last_name(node.value.func) in _GETTERS:
                yield from map(_last_name, targets)


def _last_name(node: ast.AST) -> str:
    """``c`` of ``a.b.c``; of a call the last name of what is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@attrs.frozen
class _Module:
    tree: ast.Module
    loggers: set[str]

    @cached_property
    def owners(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield each event that the module logs, with ``level: fields``."""
        nodes = list(ast.walk(self.tree))
        if not any(self._is_logger(node) for node in nodes if isinstance(node, ast.expr)):
            return  # as in most modules; resolving their names would take long
        for call in nodes:
            if isinstance(call, ast.Call):
                yield from self._logged(call)
                yield from self._passed_on(call)

    def _logged(self, call: ast.Call) -> Iterator[tuple[str, str]]:
        for method in self._methods(call.func):
            fields = {keyword.arg or "**" for keyword in call.keywords} - {"event"}
            if method == "exception":
                fields.add("exc_info")
            for event in self._events(call, method):
                yield event, f"{LEVELS[method]}: {', '.join(sorted(fields))}"

    def _passed_on(self, call: ast.Call) -> Iterator[tuple[str, str]]:
        """Yield a call that has a logger's method as an argument: what it logs is unknown."""
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(argument, ast.Attribute):
                for method in self._methods(argument):
                    yield f"<{ast.unparse(call)}>", f"{LEVELS[method]}: "

    def _methods(self, called: ast.expr, seen: _Seen = frozenset()) -> Iterator[str]:
        """Yield the logger's methods that ``called`` may be."""
        if isinstance(called, ast.Attribute) and called.attr in LEVELS:
            if self._is_logger(called.value):
                yield called.attr
        elif isinstance(called, ast.IfExp):
            yield from self._methods(called.body, seen)
            yield from self._methods(called.orelse, seen)
        elif isinstance(called, ast.Name):
            for value in self._assigned(called, seen):
                yield from self._methods(value, seen | {value})

    def _is_logger(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):  # log.bind(…).info(…), structlog.get_logger().info(…)
            return _last_name(node.func) in _MAKERS
        return _last_name(node) in self.loggers

    def _events(self, call: ast.Call, method: str) -> Iterator[str]:
        given = [keyword.value for keyword in call.keywords if keyword.arg == "event"]
        place = 1 if method == "log" else 0
        given += call.args[place : place + 1]
        for argument in given:
            yield from self._texts(argument)

    def _texts(self, node: ast.expr, seen: _Seen = frozenset()) -> Iterator[str]:
        """Yield the texts that an expression may be."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._texts(body, seen)
                yield from self._texts(orelse, seen)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self._texts(value, seen)
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
                )
            case ast.Name() if known := self._assigned(node, seen):
                for value in known:
                    yield from self._texts(value, seen | {value})
            case _:
                yield f"<{ast.unparse(node)}>"

    def _assigned(self, name: ast.Name, seen: _Seen) -> list[ast.expr]:
        """Return the values that a name may have: assigned to it, or passed as that parameter."""
        found: list[ast.expr] = []
        function = self._function(name)
        for node in ast.walk(function or self.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name.id)], value=value):
                    found.append(value)
                case ast.AnnAssign(target=ast.Name(id=name.id), value=ast.expr() as value):
                    found.append(value)
                case ast.NamedExpr(target=ast.Name(id=name.id), value=value):
                    found.append(value)
        if function is not None:
            found += self._passed(function, name.id) or self._constants(name.id)
        return [value for value in found if value not in seen]

    def _constants(self, name: str) -> list[ast.expr]:
        """Return what the module assigns to ``name`` outside of functions."""
        return [
            node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if _last_name(target) == name
        ]

    def _passed(self, function: _Function, parameter: str) -> list[ast.expr]:
        """Return what the module passes to ``function`` as that parameter."""
        found: list[ast.expr] = []
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        if parameter in names:
            place = names.index(parameter) - (names[0] in ("self", "cls"))
            for call in ast.walk(self.tree):
                if isinstance(call, ast.Call) and _last_name(call.func) == function.name:
                    found += call.args[place : place + 1]
                    found += [word.value for word in call.keywords if word.arg == parameter]
        return found

    def _function(self, node: ast.AST) -> _Function | None:
        """Return the function that ``node`` is in."""
        while node in self.owners:
            node = self.owners[node]
            if isinstance(node, _Function):
                return node
        return None
