"""Taking a webhook in: what is news waits to be handled, and the bell rings once for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest

from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from domain.inbox.signal import News
from domain.inbox.webhook_verifier import WebhookBody, WebhookEvent
from domain.shared.errors import WebhookForged
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.telephony import PhoneWorld
from tests.webhook_command import webhook_command


@attrs.define
class Bell:
    """Counts, and knows whether an event is on its way."""

    rung: int = 0
    arriving: int = 0

    @contextmanager
    def arrival(self) -> Iterator[None]:
        self.arriving += 1
        yield
        self.arriving -= 1

    def ring(self, news: News | None = None) -> None:
        assert not self.arriving
        assert news == News(NOON, "EV_1", "room-1")
        self.rung += 1


@attrs.frozen
class Trusting:
    """Takes each body for the event that it was made with."""

    found: WebhookEvent

    def body_digest(self, authorization: str | None) -> bytes:
        if authorization != "a JWT":
            raise WebhookForged("That is no JWT.")
        return b"a digest"

    def event(self, body: WebhookBody, digest: bytes) -> WebhookEvent:
        assert (body.plain, digest) == (self.found.body, b"a digest")
        return self.found


def event(kind: str = "participant_joined", room: str = "room-1") -> WebhookEvent:
    return WebhookEvent("EV_1", kind, room, "RM_1", b"{}")


async def received(told: WebhookEvent, times: int = 1) -> tuple[InboxEntry, Bell]:
    """What is in the inbox after ``told`` came, and the bell."""
    world, bell = PhoneWorld(), Bell()
    receive = ReceiveWebhook(
        verifier=Trusting(told), inbox=world.inbox, clock=world.clock, inbox_signal=bell
    )
    for _ in range(times):
        await receive(webhook_command(told.body, "a JWT", "a trace"))
    entry = await world.inbox.get(told.id)
    assert entry is not None
    return entry, bell


async def test_news_waits_and_rings() -> None:
    entry, bell = await received(event())

    assert entry == InboxEntry(event=event(), received_at=NOON, due_at=NOON, trace="a trace")
    assert bell == Bell(rung=1)


async def test_a_repeat_does_not_ring_again() -> None:
    entry, bell = await received(event(), times=3)

    assert entry.status is InboxStatus.PENDING
    assert bell == Bell(rung=1)


@pytest.mark.parametrize("told", [event(kind="track_published"), event(room="")])
async def test_what_tells_the_ledger_nothing_is_kept_as_handled_and_rings_for_nobody(
    told: WebhookEvent,
) -> None:
    entry, bell = await received(told)

    assert (entry.status, entry.handled_at) == (InboxStatus.HANDLED, NOON)
    assert bell == Bell(rung=0)


async def test_given_a_forged_token_then_the_body_is_not_read() -> None:
    world, read = PhoneWorld(), []

    async def read_body() -> WebhookBody:
        read.append("a body")
        return WebhookBody(b"{}", b"{}")

    receive = ReceiveWebhook(
        verifier=Trusting(event()), inbox=world.inbox, clock=world.clock, inbox_signal=Bell()
    )
    with pytest.raises(WebhookForged):
        await receive(ReceiveWebhookCommand("another JWT", read_body))

    assert not read
