"""``backend transcripts …``: what was said."""

from __future__ import annotations

import asyncio
import html
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from domain.access.access import SYSTEM
from domain.shared.errors import NotFound
from domain.shared.identifiers import CallId, SessionId
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from domain.transcripts.read_transcript import ReadTranscript, Transcript
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import SearchQuery
from domain.transcripts.search_transcripts import SearchPage, SearchTranscripts
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of
from entrypoints.http.requests import query
from entrypoints.presenters.transcript_text import TranscriptFormat, written
from entrypoints.presenters.transcripts import SearchResultResponse, search_response

app = typer.Typer(no_args_is_help=True, help="Read and search what was said.")

_HEADER: Final = ("created", "session", "call", "item", "excerpt")


@app.command("show")
def show_transcript(
    record: Annotated[str, typer.Argument(help="The session's id, or the call's.")],
    *,
    form: Annotated[
        TranscriptFormat, typer.Option("--format", help="Text, JSON or WebVTT captions.")
    ] = TranscriptFormat.TEXT,
) -> None:
    """Print the transcript of a session or a call."""
    asyncio.run(_show(record, form))


@app.command("search")
def search_transcripts(  # noqa: PLR0913 - each filter is an option
    words: Annotated[
        list[str], typer.Argument(help='Words, "phrases" in quotes, and prefix*: all must match.')
    ],
    *,
    session: Annotated[str | None, typer.Option(help="In this session only.")] = None,
    call: Annotated[str | None, typer.Option(help="In this call only.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Said then or later, as in 2026-11-23T06:27:37Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Said before then.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LIMIT, help="How many results at most.")
    ] = DEFAULT_LIMIT,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, as the HTTP API shows results.")
    ] = False,
) -> None:
    """Search messages and what tools were given and returned, the newest first."""
    wanted = TranscriptSearch(
        query=SearchQuery.parse(" ".join(words)),
        session_id=query.identifier(SessionId, session),
        call_id=query.identifier(CallId, call),
        created=query.span(since, until),
    )
    page = asyncio.run(_search(wanted, limit))
    results = search_response(page).results
    if as_json:
        for result in results:
            typer.echo(json_of(result))
    else:
        show(_HEADER, map(_row, results))
    if page.next is not None:
        typer.echo("There are more: raise --limit, or go back in time with --until.", err=True)


async def _show(record: str, form: TranscriptFormat) -> None:
    async with ledger() as container:
        transcript = await _transcript(container.read_transcript(), record)
        async for part in written(transcript, form):
            sys.stdout.write(part.decode())
    if form is TranscriptFormat.JSON:
        sys.stdout.write("\n")


async def _transcript(read: ReadTranscript, record: str) -> Transcript:
    try:
        return await read.of_session(record, SYSTEM)
    except NotFound:
        pass
    try:
        return await read.of_call(record, SYSTEM)
    except NotFound:
        raise NotFound(f"There is no session and no call '{printable(record)}'.") from None


async def _search(wanted: TranscriptSearch, limit: int) -> SearchPage:
    async with ledger() as container:
        search: SearchTranscripts = container.search_transcripts()
        return await search(wanted, SYSTEM, limit=limit)


def _row(result: SearchResultResponse) -> Sequence[object]:
    excerpt = result.excerpt.replace("<mark>", "").replace("</mark>", "")
    words = " ".join(html.unescape(excerpt).split())
    return result.created_at, result.session_id, result.call_id, result.item_id, words
