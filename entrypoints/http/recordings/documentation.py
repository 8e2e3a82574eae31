"""What the OpenAPI document says of the routes of recordings."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec

from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors, read_responses

_NONE: Final = (
    "There is no such session, call or recording (`not_found`), or its audio is gone "
    f"(`recording_missing`). {HIDDEN}"
)
_RANGE: Final[tuple[str, str, dict[str, object]]] = (
    "range_not_satisfiable",
    "The recording has 1000 bytes, none in this range.",
    {},
)
_UNAVAILABLE: Final = (
    "The ledger (`storage_unavailable`) or the store of the recordings "
    "(`recordings_unavailable`) is out of reach."
)

LIST_RESPONSES: Final = read_responses("There is no such session.")


def _played(description: str) -> ResponseSpec:
    return ResponseSpec(
        bytes, description=description, media_type="audio/ogg", generate_examples=False
    )


_PARTS: Final = {
    200: _played("The audio, whole."),
    206: _played("The part of the audio that `Range` asks for."),
}
_PLAYING: Final = {
    400: "A value breaks a rule.",
    404: _NONE,
    416: "The range has no byte of the audio.",
    503: _UNAVAILABLE,
}
PLAY_RESPONSES: Final = _PARTS | errors(REFUSALS | _PLAYING, {416: _RANGE})
OPEN_RESPONSES: Final = _PARTS | errors(
    {
        **_PLAYING,
        403: "The link has expired, or was not signed here.",
        404: "The recording was erased, or its audio is gone (`recording_missing`).",
    },
    {
        403: ("invalid_link", "This link is not valid, or no longer: ask for a new one.", {}),
        416: _RANGE,
    },
)
LINK_RESPONSES: Final = errors(
    REFUSALS | {400: "A value breaks a rule; `field` names it.", 404: _NONE, 503: _UNAVAILABLE}
)
CONTROL_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such session, or it was never recorded by egress.",
        409: "Nothing is recorded here (`recordings_disabled`), the session has ended or forbids "
        "it (`recording_refused`), or another request is starting its recording "
        "(`recording_starting`): try again.",
        502: "LiveKit refused, could not be reached, or has no egress service "
        "(`livekit_without_egress`).",
        503: "The ledger is out of reach.",
    },
    {
        409: ("recording_refused", "This session has ended.", {}),
        502: ("livekit_without_egress", "The LiveKit server has no egress service.", {}),
    },
)
