"""Where a worker's report belongs: which session, and which call."""

from __future__ import annotations

import attrs

from domain.shared.identifiers import CallId, ReportId, SessionId


@attrs.frozen(kw_only=True)
class Reported:
    """The owner of what a worker reported: transcript, usage and audio.

    ``session_id``, ``call_id`` and ``tenant`` are None until the report's room and job are matched
    with a session of the ledger. No caller sees the contents before that.
    """

    report_id: ReportId
    session_id: SessionId | None = None
    call_id: CallId | None = None
    tenant: str | None = None

    @property
    def is_matched(self) -> bool:
        """Whether the report belongs to a known session."""
        return self.session_id is not None
