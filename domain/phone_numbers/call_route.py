"""How a call is answered: decided once, and stored with the call before anything acts on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

ROUTE_EVENTS: Final = ("webhook_asked", "webhook_answered", "routed", "rejected")
"""What a route adds to its call's timeline."""


@attrs.frozen
class RouteEvent:
    """One thing that happened while the call was routed; ``what`` is of :data:`ROUTE_EVENTS`."""

    at: datetime
    what: str
    detail: str


@attrs.frozen(kw_only=True)
class WebhookExchange:
    """A pre-call webhook's request and its answer, if it gave one. ``url`` has no query."""

    url: str
    asked_at: datetime
    attempts: int = 1
    answered_after_ms: int | None = None
    answered_at: datetime | None = None


@attrs.frozen(kw_only=True)
class CallRoute:
    """The decision of one inbound call. ``at`` is when it was made (UTC).

    ``number`` is the stored number that was called; None: none is stored, and the call is served
    as one that no number routes. Else the call belongs to ``tenant``. ``agent`` is a saved agent's
    ``id@version``; None: the deployment's ``AGENT_NAME``. ``variables``, ``agent_config`` (merged
    into the agent's) and ``metadata`` are what the webhook gave. ``reject`` is the SIP status with
    which the webhook refused the call. ``default_because``: why it was not decided otherwise.
    """

    at: datetime
    number: str | None = None
    tenant: str | None = None
    agent: str | None = None
    variables: Mapping[str, Any] | None = None
    agent_config: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    reject: int | None = None
    default_because: str | None = None
    webhook: WebhookExchange | None = None

    @classmethod
    def stored(cls, fields: Mapping[str, Any]) -> CallRoute:
        """Return the route whose :attr:`fields` these are. Raises ``ValueError`` or ``TypeError``.

        Fields that another version of the service has added are ignored.
        """
        known = _known(cls, fields)
        if known.get("webhook") is not None:
            known["webhook"] = WebhookExchange(**_known(WebhookExchange, known["webhook"]))
        return cls(**known)

    @property
    def fields(self) -> dict[str, Any]:
        """Return it as JSON data, without what is absent."""
        found = attrs.asdict(
            self, filter=lambda _field, value: value is not None, value_serializer=_as_json
        )
        return dict(found)

    def events(self) -> Iterator[RouteEvent]:
        """Yield what the call's timeline shows of the decision, in order of time."""
        webhook = self.webhook
        if webhook is not None:
            yield RouteEvent(webhook.asked_at, "webhook_asked", webhook.url)
            if webhook.answered_at is not None:
                detail = f"after {webhook.answered_after_ms} ms, attempt {webhook.attempts}"
                yield RouteEvent(webhook.answered_at, "webhook_answered", detail)
        if self.reject is not None:
            yield RouteEvent(self.at, "rejected", f"{self.reject}")
            return
        chosen = "AGENT_NAME" if self.agent is None else f"agent {self.agent}"
        because = "" if self.default_because is None else f" by default: {self.default_because}"
        yield RouteEvent(self.at, "routed", f"{chosen}{because}")


def _known(kind: type[attrs.AttrsInstance], given: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in attrs.fields(kind)}
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value else value
        for name, value in given.items()
        if name in names
    }


_TIMES: Final = frozenset({"at", "asked_at", "answered_at"})


def _as_json(_instance: object, _field: object, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
