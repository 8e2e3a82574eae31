"""The LiveKit simulator, for development and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers

from entrypoints.container.core import Core

if TYPE_CHECKING:
    from entrypoints.simulator.phone_call import SimulatedCall
    from entrypoints.simulator.server import Simulator as LiveKitSimulator

settings = Core.settings.provided


def _simulator(*args: Any, **options: Any) -> LiveKitSimulator:
    from entrypoints.simulator.server import (  # noqa: PLC0415 - the service does not need it
        Simulator as LiveKitSimulator,
    )

    return LiveKitSimulator(*args, **options)


def _simulated_call(**options: Any) -> SimulatedCall:
    from entrypoints.simulator.phone_call import SimulatedCall  # noqa: PLC0415 - as above

    return SimulatedCall(**options)


class Simulator(containers.DeclarativeContainer):
    """The LiveKit simulator, and a phone call that it simulates."""

    simulator = providers.Factory(_simulator)
    simulated_call = providers.Factory(
        _simulated_call, api_key=settings.webhook_api_key, api_secret=settings.webhook_api_secret
    )
