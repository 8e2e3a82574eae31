"""A transcript as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from domain.transcripts.item import (
    AGENT_CONFIG_UPDATE,
    AGENT_HANDOFF,
    FUNCTION_CALL,
    FUNCTION_CALL_OUTPUT,
    MESSAGE,
    TranscriptItem,
)
from domain.transcripts.search_transcripts import SearchPage
from entrypoints.presenters.fields import Timestamp, Uuid, documented
from entrypoints.presenters.times import rfc3339, rfc3339_or_none

_TYPES = [MESSAGE, FUNCTION_CALL, FUNCTION_CALL_OUTPUT, AGENT_HANDOFF, AGENT_CONFIG_UPDATE]
ItemType = Annotated[str, documented(examples=_TYPES)]
Metrics = Annotated[dict[str, Any], documented(examples=[{"e2e_latency": 0.81}])]


class TranscriptItemResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A message, a tool call, its result, or another event of the agent.

    `type` is livekit-agents' (a later version may have more). `createdAt` is by the worker's clock,
    null where the worker reported no time. `text` is what was said; content that is no text is in
    brackets. `interrupted`: the user spoke before the agent had said it all. `metrics` has
    latencies in seconds. `name`, `arguments`, `output`, `toolCallId` and `isError` are there for
    tools, `extra` where the worker reported further fields, `truncated` (true) where a part was too
    long to be kept.
    """

    id: str
    type: ItemType
    role: str | None
    text: str | None
    created_at: Timestamp | None
    interrupted: bool
    metrics: Metrics
    name: str | msgspec.UnsetType = msgspec.UNSET
    arguments: str | msgspec.UnsetType = msgspec.UNSET
    output: str | msgspec.UnsetType = msgspec.UNSET
    tool_call_id: str | msgspec.UnsetType = msgspec.UNSET
    is_error: bool | msgspec.UnsetType = msgspec.UNSET
    extra: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    truncated: bool | msgspec.UnsetType = msgspec.UNSET


class TranscriptResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What was said in a session or a call, in order.

    `final` is true once the session (or call) is over and a worker has reported its items; another
    agent's report of the same session may still add some. It stays false where a report was cut
    short, and only some of its items are known. `sessionId` is null for a call without a
    session, `callId` for a session without a call.
    """

    session_id: Uuid | None
    call_id: Uuid | None
    items: list[TranscriptItemResponse]
    final: bool


class SearchResultResponse(msgspec.Struct, rename="camel", kw_only=True):
    """An item that has what was searched for.

    `excerpt` is HTML: the words that were found are in `<mark>`, the rest is escaped. `createdAt`
    is when it was said or, where that is not known, stored.
    """

    session_id: Uuid
    call_id: Uuid | None
    item_id: str
    excerpt: str
    created_at: Timestamp


class SearchResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Results, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    results: list[SearchResultResponse]
    next_cursor: str | None


def item_response(item: TranscriptItem) -> TranscriptItemResponse:
    """Return ``item`` as the contract shows it."""
    return TranscriptItemResponse(
        id=item.id,
        type=item.type,
        role=item.role,
        text=item.text,
        created_at=rfc3339_or_none(item.created_at),
        interrupted=item.interrupted,
        metrics=dict(item.metrics),
        name=_if_known(item.name),
        arguments=_if_known(item.arguments),
        output=_if_known(item.output),
        tool_call_id=_if_known(item.call_id),
        is_error=msgspec.UNSET if item.is_error is None else item.is_error,
        extra=_if_any(item.extra),
        truncated=item.truncated or msgspec.UNSET,
    )


def search_response(page: SearchPage) -> SearchResponse:
    """Return a page of results as the contract shows it."""
    return SearchResponse(
        results=[
            SearchResultResponse(
                session_id=str(result.found.session_id),
                call_id=None if result.found.call_id is None else str(result.found.call_id),
                item_id=result.found.item.id,
                excerpt=result.excerpt,
                created_at=rfc3339(result.found.created_at),
            )
            for result in page.results
        ],
        next_cursor=None if page.next is None else page.next.cursor,
    )


def _if_known(value: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if value is None else value


def _if_any(values: Mapping[str, Any]) -> dict[str, Any] | msgspec.UnsetType:
    return dict(values) or msgspec.UNSET
