"""The application's own list of routes, and what a request to each is made of."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import (
    CookieParameter,
    DependencyKwarg,
    HeaderParameter,
    ParameterKwarg,
)
from litestar.routes import HTTPRoute

from domain.access.access import Scope
from tests.application import application

UNTOLD: Final = frozenset({
    "agentConfig", "agentName", "description", "variables", "dispatch",
    "participantName", "participantMetadata", "participantAttributes", "tokenTtlSeconds",
    "participant_name", "participant_metadata", "participant_attributes", "room_config",
    "allowedAddresses", "allowedNumbers", "address", "transport", "authUsername", "authPassword",
    "roomPrefix", "pin", "callerNumbers", "trunkId", "preCallWebhook", "requestsPerMinute",
    "ttlSeconds", "maxSessions", "record", "status",
    "tenant", "scopes", "expiresInDays", "from", "to",
})  # fmt: skip
"""Optional fields of bodies that name nothing of anybody's."""

SENT: Final[Mapping[str, object]] = {"allowedOrigins": ["https://app.example.com"]}
"""Required fields of bodies that name nothing of anybody's."""

WITHOUT_BODY: Final = frozenset({
    ("POST", "/agents/{agentId:str}/versions/{version:str}/activate"),
    ("POST", "/console/session"),
    ("POST", "/sessions/{sessionId:str}/recording/link"),
    ("POST", "/sessions/{sessionId:str}/recording/start"),
    ("POST", "/sessions/{sessionId:str}/recording/stop"),
    ("POST", "/webhooks/{webhookId:str}/rotate-secret"),
    ("POST", "/webhooks/{webhookId:str}/test"),
    ("POST", "/deliveries/{deliveryId:str}/redeliver"),
    ("POST", "/inbox/{eventId:str}/replay"),
})  # fmt: skip
"""Routes that take no body although their method may have one."""

BODIES: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("POST", "/sessions/{sessionId:str}/report"): {"items": []},
}
"""Bodies that a handler reads by itself."""

_NO_FILTER: Final = frozenset({"scope", "data", "body", "state", "headers", "cookies"})
"""What Litestar hands over beside parameters; ``request`` and ``query`` may filter by anything."""

NO_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
NOWHERE: Final = {
    "roomName": "known", "userIdentity": "ann", "name": "swagger-ui.css", "path": "",
    "number": "+15105550100", "trunkId": "ST_1", "dispatchRuleId": "SDR_1", "version": "1",
    "prefix": "blk_aaaaaaaaaaaa",
}  # fmt: skip
"""What stands in a path for each name that is no id."""


@attrs.frozen
class Route:
    """A method of a path."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def scopes(self) -> tuple[Scope, ...]:
        needs: tuple[Scope, ...] = self.handler.opt.get("needs", ())
        return needs

    def filled(self, facts: Mapping[str, Any]) -> str:
        """The path that names these ``facts``."""
        return re.sub(r"\{(\w+)(:\w+)?\}", lambda part: str(facts[part[1]]), self.path)

    def of_nothing(self) -> str:
        """The path with ids that nothing has."""
        return re.sub(r"\{(\w+)(:\w+)?\}", lambda part: NOWHERE.get(part[1], NO_ID), self.path)

    def body(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """The body that names these ``facts``; fails where it is not known what to send."""
        data = self.handler.parsed_fn_signature.parameters.get("data")
        if self.name in BODIES:
            return BODIES[self.name]
        if data is None:
            bodiless = self.method in ("GET", "HEAD", "DELETE") or self.name in WITHOUT_BODY
            assert bodiless, f"{self.name}: what is its body?"
            return None
        fields = msgspec.structs.fields(data.annotation)
        for field in fields:
            known = field.encode_name in (*facts, *SENT) or (
                field.encode_name in UNTOLD and not field.required
            )
            assert known, f"{self.name}: what is sent as {field.encode_name}?"
        names = [field.encode_name for field in fields]
        sent: dict[str, object] = {**SENT, **facts}
        return {name: sent[name] for name in names if name in sent}

    @property
    def filters(self) -> list[str]:
        """What its query may have: each parameter that no other part of a request brings."""
        found = []
        for name, parameter in self.handler.parsed_fn_signature.parameters.items():
            kind = parameter.kwarg_definition
            in_path = re.search(rf"\{{{name}[:}}]", self.path)
            reads_body = name == "request" and self.name in BODIES
            if in_path or reads_body or name in _NO_FILTER or _is_no_query(kind):
                continue
            sent_as = (kind.query or kind.name) if isinstance(kind, ParameterKwarg) else None
            found.append(sent_as or name)
        return found


def _is_no_query(kind: object) -> bool:
    if isinstance(kind, HeaderParameter | CookieParameter | DependencyKwarg):
        return True
    return isinstance(kind, ParameterKwarg) and bool(kind.header or kind.cookie)


@functools.cache
def all_routes() -> list[Route]:
    """The service's, of an application that is made once: that takes half a second."""
    return routes_of(application())


def routes_of(app: Litestar) -> list[Route]:
    """Every route of ``app``; fails if one of them lets in whom nobody has asked for a key.

    Litestar asks ``before_request`` for HTTP routes only, not for WebSockets or mounted apps.
    """
    found = []
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: who asks for a key here?"
        found += [
            Route(method, route.path, handler)
            for handler in route.route_handlers
            for method in handler.http_methods
            if method != "OPTIONS"
        ]
    return found
