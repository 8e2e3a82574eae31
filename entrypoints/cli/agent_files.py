"""Saved agents as YAML: what ``backend agents apply`` reads and ``export`` writes.

Only what JSON has is taken: no dates, no keys but strings, no tags, no anchors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from domain.agents.definition import AgentDefinition
from domain.shared.errors import DomainError, InvalidInput

_BREAKS: Final = frozenset("\x85\u2028\u2029")
_JSON_TAGS: Final = ("null", "bool", "int", "float", "str", "seq", "map")


class _Loader(yaml.SafeLoader):
    """Reads JSON's types only, and refuses what would silently be lost."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node; an alias could make a document that is endless or huge."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None, None, "aliases (*name) are not supported; repeat the value", mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Construct a value; each key of a mapping must be a string, and occur once."""
        if isinstance(node, yaml.MappingNode):
            seen = set[str]()
            for key, _ in node.value:
                if key.tag != "tag:yaml.org,2002:str":
                    problem = "a key must be a string; put it in quotation marks"
                elif key.value in seen:
                    problem = f"the key '{key.value}' occurs twice"
                else:
                    seen.add(key.value)
                    continue
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_object(node, deep)


_Loader.yaml_constructors = {
    tag: make
    for tag, make in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in _JSON_TAGS
}
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        # A merge (<<) is recognised, and refused as a key that is no string.
        if tag.rpartition(":")[2] in (*_JSON_TAGS, "merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, so that a change of one line is one in git too."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # Line breaks of Unicode's are lost in other styles than the one that escapes them.
    style = '"' if _BREAKS & set(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def read_agents(file: str, text: str) -> list[Mapping[str, Any]]:
    """Return the agents in ``text``: one a document, or a list of them. Each has been checked.

    Raises :class:`InvalidInput`, which names the ``file`` and the line or the agent.
    """
    try:
        documents = list(yaml.load_all(text, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = file if mark is None else f"{file}, line {mark.line + 1}"
        raise InvalidInput(f"{place}: {error.problem}.", field="file") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{file} is not YAML that can be read: {error}.", field="file") from None
    agents = [
        agent
        for document in documents
        if document is not None
        for agent in (document if isinstance(document, list) else [document])
    ]
    if not agents:
        raise InvalidInput(f"{file} has no agent.", field="file")
    names = set[str]()
    for number, agent in enumerate(agents, start=1):
        place = f"{file}, agent {number}"
        if not isinstance(agent, Mapping):
            raise InvalidInput(f"{place}: an agent is a mapping with a name.", field="file")
        try:
            name = AgentDefinition.parse(agent).name
        except DomainError as error:
            raise InvalidInput(f"{place}: {error}", field="file") from None
        if name in names:
            raise InvalidInput(f"{place}: there is another agent '{name}' in it.", field="file")
        names.add(name)
    return agents


def write_agents(definitions: Iterable[AgentDefinition]) -> str:
    """Return YAML from which :func:`read_agents` reads the same, one document an agent."""
    return "".join(
        yaml.dump(
            definition.fields,
            Dumper=_Dumper,
            explicit_start=True,
            sort_keys=False,
            allow_unicode=True,
            width=100,
        )
        for definition in definitions
    )
