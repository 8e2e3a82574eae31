"""Prices of models, and what usage costs by them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

import attrs

from domain.usage.model_usage import ModelUsage

_MILLION: Final = 1_000_000
_MINUTE_MS: Final = 60_000


@attrs.frozen(kw_only=True)
class Rates:
    """What a model costs per unit; None: not charged by this unit.

    Tokens are priced per million. Without a rate of its own, a kind of input costs ``input``
    (cached audio: ``audio_input``), and audio that is put out ``output``. ``per_minute`` is of
    audio, ``per_session_minute`` of a connection to a realtime model.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    audio_input: Decimal | None = None
    cached_audio_input: Decimal | None = None
    image_input: Decimal | None = None
    output: Decimal | None = None
    audio_output: Decimal | None = None
    per_character: Decimal | None = None
    per_minute: Decimal | None = None
    per_session_minute: Decimal | None = None
    per_request: Decimal | None = None

    def cost(self, used: ModelUsage) -> Fraction | None:
        """Return the exact cost; None if some of what was used has no rate.

        A model that is charged by one measure (tokens, characters, minutes, requests) is not
        charged by the others, unless these have a rate as well.
        """
        amounts = [(count, rate) for count, rate in self._measures(used) if count]
        tokens = [(count, rate) for count, rate in self._tokens(used) if count]
        if self._charges_tokens:
            if any(rate is None for _, rate in tokens):
                return None
            amounts += [(Fraction(count, _MILLION), rate) for count, rate in tokens]
        charged = [Fraction(rate) * count for count, rate in amounts if rate is not None]
        if not charged and not used.is_nothing:
            return None
        return sum(charged, Fraction())

    @property
    def _charges_tokens(self) -> bool:
        return any(
            rate is not None
            for rate in (self.input, self.audio_input, self.output, self.audio_output)
        )

    def _measures(self, used: ModelUsage) -> Iterator[tuple[Fraction, Decimal | None]]:
        yield Fraction(used.characters), self.per_character
        yield Fraction(used.audio_ms, _MINUTE_MS), self.per_minute
        yield Fraction(used.session_ms, _MINUTE_MS), self.per_session_minute
        yield Fraction(used.requests), self.per_request

    def _tokens(self, used: ModelUsage) -> Iterator[tuple[int, Decimal | None]]:
        cached_text = max(used.cached_input_tokens - used.cached_audio_tokens, 0)
        audio = used.input_audio_tokens - used.cached_audio_tokens
        image = used.input_image_tokens - used.cached_image_tokens
        others = used.cached_input_tokens + used.cache_write_tokens + audio + image
        audio_input = _first(self.audio_input, self.input)
        yield max(used.input_tokens - others, 0), self.input
        yield cached_text, _first(self.cached_input, self.input)
        yield used.cache_write_tokens, _first(self.cache_write, self.input)
        yield audio, audio_input
        yield used.cached_audio_tokens, _first(self.cached_audio_input, audio_input)
        yield image, _first(self.image_input, self.input)
        audio_output = used.output_audio_tokens
        yield max(used.output_tokens - audio_output, 0), self.output
        yield audio_output, _first(self.audio_output, self.output)


def _first(rate: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if rate is None else rate


@attrs.frozen(kw_only=True)
class Price:
    """The rates of the models that a pattern names, ``since`` a day and before ``until``.

    ``model`` is ``provider/model`` in lower case; ``*`` and ``?`` are as in a shell.
    """

    model: str
    rates: Rates
    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the price is valid on ``day``."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )

    def overlaps(self, other: Price) -> bool:
        """Whether both are prices of one pattern for some day."""
        ends_before = self.until is not None and self.until <= (other.since or date.min)
        begins_after = other.until is not None and other.until <= (self.since or date.min)
        return self.model == other.model and not ends_before and not begins_after

    def is_of(self, name: str) -> bool:
        """Whether it is a price of the model with this name."""
        return self.model == name if self.is_name else fnmatchcase(name, self.model)

    @property
    def precedence(self) -> tuple[bool, int]:
        """Sorts prices that match one model: a name is before patterns, longer ones first."""
        return not self.is_name, -len(self.model)

    @property
    def is_name(self) -> bool:
        """Whether it is of one model alone."""
        return not any(character in self.model for character in "*?[")


def names_of(provider: str, model: str) -> list[str]:
    """Return the names by which a model is looked for in a price table.

    Workers report ``api.openai.com`` or ``OpenAI`` with ``gpt-4o-mini``; through LiveKit's
    inference ``livekit`` with ``openai/gpt-4o-mini``.
    """
    provider, model = provider.lower(), model.lower()
    labels = provider.split(".")
    short = labels[-2] if len(labels) > 1 else provider
    names = [f"{provider}/{model}", f"{short}/{model}"]
    return list(dict.fromkeys([*names, model] if "/" in model else names))


@attrs.frozen(kw_only=True)
class Cost:
    """What usage costs: ``amount`` exactly, in units of ``currency``, by ``price_table``.

    ``unpriced`` names the models whose usage is not in it, because they have no price.
    """

    amount: Fraction
    currency: str
    price_table: str
    unpriced: tuple[str, ...] = ()

    @property
    def is_incomplete(self) -> bool:
        """Whether some usage has no price."""
        return bool(self.unpriced)

    @property
    def minor(self) -> int:
        """Return the amount in the currency's minor unit, rounded once, a half away from zero."""
        decimals = 0 if self.currency in _NO_DECIMALS else 2
        if self.currency in _THREE_DECIMALS:
            decimals = 3
        return _rounded(self.amount * 10**decimals)

    @property
    def decimal(self) -> str:
        """Return the amount in units of the currency with eight decimals, rounded likewise."""
        whole, part = divmod(_rounded(self.amount * 10**8), 10**8)
        return f"{whole}.{part:08d}"


def _rounded(amount: Fraction) -> int:
    """Round what is not negative; a half goes up."""
    return int(amount + Fraction(1, 2))


_NO_DECIMALS: Final = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""Currencies whose minor unit is not a hundredth (ISO 4217)."""
