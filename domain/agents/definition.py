"""What a saved agent is made of; each version of it is one definition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from domain.agents.agent_config import TOOLS, AgentConfig
from domain.agents.merge_patch import merge_patch
from domain.agents.variables import Variables, check_template, check_variables, render, resolve
from domain.shared.errors import InvalidInput

MAX_NAME: Final = 128
MAX_DESCRIPTION: Final = 2048
_TEMPLATES: Final = ("prompt", "greeting")
"""The keys of ``agentConfig`` in which variables are replaced."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@attrs.frozen(kw_only=True)
class AgentDefinition:
    """A saved agent's content. Build one with :meth:`parse`.

    ``agent_name`` is the worker's registration; None: the deployment's ``AGENT_NAME``.
    ``agent_config`` is kept as given: the service's defaults are filled in when it is used.
    """

    name: str
    agent_name: str | None = None
    agent_config: Mapping[str, Any] = attrs.field(factory=dict)
    variables: Variables = attrs.field(factory=dict)
    description: str = ""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> AgentDefinition:
        """Check an agent by the names that callers use: ``agentName``, ``agentConfig``, ….

        None means absent. Raises :class:`InvalidInput` naming the field, and
        :class:`~domain.shared.errors.MetadataTooLarge`.
        """
        given = {key: value for key, value in given.items() if value is not None}
        if unknown := sorted(given.keys() - _FIELDS.keys()):
            field = unknown[0][:MAX_NAME]
            raise InvalidInput(
                f"An agent has no field '{field}'; its fields are {', '.join(_FIELDS)}.",
                field=field,
            )
        agent_name = given.get("agentName")
        config = given.get("agentConfig", {})
        AgentConfig.parse(config).metadata()  # refuses what is not an object, too
        variables = check_variables(given.get("variables", {}))
        definition = cls(
            name=_label(given.get("name"), "name", "support"),
            agent_name=None if agent_name is None else _label(agent_name, "agentName", "my-agent"),
            agent_config=dict(config),
            variables=variables,
            description=_description(given.get("description", "")),
        )
        shortest = {name: "" for name, default in variables.items() if default is None}
        definition.configuration(shortest, None).metadata()  # refuses what no session could use
        return definition

    @classmethod
    def stored(cls, fields: Mapping[str, Any]) -> AgentDefinition:
        """Return the definition whose :attr:`fields` these are, unchecked.

        So that a definition stays readable when a later version of the service checks more.
        """
        return cls(**{name: fields[field] for field, name in _FIELDS.items() if field in fields})

    @property
    def fields(self) -> dict[str, Any]:
        """Return what :meth:`parse` takes, without what is absent."""
        values = attrs.asdict(self, recurse=False)
        return {field: values[name] for field, name in _FIELDS.items() if values[name]}

    @property
    def text(self) -> str:
        """Return :attr:`fields` as JSON text."""
        return json.dumps(self.fields, separators=(",", ":"))

    def is_same(self, other: AgentDefinition) -> bool:
        """Return whether both are the same JSON data: the order of keys does not matter."""
        # Not ==, by which 1 equals true.
        return json.dumps(self.fields, sort_keys=True) == json.dumps(other.fields, sort_keys=True)

    def configuration(self, variables: object, overlay: Mapping[str, Any] | None) -> AgentConfig:
        """Return the configuration of one session with this agent.

        ``overlay`` is merged into ``agent_config`` (RFC 7386), and then the variables are replaced
        by their values. Raises :class:`InvalidInput` and ``MetadataTooLarge``, naming the field.
        """
        values = resolve(self.variables, variables)
        AgentConfig.parse(overlay)  # names the wrong key, and limits the depth before the merge
        merged = merge_patch(self.agent_config, overlay or {})
        config = AgentConfig.parse(merged)
        _check_templates(config, self.variables)
        rendered = {
            key: render(text, values, f"agentConfig.{key}")
            for key, text in _templates(config).items()
        }
        return AgentConfig({**config.values, TOOLS: config.values.get(TOOLS, []), **rendered})


_FIELDS: Final = {
    "name": "name",
    "agentName": "agent_name",
    "description": "description",
    "agentConfig": "agent_config",
    "variables": "variables",
}
"""The names that callers use, and the attributes."""


def _templates(config: AgentConfig) -> dict[str, str]:
    found = {key: config.values[key] for key in _TEMPLATES}
    return {key: text for key, text in found.items() if text is not None}


def _check_templates(config: AgentConfig, variables: Variables) -> None:
    for key, text in _templates(config).items():
        check_template(text, variables, f"agentConfig.{key}")


def _label(raw: object, field: str, example: str) -> str:
    label = raw.strip() if isinstance(raw, str) else ""
    if not 1 <= len(label) <= MAX_NAME or not label.isprintable():
        raise InvalidInput(
            f"{field} must be 1 to {MAX_NAME} printable characters.", field=field, example=example
        )
    return label


def _description(raw: object) -> str:
    if not isinstance(raw, str) or len(raw) > MAX_DESCRIPTION or _SURROGATE.search(raw):
        raise InvalidInput(
            f"description must be a text of at most {MAX_DESCRIPTION} characters.",
            field="description",
            example="Answers questions about orders.",
        )
    return raw
