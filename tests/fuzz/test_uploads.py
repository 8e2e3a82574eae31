"""Whatever is uploaded as a session's report: no server error, and nothing is kept by halves.

The OpenAPI document does not have LiveKit's own routes, so schemathesis sends nothing there.
``FUZZ_SEED`` chooses another seed, ``FUZZ_REQUESTS`` more examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.service import REQUESTS, SEED, fuzzed
from tests.livekit_server import API_SECRET
from tests.reports import OGG, a_header, an_upload, chat_history, multipart, worker_token
from tests.unit.transcripts.test_read_chat_history import HISTORIES

pytestmark = pytest.mark.slow

MANY: Final = settings(
    max_examples=REQUESTS // 20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REFUSED: Final = {400, 413}
ASKED_FOR_AGAIN: Final = 503
WORKER: Final = {"Authorization": f"Bearer {worker_token()}"}
FORM: Final = "multipart/form-data; boundary=b7c1"
RECORDINGS: Final = "/observability/recordings/v0"


@attrs.frozen
class Receiver:
    """A service that takes reports, and the folder of their audio."""

    client: httpx.Client
    recordings: Path

    def upload(self, body: bytes, form: str = FORM) -> int:
        """The status of the answer; only a report that is kept leaves audio."""
        before = self.files()
        headers = {**WORKER, "Content-Type": form.encode("latin-1", "replace")}
        answer = self.client.post(RECORDINGS, content=body, headers=headers)
        if answer.status_code in REFUSED:
            assert answer.json()["error"].endswith(".")
        if answer.status_code != 200:
            assert self.files() == before
        assert API_SECRET not in answer.text
        return answer.status_code

    def files(self) -> set[Path]:
        return {path for path in self.recordings.rglob("*.*") if path.is_file()}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("receiver")
    recordings = folder / "recordings"
    with (
        fuzzed(folder, DATABASE_URL="memory://", RECORDINGS_URL=f"file://{recordings}") as service,
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        yield Receiver(client, recordings)
        assert "unexpected error" not in service.output()


PARTS: Final = st.fixed_dictionaries(
    {},
    optional={
        "header": st.binary(max_size=60) | st.builds(a_header, job_id=st.text(max_size=50)),
        "chat_history": st.binary(max_size=60)
        | HISTORIES.map(lambda history: json.dumps(history, default=str).encode())
        | st.just(chat_history()),
        "audio": st.binary(max_size=60) | st.just(OGG),
        "other": st.binary(max_size=60),
    },
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An upload, some of whose bytes are replaced, left out or sent twice."""
    body = bytearray(multipart(*an_upload(**draw(PARTS))))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        body[start:end] = draw(st.binary(max_size=8) | st.just(bytes(body[start:end]) * 2))
    return bytes(body)


@seed(SEED)
@MANY
@given(body=bodies() | st.binary(max_size=300))
def test_any_body_is_kept_refused_or_asked_for_again(receiver: Receiver, body: bytes) -> None:
    assert receiver.upload(body) in {200, ASKED_FOR_AGAIN, *REFUSED}


TEXT: Final = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
"""What HTTP permits in a header (RFC 9110, 5.5)."""
MULTIPART: Final = st.text(TEXT, max_size=80).map(
    lambda boundary: f"multipart/form-data; boundary={boundary}".strip()
)


@seed(SEED)
@MANY
@given(form=st.text(TEXT, max_size=60).map(str.strip) | MULTIPART)
def test_any_content_type_is_taken_or_refused(receiver: Receiver, form: str) -> None:
    assert receiver.upload(multipart(*an_upload()), form) in {200, *REFUSED}


@seed(SEED)
@MANY
@given(
    signal=st.sampled_from(["traces", "logs", "metrics"]),
    body=st.binary(max_size=100),
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "Content-Encoding"]),
        st.sampled_from(["application/x-protobuf", "application/json", "gzip", "x", "a/b; c"]),
    ),
)
def test_any_telemetry_is_taken(
    receiver: Receiver, signal: str, body: bytes, headers: dict[str, str]
) -> None:
    given_headers: dict[str, Any] = {**WORKER, **headers}
    path = f"/observability/{signal}/otlp/v0"

    answer = receiver.client.post(path, content=body, headers=given_headers)

    assert answer.status_code == 200
