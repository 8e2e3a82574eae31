from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest

from adapters.livekit.token_signer import LiveKitTokenSigner
from adapters.livekit.tokens import TokenFactory
from domain.identifiers import Identity, RoomName
from tests.livekit_server import API_KEY, API_SECRET

SIGNER = LiveKitTokenSigner(TokenFactory(API_KEY, API_SECRET))


def test_a_join_token_admits_one_identity_to_one_room_for_its_time() -> None:

    before = int(time.time())
    token = SIGNER.join_token(Identity("user-1"), RoomName("room-1"), timedelta(minutes=10))
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


def test_a_join_token_is_signed_with_the_secret() -> None:
    token = SIGNER.join_token(Identity("user-1"), RoomName("room-1"), timedelta(minutes=10))

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, "another-secret-0123456789-0123456789", algorithms=["HS256"])


def test_the_signer_shows_no_secret() -> None:
    assert API_SECRET not in repr(SIGNER)
