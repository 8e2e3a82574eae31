"""How a capability's routes get their use cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from litestar import Controller, HttpMethod, Router
from litestar.routes import HTTPRoute


class _Routes(Router):
    """Routes of one application, which takes them as they are: to copy them takes 0.1 s of CPU."""

    def __deepcopy__(self, _memo: object) -> Self:
        return self


def routes_of(controller: type[Controller], **use_cases: Callable[[], object]) -> Router:
    """Return the routes of ``controller``, which has each use case as an attribute of that name.

    (Not injected: Litestar resolves and checks the dependencies of each request anew. On the class:
    Litestar copies the controllers themselves.)
    """
    made = {name: make() for name, make in use_cases.items()}
    router = _Routes("/", route_handlers=[type(controller.__name__, (controller,), made)])
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
