"""The errors of workers' reports."""

from __future__ import annotations

from domain.shared.errors import DomainError, Forbidden, Unauthenticated


class WorkerUnknown(Unauthenticated):
    """The JWT is not one that a worker makes with this service's LiveKit API key."""

    code = "invalid_worker_token"


class ObservabilityNotGranted(Forbidden):
    """The JWT is good, and does not permit to write observability data."""

    code = "observability_not_granted"


class InvalidReport(DomainError):
    """The upload is no session report; sending it again cannot help."""

    code = "invalid_report"
    status = 400
    is_logged = True


class ReportTooLarge(DomainError):
    """A part of the report, or the whole, is larger than its limit."""

    code = "body_too_large"
    status = 413
    is_logged = True


class ReportStalled(DomainError):
    """The upload stopped arriving, as it does where the network fails for a while."""

    code = "request_timeout"
    status = 408
    retry_after = 5


class ReportCutShort(DomainError):
    """The upload ended before its last boundary: something on its way cut it short."""

    code = "report_cut_short"
    status = 503
    retry_after = 5


class TooManyReports(DomainError):
    """As many reports are being received as this process takes at a time."""

    code = "overloaded"
    status = 503
    retry_after = 5
    is_outage = True


class ReportNotSpooled(DomainError):
    """The report could not be taken in, for a reason that is not the worker's."""

    code = "report_not_spooled"
    status = 503
    retry_after = 5
    is_outage = True


class ReportContended(DomainError):
    """Uploads of the same report came at the same time, again and again."""

    code = "report_contended"
    status = 503
    retry_after = 5
    is_outage = True
