"""What callers say of a phone number, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from domain.phone_numbers.pre_call_webhook import (
    FIELD,
    PreCallWebhook,
    pre_call_secret,
    pre_call_url,
)
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST_NUMBER, AgentId
from domain.shared.webhook_secret import SecretMaker

E164: Final = r"\+[1-9][0-9]{6,14}"
"""ITU-T E.164; no country has shorter numbers with its code."""
TRUNK: Final = r"[!-?A-~]{1,128}"
"""What a trunk's id may be: printable ASCII without a space and ``@``."""
_E164: Final = re.compile(E164, re.ASCII)
_TRUNK: Final = re.compile(TRUNK, re.ASCII)
_FIELDS: Final = ("number", "agentId", "trunkId", FIELD)
_WEBHOOK_FIELDS: Final = ("url", "secret")


@attrs.frozen(kw_only=True)
class PhoneNumberDefinition:
    """A number, its agent, its trunk and, as given, its webhook."""

    number: str
    agent_id: AgentId
    trunk_id: str | None
    webhook: Mapping[str, Any] | None

    @classmethod
    def parse(
        cls, given: Mapping[str, Any], normalised: Callable[[str], str], *, allow_private: bool
    ) -> PhoneNumberDefinition:
        """Check a number by the names that callers use; null means absent.

        Raises :class:`InvalidInput` naming the field.
        """
        _check_names(given, _FIELDS, "A phone number")
        webhook = given.get(FIELD)
        if webhook is not None:
            _check_webhook(webhook, allow_private=allow_private)
        agent_id = given.get("agentId")
        return cls(
            number=parse_number(given.get("number"), normalised),
            agent_id=AgentId(agent_id if isinstance(agent_id, str) else ""),
            trunk_id=_trunk(given.get("trunkId")),
            webhook=webhook,
        )


def parse_number(raw: object, normalised: Callable[[str], str]) -> str:
    """Return the number in E.164. Raises :class:`InvalidInput` naming ``number``."""
    is_text = isinstance(raw, str) and len(raw) <= LONGEST_NUMBER and raw.isprintable()
    number = normalised(raw) if isinstance(raw, str) and is_text else ""
    if not _E164.fullmatch(number):
        raise InvalidInput(
            "number must be a telephone number with its country's code (E.164).",
            field="number",
            example="+15105550199",
        )
    return number


def parse_webhook(
    given: Mapping[str, Any] | None,
    before: PreCallWebhook | None,
    secrets: SecretMaker,
    *,
    allow_private: bool,
) -> PreCallWebhook | None:
    """Return the webhook that ``given`` makes of the one ``before``; None if there is none.

    A field that is absent stays as it was. A secret that is null, or was never given, is made.
    """
    if given is None:
        return None
    url = given.get("url", None if before is None else before.url)
    secret = given.get("secret")
    if "secret" not in given and before is not None:
        secret = before.secret
    return PreCallWebhook(
        url=pre_call_url(url, allow_private=allow_private),
        secret=secrets.webhook_secret() if secret is None else pre_call_secret(secret),
    )


def _check_webhook(given: object, *, allow_private: bool) -> None:
    """Refuse a webhook whose given fields are wrong."""
    if not isinstance(given, Mapping):
        raise InvalidInput(
            f"{FIELD} must be an object or null.",
            field=FIELD,
            example={"url": "https://example.com/calls"},
        )
    _check_names(given, _WEBHOOK_FIELDS, FIELD)
    if "url" in given:
        pre_call_url(given["url"], allow_private=allow_private)
    if given.get("secret") is not None:
        pre_call_secret(given["secret"])


def _check_names(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    if unknown := sorted(given.keys() - {*known}):
        field = unknown[0][:LONGEST_NUMBER]
        raise InvalidInput(
            f"{what} has no field '{field}'; its fields are {', '.join(known)}.", field=field
        )


def _trunk(raw: object) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str) or not _TRUNK.fullmatch(raw):
        raise InvalidInput(
            "trunkId must be the id of a LiveKit trunk.", field="trunkId", example="ST_a1b2c3d4"
        )
    return raw
