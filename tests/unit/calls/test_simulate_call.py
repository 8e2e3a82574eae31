"""A program that plays a telephone: who may, and what LiveKit gets to know of it."""

from __future__ import annotations

from typing import Any, cast

import httpx
import jwt
import pytest
from livekit.api import ParticipantInfo, TokenVerifier
from livekit.protocol.models import Room

from adapters.livekit.phone_leg import is_phone, leg_status, phone_leg
from adapters.livekit.phone_signer import LiveKitPhoneSigner
from adapters.livekit.tokens import TokenFactory
from adapters.system.ids import UuidIds
from domain.access.access import SYSTEM, WORK, Access
from domain.calls.simulate_call import SimulateCall, SimulateCallCommand, SimulatedCall
from domain.rooms.sip_leg import Direction, LegStatus
from domain.shared.errors import Forbidden, InvalidInput
from domain.shared.telephony_errors import TelephonyDisabled
from tests.application import application, settings_with
from tests.integration.http.routes import all_routes, routes_of
from tests.livekit_server import API_KEY, API_SECRET

PATH = "/telephony/simulated-calls"
URL = "ws://127.0.0.1:7880"


def simulate(*, access: Access = SYSTEM, enabled: bool = True, **numbers: Any) -> SimulatedCall:
    use_case = SimulateCall(
        signer=LiveKitPhoneSigner(TokenFactory(API_KEY, API_SECRET)),
        ids=UuidIds(),
        livekit_url=URL,
        telephony_enabled=enabled,
    )
    return use_case(SimulateCallCommand(access=access, **numbers))


def participant(call: SimulatedCall) -> ParticipantInfo:
    """What LiveKit makes of who joins with the token."""
    claims = TokenVerifier(API_KEY, API_SECRET).verify(call.token)
    assert claims.kind == "sip"
    return ParticipantInfo(
        identity=claims.identity, kind=ParticipantInfo.SIP, attributes=claims.attributes
    )


def test_who_joins_with_the_token_is_a_caller_whose_call_rings() -> None:
    call = simulate(from_number="+15105550177", to_number="+15105550123", trunk_id="ST_7")

    info = participant(call)
    leg = phone_leg(Room(name=call.phone.room_name.value), info, str)
    assert is_phone(info, "sip_")
    assert leg_status(info) is LegStatus.RINGING
    assert (leg.direction, leg.direction_assumed) == (Direction.INBOUND, False)
    assert (leg.from_number, leg.to_number) == ("+15105550177", "+15105550123")
    assert leg.trunk_id == "ST_7"


def test_the_token_is_for_one_new_room_and_for_ten_minutes() -> None:
    first, second = simulate(), simulate()

    claims = jwt.decode(first.token, API_SECRET, algorithms=["HS256"], issuer=API_KEY)
    assert claims["video"]["room"] == first.phone.room_name.value != second.phone.room_name.value
    assert claims["video"].keys() == {
        "roomJoin", "room", "canPublish", "canSubscribe", "canPublishData", "canUpdateOwnMetadata",
    }  # fmt: skip
    assert claims["exp"] - claims["nbf"] == 600


def test_given_no_admin_s_key_then_it_is_refused_whatever_the_number_is() -> None:
    with pytest.raises(Forbidden):
        simulate(access=Access(tenant="ann", scopes=WORK))


def test_given_telephony_is_off_then_the_error_says_how_it_is_switched_on() -> None:
    with pytest.raises(TelephonyDisabled, match="TELEPHONY_ENABLED=true"):
        simulate(enabled=False)


@pytest.mark.parametrize("wrong", ["", " ", "+1 510", "x" * 65, "+1\n", "é", "\0"])
@pytest.mark.parametrize(
    ("name", "field"), [("from_number", "from"), ("to_number", "to"), ("trunk_id", "trunkId")]
)
def test_a_wrong_number_is_named(name: str, field: str, wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        simulate(**cast("Any", {name: wrong}))

    assert refused.value.details["field"] == field


@pytest.mark.parametrize("keys", ["", "ops=a-key-of-an-operator-0123456789"])
def test_in_production_there_is_no_such_route(keys: str) -> None:
    settings = settings_with(APP_ENV="production", TELEPHONY_ENABLED="true", API_KEYS=keys)

    assert PATH in {route.path for route in all_routes()}
    assert PATH not in {route.path for route in routes_of(application(settings=settings))}


async def test_the_route_answers_what_the_phone_joins_with() -> None:
    app = application(settings=settings_with(TELEPHONY_ENABLED="true"))
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        made = await client.post(PATH, json={"from": "+15105550177"})
        wrong = await client.post(PATH, json={"to": "a b"})
        null = await client.post(PATH, json={"from": None})

    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["from"], shown["to"]) == ("+15105550177", "+15105550199")
    assert shown["participantIdentity"] == "sip_+15105550177"
    assert shown["roomName"].startswith("call-_+15105550177_")
    assert TokenVerifier(API_KEY, API_SECRET).verify(shown["participantToken"]).kind == "sip"
    assert (wrong.status_code, wrong.json()["field"]) == (400, "to")
    assert (null.status_code, null.json()["field"]) == (400, "from")
