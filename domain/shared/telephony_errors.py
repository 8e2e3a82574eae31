"""The errors of telephony."""

from __future__ import annotations

from domain.shared.errors import DomainError


class TelephonyDisabled(DomainError):
    """Phone participants do not become calls here."""

    code = "telephony_disabled"
    status = 409
    is_refusal = True
