"""LiveKit: the client, and the ports that it implements."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.livekit.client import LiveKitClient
from adapters.livekit.dispatcher import LiveKitDispatcher
from adapters.livekit.event_reader import LiveKitEventReader
from adapters.livekit.http import CONNECTIONS
from adapters.livekit.phone_signer import LiveKitPhoneSigner
from adapters.livekit.probe import LiveKitProbe
from adapters.livekit.rooms import LiveKitRooms
from adapters.livekit.token_signer import LiveKitTokenSigner
from adapters.livekit.tokens import TokenFactory
from adapters.livekit.webhook_verifier import LiveKitWebhookVerifier
from adapters.phonenumbers.phone_numbers import normalised
from application.settings import LIVEKIT_CONNECT_LIMIT, LIVEKIT_TOTAL_LIMIT
from entrypoints.container.core import Core
from entrypoints.container.observability import Observability

settings = Core.settings.provided
timestamp = Core.clock.provided.timestamp


class LiveKit(containers.DeclarativeContainer):
    """The client's connections are open inside ``running``."""

    livekit_connections: providers.Object[int] = providers.Object(CONNECTIONS)
    livekit_client = providers.Singleton(
        LiveKitClient,
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret,
        connect_limit=LIVEKIT_CONNECT_LIMIT,
        total_limit=LIVEKIT_TOTAL_LIMIT,
        connections=livekit_connections,
        watch=Observability.watch_livekit,
        now=timestamp,
    )
    livekit_probe = providers.Singleton(LiveKitProbe, livekit_client)
    rooms = providers.Singleton(
        LiveKitRooms, livekit_client, settings.sip_identity_prefix, providers.Object(normalised)
    )
    dispatcher = providers.Singleton(LiveKitDispatcher, livekit_client)
    token_factory = providers.Singleton(
        TokenFactory, settings.livekit_api_key, settings.livekit_api_secret, timestamp
    )
    token_signer = providers.Singleton(
        LiveKitTokenSigner, token_factory, settings.sip_identity_prefix
    )
    phone_signer = providers.Singleton(LiveKitPhoneSigner, token_factory)
    event_reader = providers.Singleton(
        LiveKitEventReader, settings.sip_identity_prefix, providers.Object(normalised)
    )
    webhook_tokens = providers.Singleton(
        TokenFactory, settings.webhook_api_key, settings.webhook_api_secret, timestamp
    )
    webhook_verifier = providers.Singleton(
        LiveKitWebhookVerifier,
        webhook_tokens,
        settings.sip_identity_prefix,
    )
