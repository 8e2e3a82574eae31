"""What usage costs by a dated price table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest

from domain.usage.model_usage import ModelUsage
from domain.usage.price_table import PriceTable
from domain.usage.prices import Cost, Price, Rates, names_of

DAY = date(2026, 3, 1)
MILLION = 1_000_000


def rates(**given: str) -> Rates:
    return Rates(**{name: Decimal(value) for name, value in given.items()})


def used(**counters: Any) -> ModelUsage:
    names = {"kind": "llm", "provider": "openai", "model": "gpt-4o-mini"}
    return ModelUsage(**{**names, **counters})


def table(*prices: Price, currency: str = "USD") -> PriceTable:
    return PriceTable(name="test", currency=currency, prices=prices)


@pytest.mark.parametrize(
    ("prices", "usage", "cost"),
    [
        ({"input": "0.15", "output": "0.60"}, {"input_tokens": MILLION}, "0.15"),
        ({"input": "2", "output": "8"}, {"input_tokens": 1, "output_tokens": 1}, "0.00001"),
        # What is cached costs as the rest unless it has a rate.
        ({"input": "2"}, {"input_tokens": MILLION, "cached_input_tokens": MILLION // 2}, "2"),
        (
            {"input": "2", "cached_input": "1", "cache_write": "4"},
            {
                "input_tokens": MILLION,
                "cached_input_tokens": 500_000,
                "cache_write_tokens": 100_000,
            },
            "1.7",
        ),
        # Of a realtime model: 300,000 of text, 100,000 of them cached; 600,000 of audio, 200,000 of
        # them cached; 100,000 of images.
        (
            {"input": "4", "cached_input": "1", "audio_input": "32", "cached_audio_input": "2",
             "image_input": "5", "output": "16", "audio_output": "64"},
            {"input_tokens": MILLION, "cached_input_tokens": 300_000, "input_text_tokens": 300_000,
             "cached_text_tokens": 100_000, "input_audio_tokens": 600_000,
             "cached_audio_tokens": 200_000, "input_image_tokens": 100_000,
             "output_tokens": MILLION, "output_audio_tokens": 750_000},
            "66.6",
        ),
        ({"per_character": "0.00005"}, {"characters": 300, "audio_ms": 9}, "0.015"),
        ({"per_minute": "0.006", "per_session_minute": "1"},
         {"audio_ms": 90_000, "session_ms": 30_000}, "0.509"),
        ({"per_request": "0"}, {"requests": 7}, "0"),
        ({"input": "1", "per_minute": "1"}, {"audio_ms": 60_000, "input_tokens": MILLION}, "2"),
        ({"input": "1"}, {}, "0"),
    ],
)  # fmt: skip
def test_each_unit_has_its_rate(prices: dict[str, str], usage: dict[str, int], cost: str) -> None:
    assert rates(**prices).cost(used(**usage)) == Fraction(cost)


@pytest.mark.parametrize(
    ("prices", "usage"),
    [
        ({"input": "1"}, {"input_tokens": 1, "output_tokens": 1}),
        ({"audio_input": "1"}, {"input_tokens": 2, "input_audio_tokens": 1}),
        ({"per_minute": "1"}, {"input_tokens": 1}),
        ({"per_character": "1"}, {"audio_ms": 1}),
    ],
)
def test_usage_without_a_rate_has_no_cost(prices: dict[str, str], usage: dict[str, int]) -> None:
    assert rates(**prices).cost(used(**usage)) is None


def test_a_name_is_before_patterns_and_a_longer_pattern_before_a_shorter() -> None:
    prices = table(
        *(
            Price(model=model, rates=rates(input=rate))
            for model, rate in (
                ("*", "1"), ("openai/*", "2"), ("openai/gpt-4o*", "3"), ("openai/gpt-4o-mini", "4"),
            )
        )
    )  # fmt: skip

    def rate(provider: str, model: str) -> Decimal | None:
        found = prices.rates(provider, model, DAY)
        assert found is not None
        return found.input

    assert rate("openai", "gpt-4o-mini") == 4
    assert rate("api.openai.com", "GPT-4o-mini-2024") == 3
    assert rate("livekit", "openai/gpt-4o-mini") == 4
    assert rate("livekit", "o1") == 1
    assert rate("OpenAI", "o1") == 2


@pytest.mark.parametrize(
    ("provider", "model", "names"),
    [
        ("openai", "gpt-4o-mini", ["openai/gpt-4o-mini"]),
        ("api.openai.com", "gpt", ["api.openai.com/gpt", "openai/gpt"]),
        ("livekit", "OpenAI/gpt", ["livekit/openai/gpt", "openai/gpt"]),
        ("", "", ["/"]),
    ],
)
def test_a_model_is_looked_for_by_these_names(provider: str, model: str, names: list[str]) -> None:
    assert names_of(provider, model) == names


def test_the_price_of_the_day_counts() -> None:
    old = Price(model="openai/*", rates=rates(input="2"), until=DAY)
    new = Price(model="openai/*", rates=rates(input="1"), since=DAY, until=date(2026, 4, 1))
    prices = table(old, new)
    usage = used(input_tokens=MILLION)

    def cost(*days: date) -> Cost:
        return prices.cost((day, usage) for day in days)

    assert cost(date(2026, 2, 28)).amount == 2
    assert cost(DAY).amount == 1
    assert cost(date(2026, 2, 28), DAY).amount == 3
    assert cost(date(2026, 4, 1)).unpriced == ("openai/gpt-4o-mini",)
    assert not old.overlaps(new)
    assert not new.overlaps(old)
    assert attrs.evolve(new, since=None).overlaps(old)
    assert not attrs.evolve(new, model="*", since=None).overlaps(old)
    march = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    assert prices.breaks(*march) == [date(2026, 4, 1)]
    assert prices.breaks(datetime(2026, 2, 1, tzinfo=UTC), march[0]) == [DAY]


def test_what_has_no_price_is_named_and_the_rest_is_charged() -> None:
    prices = table(Price(model="openai/*", rates=rates(input="1")))
    nothing = used(provider="x", model="y")
    unnamed = used(kind="tts", provider="", model="", characters=1)
    stt = used(kind="stt", provider="deepgram", model="nova-3", audio_ms=1)

    cost = prices.cost((DAY, each) for each in (used(input_tokens=MILLION), nothing, unnamed, stt))

    assert cost.amount == 1
    assert cost.unpriced == ("deepgram/nova-3", "tts")
    assert cost.is_incomplete


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "decimal"),
    [
        ("0.005", "USD", 1, "0.00500000"),
        ("0.00499999", "USD", 0, "0.00499999"),
        ("12.345", "EUR", 1235, "12.34500000"),
        ("12.5", "JPY", 13, "12.50000000"),
        ("1.2345", "KWD", 1235, "1.23450000"),
        ("0.000000005", "USD", 0, "0.00000001"),
    ],
)
def test_an_amount_is_rounded_once(amount: str, currency: str, minor: int, decimal: str) -> None:
    cost = Cost(amount=Fraction(amount), currency=currency, price_table="test")
    assert (cost.minor, cost.decimal) == (minor, decimal)
    assert not cost.is_incomplete
