"""How a capability's routes get their use cases."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Controller, HttpMethod, Router
from litestar.di import Provide
from litestar.routes import HTTPRoute


def routes_of(controller: type[Controller], **use_cases: Callable[[], object]) -> Router:
    """Return the routes of ``controller``.

    A handler takes a use case by its name, as an argument. On a hot path it takes one only: for two
    dependencies Litestar starts a group of tasks, which costs 70 µs.
    """
    router = Router(
        "/",
        route_handlers=[controller],
        dependencies={name: _provide(make) for name, make in use_cases.items()},
    )
    # Litestar answers OPTIONS with the methods of a path's first handler, unless it makes that
    # answer anew when the router becomes the application's.
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            route.route_handlers = [
                handler
                for handler in route.route_handlers
                if HttpMethod.OPTIONS not in handler.http_methods
            ]
    return router


def _provide(make: Callable[[], object]) -> Provide:
    def call() -> object:  # Litestar reads its signature; the container's providers have none
        return make()

    return Provide(call, sync_to_thread=False)
