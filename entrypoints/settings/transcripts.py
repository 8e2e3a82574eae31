"""What was said."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional

_REGION: Final = re.compile(r"[A-Z]{2}", re.ASCII)


def _region(raw: str) -> str:
    if not _REGION.fullmatch(raw.upper()):
        raise ValueError("must be a country's code of two letters (ISO 3166), such as US.")
    return raw.upper()


@attrs.frozen(kw_only=True, slots=False)
class TranscriptSettings:
    """Whether transcripts are kept, for how long (None: as their sessions), and how."""

    transcripts_enabled: bool = optional("TRANSCRIPTS_ENABLED", parsers.boolean, default=True)
    transcripts_redact: bool = optional("TRANSCRIPTS_REDACT", parsers.boolean, default=False)
    transcripts_redact_region: str = optional("TRANSCRIPTS_REDACT_REGION", _region, "US")
    transcript_retention: timedelta | None = optional(
        "TRANSCRIPT_RETENTION_DAYS", parsers.days(0.01, 36500), None
    )
