"""A person, as far as the ledger can know one: a telephone number, or an identity."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

import attrs

from domain.agents.agent_config import written_by_callers
from domain.shared.errors import InvalidInput
from domain.shared.json_texts import parsed, texts_in

SEPARATORS: Final = " ().-"
"""What may be between a number's digits, up to three of them."""

_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_ABROAD: Final = re.compile(r"^(?:0?011|0+)")
"""What is dialled before the country's code."""

_NEVER_ESCAPED: Final = re.compile(r"[A-Za-z0-9 _.@:()-]+")
"""By no writer of JSON."""

_NO_IDENTITY: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no identity of a user has: control characters, and half of a surrogate pair."""

_IN_WORDS: Final = r"\w\u0300-\u036f\u200d-"
"""What goes on with a word: also an accent after its letter, and the joiner of an emoji."""

_LIVEKIT_S_WORDS: Final = frozenset({
    "event", "kind", "kindDetails", "state", "status", "type", "source", "mimeType",
    "disconnectReason", "sip.callStatus", "lk.agent.state", "lk.agent.name", "lk.agent_name",
})  # fmt: skip
_OUR_WORDS: Final = frozenset(("stt", "tts", "llm", "livekitUrl"))
"""Keys in webhooks and responses whose values name no person."""
_WORDS_OF_RESOURCES: Final = _OUR_WORDS | {
    "agentName", "answeredAtIs", "direction", "directionIs", "disconnectReason", "dispatch",
    "durationIs", "endReason", "source", "status", "type", "what",
}  # fmt: skip


@attrs.frozen
class DataSubject:
    """Finds the texts that mention a person.

    A text that does, in JSON or not, has one of ``traces`` once :data:`SEPARATORS` are left out.
    """

    traces: tuple[str, ...]
    _identity: str | None
    _expression: re.Pattern[str] = attrs.field(repr=False)

    @classmethod
    def with_number(
        cls, number: str, at_home: Callable[[str], Collection[str]] = lambda _: ()
    ) -> DataSubject:
        """By a number with its country code, however it is written (+1 510 555 0100).

        ``at_home`` returns how such digits are dialled within their country; that is found too.
        Raises :class:`~domain.shared.errors.InvalidInput`.
        """
        digits = _ABROAD.sub("", _NOT_DIGITS.sub("", number.replace("(0)", "")))
        if not 7 <= len(digits) <= 15:
            raise InvalidInput(
                "number must be a telephone number with its country code, of 7 to 15 digits.",
                field="number",
                example="+15105550100",
            )
        home = sorted(at_home(digits))
        codes = {digits.removesuffix(way) for way in home if digits.endswith(way)}
        full = {digits, *(code + way for code in codes for way in home)}  # +44 (0)20 …
        ways = full.union(home)
        shortest = (way for way in ways if not any(other in way for other in ways - {way}))
        return cls(tuple(sorted(shortest)), None, _number(full, ways))

    @classmethod
    def with_identity(cls, identity: str) -> DataSubject:
        """By a participant's identity. Raises :class:`~domain.shared.errors.InvalidInput`."""
        word = identity.strip()
        if not word or _NO_IDENTITY.search(word):
            raise InvalidInput(
                "identity must be a participant's, not blank and without control characters.",
                field="identity",
                example="user-42",
            )
        plain = max(_NEVER_ESCAPED.findall(word), key=len, default="")
        # Where every character may be escaped: as it is, or with what begins an escape.
        traces = (_bare(plain),) if _bare(plain) else (_bare(word), "\\")
        return cls(traces, word, re.compile(rf"(?<![\w-]){re.escape(word)}(?![{_IN_WORDS}])"))

    def is_in(self, text: str | None) -> bool:
        """Whether ``text`` mentions the person: as a number or word of its own."""
        return text is not None and any(
            found.lastgroup != "foreign" for found in self._expression.finditer(text)
        )

    def is_called(self, identity: str) -> bool:
        """Whether a participant of this identity is the person."""
        return (
            self.is_in(identity) if self._identity is None else identity.strip() == self._identity
        )

    def is_in_config(self, text: str) -> bool:
        """Whether an agent's configuration mentions the person.

        An identity is looked for in what callers have written, not in names of keys and models.
        """
        if self._identity is None:
            return self._is_in_json(text)
        values = parsed(text)
        if not isinstance(values, dict):
            return self.is_in(text)
        return any(self.is_in(value) for _, value in texts_in(written_by_callers(values)))

    def is_in_event(self, body: bytes) -> bool:
        """Whether a webhook of LiveKit's does, whose identities are compared as they are."""
        return self._is_in_json(body.decode(errors="replace"), _LIVEKIT_S_WORDS)

    def is_in_answer(self, text: str | None) -> bool:
        """Whether what was answered to a request does."""
        return text is not None and self._is_in_json(text, _OUR_WORDS)

    def is_in_resource(self, text: str) -> bool:
        """Whether a session, a call or another resource, as the API shows it, does.

        Words of the API's own name nobody; the configuration is looked through as by itself.
        """
        data = parsed(text)
        if self._identity is None or not isinstance(data, dict):
            return self._is_in_json(text)
        config = data.get("agentConfig")
        if isinstance(config, dict):
            data = {**data, "agentConfig": written_by_callers(config)}
        return any(
            self.is_called(value) if key.lower().endswith("identity") else self.is_in(value)
            for key, value in texts_in(data)
            if key not in _WORDS_OF_RESOURCES
        )

    def _is_in_json(self, text: str, ignored_keys: Collection[str] = ()) -> bool:
        data = parsed(text)
        if data is None:
            return self.is_in(text)
        if self._identity is None:
            # Also among keys and numbers.
            return self.is_in(text) or any(self.is_in(value) for _, value in texts_in(data))
        return any(
            self.is_called(value) if key.lower().endswith("identity") else self.is_in(value)
            for key, value in texts_in(data)
            if key not in ignored_keys
        )


def _number(full: Collection[str], ways: Collection[str]) -> re.Pattern[str]:
    """Numbers of their own; the group ``foreign`` is of those with another country's code."""
    between = f"[{re.escape(SEPARATORS)}]{{0,3}}"
    abroad, any_way = (
        "|".join(between.join(digits) for digits in sorted(numbers, key=len, reverse=True))
        for numbers in (full, ways)
    )
    code = rf"(?:\+|00)[1-9][0-9]{{0,2}}{between}(?:0{between})?"
    return re.compile(
        rf"(?<![0-9])(?:(?:\+|00?|0?011|010|810)?(?:{abroad})|(?P<foreign>{code})?(?:{any_way}))"
        r"(?![0-9])"
    )


def _bare(text: str) -> str:
    return "".join(character for character in text if character not in SEPARATORS)
