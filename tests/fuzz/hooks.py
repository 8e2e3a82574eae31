"""What each schemathesis process must know of this service, and what it counts.

``FUZZ_TALLY`` names the file for the counts: operation → status → answers.
"""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.auths import GLOBAL_AUTH_STORAGE
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

from domain.shared.pagination import Cursor
from entrypoints.http.requests.fields import CURSOR_FORMAT
from tests.integration.http.webhooks import PATH, token

CURSORS: Final = st.builds(
    Cursor,
    st.integers(0, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.uuids().map(str),
).map(lambda position: position.cursor)

answered: Final[dict[str, Counter[int]]] = defaultdict(Counter)


class LiveKitsSignature(requests.auth.AuthBase):
    """Vouches for whatever body is sent, as LiveKit does."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        sent = request.body or b""
        body = sent.encode() if isinstance(sent, str) else sent
        assert isinstance(body, bytes), "a body that is read bit by bit can't be signed"
        request.headers["Authorization"] = token(body)
        return request


schemathesis.openapi.format(CURSOR_FORMAT, CURSORS)
GLOBAL_AUTH_STORAGE.set_from_requests(LiveKitsSignature()).apply_to(path=PATH)


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Ask for an answer that ends."""
    query = case.query or {}
    if case.operation.label == "GET /events" and query.get("follow") in (None, "", "true", True):
        case.query = {**query, "follow": "false"}


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response
) -> None:
    answered[case.operation.label][response.status_code] += 1


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Whether a failure is one.

    POST /session/end and POST /session/token have their room in the body, where the check that
    looks for what was just created does not look: it takes another room's 404 for this one's. No
    schema says which agents POST /session can name (404), and which variables they have (400).
    """
    label = case.operation.label
    if isinstance(failure, EnsureResourceAvailability):
        return bool(label not in ("POST /session/end", "POST /session/token"))
    if isinstance(failure, RejectedPositiveData) and label == "POST /session":
        names_agent = isinstance(case.body, dict) and case.body.keys() & {"agentId", "variables"}
        return not (names_agent and failure.status_code in (400, 404))
    return True


@atexit.register
def tell() -> None:
    Path(os.environ["FUZZ_TALLY"]).write_text(json.dumps(answered))
