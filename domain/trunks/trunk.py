"""A SIP trunk: a provider's numbers, and how calls come from it or go to it."""

from __future__ import annotations

import enum

import attrs


class TrunkDirection(enum.StrEnum):
    """Whether calls come in by the trunk or go out."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Transport(enum.StrEnum):
    """How SIP messages are sent to an outbound trunk's address."""

    AUTO = "auto"
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@attrs.frozen(kw_only=True)
class Trunk:
    """A trunk; ``id`` is empty until LiveKit has it.

    ``numbers`` are E.164 where they parse. An inbound trunk without numbers takes every number.
    ``allowed_addresses`` and ``allowed_numbers`` (inbound) restrict the callers; ``address`` and
    ``transport`` (outbound) say where calls are sent to. ``has_more``: LiveKit has further settings
    of it, which are not shown here.
    """

    id: str = ""
    direction: TrunkDirection
    name: str = ""
    numbers: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()
    allowed_numbers: tuple[str, ...] = ()
    address: str = ""
    transport: Transport = Transport.AUTO
    auth_username: str = ""
    auth_password: str = attrs.field(default="", repr=False)
    has_more: bool = False

    def takes(self, number: str) -> bool:
        """Whether a call to ``number`` may come in by this trunk."""
        return self.direction is TrunkDirection.INBOUND and (
            not self.numbers or number in self.numbers
        )

    def is_like(self, other: Trunk) -> bool:
        """Whether the trunks differ in id, name and the order of lists at most."""
        return self._sorted() == other._sorted()

    def conflicts_with(self, other: Trunk) -> bool:
        """Whether LiveKit would not know by which of two inbound trunks a call comes."""
        if {self.direction, other.direction} != {TrunkDirection.INBOUND}:
            return False
        mine, theirs = set(self.allowed_numbers), set(other.allowed_numbers)
        return bool(set(self.numbers) & set(other.numbers)) and (
            (not mine and not theirs) or bool(mine & theirs)
        )

    def _sorted(self) -> Trunk:
        return attrs.evolve(
            self,
            id="",
            name="",
            numbers=tuple(sorted(self.numbers)),
            allowed_addresses=tuple(sorted(self.allowed_addresses)),
            allowed_numbers=tuple(sorted(self.allowed_numbers)),
        )
