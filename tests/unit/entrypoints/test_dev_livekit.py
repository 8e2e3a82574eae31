"""The LiveKit of ``make run``: its ports are no other's."""

from __future__ import annotations

from contextlib import ExitStack

from entrypoints.dev.livekit import choose_livekit


def test_given_two_of_make_run_at_once_then_each_has_ports_and_files_of_its_own() -> None:
    with ExitStack() as first, ExitStack() as second:
        # Neither LiveKit listens yet.
        one, other = choose_livekit(first), choose_livekit(second)

    assert abs(one.port - other.port) >= 10
    assert one.log != other.log
