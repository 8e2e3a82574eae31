"""What a client may choose in a request to LiveKit's standard token endpoint.

Its fields are LiveKit's (``TokenSourceRequest``,
https://docs.livekit.io/frontends/build/authentication/endpoint/). Clients are browsers and
applications, whose users can change every value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import attrs

from domain.shared.errors import InvalidInput

MAX_METADATA_BYTES: Final = 16 * 1024
"""Of the text of ``participant_metadata`` and of an agent's ``metadata``."""

_AGENT: Final = "room_config.agents[0]"
_NOT_PERMITTED: Final = "may not be set by a client"


@attrs.frozen(kw_only=True)
class ChosenAgent:
    """The agent that a client asks for; ``config`` is what it may set of ``agentConfig``."""

    name: str | None = None
    config: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class TokenPolicy:
    """The names and shell patterns (``*``, ``?``, ``[…]``) of what clients may choose.

    ``agent_names`` may be dispatched beside the default one. ``agent_keys`` are the keys of
    ``agentConfig`` that an agent's ``metadata`` may set, ``metadata_keys`` those of the object in
    ``participant_metadata``, and ``attributes`` the names in ``participant_attributes``.
    """

    agent_names: Sequence[str] = ()
    agent_keys: Sequence[str] = ()
    metadata_keys: Sequence[str] = ()
    attributes: Sequence[str] = ()

    def agent(self, room_config: object) -> ChosenAgent:
        """Return what a ``room_config`` asks for. Raises :class:`InvalidInput`."""
        chosen = _only(room_config, "room_config", ("agents",))
        agents = chosen.get("agents", [])
        if not isinstance(agents, list) or len(agents) > 1:
            raise InvalidInput(
                "room_config.agents must be a list of at most one agent.",
                field="room_config.agents",
                example=[{"agent_name": "receptionist"}],
            )
        if not agents:
            return ChosenAgent()
        agent = _only(agents[0], _AGENT, ("agent_name", "metadata"))
        return ChosenAgent(
            name=self._agent_name(agent.get("agent_name")),
            config=_permitted_object(
                agent.get("metadata"), f"{_AGENT}.metadata", self.agent_keys, "TOKEN_AGENT_METADATA"
            ),
        )

    def metadata(self, given: object) -> str | None:
        """Return the ``participant_metadata``. Raises :class:`InvalidInput`."""
        if isinstance(given, str) and given and "*" in self.metadata_keys:
            return given
        field = "participant_metadata"
        _permitted_object(given, field, self.metadata_keys, "TOKEN_PARTICIPANT_METADATA")
        return str(given) if given else None

    def attributes_of(self, given: object) -> Mapping[str, str] | None:
        """Return the ``participant_attributes``. Raises :class:`InvalidInput`."""
        if not given:
            return None
        field = "participant_attributes"
        if not isinstance(given, Mapping):
            raise InvalidInput(f"{field} must be an object.", field=field, example={"plan": "pro"})
        _check_permitted(given, field, self.attributes, "TOKEN_PARTICIPANT_ATTRIBUTES")
        return given

    def _agent_name(self, given: object) -> str | None:
        if not given:
            return None
        if not isinstance(given, str) or given not in self.agent_names:
            raise InvalidInput(
                f"{_AGENT}.agent_name names an agent that {_NOT_PERMITTED}; TOKEN_AGENT_NAMES "
                "lists the permitted ones. Leave it out for the default agent.",
                field=f"{_AGENT}.agent_name",
            )
        return given


def _only(given: object, field: str, known: Sequence[str]) -> Mapping[str, Any]:
    """Return the members that are set. Raises :class:`InvalidInput` for one that is not known.

    Clients may spell out what has its default: null, an empty text or list, 0 or false.
    """
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{field} must be an object.", field=field)
    found = {key: value for key, value in given.items() if value}
    for key in found:
        if key not in known:
            name = f"{field}.{key[:128]}"
            raise InvalidInput(f"{name} {_NOT_PERMITTED}; leave it out.", field=name)
    return found


def _permitted_object(
    given: object, field: str, permitted: Sequence[str], variable: str
) -> Mapping[str, Any] | None:
    """Return the JSON object in a text whose keys are all permitted."""
    if not given:
        return None
    if not permitted:
        raise InvalidInput(
            f"{field} {_NOT_PERMITTED}; {variable} lists the permitted keys.", field=field
        )
    _check_size(given, field)
    try:
        found = json.loads(given) if isinstance(given, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(
            f"{field} must be the text of a JSON object.", field=field, example='{"plan":"pro"}'
        )
    _check_permitted(found, field, permitted, variable)
    return found


def _check_size(given: object, field: str) -> None:
    if isinstance(given, str) and len(given.encode(errors="replace")) > MAX_METADATA_BYTES:
        raise InvalidInput(
            f"{field} must be at most {MAX_METADATA_BYTES} bytes of UTF-8.",
            field=field,
            limitBytes=MAX_METADATA_BYTES,
        )


def _check_permitted(
    given: Mapping[str, Any], field: str, permitted: Sequence[str], variable: str
) -> None:
    for key in given:
        if not any(fnmatchcase(key, pattern) for pattern in permitted):
            raise InvalidInput(
                f"{field} has the key '{key[:64]}', which {_NOT_PERMITTED}; {variable} lists the "
                "permitted ones.",
                field=field,
            )
