"""A call that rings and is answered, of which LiveKit sends no webhook: real server and phone.

The reconciler looks at the start, and a minute later.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from livekit import api

from tests.live.stage import stage
from tests.live.steps import (
    CALLER,
    call_becomes,
    happenings,
    on_the_phone,
    room_of_a_call,
    timeline,
)

pytestmark = pytest.mark.slow


async def test_given_a_call_is_dialled_then_it_is_seen_to_ring_to_be_answered_and_to_end(
    tmp_path: Path,
) -> None:
    room, seconds = room_of_a_call(), dict[str, float]()
    with stage(tmp_path) as empty, empty.service(RECONCILE_INTERVAL_SECONDS="60") as service:
        async with empty.clients(service) as (http, livekit):
            async with on_the_phone(empty.server, room, status="dialing"):
                call = await call_becomes(http, room, status="created", agentDispatched=True)
                for status in ("ringing", "active"):
                    began = time.monotonic()
                    await livekit.room.update_participant(
                        api.UpdateParticipantRequest(
                            room=room, identity=CALLER, attributes={"sip.callStatus": status}
                        )
                    )
                    call = await call_becomes(http, room, status=status)
                    seconds[status] = time.monotonic() - began
                    assert (status, "reconciler") in timeline(call)
                began = time.monotonic()
            call = await call_becomes(http, room, status="ended")
            seconds["ended"] = time.monotonic() - began
    print("known after, in seconds:", seconds)  # noqa: T201 - what the promise is measured by
    assert call["answeredAt"] < call["endedAt"]
    course = [what for what in happenings(call) if what in {"joined", "ringing", "active", "left"}]
    assert course == ["joined", "ringing", "active", "left"]
