"""A service's stream of events, read until the command ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import attrs
import msgspec

from domain.events.event_filter import EventFilter
from domain.shared.errors import DomainError, InvalidInput

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 10.0
_SILENCE: Final = 45.0
"""Seconds without anything, three times the pause between the service's comments."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_SILENCE)
_REFUSED: Final = range(400, 500)
_LATER: Final = (408, 429)


class StreamRefused(DomainError):
    """The service refused the stream, or could not be reached."""

    code = "stream_refused"


class _Error(msgspec.Struct):
    error: str


@attrs.define(kw_only=True)
class FollowedStream:
    """``GET /events`` of the service at ``url``; what is ``wanted`` needs no access here."""

    url: str
    key: str | None = attrs.field(repr=False)
    wanted: EventFilter
    _last_id: str | None = attrs.field(default=None, init=False)

    async def bodies(self, tell: Callable[[str], object]) -> AsyncIterator[str]:
        """Yield the JSON of each event, without end; ``tell`` is called with what an operator sees.

        When the service goes away it is connected to again, behind the last event. Raises
        ``InvalidInput`` for a URL that is none, and ``StreamRefused`` if the service refuses, or
        cannot be reached at first.
        """
        wait, was_connected = _FIRST_WAIT, False
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as client:
            while True:
                try:
                    async with client.get(
                        f"{self.url.rstrip('/')}/events",
                        params=self._query(),
                        headers=self._headers(),
                    ) as answer:
                        await _check(answer)
                        tell(f"Following {self.url}; Ctrl-C stops.")
                        wait, was_connected = _FIRST_WAIT, True
                        async for body in self._events(answer, tell):
                            yield body
                    reason = "The service has ended the stream."
                except (aiohttp.InvalidURL, ValueError):
                    raise InvalidInput(
                        "--url must be the URL of a service.",
                        field="url",
                        example="http://127.0.0.1:4000",
                    ) from None
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    reason = f"The service cannot be reached ({type(error).__name__})."
                    if not was_connected:
                        raise StreamRefused(f"{reason} Is it at {self.url}?") from None
                tell(f"{reason} Trying again in {wait:g} s.")
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

    async def _events(
        self, answer: aiohttp.ClientResponse, tell: Callable[[str], object]
    ) -> AsyncIterator[str]:
        """Yield the data of the stream's events (https://html.spec.whatwg.org/#server-sent-events).

        The service writes each field in one line.
        """
        fields = dict[str, str]()
        buffer = b""
        async for chunk in answer.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                name, _, value = line.decode().partition(": ")
                if line:
                    fields[name] = value
                    continue
                if fields.get("event") == "reset":
                    tell("Events were missed: the last one that came is no longer stored.")
                elif "data" in fields:
                    yield fields["data"]
                    self._last_id = fields.get("id", self._last_id)
                fields.clear()

    def _query(self) -> list[tuple[str, str]]:
        wanted = self.wanted
        query = [("type", kind.value) for kind in sorted(wanted.kinds or ())]
        if wanted.session_id is not None:
            query.append(("sessionId", wanted.session_id.value))
        if wanted.call_id is not None:
            query.append(("callId", wanted.call_id.value))
        return query

    def _headers(self) -> dict[str, str]:
        headers = {} if self.key is None else {"X-API-Key": self.key}
        return headers if self._last_id is None else {**headers, "Last-Event-ID": self._last_id}


async def _check(answer: aiohttp.ClientResponse) -> None:
    """Raise ``StreamRefused`` for a refusal, and an outage for what may be over soon."""
    if answer.status == 200:
        return
    if answer.status not in _REFUSED or answer.status in _LATER:
        answer.raise_for_status()
    try:
        reason = msgspec.json.decode(await answer.read(), type=_Error).error
    except msgspec.DecodeError:
        reason = "This is no service of backend-livekit."
    raise StreamRefused(f"The service answered {answer.status}: {reason}")
