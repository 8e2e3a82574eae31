"""Hints on their way to a client, among events."""

from __future__ import annotations

from application.streaming.hint import hint_frame
from domain.changes.change import Area
from tests.unit.events.test_event_stream import in_virtual_time, soon, world


@in_virtual_time
async def test_a_client_that_waits_gets_a_hint_at_once_and_no_id_with_it() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()

        heard.listener.hint({Area.INBOX, Area.DELIVERIES})
        await soon()

        hint = b'event: changed\ndata: {"areas": ["deliveries", "inbox"]}\n\n'
        assert heard.texts == [hint]
        event = await here.append()
        await soon()
        assert heard.texts == [hint, f"{event} ".encode()]


@in_virtual_time
async def test_given_a_busy_client_then_its_hints_wait_in_one_and_no_event_is_lost() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()
        heard.blocked.clear()

        ids = [await here.append()]
        await soon()
        heard.listener.hint({Area.INBOX})
        ids.append(await here.append())
        await soon()
        heard.listener.hint({Area.DELIVERIES})
        heard.blocked.set()
        await soon()

        hint = hint_frame({Area.INBOX, Area.DELIVERIES})
        text = b"".join(heard.texts)
        assert text.count(b"event: changed") == 1
        assert text.replace(hint, b"").decode().split() == ids
        await soon()
        assert b"".join(heard.texts) == text
