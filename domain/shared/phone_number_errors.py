"""The errors of phone numbers."""

from __future__ import annotations

from domain.shared.errors import DomainError


class PhoneNumberTaken(DomainError):
    """The number is stored already for this trunk, perhaps by another tenant."""

    code = "phone_number_taken"
    status = 409
    is_refusal = True


class PhoneNumberChanged(DomainError):
    """Other requests keep changing the number."""

    code = "phone_number_changed"
    status = 409
    retry_after = 1


class PhoneNumberLimitReached(DomainError):
    """The tenant has as many phone numbers as it may have."""

    code = "phone_number_limit_reached"
    status = 409
    is_refusal = True
