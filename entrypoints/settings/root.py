"""The settings: every group, joined."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from entrypoints.settings.access import AccessSettings
from entrypoints.settings.agents import AgentSettings
from entrypoints.settings.database import DatabaseSettings
from entrypoints.settings.http import HttpSettings
from entrypoints.settings.livekit import LiveKitSettings
from entrypoints.settings.observability import ObservabilitySettings
from entrypoints.settings.reconciliation import ReconciliationSettings
from entrypoints.settings.recordings import RecordingSettings
from entrypoints.settings.reports import ReportSettings
from entrypoints.settings.retention import RetentionSettings
from entrypoints.settings.sessions import SessionSettings
from entrypoints.settings.telephony import TelephonySettings
from entrypoints.settings.token_endpoint import TokenEndpointSettings
from entrypoints.settings.transcripts import TranscriptSettings
from entrypoints.settings.usage import UsageSettings
from entrypoints.settings.variable import Problem, Variable, variables_of
from entrypoints.settings.webhooks import WebhookSettings


@attrs.frozen(kw_only=True, slots=False)
class Settings(
    LiveKitSettings,
    HttpSettings,
    DatabaseSettings,
    AgentSettings,
    SessionSettings,
    TelephonySettings,
    TokenEndpointSettings,
    WebhookSettings,
    UsageSettings,
    ReconciliationSettings,
    RetentionSettings,
    ReportSettings,
    RecordingSettings,
    TranscriptSettings,
    AccessSettings,
    ObservabilitySettings,
):
    """The service's settings, checked. ``repr`` shows no secret."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with combinations of variables, group by group."""
        for group in Settings.__bases__:
            check = vars(group).get("problems")
            if check is not None:
                yield from check(self)


def variables() -> dict[str, Variable]:
    """Return every variable by the attribute of :class:`Settings`, in the order of the groups."""
    found: dict[str, Variable] = {}
    for group in Settings.__bases__:
        found |= variables_of(group)
    return found
