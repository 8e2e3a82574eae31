"""What a session has used as JSON."""

from __future__ import annotations

import msgspec

from domain.usage.model_usage import ModelUsage
from domain.usage.prices import Cost
from domain.usage.read_usage import UsageAndCost


class CostResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What usage costs by the price table that `PRICES_FILE` names, at the session's start.

    `amountMinor` is in the currency's minor unit (cents for USD), rounded once, a half up; `amount`
    is the same in units of the currency with eight decimals. `incomplete`: the usage of the models
    in `unpriced` (`provider/model`) is not in it, because they have no price.
    """

    amount_minor: int
    amount: str
    currency: str
    price_table: str
    incomplete: bool
    unpriced: list[str]


class ModelUsageResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What was used of one model, as the worker reports it; a counter is 0 if it was not reported.

    `type` is `llm` (realtime models too), `stt`, `tts`, `interruption`, `eot`, or what a later
    worker calls it. `inputTokens` include the cached ones and those of audio, text and images;
    `outputTokens` those of audio, text and reasoning. `others` are counters that this version does
    not know, by the worker's names.
    """

    type: str
    provider: str
    model: str
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    input_audio_tokens: int
    cached_audio_tokens: int
    input_text_tokens: int
    cached_text_tokens: int
    input_image_tokens: int
    cached_image_tokens: int
    output_tokens: int
    output_audio_tokens: int
    output_text_tokens: int
    reasoning_tokens: int
    characters: int
    requests: int
    audio_seconds: float
    session_seconds: float
    others: dict[str, int | float]


class UsageResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What a session has used: the sum of all its workers' reports.

    `cost` is null if there is no price table.
    """

    models: list[ModelUsageResponse]
    cost: CostResponse | None


def usage_response(found: UsageAndCost) -> UsageResponse:
    """Return a session's usage as the contract shows it."""
    return UsageResponse(
        models=[_model_response(usage) for usage in found.models],
        cost=cost_response(found.cost),
    )


def cost_response(cost: Cost | None) -> CostResponse | None:
    """Return ``cost`` as the contract shows it; None if there is no price table."""
    if cost is None:
        return None
    return CostResponse(
        amount_minor=cost.minor,
        amount=cost.decimal,
        currency=cost.currency,
        price_table=cost.price_table,
        incomplete=cost.is_incomplete,
        unpriced=list(cost.unpriced),
    )


def _model_response(usage: ModelUsage) -> ModelUsageResponse:
    counters = usage.counters
    audio_ms, session_ms = counters.pop("audio_ms"), counters.pop("session_ms")
    return ModelUsageResponse(
        type=usage.kind,
        provider=usage.provider,
        model=usage.model,
        audio_seconds=audio_ms / 1000,
        session_seconds=session_ms / 1000,
        others=dict(usage.others),
        **counters,
    )
