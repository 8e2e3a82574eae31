"""Tickets for the standard token endpoint."""

from __future__ import annotations

from datetime import timedelta

from dependency_injector import containers, providers

from adapters.system.ticket_signer import HmacTicketSigner
from domain.tickets.authenticate_ticket import AuthenticateTicket
from domain.tickets.create_ticket import CreateTicket
from domain.tickets.create_ticket_once import CreateTicketOnce
from domain.tickets.redeem_ticket import RedeemTicket
from entrypoints.container.access import Access
from entrypoints.container.core import Core
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage

tickets = Storage.storage.provided.tickets


class Tickets(containers.DeclarativeContainer):
    """Tickets for the standard token endpoint."""

    ticket_signer = providers.Singleton(HmacTicketSigner, Core.settings.provided.livekit_api_secret)
    create_ticket = providers.Singleton(
        CreateTicket,
        tickets=tickets,
        start_session=Sessions.start_session,
        signer=ticket_signer,
        clock=Core.clock,
        ids=Core.ids,
        agent_names=Access.agent_names,
    )
    create_ticket_once = providers.Singleton(
        CreateTicketOnce,
        idempotent_execution=Idempotency.idempotent_execution,
        create_ticket=create_ticket,
    )
    authenticate_ticket = providers.Singleton(
        AuthenticateTicket,
        tickets=tickets,
        signer=ticket_signer,
        limit=Access.client_limit,
        clock=Core.clock,
    )
    redeem_ticket = providers.Singleton(
        RedeemTicket,
        tickets=tickets,
        ledger=Sessions.ledger,
        start_session=Sessions.start_session,
        policy=Sessions.token_policy,
        clock=Core.clock,
    )
    ticket_pruning = providers.List(tickets.prune, providers.Object(timedelta(hours=1)))
