"""Idempotency keys."""

from __future__ import annotations

from dependency_injector import containers, providers

from domain.idempotency.idempotent_execution import REMEMBERED, IdempotentExecution
from entrypoints.container.core import Core
from entrypoints.container.storage import Storage

idempotency = Storage.storage.provided.idempotency


class Idempotency(containers.DeclarativeContainer):
    """Idempotency keys."""

    idempotent_execution = providers.Singleton(
        IdempotentExecution, idempotency=idempotency, clock=Core.clock, ids=Core.ids
    )
    response_pruning = providers.List(idempotency.prune, providers.Object(REMEMBERED))
