"""What a pre-call webhook is sent, and what it may answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol, Self

import attrs

from domain.agents.use_agent import AgentReference
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.shared.errors import InvalidInput

REJECTIONS: Final = range(400, 700)
"""SIP's final responses that refuse a call (RFC 3261 §21)."""


class NoAnswer(Exception):
    """The webhook gave no answer that can be used; the text says why, after "the webhook".

    ``may_retry``: a second request may get one.
    """

    def __init__(self, reason: str, *, may_retry: bool = False) -> None:
        super().__init__(reason)
        self.may_retry = may_retry


class WebhookSender(Protocol):
    """Sends one signed request."""

    async def send(self, webhook: PreCallWebhook, message_id: str, body: bytes) -> bytes:
        """POST ``body`` once and return the answer of a 2xx, of at most 16 KiB.

        ``message_id`` is the same for each attempt. Raises :class:`NoAnswer`.
        """
        ...


@attrs.frozen(kw_only=True)
class CallRequest:
    """What the webhook is sent of a call. ``headers`` are SIP headers that LiveKit reports."""

    call_id: str
    from_number: str | None
    to_number: str | None
    trunk_id: str | None
    headers: Mapping[str, str]

    @property
    def body(self) -> bytes:
        """Return it as JSON."""
        shown = {
            "callId": self.call_id,
            "from": self.from_number,
            "to": self.to_number,
            "trunkId": self.trunk_id,
            "headers": dict(self.headers),
        }
        return json.dumps(shown, separators=(",", ":")).encode()


@attrs.frozen(kw_only=True)
class WebhookAnswer:
    """A decision: ``reject`` with a SIP status, or an agent and what it gets.

    ``agent`` is a saved agent's ``id`` or ``id@version``; None: the number's own.
    """

    agent: AgentReference | None = None
    agent_config: Mapping[str, Any] | None = None
    variables: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    reject: int | None = None

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the answer. Keys that are not known are ignored. Raises :class:`NoAnswer`."""
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            raise NoAnswer("answered with what is not JSON") from None
        if not isinstance(given, dict):
            raise NoAnswer("answered with JSON that is not an object")
        given = {key: value for key, value in given.items() if value is not None}
        objects = {key: _object(given, key) for key in ("agentConfig", "variables", "metadata")}
        reject = given.get("reject")
        if reject is not None:
            if isinstance(reject, bool) or not isinstance(reject, int) or reject not in REJECTIONS:
                raise NoAnswer("answered with a 'reject' that is no SIP status from 400 to 699")
            if "agentId" in given or any(value is not None for value in objects.values()):
                raise NoAnswer("answered with 'reject' and an agent as well")
        return cls(
            agent=_agent(given.get("agentId")),
            agent_config=objects["agentConfig"],
            variables=objects["variables"],
            metadata=objects["metadata"],
            reject=reject,
        )


def _object(given: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = given.get(key)
    if value is not None and not isinstance(value, dict):
        raise NoAnswer(f"answered with '{key}' that is not an object")
    return value


def _agent(raw: object) -> AgentReference | None:
    if raw is None:
        return None
    try:
        return AgentReference.parse(raw)
    except InvalidInput:
        raise NoAnswer("answered with an 'agentId' that is no id of a saved agent") from None
