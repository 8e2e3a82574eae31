"""What is taken as a webhook, and what is said of what is not."""

from __future__ import annotations

from typing import Any

import pytest

from domain.shared.errors import InvalidInput
from domain.webhooks.definition import MAX_DESCRIPTION, WebhookDefinition
from domain.webhooks.subscription import WebhookStatus

URL = "https://example.com/livekit-events"


def parsed(**given: Any) -> WebhookDefinition:
    return WebhookDefinition.parse({"url": URL, "events": ["*"], **given}, allow_private=False)


def test_a_webhook_is_enabled_unless_its_caller_says_otherwise() -> None:
    assert parsed().status is WebhookStatus.ENABLED
    assert parsed(status="disabled").status is WebhookStatus.DISABLED


def test_a_kind_that_is_given_twice_is_asked_for_once() -> None:
    events = ["call.ended", "session.created", "call.ended"]

    assert parsed(events=events).events == ("call.ended", "session.created")
    assert parsed(events=["*"]).events == ("*",)


def test_a_description_may_be_as_long_as_it_says() -> None:
    assert parsed(description="a" * MAX_DESCRIPTION).description == "a" * MAX_DESCRIPTION
    assert parsed(description=None).description is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("secret", "whsec_x", "secret is not a field of a webhook; it has url, events"),
        ("url", None, "url"),
        ("url", "http://127.0.0.1/", "url"),
        ("url", "https://2130706433/", "whose host is a name or a whole address"),
        ("url", "https://10.1/", "whose host is a name or a whole address"),
        ("url", "https://example.0x7F/", "whose host is a name or a whole address"),
        ("url", "https://1.2.3.4.5./", "whose host is a name or a whole address"),
        ("events", None, "events must be a list of one or more of agent.activated"),
        ("events", [], "events must be a list of one or more of"),
        ("events", "call.ended", "events must be a list of one or more of"),
        ("events", {"call.ended": 1}, "events must be a list of one or more of"),
        ("events", ["call.ended", "*"], "'*' is not a kind of event"),
        ("events", ["call.finished"], "'call.finished' is not a kind of event"),
        ("events", ["webhook.test"], "'webhook.test' is not a kind of event"),
        ("events", [1], "One of them is not a kind of event"),
        ("events", ["a" * 100], f"'{'a' * 60}' is not a kind of event"),
        ("description", 7, "description must be a text of at most 500 characters, without NUL"),
        ("description", "a" * (MAX_DESCRIPTION + 1), "description must be a text of at most 500"),
        ("description", "a\0b", "description must be a text of at most 500 characters"),
        ("status", "paused", "status must be 'enabled' or 'disabled'"),
        ("status", ["enabled"], "status must be 'enabled' or 'disabled'"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(field: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(**{field: value})

    assert refused.value.details["field"] == field
    assert reason in str(refused.value)
