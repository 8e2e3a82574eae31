"""OPTIONS lists every method of a path (RFC 9110, 9.3.7)."""

from __future__ import annotations

from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from tests.application import application


def test_every_path_lists_all_its_methods() -> None:
    app = application()
    paths = {
        route.path: {
            str(method) for handler in route.route_handlers for method in handler.http_methods
        }
        for route in app.routes
        if isinstance(route, HTTPRoute) and "{" not in route.path
    }
    assert {"GET", "HEAD", "OPTIONS"} <= paths["/health"]

    client = TestClient(app)
    for path, methods in paths.items():
        allowed = client.options(path).headers["allow"]
        assert {method.strip() for method in allowed.split(",")} == methods, path
