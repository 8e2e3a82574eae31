"""What the OpenAPI document says of the routes of sessions."""

from __future__ import annotations

from typing import Any, Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, Link
from litestar.params import Body

from entrypoints.http.openapi.document import REFUSALS, errors, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED
from entrypoints.http.sessions.fields import identity_keywords
from entrypoints.http.sessions.schemas import StartSessionResponse
from entrypoints.http.sessions.token_fields import ttl_keywords
from entrypoints.settings import Settings

_STARTED: Final = {
    "userToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ2aWRlbyI6e30sInN1YiI6InVzZXItNDIifQ.sig",
    "roomName": "support-7",
    "livekitUrl": "wss://my-project.livekit.cloud",
    "agentDispatched": True,
    "agentConfig": {
        "stt": "assemblyai/universal-streaming:en",
        "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
        "llm": "openai/gpt-4o-mini",
        "realtime": False,
    },
    "sessionId": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "agentStatus": "expected",
}
START_BODY: Final = Body(
    examples=[
        Example(summary="The least", value={"userIdentity": "user-42"}),
        Example(
            summary="A named room and a configured agent",
            value={
                "userIdentity": "user-42",
                "roomName": "support-7",
                "agentConfig": {"greeting": "Hello!", "tenant": {"plan": "pro"}},
            },
        ),
        Example(
            summary="An agent that is dispatched once the user has joined",
            value={"userIdentity": "user-42", "dispatch": "on_join"},
        ),
        Example(
            summary="A token with a name, attributes and an hour to join",
            value={
                "userIdentity": "user-42",
                "participantName": "Ann Müller",
                "participantAttributes": {"plan": "pro"},
                "tokenTtlSeconds": 3600,
            },
        ),
    ]
)
END_BODY: Final = Body(examples=[Example(summary="A room", value={"roomName": "support-7"})])

START_RESPONSES: Final = {
    200: ResponseSpec(
        StartSessionResponse,
        description=f"Join `livekitUrl` with `userToken`. {AS_BEFORE} The token is a new one.",
        examples=[
            Example(summary="Started", value=_STARTED),
            Example(summary="Waiting for its user", value=_STARTED | {"agentDispatched": False}),
        ],
    ),
} | errors(
    REFUSALS
    | REPEATED
    | {
        400: "A value breaks a rule; `field` names it.",
        404: "The room is another tenant's, or was: until `MAX_TOKEN_TTL_SECONDS` and two minutes "
        "after its last session's end.",
        409: "Another request is still starting or ending this room's session, or has the "
        "same Idempotency-Key; or the session that this key began has ended (`session_ended` "
        "without Retry-After).",
        413: "The body or the agent's metadata is too large.",
        415: "The body is not sent as JSON.",
        502: "LiveKit refused or could not be reached; `agentDispatched` is false. Post again.",
        503: "The ledger is out of reach; nothing was started.",
    }
)
END_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "A value breaks a rule; `field` names it.",
        404: "Neither the ledger nor LiveKit knows the room.",
        409: "Another request is still starting or ending this room's session.",
        413: "The body is too large.",
        415: "The body is not sent as JSON, nor as `navigator.sendBeacon` sends it.",
        502: "LiveKit refused or could not be reached; the session stays open. Post again.",
        503: "The ledger is out of reach.",
    }
)
READ_RESPONSES: Final = read_responses("There is no such session.")

_ROOM: Final = of_body("roomName")
StartSession = linked(
    200,
    session=to("sessionById", sessionId=of_body("sessionId")),
    usage=to("sessionUsage", sessionId=of_body("sessionId")),
    newestOfRoom=to("sessionByRoom", roomName=_ROOM),
    join=Link(
        operation_id="startSession", request_body={"userIdentity": "user-43", "roomName": _ROOM}
    ),
    renew=Link(operation_id="renewToken", request_body={"sessionId": of_body("sessionId")}),
    end=Link(operation_id="endSession", request_body={"roomName": _ROOM}),
)
EndSession = linked(204, ended=to("sessionByRoom", roomName="$request.body#/roomName"))
ListSessions = linked(200, nextPage=to("listSessions", cursor=of_body("nextCursor")))
SessionById = linked(
    200,
    newestOfRoom=to("sessionByRoom", roomName=_ROOM),
    call=to("callById", callId=of_body("callId")),
    transcript=to("sessionTranscript", sessionId=of_body("sessionId")),
    usage=to("sessionUsage", sessionId=of_body("sessionId")),
)


def amendments(settings: Settings) -> dict[str, Any]:
    """Return what the types of requests do not say of their schemas."""
    ttl = {"tokenTtlSeconds": ttl_keywords(settings.max_token_ttl)}
    either = [
        {"required": [name], "properties": {name: {"type": "string"}}}
        for name in ("sessionId", "roomName")
    ]
    charset = settings.identity_charset
    maybe_identity = identity_keywords(charset, may_be_empty=True)
    return {
        "StartSessionRequest": {"properties": {"userIdentity": identity_keywords(charset), **ttl}},
        "IssueTokenRequest": {"properties": {"participant_identity": maybe_identity}},
        "CreateTicketRequest": {"properties": {"userIdentity": maybe_identity, **ttl}},
        "RenewTokenRequest": {"properties": ttl, "anyOf": either},
    }
