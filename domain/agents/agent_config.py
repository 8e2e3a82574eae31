"""The configuration of an agent, which reaches the worker as dispatch metadata.

Source of the keys: the service's contract. Deployed workers read these names, so they are never
renamed or nested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import attrs

from domain.shared.errors import InvalidInput, MetadataTooLarge

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

MAX_METADATA_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 100
"""Levels of nesting in ``agentConfig``; below the depth at which JSON readers give up."""

DEFAULT_PROMPT: Final = (
    "You are a friendly and helpful voice assistant. Answer in one or two short, natural "
    "sentences, ask when something is unclear, and never use formatting that cannot be spoken."
)

DEFAULTS: Final[Mapping[str, Any]] = {
    "stt": "assemblyai/universal-streaming:en",
    "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
    "llm": "openai/gpt-4o-mini",
    "prompt": DEFAULT_PROMPT,
    "greeting": None,
    "realtime": False,
    "realtime_model": "gpt-4o-realtime-preview",
    "realtime_voice": "sage",
    "vad_enabled": True,
    "turn_detection_enabled": True,
    "noise_cancellation_enabled": True,
    "noise_cancellation_type": "auto",
}
NOISE_CANCELLATION_TYPES: Final = ("auto", "telephony", "standard", "none")
TOOLS: Final = "tools"
"""Names of functions that the agent may call: checked where it is given. Only a saved agent's
configuration has it by default, because deployed workers may not expect it."""
RECORD: Final = "record"
"""False: no audio may be kept, by this service or by the worker, which reads it too."""
RESERVED: Final = ("session_id", "call_id", "caller_number", "called_number", "direction")
"""Metadata keys that only the service sets, so that a worker can trust them."""


def _check_known(key: str, value: object) -> None:
    field = f"agentConfig.{key}"
    if key == TOOLS:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise InvalidInput(
                f"{field} must be a list of strings.", field=field, example=["look_up_order"]
            )
        return
    default = DEFAULTS[key]
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InvalidInput(f"{field} must be true or false.", field=field, example=default)
    elif key == "noise_cancellation_type":
        if value not in NOISE_CANCELLATION_TYPES:
            allowed = ", ".join(NOISE_CANCELLATION_TYPES)
            raise InvalidInput(f"{field} must be one of {allowed}.", field=field, example=default)
    elif not isinstance(value, str):
        example = "Hello! How can I help?" if key == "greeting" else default
        raise InvalidInput(f"{field} must be a string.", field=field, example=example)


_CONTAINERS: Final = (list, dict, tuple)


def _check_depth(value: Mapping[str, Any]) -> None:
    # Level by level rather than recursive, so that no input can exhaust the stack.
    level: list[object] = [*value.values()]
    for _ in range(MAX_DEPTH):
        containers = [item for item in level if isinstance(item, _CONTAINERS)]
        if not containers:
            return
        level = [
            child
            for item in containers
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    raise InvalidInput(
        f"agentConfig must not be nested deeper than {MAX_DEPTH} levels.", field="agentConfig"
    )


OUTLINE: Final = ("stt", "tts", "llm", "realtime")
PHONE_GREETING: Final = "Hello, you are speaking with a voice assistant. How can I help you?"

_SPOKEN: Final = ("prompt", "greeting")
_OUR_TEXTS: Final = (DEFAULT_PROMPT, PHONE_GREETING)


def written_by_callers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that may name a person: no default, no model, voice or kind."""
    return {
        key: value
        for key, value in values.items()
        if key not in DEFAULTS or (key in _SPOKEN and value not in _OUR_TEXTS)
    }


@attrs.frozen
class AgentConfig:
    """A complete configuration: every known key with its value, and the caller's own keys.

    Build one with :meth:`parse`; ``values`` is JSON data in the order defaults first, then the
    unknown keys as given.
    """

    values: Mapping[str, Any]

    @classmethod
    def parse(cls, given: Mapping[str, Any] | None) -> AgentConfig:
        """Check the known keys of ``given``, fill in defaults, keep unknown keys untouched.

        ``None`` for a known key means absent, except for ``greeting``, whose default it is.
        Raises :class:`InvalidInput` naming the offending key.
        """
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise InvalidInput(
                "agentConfig must be an object.", field="agentConfig", example={"realtime": False}
            )
        _check_depth(given)
        values = dict(DEFAULTS)
        for key, value in given.items():
            if key in RESERVED:
                raise InvalidInput(
                    f"agentConfig.{key} is set by the service; choose another name.",
                    field=f"agentConfig.{key}",
                )
            if key in DEFAULTS or key == TOOLS:
                if value is None:
                    continue
                _check_known(key, value)
            values[key] = value
        return cls(values)

    @classmethod
    def for_phone(cls) -> AgentConfig:
        """Return the configuration for a phone call, in which the agent must speak first."""
        return cls.parse({"noise_cancellation_type": "telephony", "greeting": PHONE_GREETING})

    @property
    def chosen(self) -> dict[str, Any]:
        """What differs from the defaults: the same whether a default was given or left out."""
        return {
            key: value
            for key, value in self.values.items()
            if key not in DEFAULTS or value != DEFAULTS[key]
        }

    @property
    def may_record(self) -> bool:
        """Whether audio may be kept; any value of :data:`RECORD` but false is the worker's."""
        return self.values.get(RECORD) is not False

    @property
    def outline(self) -> AgentConfig:
        """What may be kept where prompts may not: the models; see :attr:`is_outline`."""
        refused = {} if self.may_record else {RECORD: False}
        return AgentConfig({key: self.values[key] for key in OUTLINE} | refused)

    @property
    def is_outline(self) -> bool:
        """Whether the rest was not kept."""
        return "prompt" not in self.values

    @property
    def completed(self) -> AgentConfig:
        """The configuration with the defaults in place of what was not kept."""
        return AgentConfig.parse(self.values) if self.is_outline else self

    @cached_property
    def text(self) -> str:
        """``values`` as JSON text.

        Raises :class:`InvalidInput` for values that JSON cannot carry (NaN, lone surrogates).
        """
        try:
            text = _ENCODE(dict(self.values))
            text.encode()
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"agentConfig cannot be written as JSON: {error}.", field="agentConfig"
            ) from error
        return text

    def metadata(self, **correlation: str) -> str:
        """The dispatch metadata as JSON text: this configuration and the ``correlation`` keys.

        Raises :class:`MetadataTooLarge` beyond 64 KiB of UTF-8, and as :attr:`text`.
        """
        both = ",".join(part[1:-1] for part in (self.text, _ENCODE(correlation)) if part != "{}")
        text = f"{{{both}}}"
        size = len(text.encode())
        if size > MAX_METADATA_BYTES:
            raise MetadataTooLarge(
                f"agentConfig is too large: the agent's metadata would be {size} bytes, "
                f"the limit is {MAX_METADATA_BYTES}.",
                field="agentConfig",
                limitBytes=MAX_METADATA_BYTES,
            )
        return text
