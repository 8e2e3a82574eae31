"""How many requests a key, or else an address, may send in a minute.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import attrs
import structlog
from litestar.types import Scope

from domain.access import Access
from domain.errors import RateLimited, StorageUnavailable
from domain.ports.clock import Clock
from domain.ports.rate_limiter import WINDOW, Bucket, Permit, RateLimiter

log = structlog.get_logger()

HEADERS: Final = ("RateLimit", "RateLimit-Policy")
_STATE: Final = "rate_limit"


@attrs.frozen(kw_only=True)
class Limits:
    """Counts a request before it is carried out."""

    limiter: RateLimiter
    clock: Clock
    per_minute: int
    trusted_proxies: int

    async def __call__(self, scope: Scope, access: Access | None) -> None:
        """Count it for the key's tenant, or for the client's address if ``access`` has none.

        Raises :class:`~domain.errors.RateLimited`. Where the storage cannot count, requests are
        let through: what needs the storage will say so.
        """
        tenant = None if access is None else access.tenant
        bucket = (
            Bucket("address", client_address(scope, self.trusted_proxies))
            if tenant is None
            else Bucket("tenant", tenant)
        )
        try:
            permit = await self.limiter.take(bucket, self.clock.now())
        except StorageUnavailable as error:
            log.warning("requests are not counted", reason=str(error))
            return
        scope["state"][_STATE] = self.per_minute, permit
        if not permit.allowed:
            raise RateLimited(
                f"More than {self.per_minute} requests in a minute; wait for "
                f"{_seconds(permit.resets_in)} seconds.",
                retry_after=_seconds(permit.resets_in),
            )


def rate_limit_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """What is left, where the request was counted."""
    counted: tuple[int, Permit] | None = scope["state"].get(_STATE)
    if counted is None:
        return []
    limit, permit = counted
    left = f'"default";r={permit.remaining};t={_seconds(permit.resets_in)}'
    return [_policy(limit), (b"ratelimit", left.encode())]


@lru_cache
def _policy(limit: int) -> tuple[bytes, bytes]:
    window = WINDOW // timedelta(seconds=1)
    return b"ratelimit-policy", f'"default";q={limit};w={window}'.encode()


def client_address(scope: Scope | dict[str, Any], trusted_proxies: int) -> str:
    """Who sent the request: an IPv4 address, or an IPv6 network of 64 bits.

    Each trusted proxy appends to ``X-Forwarded-For`` whom it heard the request from. What stands
    before their entries may be invented, and is not looked at; nor is any of it without a proxy.
    """
    peer = (scope.get("client") or ("",))[0]
    if trusted_proxies:
        told = b",".join(
            value for name, value in scope["headers"] if name == b"x-forwarded-for"
        ).decode("latin-1")
        entries = told.split(",")
        if len(entries) >= trusted_proxies:
            return _network(entries[-trusted_proxies].strip()) or _network(peer) or peer
    return _network(peer) or peer


@lru_cache(maxsize=4096)
def _network(raw: str) -> str | None:
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _seconds(duration: timedelta) -> int:
    return max(1, math.ceil(duration.total_seconds()))
