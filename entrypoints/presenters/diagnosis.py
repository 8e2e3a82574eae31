"""The findings of a diagnosis as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.diagnosis.finding import Check, Finding, State


class FindingResponse(msgspec.Struct):
    """What a check found, in one sentence."""

    check: Check
    state: State
    finding: str


class DiagnosisResponse(msgspec.Struct):
    """`ok` is false if a check failed."""

    ok: bool
    findings: list[FindingResponse]


def diagnosis_response(findings: Sequence[Finding]) -> DiagnosisResponse:
    """Return the findings in the order of the checks."""
    return DiagnosisResponse(
        ok=all(finding.state is not State.FAILED for finding in findings),
        findings=[FindingResponse(one.check, one.state, one.sentence) for one in findings],
    )
