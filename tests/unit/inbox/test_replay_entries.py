"""Dead letters, and what was handled, get another chance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.inbox.entry import MAX_FAILURES, InboxEntry, InboxStatus
from domain.inbox.replay_entries import ReplayEntries
from domain.inbox.webhook_verifier import WebhookEvent
from domain.shared.errors import Forbidden, NotFound
from tests.unit.worlds.telephony import PhoneWorld

DAY = timedelta(days=1)


class Post(PhoneWorld):
    """An inbox with a dead, a handled and a waiting event."""

    def __init__(self) -> None:
        super().__init__()
        self.replay = ReplayEntries(inbox=self.inbox, clock=self.clock)

    async def fill(self) -> None:
        now = self.clock.now()
        for name in ("dead", "handled", "waiting"):
            event = WebhookEvent(name, "room_finished", f"room-{name}", "RM_1", b"{}")
            await self.inbox.add(InboxEntry(event=event, received_at=now, due_at=now))
        for entry in await self.inbox.claim("me", now, now + DAY, 10):
            after = entry
            if entry.event.id == "dead":
                for _ in range(MAX_FAILURES):
                    after = after.failed("no", now)
            elif entry.event.id == "handled":
                after = entry.handled(now)
            await self.inbox.settle(after, "me")
        self.clock.advance(DAY)

    async def status_of(self, event_id: str) -> InboxStatus:
        entry = await self.inbox.get(event_id)
        assert entry is not None
        return entry.status


async def filled() -> Post:
    post = Post()
    await post.fill()
    return post


@pytest.mark.parametrize("event_id", ["dead", "handled"])
async def test_what_is_no_longer_looked_at_is_pending_again_and_due_at_once(event_id: str) -> None:
    post = await filled()

    [entry] = await post.replay([event_id], SYSTEM)

    assert entry == await post.inbox.get(event_id)
    assert (entry.status, entry.due_at, entry.failures) == (
        InboxStatus.PENDING,
        post.clock.now(),
        0,
    )


async def test_what_waits_anyway_is_left_alone() -> None:
    post = await filled()
    before = await post.inbox.get("waiting")

    assert await post.replay(["waiting"], SYSTEM) == []
    assert await post.inbox.get("waiting") == before


async def test_given_one_that_is_not_there_then_none_is_changed() -> None:
    post = await filled()

    with pytest.raises(NotFound, match="There is no event 'other' in the inbox") as caught:
        await post.replay(["dead", "other"], SYSTEM)

    assert caught.value.details == {"field": "eventId"}
    assert await post.status_of("dead") is InboxStatus.DEAD


async def test_every_dead_letter_is_replayed_and_nothing_else() -> None:
    post = await filled()

    replayed = await post.replay.dead(SYSTEM)

    assert [entry.event.id for entry in replayed] == ["dead"]
    assert await post.status_of("dead") is InboxStatus.PENDING
    assert await post.status_of("handled") is InboxStatus.HANDLED
    assert await post.replay.dead(SYSTEM, 0) == []


async def test_a_key_without_the_scope_admin_replays_nothing() -> None:
    post = await filled()
    access = Access(tenant="ann", scopes=WORK)

    with pytest.raises(Forbidden, match="admin"):
        await post.replay.dead(access)
    with pytest.raises(Forbidden, match="admin"):
        await post.replay(["handled"], access)
    assert await post.status_of("handled") is InboxStatus.HANDLED
