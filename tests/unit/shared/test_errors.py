"""The error tree: every error is drawn, and each category carries its HTTP status."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from domain.shared import (
    agent_errors,
    errors,
    idempotency_errors,
    livekit_errors,
    phone_number_errors,
)
from domain.shared.errors import DomainError

MODULES = tuple(
    module.__name__
    for module in (errors, livekit_errors, agent_errors, idempotency_errors, phone_number_errors)
)
DRAWN = errors.__doc__ or ""
CATEGORIES = {
    name: int(status)
    for name, status in re.findall(r"^    (?:[│├└─ ]*)(\w+) +(\d{3})", DRAWN, re.MULTILINE)
}


def subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for derived in kind.__subclasses__():
        if derived.__module__ in MODULES:
            yield derived
            yield from subclasses(derived)


@pytest.mark.parametrize("kind", [DomainError, *subclasses(DomainError)])
def test_every_error_is_drawn_with_the_status_of_its_category(kind: type[DomainError]) -> None:
    category = next(base for base in kind.__mro__ if base.__name__ in CATEGORIES)

    assert re.search(rf"\b{kind.__name__}\b", DRAWN)
    assert kind.status == CATEGORIES[category.__name__]
