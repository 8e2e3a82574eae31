from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import (
    AccessToken,
    ParticipantInfo,
    RoomAgentDispatch,
    RoomConfiguration,
    SIPGrants,
    TokenVerifier,
    VideoGrants,
)

from adapters.livekit.phone_leg import is_phone
from adapters.livekit.token_signer import LiveKitTokenSigner
from adapters.livekit.tokens import TokenFactory
from domain.rooms.token_options import TokenOptions
from domain.shared.identifiers import Identity, RoomName
from tests.livekit_server import API_KEY, API_SECRET

SIGNER = LiveKitTokenSigner(TokenFactory(API_KEY, API_SECRET))


def test_a_join_token_admits_one_identity_to_one_room_for_its_time() -> None:

    before = int(time.time())
    token = SIGNER.join_token(Identity("user-1"), RoomName("room-1"), TokenOptions())
    after = int(time.time())

    claims = jwt.decode(token, API_SECRET, algorithms=["HS256"], issuer=API_KEY)
    assert claims["sub"] == "user-1"
    assert before + 600 <= claims["exp"] <= after + 600
    assert before <= claims["nbf"] <= after
    assert claims["video"] == {
        "roomJoin": True,
        "room": "room-1",
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }


def test_given_options_then_the_token_has_them_as_livekit_reads_them() -> None:
    options = TokenOptions(
        name="Ann 👩‍🚀", metadata='{"a":1}', attributes={"plan": "pro"}, ttl=timedelta(hours=1)
    )

    token = SIGNER.join_token(Identity("ann@example.com"), RoomName("room-1"), options)

    claims = jwt.decode(token, API_SECRET, algorithms=["HS256"], issuer=API_KEY)
    assert claims["exp"] - claims["nbf"] == 3600
    read = TokenVerifier(API_KEY, API_SECRET).verify(token)
    assert (read.identity, read.name, read.metadata) == ("ann@example.com", "Ann 👩‍🚀", '{"a":1}')
    assert read.attributes == {"plan": "pro"}


def test_given_attributes_and_a_phone_s_identity_then_the_user_stays_marked_as_a_user() -> None:
    options = TokenOptions(attributes={"backend-livekit.user": "false", "plan": "pro"})

    token = SIGNER.join_token(Identity("sip_+15105550100"), RoomName("room-1"), options)

    attributes = jwt.decode(token, API_SECRET, algorithms=["HS256"])["attributes"]
    assert attributes == {"backend-livekit.user": "true", "plan": "pro"}


def test_a_join_token_is_signed_with_the_secret() -> None:
    token = SIGNER.join_token(Identity("user-1"), RoomName("room-1"), TokenOptions())

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, "another-secret-0123456789-0123456789", algorithms=["HS256"])


TEXTS = st.text(max_size=5)
FLAGS = st.none() | st.booleans()
GRANTS = st.builds(
    VideoGrants,
    room_create=FLAGS, room_list=FLAGS, room_admin=FLAGS, room_join=st.just(None), room=TEXTS,
    can_publish=st.booleans(), can_publish_sources=st.none() | st.lists(TEXTS, max_size=2),
)  # fmt: skip
SET: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "video": GRANTS,
        "sip": st.builds(SIPGrants, admin=st.booleans(), call=st.booleans()),
        "name": TEXTS,
        "metadata": TEXTS,
        "kind": st.sampled_from(["", "sip", "agent"]),
        "attributes": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "room_config": st.builds(RoomConfiguration, name=TEXTS, empty_timeout=st.integers(0, 9)),
    },
)


@given(members=SET, identity=TEXTS, seconds=st.integers(0, 10**6))
def test_given_any_claims_then_the_token_is_the_one_that_livekit_api_would_sign(
    members: dict[str, Any], identity: str, seconds: int
) -> None:
    def claims_of(token: AccessToken) -> dict[str, Any]:
        for name, value in members.items():
            setattr(token.claims, name, value)
        signed = token.with_identity(identity).with_ttl(timedelta(seconds=seconds)).to_jwt()
        claims: dict[str, Any] = jwt.decode(
            signed, API_SECRET, ["HS256"], options={"verify_exp": False, "verify_nbf": False}
        )
        assert claims.pop("exp") - claims.pop("nbf") - seconds in (0, 1)  # it reads the clock twice
        return claims

    ours = TokenFactory(API_KEY, API_SECRET).access_token()
    assert claims_of(ours) == claims_of(AccessToken(API_KEY, API_SECRET))


@pytest.mark.parametrize(("identity", "room"), [("", "room-1"), ("user-1", "")])
def test_given_a_join_token_without_identity_or_room_then_it_is_not_signed(
    identity: str, room: str
) -> None:
    token = TokenFactory(API_KEY, API_SECRET).access_token().with_identity(identity)

    with pytest.raises(ValueError, match="needs an identity and the room"):
        token.with_grants(VideoGrants(room_join=True, room=room)).to_jwt()


def test_given_the_ledgers_time_then_the_token_is_valid_from_then() -> None:
    token = TokenFactory(API_KEY, API_SECRET, lambda: 1000.9).access_token()

    signed = token.with_ttl(timedelta(minutes=10)).to_jwt()

    claims = jwt.decode(signed, options={"verify_signature": False})
    assert (claims["nbf"], claims["exp"]) == (1000, 1600)


def test_the_signer_shows_no_secret() -> None:
    assert API_SECRET not in repr(SIGNER)


PREFIXES = st.sampled_from(["sip_", "phone-", "+", ""])
IDENTITIES = st.builds(
    "".join,
    st.tuples(
        PREFIXES,
        st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
        | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
    ),
)


def claims_of(identity: str, prefix: str) -> dict[str, Any]:
    signer = LiveKitTokenSigner(TokenFactory(API_KEY, API_SECRET), prefix)
    token = signer.join_token(Identity(identity), RoomName("room-1"), TokenOptions())
    claims: dict[str, Any] = jwt.decode(token, API_SECRET, algorithms=["HS256"])
    return claims


@given(identity=IDENTITIES, prefix=PREFIXES)
def test_no_token_of_ours_makes_its_holder_a_telephone(identity: str, prefix: str) -> None:
    claims = claims_of(identity, prefix)

    # livekit-server gives a participant the kind and the attributes of its token.
    participant = ParticipantInfo(
        identity=claims["sub"],
        kind=claims.get("kind", "STANDARD"),
        attributes=claims.get("attributes", {}),
    )
    assert not is_phone(participant, prefix)
    # Without this grant a holder can neither change attributes nor join with others.
    assert "canUpdateOwnMetadata" not in claims["video"]


@given(identity=IDENTITIES, prefix=PREFIXES)
def test_only_a_token_that_needs_it_has_attributes(identity: str, prefix: str) -> None:
    needed = bool(prefix) and identity.startswith(prefix)

    assert ("attributes" in claims_of(identity, prefix)) is needed


def test_a_telephone_of_the_kind_sip_is_one_whatever_its_attributes_say() -> None:
    attributes = claims_of("sip_ann", "sip_")["attributes"]

    for kind in (ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR):
        assert is_phone(ParticipantInfo(identity="x", kind=kind, attributes=attributes), "sip_")


def test_a_token_that_awaits_an_agent_names_none() -> None:
    options = TokenOptions(awaits_agent=True)
    token = SIGNER.join_token(Identity("user-1"), RoomName("room-1"), options)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["roomConfig"] == {"agents": [{}]}
    # As livekit-api writes it.
    config = RoomConfiguration(agents=[RoomAgentDispatch()])
    assert json_format.MessageToDict(config) == claims["roomConfig"]
