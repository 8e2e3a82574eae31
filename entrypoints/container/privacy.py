"""Personal data."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.phonenumbers.dialled_numbers import dialled_at_home
from domain.privacy.erase_personal_data import ErasePersonalData
from entrypoints.container.storage import Storage


class Privacy(containers.DeclarativeContainer):
    """Personal data."""

    dialled_at_home = providers.Callable(dialled_at_home)
    erase_personal_data = providers.Singleton(
        ErasePersonalData, Storage.storage.provided.personal_data
    )
