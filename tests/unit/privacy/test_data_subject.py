"""Which texts mention a person."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import DEFAULTS, PHONE_GREETING, AgentConfig
from domain.privacy.data_subject import SEPARATORS, DataSubject
from domain.shared.errors import InvalidInput


@given(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    st.sampled_from(["", "+", "00", "0"]),
    st.text(alphabet=' :/"@_-+.sip', max_size=4),
    st.text(alphabet=' :/"@_-.x', max_size=4),
)
def test_a_number_is_found_however_it_is_led_and_followed(
    digits: str, lead: str, before: str, after: str
) -> None:
    person = DataSubject.with_number(f"+{digits}")

    assert person.is_in(f"{before}{lead}{digits}{after}")
    assert not person.is_in(f"{before}{digits}1")
    assert not person.is_in(f"{before}2{digits}")
    assert not person.is_in(None)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_an_identity_is_found_as_a_word_of_its_own(identity: str) -> None:
    person = DataSubject.with_identity(identity)

    assert person.is_in(f'{{"identity":"{identity}"}}')
    assert not person.is_in(f"{identity}x")
    assert not person.is_in(f"-{identity}")


@pytest.mark.parametrize("number", ["", "123456", "1" * 16, "none"])
def test_a_number_must_be_one(number: str) -> None:
    with pytest.raises(InvalidInput):
        DataSubject.with_number(number)


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=64).filter(
        lambda text: bool(text.strip())
    ),
    st.sampled_from([json.JSONEncoder(), json.JSONEncoder(ensure_ascii=False)]),
)
def test_any_identity_that_livekit_takes_is_found_as_a_participant_s_and_by_its_traces(
    text: str, writer: json.JSONEncoder
) -> None:
    person = DataSubject.with_identity(text)
    body = writer.encode({"participant": {"identity": text}})

    assert person.is_called(text)
    assert not person.is_called(f"{text.strip()}x")
    assert person.is_in(f"<{text.strip()}>")
    assert person.is_in_event(body.encode())
    bare = "".join(char for char in body if char not in SEPARATORS)
    assert any(trace in bare for trace in person.traces)


def test_an_identity_is_not_found_in_one_with_an_accent_or_a_joined_emoji() -> None:
    assert not DataSubject.with_identity("Jose").is_in("call Jose\N{COMBINING ACUTE ACCENT} back")
    assert not DataSubject.with_identity("👩").is_in("👩\N{ZERO WIDTH JOINER}🚀")


@pytest.mark.parametrize("identity", ["", " ", "a\nb", "a\0b", "a\x9bb", "\ud800"])
def test_an_identity_must_be_one(identity: str) -> None:
    with pytest.raises(InvalidInput):
        DataSubject.with_identity(identity)


# numbers ------------------------------------------------------------------------------------------

NUMBER = "+15105550100"
AT_HOME = ("5105550100", "05105550100")


def by_number(number: str = NUMBER) -> DataSubject:
    return DataSubject.with_number(number, lambda _: AT_HOME)


@pytest.mark.parametrize(
    "text",
    [
        "call +1 510 555 0100",
        "+1-510-555-0100, after five",
        "+1 (510) 555-0100",
        "+1.510.555.0100",
        "1 5 1 0 5 5 5 0 1 0 0",
        "01115105550100",
        "011 1 510 555 0100",
        "0015105550100",
        "81015105550100",
        "24/7 15105550100",
        "(510) 555-0100",
        "sip_5105550100",
        "+1 (0) 510 555 0100",
        "+44 20 79460018 or +1 510 555 0100",
    ],
)
def test_a_number_is_found_with_what_people_write_between_its_digits(text: str) -> None:
    assert by_number().is_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "+1 510 555 01001",
        "+1 510 555 0101",
        "+44 510 555 0100",
        "0044 (0)510 555 0100",
        "+445105550100",
        "+49 15105550100",
        "+1 510    555 0100",
        "+1 510/555/0100",
        "555-0100",
    ],
)
def test_another_number_is_not(text: str) -> None:
    assert not by_number().is_in(text)


def test_a_number_is_meant_however_it_is_typed() -> None:
    for typed in ("+1 510 555 0100", "001-510-555-0100", "011 1 510 555 0100", "+1 (0)5105550100"):
        assert DataSubject.with_number(typed).traces == ("15105550100",), typed


@given(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    st.lists(st.text(alphabet=SEPARATORS, max_size=3), min_size=14, max_size=14),
    st.text(alphabet="x +(", max_size=2),
)
def test_a_number_s_trace_is_in_whatever_mentions_it(
    digits: str, between: list[str], before: str
) -> None:
    text = before + "".join(one + gap for one, gap in zip(digits, [*between, ""], strict=False))
    person = DataSubject.with_number(digits)

    assert person.is_in(text)
    assert has_a_trace(person, text)


@pytest.mark.parametrize(
    "body",
    [
        {"n": 15105550100},
        {"+15105550100": {}},
        {"metadata": json.dumps({"to": ["\u2009+1 510 555 0100"]})},
        {"attributes": {"sip.phoneNumber": "510-555-0100"}},
        {"note": "\u200915105550100"},
    ],
)
def test_a_number_is_found_wherever_it_is_in_json(body: dict[str, Any]) -> None:
    assert by_number().is_in_event(json.dumps(body).encode())
    assert by_number().is_in_config(json.dumps(body))
    assert has_a_trace(by_number(), json.dumps(body))


# identities ---------------------------------------------------------------------------------------


def event(**changes: Any) -> bytes:
    """A webhook of LiveKit's."""
    participant = {
        "sid": "PA_1",
        "identity": "user-42",
        "state": "ACTIVE",
        "kind": "STANDARD",
        "attributes": {"sip.callStatus": "active", "lk.agent.name": "agent"},
    }
    body = {"event": "participant_joined", "id": "EV_1", "room": {"name": "r", "sid": "RM_1"}}
    return json.dumps(body | {"participant": participant | changes}).encode()


