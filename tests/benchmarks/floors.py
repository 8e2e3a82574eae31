"""What our routes are compared with: the least that a backend does, which keeps nothing.

``python -m tests.benchmarks.floors`` serves them as the service serves its own: by granian, with
the settings of ``entrypoints/http/__main__.py``. livekit-api is used as its documentation shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import uuid_utils
from granian.constants import Interfaces
from granian.server import Server
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException
from livekit.api import (
    AccessToken,
    CreateAgentDispatchRequest,
    LiveKitAPI,
    TokenVerifier,
    VideoGrants,
    WebhookReceiver,
)

from domain.agents.agent_config import AgentConfig
from domain.calls.call import CallStatus, Precision
from domain.rooms.sip_leg import Direction
from domain.shared.identifiers import Identity, RoomName
from domain.shared.timeline import Source
from entrypoints.http.sessions.schemas import (
    AgentConfigSummary,
    StartSessionRequest,
    StartSessionResponse,
)
from entrypoints.presenters.calls import CallResponse, TimelineResponse

URL, KEY, SECRET = "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"
AGENT_NAME = "shreya-obnox"


@asynccontextmanager
async def livekit(app: Litestar) -> AsyncIterator[None]:
    """One client for all requests."""
    async with LiveKitAPI(os.environ[URL], os.environ[KEY], os.environ[SECRET]) as client:
        app.state.livekit = client
        yield


@post("/session", status_code=200)
async def start_session(data: StartSessionRequest, state: State) -> StartSessionResponse:
    """Validate, dispatch, sign."""
    identity = Identity.parse(data.user_identity)
    room = RoomName.parse(data.room_name or f"room-{uuid_utils.uuid7()}")
    config = AgentConfig.parse(data.agent_config)
    session_id = str(uuid_utils.uuid7())
    await state.livekit.agent_dispatch.create_dispatch(
        CreateAgentDispatchRequest(
            room=str(room), agent_name=AGENT_NAME, metadata=config.metadata(session_id=session_id)
        )
    )
    token = (
        AccessToken(os.environ[KEY], os.environ[SECRET])
        .with_identity(str(identity))
        .with_grants(
            VideoGrants(
                room_join=True,
                room=str(room),
                can_publish=True,
                can_subscribe=True,
                can_publish_data=True,
            )
        )
        .with_ttl(timedelta(minutes=10))
        .to_jwt()
    )
    values = config.values
    return StartSessionResponse(
        user_token=token,
        room_name=str(room),
        livekit_url=os.environ[URL],
        agent_dispatched=True,
        agent_config=AgentConfigSummary(
            values["stt"], values["tts"], values["llm"], values["realtime"]
        ),
        session_id=session_id,
    )


@post("/telephony/livekit-webhook", status_code=200)
async def livekit_webhook(request: Request[Any, Any, Any], state: State) -> dict[str, bool]:
    """Verify; forget."""
    body = (await request.body()).decode()
    try:
        state.receiver.receive(body, request.headers["authorization"])
    except Exception as error:
        raise NotAuthorizedException from error
    return {"ok": True}


@get("/health")
async def health() -> dict[str, str]:
    """Answer."""
    return {"status": "ok"}


@get("/telephony/calls/{call_id:str}")
async def call(call_id: str) -> CallResponse:
    """A call that is always the same, encoded anew."""
    return msgspec.structs.replace(_CALL, call_id=call_id)


_TIME = "2026-11-23T06:27:37.123Z"
_CALL = CallResponse(
    call_id="",
    session_id="01a2074e-8b46-7010-b8f8-28073a54b3a7",
    room_name="call-1",
    room_sid="RM_1",
    direction=Direction.INBOUND,
    direction_is="reported",
    from_number="+15105550100",
    to_number="+15105550123",
    trunk_id="ST_1",
    dispatch_rule_id="SDR_1",
    sip_call_id="SCL_1",
    sip_call_id_full="8c6f@203.0.113.7",
    sip_status_code=None,
    carrier_call_id="CA0123456789",
    participant_identity="sip_+15105550100",
    status=CallStatus.ENDED,
    agent_dispatched=True,
    created_at=_TIME,
    answered_at=_TIME,
    answered_at_is=Precision.EXACT,
    ended_at=_TIME,
    duration_seconds=60.5,
    duration_is=Precision.EXACT,
    disconnect_reason="CLIENT_INITIATED",
    timeline=[TimelineResponse(at=_TIME, what="joined", source=Source.WEBHOOK)] * 3,
)


def create() -> Litestar:
    """The application."""
    receiver = WebhookReceiver(TokenVerifier(os.environ[KEY], os.environ[SECRET]))
    return Litestar(
        [start_session, livekit_webhook, health, call],
        lifespan=[livekit],
        state=State({"receiver": receiver}),
        openapi_config=None,
        logging_config=None,
    )


if __name__ == "__main__":
    Server(
        "tests.benchmarks.floors:create",
        factory=True,
        interface=Interfaces.ASGI,
        address="127.0.0.1",
        port=int(os.environ["PORT"]),
        websockets=False,
        log_enabled=False,
    ).serve()
