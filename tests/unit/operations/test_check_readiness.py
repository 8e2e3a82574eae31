"""Whether the service could serve a request now."""

from __future__ import annotations

import pytest

from domain.operations.check_readiness import CheckReadiness
from domain.shared.errors import DomainError, StorageUnavailable
from domain.shared.livekit_errors import LiveKitUnreachable
from tests.unit.worlds.fakes import FakeProbe


async def test_given_every_dependency_up_then_it_is_ready() -> None:
    readiness = await CheckReadiness({"livekit": FakeProbe(), "database": FakeProbe()})()
    assert readiness.ready
    assert readiness.problems == {"livekit": None, "database": None}


@pytest.mark.parametrize("broken", ["livekit", "database"])
async def test_given_one_down_then_it_is_not_ready_and_the_other_is_asked_too(broken: str) -> None:
    probes = {"livekit": FakeProbe(), "database": FakeProbe()}
    probes[broken] = FakeProbe(LiveKitUnreachable("No connection."))
    readiness = await CheckReadiness(probes)()
    assert not readiness.ready
    expected = {"livekit": None, "database": None} | {broken: "No connection."}
    assert readiness.problems == expected


async def test_given_all_down_then_each_ones_reason_is_told() -> None:
    probes = {
        "livekit": FakeProbe(LiveKitUnreachable("No connection.")),
        "database": FakeProbe(StorageUnavailable("Disk full.")),
    }
    readiness = await CheckReadiness(probes)()
    assert readiness.problems == {"livekit": "No connection.", "database": "Disk full."}


async def test_given_a_problem_without_words_then_it_is_not_ready_all_the_same() -> None:
    readiness = await CheckReadiness({"livekit": FakeProbe(DomainError(""))})()
    assert not readiness.ready


async def test_given_a_bug_in_a_probe_then_it_is_not_hidden() -> None:
    class Broken:
        async def check(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await CheckReadiness({"livekit": Broken()})()
