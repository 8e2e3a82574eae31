"""A phone call that only webhooks tell of."""

from __future__ import annotations

import json
import time
from typing import Final

import aiohttp
import attrs
from livekit.protocol.models import DisconnectReason, ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from domain.rooms.sip_leg import Direction
from domain.shared.errors import DomainError
from entrypoints.simulator.webhooks import signed_webhook
from entrypoints.simulator.world import new_id

_PATH: Final = "/telephony/livekit-webhook"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class EventNotTaken(DomainError):
    """The service refused an event, or could not be reached."""

    code = "event_not_taken"


@attrs.frozen(kw_only=True)
class SimulatedCall:
    """One call, reported to the service at ``url`` as LiveKit reports a SIP participant.

    LiveKit itself knows nothing of it. The attributes are those of
    https://docs.livekit.io/sip/sip-participant/.
    """

    url: str
    room_name: str
    from_number: str
    to_number: str
    direction: Direction
    api_key: str
    api_secret: str = attrs.field(repr=False)
    joined_at: float = attrs.field(factory=time.time, init=False)
    room_sid: str = attrs.field(factory=lambda: new_id("RM_"), init=False)
    participant_sid: str = attrs.field(factory=lambda: new_id("PA_"), init=False)
    sip_call_id: str = attrs.field(factory=lambda: new_id("SCL_"), init=False)
    sip_call_id_full: str = attrs.field(factory=lambda: new_id("") + "@simulator", init=False)

    def joined(self) -> WebhookEvent:
        """The caller is in the room and talks."""
        return self._event("participant_joined", self._participant("active"))

    def left(self) -> WebhookEvent:
        """The caller has hung up."""
        participant = self._participant("hangup")
        participant.state = ParticipantInfo.State.DISCONNECTED
        participant.disconnect_reason = DisconnectReason.CLIENT_INITIATED
        return self._event("participant_left", participant)

    def finished(self) -> WebhookEvent:
        """The room is closed."""
        return self._event("room_finished")

    async def tell(self, event: WebhookEvent) -> str:
        """Post ``event``; what the service answered. Raises :class:`EventNotTaken`."""
        body, headers = signed_webhook(event, self.api_key, self.api_secret)
        url = self.url.rstrip("/") + _PATH
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                status, answer = response.status, await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EventNotTaken(
                f"No answer from {self.url}, where the service should be running "
                f"({error or 'time-out'})."
            ) from None
        if not 200 <= status < 300:
            raise EventNotTaken(f"{self.url} refused {event.event} ({status}): {_reason(answer)}")
        return f"{status} {answer}"

    def _participant(self, status: str) -> ParticipantInfo:
        callers, ours = self.from_number, self.to_number
        attributes = {
            "sip.callID": self.sip_call_id,
            "sip.callIDFull": self.sip_call_id_full,
            "sip.callStatus": status,
        }
        if self.direction is Direction.OUTBOUND:
            callers, ours = ours, callers
            attributes["sip.trunkID"] = "ST_simulated_outbound"
        else:  # only these come by a dispatch rule
            attributes |= {"sip.trunkID": "ST_simulated", "sip.ruleID": "SDR_simulated"}
        return ParticipantInfo(
            sid=self.participant_sid,
            identity=f"sip_{callers}",
            kind=ParticipantInfo.Kind.SIP,
            state=ParticipantInfo.State.ACTIVE,
            attributes=attributes | {"sip.phoneNumber": callers, "sip.trunkPhoneNumber": ours},
            joined_at=int(self.joined_at),
            joined_at_ms=int(self.joined_at * 1000),
        )

    def _event(self, kind: str, participant: ParticipantInfo | None = None) -> WebhookEvent:
        return WebhookEvent(
            id=new_id("EV_"),
            event=kind,
            created_at=int(time.time()),
            room=Room(name=self.room_name, sid=self.room_sid),
            participant=participant,
        )


def _reason(answer: str) -> str:
    """The sentence in an error answer of the service's; of another's, what it says."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, LookupError, TypeError):
        return " ".join(answer.split())[:200] or "without a word."
