"""What callers say of a webhook, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from domain.access.access import Access
from domain.events.domain_event import EventKind
from domain.events.event_access import is_of_resource, require_readable
from domain.shared.errors import InvalidInput
from domain.shared.storable_text import storable
from domain.shared.webhook_target import check_url
from domain.webhooks.subscription import ALL_EVENTS, WebhookStatus

KINDS: Final = tuple(sorted(kind.value for kind in EventKind if kind != EventKind.WEBHOOK_TEST))
"""The kinds of events that a webhook may get."""
MAX_DESCRIPTION: Final = 500
_FIELDS: Final = ("url", "events", "description", "status")
URL_EXAMPLE: Final = "https://example.com/livekit-events"


@attrs.frozen(kw_only=True)
class WebhookDefinition:
    """The fields of a webhook that callers choose."""

    url: str
    events: tuple[str, ...]
    description: str | None = None
    status: WebhookStatus = WebhookStatus.ENABLED

    def require_readable(self, access: Access) -> None:
        """Raise ``Forbidden`` unless ``access`` may read the resources whose events are sent."""
        require_readable(
            [kind for kind in EventKind if kind in self.events and is_of_resource(kind)], access
        )

    @classmethod
    def parse(cls, given: Mapping[str, Any], *, allow_private: bool) -> WebhookDefinition:
        """Check the fields. Raises ``InvalidInput`` naming the wrong one."""
        if unknown := sorted(given.keys() - {*_FIELDS}):
            field = unknown[0][:MAX_DESCRIPTION]
            raise InvalidInput(
                f"{field} is not a field of a webhook; it has {', '.join(_FIELDS)}.", field=field
            )
        return cls(
            url=check_url(
                given.get("url"), field="url", example=URL_EXAMPLE, allow_private=allow_private
            ),
            events=_events(given.get("events")),
            description=_description(given.get("description")),
            status=_status(given.get("status", WebhookStatus.ENABLED.value)),
        )


def _events(given: object) -> tuple[str, ...]:
    known = f"{', '.join(KINDS)}, or '*' alone for all"
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise InvalidInput(
            f"events must be a list of one or more of {known}.",
            field="events",
            example=["call.ended"],
        )
    if list(given) == [ALL_EVENTS]:
        return (ALL_EVENTS,)
    for kind in given:
        if kind not in KINDS:
            name = repr(storable(kind[:60])) if isinstance(kind, str) else "One of them"
            raise InvalidInput(
                f"{name} is not a kind of event; events may have {known}.",
                field="events",
                example=["call.ended"],
            )
    return tuple(dict.fromkeys(given))


def _description(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > MAX_DESCRIPTION or storable(given) != given:
        raise InvalidInput(
            f"description must be a text of at most {MAX_DESCRIPTION} characters, without NUL.",
            field="description",
            example="Updates the CRM",
        )
    return given


def _status(given: object) -> WebhookStatus:
    try:
        return WebhookStatus(given)  # type: ignore[arg-type] # what is none raises ValueError
    except ValueError:
        raise InvalidInput(
            "status must be 'enabled' or 'disabled'.", field="status", example="enabled"
        ) from None
