"""The audio of a session, and what is known of it."""

from __future__ import annotations

import enum
import re
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.recordings.egress import EgressFact, EgressState
from domain.sessions.session import Session
from domain.shared.identifiers import RecordingId
from domain.shared.reported import Reported

DEFAULT_TYPE: Final = "audio/ogg"
_SUFFIXES: Final = {DEFAULT_TYPE: ".ogg", "audio/mpeg": ".mp3", "audio/wav": ".wav"}
_LONGEST_ERROR: Final = 500


class RecordingSource(enum.StrEnum):
    """Who recorded: the agent's worker, in its report, or LiveKit's egress."""

    REPORT = "report"
    EGRESS = "egress"


class RecordingStatus(enum.StrEnum):
    """Where a recording is; a worker's report only has ``available`` ones."""

    STARTING = "starting"
    ACTIVE = "active"
    ENDING = "ending"
    AVAILABLE = "available"
    FAILED = "failed"


RUNNING: Final = (RecordingStatus.STARTING, RecordingStatus.ACTIVE, RecordingStatus.ENDING)
"""Not settled: LiveKit will report more of it."""

_STATUS_OF: Final = {
    EgressState.STARTING: RecordingStatus.STARTING,
    EgressState.ACTIVE: RecordingStatus.ACTIVE,
    EgressState.ENDING: RecordingStatus.ENDING,
    EgressState.COMPLETE: RecordingStatus.AVAILABLE,
    EgressState.FAILED: RecordingStatus.FAILED,
}
_ORDER: Final = {status: number for number, status in enumerate(RecordingStatus)}


@attrs.frozen(kw_only=True)
class Recording:
    """One recording of a session. Immutable; each method returns a changed copy. Times are UTC.

    ``key`` names its object in the store, ``size`` is in bytes. ``missing_at``: the store no longer
    had the object then. ``erased_at``: from then on it cannot be played, and its object is being
    deleted. ``started_at`` and ``duration`` are what the recorder reported.

    Only recordings by egress have the rest: ``claim_until`` is the lease of the request that starts
    it, ``attempts`` how often that was tried, ``absent_since`` when LiveKit first did not list it.
    ``version`` counts stored changes.
    """

    id: RecordingId
    reported: Reported
    source: RecordingSource
    key: str
    created_at: datetime
    status: RecordingStatus = RecordingStatus.AVAILABLE
    content_type: str = DEFAULT_TYPE
    size: int | None = None
    started_at: datetime | None = None
    duration: timedelta | None = None
    missing_at: datetime | None = None
    erased_at: datetime | None = None
    egress_id: str | None = None
    error: str | None = None
    claim_until: datetime | None = None
    attempts: int = 0
    absent_since: datetime | None = None
    version: int = 0

    @property
    def tenant(self) -> str | None:
        """Return the tenant that owns it; None without keys, and until its session is known."""
        return self.reported.tenant

    @property
    def age(self) -> tuple[datetime, str]:
        """When it was created, and its id."""
        return self.created_at, self.id.value

    @property
    def is_running(self) -> bool:
        """Whether an egress is making it."""
        return self.status in RUNNING

    @property
    def is_shown(self) -> bool:
        """Whether callers may see it: its session is known, and it is not erased."""
        return self.reported.is_matched and self.erased_at is None

    @property
    def is_playable(self) -> bool:
        """Whether its audio may be played, as far as the ledger knows."""
        return self.is_shown and self.status is RecordingStatus.AVAILABLE

    def stored(self) -> Recording:
        """Return the recording as it is read once this change is stored."""
        return attrs.evolve(self, version=self.version + 1)

    def matched(self, reported: Reported) -> Recording:
        """Return it with the session, the call and the tenant of its report."""
        return attrs.evolve(self, reported=reported)

    def erased(self, at: datetime) -> Recording:
        """Mark it, so that it is not played from now on and its object is deleted."""
        return self if self.erased_at is not None else attrs.evolve(self, erased_at=at)

    def missing(self, at: datetime) -> Recording:
        """Note that the store does not have its object."""
        return attrs.evolve(self, missing_at=at)

    def found(self) -> Recording:
        """Note that the store has its object after all."""
        return attrs.evolve(self, missing_at=None)

    def claimed(self, until: datetime) -> Recording:
        """Begin one more attempt to start its egress, under a lease.

        The attempt has a key of its own: an earlier one that starts after all overwrites nothing.
        """
        number = self.attempts + 1
        key = recording_key(self.source, self.id, self.content_type, number)
        return attrs.evolve(self, key=key, attempts=number, claim_until=until)

    def failed(self, reason: str) -> Recording:
        """Return it as failed, for a reason that a caller may read."""
        return attrs.evolve(
            self, status=RecordingStatus.FAILED, error=reason[:_LONGEST_ERROR], claim_until=None
        )

    def ending(self) -> Recording:
        """Note that its egress was asked to complete."""
        return attrs.evolve(self, status=RecordingStatus.ENDING) if self.is_running else self

    @property
    def is_concluded(self) -> bool:
        """Whether its end was concluded from an absence, which an observation corrects."""
        return self.absent_since is not None and not self.is_running

    def recorded(self, size: int | None) -> Recording:
        """Conclude that its egress has completed: LiveKit forgot it, the store has the object."""
        return attrs.evolve(
            self, status=RecordingStatus.AVAILABLE, size=size, error=None, claim_until=None
        )

    def after(self, fact: EgressFact) -> Recording:
        """Return it after what LiveKit reports of its egress.

        Facts may come late, repeated and in any order: a later state is never undone, except that
        the real end corrects one that was concluded.
        """
        ends = fact.state.has_ended
        is_open = self.is_running or (self.is_concluded and ends)
        if self.egress_id not in (None, fact.egress_id) or not is_open:
            return self
        status = _STATUS_OF[fact.state]
        if self.is_running and _ORDER[status] < _ORDER[self.status]:
            status = self.status
        return attrs.evolve(
            self,
            egress_id=fact.egress_id,
            key=fact.key or self.key,
            status=status,
            started_at=fact.started_at or self.started_at,
            duration=fact.duration if ends else self.duration,
            size=fact.size if ends else self.size,
            error=fact.error[:_LONGEST_ERROR]
            if status is RecordingStatus.FAILED and fact.error
            else None,
            absent_since=None,
            claim_until=None,
        )


def recording_key(
    source: RecordingSource, recording_id: RecordingId, content_type: str, attempt: int = 1
) -> str:
    """Return the key of a recording's object: it says nothing of the session or its tenant."""
    again = "" if attempt <= 1 else f"-{attempt}"
    folder = "reports" if source is RecordingSource.REPORT else "egress"
    return f"{folder}/{recording_id}{again}{_SUFFIXES.get(content_type, '.bin')}"


_OF_RECORDINGS: Final = re.compile(
    r"(reports|egress)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-[0-9]{1,9})?\.(ogg|mp3|wav|bin)"
    r"(\.[0-9a-f]{32}\.part)?"
)


def is_of_recordings(key: str) -> bool:
    """Return whether :func:`recording_key` makes such keys, or an upload to a folder such a file.

    The store may be shared with others, whose objects are not touched.
    """
    return _OF_RECORDINGS.fullmatch(key) is not None


def may_record(session: Session) -> bool:
    """Return whether audio of ``session`` may be kept.

    ``"record": false`` in its configuration forbids it, which ``POST /session`` and a saved agent
    set. The audio of a report whose session is not known yet is held, and cannot be played; once
    the session is known and forbids it, it is erased.
    """
    return session.agent_config.may_record
