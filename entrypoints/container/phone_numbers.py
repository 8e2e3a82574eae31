"""Phone numbers, and which agent answers a call to each."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.phonenumbers.phone_numbers import normalised
from adapters.system.keys import RandomKeys
from adapters.webhooks.sender import HttpWebhookSender
from domain.phone_numbers.add_phone_number_once import AddPhoneNumberOnce
from domain.phone_numbers.ask_webhook import AskWebhook
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.phone_numbers.route_call import RouteCall
from entrypoints.container.agents import Agents, agents
from entrypoints.container.core import Core
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.storage import Storage

settings = Core.settings.provided
phone_numbers = Storage.storage.provided.phone_numbers


class PhoneNumbers(containers.DeclarativeContainer):
    """Phone numbers."""

    route_call = providers.Singleton(
        RouteCall, numbers=phone_numbers, use_agent=Agents.use_agent, clock=Core.clock
    )
    webhook_sender = providers.Singleton(
        HttpWebhookSender,
        Core.clock.provided.timestamp,
        allow_private=settings.webhook_allow_private,
    )
    ask_webhook = providers.Singleton(
        AskWebhook, sender=webhook_sender, route_call=route_call, clock=Core.clock
    )
    manage_phone_numbers = providers.Singleton(
        ManagePhoneNumbers,
        numbers=phone_numbers,
        agents=agents,
        clock=Core.clock,
        ids=Core.ids,
        secrets=providers.Singleton(RandomKeys),
        normalised=providers.Object(normalised),
        allow_private=settings.webhook_allow_private,
    )
    add_phone_number_once = providers.Singleton(
        AddPhoneNumberOnce,
        idempotent_execution=Idempotency.idempotent_execution,
        manage_phone_numbers=manage_phone_numbers,
    )
