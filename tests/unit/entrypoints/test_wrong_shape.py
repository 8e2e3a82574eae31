"""A value of the wrong shape: the error names the field, with the example its type declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.exceptions import ValidationException
from litestar.testing import TestClient

from domain.shared.identifiers import Identity
from tests.application import application


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    app = application()
    app.register(malformed)
    with TestClient(app) as client:
        yield client


@get("/malformed", public=True, sync_to_thread=False)
def malformed() -> None:
    """A route without a body, one of whose parameters is of the wrong type."""
    raise ValidationException(extra=[{"message": "Expected `str`, got `int`", "key": "since"}])


@pytest.mark.parametrize(
    ("body", "field", "example"),
    [
        ({}, "userIdentity", Identity.example),
        ({"userIdentity": 7}, "userIdentity", Identity.example),
        (
            {"userIdentity": "user-42", "agentConfig": []},
            "agentConfig",
            {"prompt": "You are a friendly receptionist.", "greeting": "Hello!"},
        ),
    ],
)
def test_a_field_of_a_body(
    client: TestClient[Litestar], body: dict[str, Any], field: str, example: object
) -> None:
    response = client.post("/session", json=body)

    assert response.status_code == 400
    assert (response.json()["field"], response.json()["example"]) == (field, example)


def test_a_parameter_of_a_route_without_a_body(client: TestClient[Litestar]) -> None:
    response = client.get("/malformed")

    assert response.status_code == 400
    assert response.json()["error"] == "since must be a string."
    assert "example" not in response.json()
