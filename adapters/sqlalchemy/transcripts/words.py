"""Words and queries as each database takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.access.access import Tenants
from domain.shared.identifiers import CallId, SessionId
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import Term
from domain.transcripts.words import MOST_WORDS, bounded_words, words_of


def item_words(item: TranscriptItem) -> list[str]:
    """Return the words that a search finds an item by."""
    words: list[str] = []
    for text in item.texts:
        words += words_of(text)
        if len(words) >= MOST_WORDS:
            break
    return bounded_words(words)


class SearchLanguage(Protocol):
    """How a database writes words and queries."""

    def words(self, words: Sequence[str]) -> str:
        """Return the value of ``search`` for an item with these words."""
        ...

    def owner(self, words: Sequence[str]) -> str:
        """Return what is added to it for the owner's words."""
        ...

    def query(self, wanted: TranscriptSearch, tenants: Tenants) -> str:
        """Return the query for what is wanted of these tenants."""
        ...


# Of letters and digits only, so that nothing needs an escape. A word of a caller's has no "=".
def _tenant(tenant: str | None) -> str:
    return "=t" if tenant is None else f"=t{tenant.encode().hex()}"


def _session(session_id: SessionId) -> str:
    return "=s" + session_id.value.replace("-", "")


def _call(call_id: CallId) -> str:
    return "=c" + call_id.value.replace("-", "")


def owner_words(reported: Reported) -> list[str]:
    """Return the words by which a search finds only what is of a tenant, a session or a call."""
    if reported.session_id is None:
        return []
    call = [] if reported.call_id is None else [_call(reported.call_id)]
    return [_tenant(reported.tenant), _session(reported.session_id), *call]


def _alternatives(wanted: TranscriptSearch, tenants: Tenants) -> list[list[str]]:
    """Return owners' words; of each list an item must have one."""
    found = [] if tenants is None else [[_tenant(tenant) for tenant in dict.fromkeys(tenants)]]
    return [*found, *([word] for word in _session_and_call(wanted))]


def _session_and_call(wanted: TranscriptSearch) -> list[str]:
    session = [] if wanted.session_id is None else [_session(wanted.session_id)]
    return session + ([] if wanted.call_id is None else [_call(wanted.call_id)])


class Fts5:
    """SQLite's (https://www.sqlite.org/fts5.html)."""

    def words(self, words: Sequence[str]) -> str:
        """Return text."""
        return " ".join(words)

    def owner(self, words: Sequence[str]) -> str:
        """Return text that comes before an item's words."""
        return " ".join(words)

    def query(self, wanted: TranscriptSearch, tenants: Tenants) -> str:
        """Return a query in FTS5's language."""
        parts = [
            "(" + " OR ".join(f'"{word}"' for word in words) + ")"
            for words in _alternatives(wanted, tenants)
        ]
        return " AND ".join([*parts, *map(self._term, wanted.query.terms)])

    def _term(self, term: Term) -> str:
        return f'"{" ".join(term.words)}"' + ("*" if term.is_prefix else "")


class TsVector:
    """PostgreSQL's (https://www.postgresql.org/docs/current/datatype-textsearch.html).

    Written out rather than parsed by ``to_tsvector``, whose words are others.
    """

    def words(self, words: Sequence[str]) -> str:
        """Return the text of a ``tsvector``."""
        places: dict[str, list[int]] = {}
        for place, word in enumerate(words, start=1):
            places.setdefault(word, []).append(place)
        return " ".join(f"'{word}':{','.join(map(str, found))}" for word, found in places.items())

    def owner(self, words: Sequence[str]) -> str:
        """Return the text of a ``tsvector`` of words without places."""
        return " ".join(f"'{word}'" for word in words)

    def query(self, wanted: TranscriptSearch, tenants: Tenants) -> str:
        """Return the text of a ``tsquery``."""
        parts = [
            "(" + " | ".join(f"'{word}'" for word in words) + ")"
            for words in _alternatives(wanted, tenants)
        ]
        return " & ".join([*parts, *map(self._term, wanted.query.terms)])

    def owner_query(self, wanted: TranscriptSearch) -> str:
        """Return the text of a ``tsquery`` for the session's or call's items; empty for all."""
        return " & ".join(f"'{word}'" for word in _session_and_call(wanted))

    def _term(self, term: Term) -> str:
        text = " <-> ".join(f"'{word}'" for word in term.words)
        return f"({text}{':*' if term.is_prefix else ''})"
