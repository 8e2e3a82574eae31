"""Dispatch a session's agent exactly once, whatever LiveKit answers."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import SYSTEM
from domain.rooms.dispatcher import Dispatcher
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, SessionEnded
from domain.shared.livekit_errors import LiveKitError, LiveKitUncertain


@attrs.frozen(kw_only=True)
class DispatchAgent:
    """Sends CreateDispatch for a session whose claim the caller holds, and records the outcome.

    CreateDispatch is not idempotent. An outcome that is unknown (time-out, dropped connection,
    5xx, a predecessor that died) is settled by asking LiveKit which dispatches the room lists;
    ours carry ``session_id`` in their metadata.

    A dispatch that was made is recorded while the caller goes on: should the process die before it
    is durable, the claim is left behind and LiveKit is asked in the same way.

    Before each CreateDispatch but the first the claim is renewed, so that the request ends before
    its lease does. ``settle`` is how long after a time-out LiveKit may still carry the dispatch
    out.
    """

    ledger: SessionStore
    dispatcher: Dispatcher
    clock: Clock
    renew_claim: RenewClaim
    settle: timedelta = timedelta(seconds=5)

    async def __call__(self, session: Session) -> Session:
        """The session with its agent dispatched and its claim given back.

        Raises :class:`LiveKitError` after recording that the dispatch failed,
        :class:`SessionEnded` if the session ended meanwhile, :class:`Conflict` if the claim was
        lost to another request, which then goes on.
        """
        try:
            dispatch_id = await self._unrecorded(session) if session.claim.uncertain else None
            if dispatch_id is None:
                if session.claim.uncertain or session.dispatch_id is not None:
                    await self._clear_predecessor(session)
                    session = await self.renew_claim(session)
                session = await self.renew_claim.if_doubtful(session)
                dispatch_id = await self._create(session)
            if dispatch_id is None:
                session = await self.renew_claim(session)
                dispatch_id = await self._create(session)
            if dispatch_id is None:
                raise LiveKitUncertain("LiveKit failed to dispatch the agent twice; try again.")
        except LiveKitError as error:
            # A refusal of a later question says nothing about an earlier, uncertain dispatch.
            uncertain = session.claim.uncertain or isinstance(error, LiveKitUncertain)
            timed_out = isinstance(error, LiveKitUncertain) and error.timed_out
            await self.ledger.save(
                session.with_dispatch_failed(
                    now := self.clock.now(),
                    uncertain=uncertain,
                    # Until LiveKit has had time to finish, its lists prove nothing.
                    settles_at=now + self.settle if timed_out else None,
                )
            )
            raise
        return await self._dispatched(session, dispatch_id)

    async def _create(self, session: Session) -> str | None:
        """The id of the session's new dispatch; None if LiveKit failed and certainly has none."""
        try:
            return await self.dispatcher.create(
                session.room_name, session.agent_name, session.metadata()
            )
        except LiveKitUncertain as uncertain:
            try:
                found = await self._unrecorded(session)
            except LiveKitError:
                raise uncertain from None
            # After a time-out LiveKit may still be at it: the next request settles that.
            if found is None and uncertain.timed_out:
                raise
            return found

    async def _unrecorded(self, session: Session) -> str | None:
        """The id of a dispatch of this session that LiveKit has and the ledger does not."""
        for dispatch in await self.dispatcher.list(session.room_name):
            if session.owns(dispatch) and dispatch.id != session.dispatch_id:
                return dispatch.id
        return None

    async def _clear_predecessor(self, session: Session) -> None:
        """Delete dispatches whose agent is gone, lest a late worker take one up after all."""
        if session.dispatch_id is None:
            return
        for dispatch in await self.dispatcher.list(session.room_name):
            if session.owns(dispatch):
                await self.dispatcher.delete(session.room_name, dispatch.id)

    async def _dispatched(self, session: Session, dispatch_id: str) -> Session:
        now = self.clock.now()
        dispatched = session.with_agent_dispatched(dispatch_id, now)
        if session.claim.is_held(now) and not self.renew_claim.is_doubtful(session):
            return self.ledger.record(dispatched, lambda: self._overtaken(session, dispatch_id))
        try:  # another request may have taken it over; the caller must know
            return await self.ledger.save(dispatched)
        except Conflict:
            return await self._overtaken(session, dispatch_id)

    async def _overtaken(self, session: Session, dispatch_id: str) -> Session:
        """Keep a dispatch that was made after the claim was lost from standing beside another."""
        current = await self.ledger.get(session.id, SYSTEM)
        if current is not None and current.is_live and current.dispatch_id == dispatch_id:
            return current
        await self.dispatcher.delete(session.room_name, dispatch_id)
        if current is None or not current.is_live:
            raise SessionEnded(f"The session in room '{session.room_name}' was ended meanwhile.")
        raise Conflict("The claim was taken over.")
