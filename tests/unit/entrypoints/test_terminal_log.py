"""What a terminal shows of the log: one readable line per request."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoints.logging.terminal import render_text

REQUEST: dict[str, Any] = {
    "event": "request",
    "level": "info",
    "timestamp": "2026-11-26T20:48:57.311227Z",
    "method": "POST",
    "route": "/session",
    "status": 200,
    "duration_ms": 17.31,
    "request_id": "01a2199e-5aee-771d-9e88-aad0046854e9",
    "sessionId": "01a2199e-5ab7-77e2-a0a8-b64f318de689",
    "roomName": "room-01a2199e-5ab7-77e2-a0a8-b64d1143bd3b",
}


def shown(**event: Any) -> str:
    return render_text()(None, "info", {**REQUEST, **event}).decode()


def test_given_a_request_then_its_line_names_route_status_time_and_room() -> None:
    assert shown() == "POST /session 200 17 ms room-01a2199e-5ab7-77e2-a0a8-b64d1143bd3b"


def test_given_a_path_parameter_then_the_path_is_shown_as_it_was_called() -> None:
    line = shown(method="GET", route="/sessions/by-room/{roomName}", roomName="a", duration_ms=0.4)

    assert line == "GET /sessions/by-room/a 200 <1 ms"


def test_given_a_failed_request_then_its_id_is_shown() -> None:
    line = shown(status=404, route="unmatched", roomName="a")

    assert line == "POST unmatched 404 17 ms a request 01a2199e-5aee-771d-9e88-aad0046854e9"


def test_given_a_telephone_number_or_a_control_character_then_neither_is_written() -> None:
    line = shown(roomName="call-_+15105550100_\x1b[31m\n")

    assert line.endswith("call-_+…00_\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_given_a_terminal_without_colours_then_no_line_has_any(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    line = render_text()(None, "info", {"event": "serving", "level": "info", "port": 4000}).decode()

    assert "\x1b" not in line
    assert "serving" in line


def test_given_another_event_then_its_fields_are_shown() -> None:
    line = render_text()(
        None, "info", {"event": "not ready", "level": "warning", "reason": "x"}
    ).decode()

    assert "not ready" in line
    assert "reason" in line
