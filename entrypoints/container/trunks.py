"""SIP trunks and dispatch rules."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.livekit.dispatch_rules import LiveKitDispatchRules
from adapters.livekit.trunks import LiveKitTrunks
from adapters.phonenumbers.phone_numbers import normalised
from domain.trunks.manage_dispatch_rules import ManageDispatchRules
from domain.trunks.manage_trunks import ManageTrunks
from entrypoints.container.livekit import LiveKit

normalise = providers.Object(normalised)


class Trunks(containers.DeclarativeContainer):
    """SIP trunks and dispatch rules."""

    trunks = providers.Singleton(LiveKitTrunks, LiveKit.livekit_client, normalise)
    dispatch_rules = providers.Singleton(LiveKitDispatchRules, LiveKit.livekit_client, normalise)
    manage_trunks = providers.Singleton(ManageTrunks, trunks, normalise)
    manage_dispatch_rules = providers.Singleton(ManageDispatchRules, dispatch_rules, normalise)
