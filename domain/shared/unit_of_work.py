"""Transactions, whose repositories each capability adds."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self, TypeVar


class UnitOfWork(Protocol):
    """One transaction.

    ``async with`` begins it; leaving the block without :meth:`commit` undoes it.
    """

    async def commit(self, *, urgent: bool = True) -> None:
        """Make every change durable; once it returns, no crash loses it.

        What is not ``urgent`` may wait a few milliseconds to share another's commit.
        """
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


Work_co = TypeVar("Work_co", bound=UnitOfWork, covariant=True)


class UnitOfWorkFactory(Protocol[Work_co]):
    """Makes a unit of work that has not begun."""

    def __call__(self) -> Work_co:
        """A new unit of work."""
        ...
