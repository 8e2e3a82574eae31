"""How many requests a key, or else an address, may send in a minute.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import ipaddress
import math
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import attrs
import structlog
from cachetools import LRUCache
from litestar.types import Scope

from domain.access.access import Access
from domain.access.rate_limit import WINDOW, Bucket, Permit, RateLimiter, window_of
from domain.shared.clock import Clock
from domain.shared.errors import RateLimited, StorageUnavailable

log = structlog.get_logger()

HEADERS: Final = ("RateLimit", "RateLimit-Policy")
MOST_REMEMBERED: Final = 10_000
"""Buckets with nothing left in their window; of those beyond, the limiter is asked each time."""

BYPASSED: Final = (
    "TRUSTED_PROXIES is set and HOST is every address: a client that bypasses the proxy gets "
    "a limit for each address that it invents. Set HOST=127.0.0.1 if the proxy is on this "
    "machine, else let only the proxy reach the port."
)

_STATE: Final = "rate_limit"
_HOST: Final = re.compile(r"\[([^]]+)\](?::\d+)?|([\d.]+):\d+", re.ASCII)
"""An address in brackets, with or without a port, or an IPv4 address with one."""


@attrs.define(kw_only=True)
class Limits:
    """Counts a request before it is carried out.

    A bucket that exceeds its limit is cached until its window ends: further requests are refused
    without asking the limiter.
    """

    limiter: RateLimiter
    clock: Clock
    per_minute: int
    trusted_proxies: int
    _spent: LRUCache[tuple[Bucket, datetime], bool] = attrs.field(
        factory=lambda: LRUCache(MOST_REMEMBERED), init=False
    )

    async def __call__(self, scope: Scope, access: Access | None) -> None:
        """Count it for the key's tenant, or for the client's address if ``access`` has none.

        Raises ``RateLimited``. Where the storage cannot count, requests are
        let through: what needs the storage will say so.
        """
        tenant = None if access is None else access.tenant
        bucket = self._bucket(scope) if tenant is None else Bucket("tenant", tenant)
        now = self.clock.now()
        if self._is_spent(bucket, now):
            permit = Permit.of(self.per_minute + 1, self.per_minute, now)
        else:
            try:
                permit = await self.limiter.take(bucket, now)
            except StorageUnavailable as error:
                log.warning("requests are not counted", reason=str(error))
                return
        scope["state"][_STATE] = self.per_minute, permit
        if not permit.allowed:
            self._spent[bucket, window_of(now)] = True
            raise RateLimited(
                f"More than {self.per_minute} requests in a minute; wait for "
                f"{_seconds(permit.resets_in)} seconds.",
                retry_after=_seconds(permit.resets_in),
            )

    def is_spent(self, scope: Scope) -> bool:
        """Whether the client's address is known to have nothing left, so that none is counted."""
        return len(self._spent) > 0 and self._is_spent(self._bucket(scope), self.clock.now())

    def address(self, scope: Scope) -> str:
        """The client's address, as far as proxies are trusted to tell it."""
        return client_address(scope, self.trusted_proxies)

    def _bucket(self, scope: Scope) -> Bucket:
        return Bucket("address", self.address(scope))

    def _is_spent(self, bucket: Bucket, now: datetime) -> bool:
        return len(self._spent) > 0 and (bucket, window_of(now)) in self._spent


def can_be_bypassed(host: str, trusted_proxies: int) -> bool:
    """Whether others than a proxy may reach ``host`` and be believed what only a proxy knows."""
    try:
        return trusted_proxies > 0 and ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False  # a name


def is_counted(scope: Scope) -> bool:
    """Whether the request was counted, by its route or since."""
    return _STATE in scope["state"]


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
    """Return the client's IPv4 address or IPv6 network of 64 bits, without a port.

    Each trusted proxy appends to ``X-Forwarded-For`` whom it heard the request from. What stands
    before their entries may be invented, and is not looked at; nor is any of it without a proxy.
    """
    peer = (scope.get("client") or ("",))[0]
    if trusted_proxies:
        forwarded = b",".join(
            value for name, value in scope["headers"] if name == b"x-forwarded-for"
        ).decode("latin-1")
        entries = forwarded.split(",")
        if len(entries) >= trusted_proxies:
            return _network(entries[-trusted_proxies].strip()) or _network(peer) or peer
    return _network(peer) or peer


@lru_cache(maxsize=4096)
def _network(raw: str) -> str | None:
    found = _HOST.fullmatch(raw)
    try:
        address = ipaddress.ip_address(raw if found is None else found[1] or found[2])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _seconds(duration: timedelta) -> int:
    return max(1, math.ceil(duration.total_seconds()))
