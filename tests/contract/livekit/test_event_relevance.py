"""What is stored as handled at its receipt has nothing that handling it would do.

Only here are the verifier's short look at a body and the reader's long one held against each other.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adapters.livekit.event_reader import LiveKitEventReader
from adapters.livekit.tokens import TokenFactory
from adapters.livekit.webhook_verifier import LiveKitWebhookVerifier
from domain.inbox.webhook_verifier import WebhookBody, WebhookEvent
from domain.reconciliation.event_relevance import EventRelevance
from domain.reconciliation.handle_room_event import HandleRoomEvent
from domain.reconciliation.room_selection import RoomSelection
from domain.rooms.room_event import EventKind
from domain.shared.errors import InvalidWebhook
from tests.examples import examples
from tests.livekit_server import API_KEY, API_SECRET
from tests.unit.worlds.fakes import NOON

KINDS: Final = [
    "STANDARD", "INGRESS", "EGRESS", "SIP", "AGENT", "CONNECTOR", "BRIDGE", "standard", "NEW",
    "0", "3", 0, 1, 2, 3, 4, 99, None, True, [], {}, "",
]  # fmt: skip
EVENTS: Final = [*(kind.value for kind in EventKind), "room_started", "track_published", "new"]
ODD: Final[some.SearchStrategy[Any]] = some.sampled_from(
    [None, 7, True, [], {}, "", "true", "\0", "\ud800", 1.5]
)
ATTRIBUTES: Final = some.dictionaries(
    some.sampled_from(["sip.trunkID", "backend-livekit.user", "sip.callID", "lk.agent.name"]),
    some.sampled_from(["ST_ours", "ST_other", " ST_other\0", "true"]) | ODD,
)
PARTICIPANT: Final = some.fixed_dictionaries(
    {},
    optional={
        "identity": some.sampled_from(["ann", "sip_1", "?1", "\ud8001", "\0sip_1"]) | ODD,
        "kind": some.sampled_from(KINDS),
        "attributes": ATTRIBUTES | ODD,
        "sid": some.just("PA_1") | ODD,
        "disconnectReason": some.just("CLIENT_INITIATED") | ODD,
        "tracks": some.just([{}]) | ODD,
    },
)
BODY: Final = some.fixed_dictionaries(
    {"event": some.sampled_from(EVENTS)},
    optional={
        "id": some.just("EV_1"),
        "room": some.fixed_dictionaries(
            {}, optional={"name": some.sampled_from(["room-1", "other-1", "", 7]), "sid": ODD}
        ),
        "participant": PARTICIPANT | ODD,
        "createdAt": some.just("1790000000") | ODD,
    },
)
RELEVANCE: Final = some.builds(
    EventRelevance,
    selection=some.builds(
        RoomSelection,
        ignored_rooms=some.sampled_from([(), ("other-*",)]),
        ignored_trunks=some.sampled_from([(), ("ST_other",), ("*",)]),
    ),
    telephony=some.booleans(),
)
PREFIX: Final = some.sampled_from(["sip_", "", "?"])


def received(body: bytes, prefix: str = "sip_") -> WebhookEvent:
    verifier = LiveKitWebhookVerifier(TokenFactory(API_KEY, API_SECRET), prefix)
    return verifier.event(WebhookBody(body, body), hashlib.sha256(body).digest())


def handler(relevance: EventRelevance, *, any_join: bool) -> HandleRoomEvent:
    """Return one that fails as soon as it reads, writes or asks anything."""
    nothing = cast("Any", None)
    return HandleRoomEvent(
        unit_of_work=nothing, ledger=nothing, record_call_fact=nothing, assign_agent=nothing,
        begin_again=nothing, find_agent=nothing, keep_agent=nothing, remove_agent=nothing,
        remove_late_agent=nothing, hold_room=nothing, clock=nothing,
        relevance=relevance, dispatch_on_any_join=any_join,
    )  # fmt: skip


@examples(2000)
@given(data=BODY, relevance=RELEVANCE, prefix=PREFIX, any_join=some.booleans())
async def test_what_is_handled_at_its_receipt_would_change_nothing_and_call_nothing(
    data: dict[str, Any], relevance: EventRelevance, prefix: str, *, any_join: bool
) -> None:
    body = json.dumps(data).encode()
    event = received(body, prefix)
    if relevance.may_teach(event.kind, event.room_name, event.participant):
        return

    try:
        read = LiveKitEventReader(prefix, str).read(body, NOON)
    except InvalidWebhook:
        return
    if read is not None:
        await handler(relevance, any_join=any_join)(read, NOON)


USER: Final = {"backend-livekit.user": "true"}
OTHERS: Final = {"sip.trunkID": "ST_other"}


@pytest.mark.parametrize(
    ("kind", "participant", "teaches"),
    [
        ("participant_joined", {"identity": "ann"}, True),
        ("participant_left", {"identity": "ann"}, False),
        ("participant_connection_aborted", {"identity": "ann"}, False),
        ("participant_left", {"identity": "sip_1"}, True),
        ("participant_left", {"identity": "sip_1", "attributes": USER}, False),
        ("participant_left", {"identity": "x", "kind": "SIP"}, True),
        ("participant_left", {"identity": "x", "kind": "CONNECTOR"}, True),
        ("participant_left", {"identity": "x", "kind": "SIP", "attributes": OTHERS}, False),
        ("participant_joined", {"identity": "x", "kind": "AGENT"}, True),
        ("participant_left", {"identity": "x", "kind": "AGENT"}, True),
        ("participant_joined", {"identity": "x", "kind": "EGRESS"}, False),
        ("participant_joined", {"identity": "x", "kind": "INGRESS"}, False),
        ("participant_joined", {"identity": "x", "kind": "BRIDGE"}, False),
        ("participant_left", {"identity": "x", "kind": "NEW"}, True),
        ("participant_left", {"identity": "x", "kind": 3}, True),
        ("participant_left", "odd", True),
        ("room_finished", None, True),
        ("room_started", None, False),
        ("track_published", {"identity": "sip_1"}, False),
        ("egress_started", None, False),
    ],
)
def test_whether_an_event_has_to_be_handled(
    kind: str, participant: object, *, teaches: bool
) -> None:
    body = {"event": kind, "room": {"name": "room-1"}, "participant": participant}
    event = received(json.dumps(body).encode())
    relevance = EventRelevance(selection=RoomSelection(ignored_trunks=("ST_other",)))

    assert relevance.may_teach(event.kind, event.room_name, event.participant) is teaches


def test_without_telephony_a_phone_participant_who_leaves_teaches_nothing() -> None:
    body = {
        "event": "participant_left",
        "room": {"name": "room-1"},
        "participant": {"identity": "x", "kind": "SIP"},
    }
    event = received(json.dumps(body).encode())

    assert not EventRelevance(telephony=False).may_teach(
        event.kind, event.room_name, event.participant
    )