@pytest.mark.parametrize(
    "identity",
    [
        "sage",
        "auto",
        "openai",
        "true",
        "prompt",
        "telephony",
        "assistant",
        "friendly",
        "voice",
        "42",
    ],
)
def test_an_identity_is_in_no_configuration_that_only_has_the_word(identity: str) -> None:
    person = DataSubject.with_identity(identity)

    for config in (
        AgentConfig.parse(None),
        AgentConfig.for_phone(),
        AgentConfig.parse(
            {"llm": "openai/gpt-4.1", "realtime_voice": "sage", "mine": {identity: True}}
        ),
        AgentConfig.parse(
            {"minutes": 42, "prompt": DEFAULTS["prompt"], "greeting": PHONE_GREETING}
        ),
    ):
        assert not person.is_in_config(config.text), config


@pytest.mark.parametrize(
    "given",
    [
        {"crm": {"user": ["sage"]}},
        {"prompt": "You talk to sage."},
        {"greeting": "Hello sage!"},
        {"crm": json.dumps({"user": "sage"})},
    ],
)
def test_an_identity_is_in_what_a_caller_has_written(given: dict[str, Any]) -> None:
    assert DataSubject.with_identity("sage").is_in_config(AgentConfig.parse(given).text)


def test_an_identity_in_a_longer_word_is_another() -> None:
    config = AgentConfig.parse({"prompt": "sage-2 sages Šsage sage_x", "sage": 1, "x": {"sage": 1}})
    assert not DataSubject.with_identity("sage").is_in_config(config.text)


@pytest.mark.parametrize(
    "word", ["participant_joined", "STANDARD", "active", "agent", "participant", "kind", "user"]
)
def test_what_livekit_calls_things_is_nobody_s_identity(word: str) -> None:
    assert not DataSubject.with_identity(word).is_in_event(event())


def test_identities_of_participants_are_compared_as_they_are() -> None:
    person = DataSubject.with_identity("ann")
    assert person.is_called("ann")
    assert person.is_in_event(event(identity="ann"))
    for other in ("ann smith", "ann@example.com", "ann.b"):
        assert not person.is_called(other)
        assert not person.is_in_event(event(identity=other))
    assert person.is_in_event(event(metadata=json.dumps({"of": "ann"})))
    assert person.is_in_event(event(name="Ask ann."))


ODD = [
    'say "hi"',
    "back\\slash",
    "Zoë",
    "王小明",
    "😀",
    "a/b",
    "<b>",
    "o'neil & co",
    '"',
    "\\",
    ".",
]


@pytest.mark.parametrize("identity", ODD)
@pytest.mark.parametrize("as_ascii", [True, False])
def test_an_identity_is_found_however_json_writes_it(identity: str, *, as_ascii: bool) -> None:
    person = DataSubject.with_identity(identity)
    for known in ({"identity": identity}, {"metadata": json.dumps({"of": identity})}):
        body = json.dumps(known, ensure_ascii=as_ascii).replace("<", "\\u003c")
        assert person.is_in_event(body.encode())
        assert person.is_in_config(json.dumps({"mine": known}, ensure_ascii=as_ascii))
        assert has_a_trace(person, body)


def test_an_identity_is_not_in_an_answer_s_names_of_models() -> None:
    told = json.dumps({"roomName": "ann", "agentConfig": {"llm": "openai/gpt-4o-mini"}})
    answer = json.dumps(["01890a5d-ac96-774b-bcce-b302099a8057", "ann", told])

    assert not DataSubject.with_identity("openai").is_in_answer(answer)
    assert DataSubject.with_identity("ann").is_in_answer(answer)
    assert not DataSubject.with_identity("ann").is_in_answer(None)


@pytest.mark.parametrize("text", ["{ann", "[" * 100_000 + "ann", "ann", ""])
def test_what_is_no_json_is_a_text(text: str) -> None:
    found = text != ""
    person = DataSubject.with_identity("ann")

    assert person.is_in_event(text.encode() + b"\xff") is found
    assert person.is_in_config(text) is found


def has_a_trace(person: DataSubject, text: str) -> bool:
    """What a database finds before anything is looked at closely."""
    bare = "".join(one for one in text if one not in SEPARATORS)
    return any(trace in bare for trace in person.traces)
