"""Searching what was said, on every storage."""

from __future__ import annotations

import pytest

from domain.shared.pagination import Span
from tests.contract.storage.ledgers import NOON, access_of
from tests.contract.transcripts.kept import (
    SECOND,
    Ledger,
    found,
    items_in,
    keep,
    new_report,
    said,
    session_in,
)


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("refund", ["I want a refund"]),
        ("REFUND want", ["I want a refund"]),
        ('"a refund"', ["I want a refund"]),
        ('"refund a"', []),
        ("ref*", ["I want a refund"]),
        ("refun", []),
        ("cafe", ["Café e\u0301cole naïve"]),
        ("ÉCOLE", ["Café e\u0301cole naïve"]),
        ("order-7", ["tool"]),
        ("shipped", ["tool"]),
        ("東京", ["東京"]),
        ("don't AND OR NOT (stop) near:", []),
        ("it's", ["it's O'Neil: \\'--"]),
        ("o'neil", ["it's O'Neil: \\'--"]),
        ("want refund tool", []),
    ],
)
async def test_words_phrases_and_prefixes(ledger: Ledger, query: str, finds: list[str]) -> None:
    session = await session_in(ledger)
    tool = said("tool", arguments='{"id": "order 7"}', output="shipped")
    texts = ("I want a refund", "Café e\u0301cole naïve", "東京", "it's O'Neil: \\'--")
    await keep(ledger, new_report(session), tool, *map(said, texts))

    assert await found(ledger, query) == finds


@pytest.mark.parametrize("looked_at", [1, 2000])
async def test_results_are_the_newest_first_of_the_tenant_s_own(
    ledger: Ledger, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether PostgreSQL finds them among the newest items or by its index of words."""
    monkeypatch.setattr("adapters.sqlalchemy.transcripts.search.LOOKED_AT", looked_at)
    ann = await session_in(ledger, tenant="ann")
    bob = await session_in(ledger, tenant="bob")
    nobody = await session_in(ledger)
    for number in range(3):
        for session in (ann, bob, nobody):
            item = said(f"hello {session.tenant} {number}", number)
            await keep(ledger, new_report(session), item)

    assert await found(ledger, "hello", access_of("ann")) == [f"hello ann {n}" for n in (2, 1, 0)]
    with_unowned = await found(ledger, "hello", access_of("bob", sees_unowned=True))
    assert len(with_unowned) == 6
    assert not [text for text in with_unowned if text and "ann" in text]
    assert len(await found(ledger, "hello")) == 9
    assert await found(ledger, "hello", session_id=ann.id) == await found(ledger, "ann")
    assert await found(ledger, "hel*", session_id=ann.id) == await found(ledger, "ann")
    assert await found(ledger, "hello", access_of("bob"), session_id=ann.id) == []
    assert await found(ledger, "ann*", access_of("bob")) == []
    assert await items_in(ledger, ann.id, access_of("bob")) == []
    span = Span(since=NOON + SECOND, until=NOON + 2 * SECOND)
    assert await found(ledger, "ann", created=span) == ["hello ann 1"]


async def test_items_of_one_millisecond_are_all_found(ledger: Ledger) -> None:
    session = await session_in(ledger)
    for _ in range(3):
        await keep(ledger, new_report(session), *(said("hello") for _ in range(3)))

    assert len(await found(ledger, "hello")) == 9
