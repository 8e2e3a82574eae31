"""A person is found however they are written, and nobody else is, on every storage."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.memory.storage import MemoryStorage
from adapters.phonenumbers.dialled_numbers import dialled_at_home
from adapters.sqlalchemy.storage import SqlStorage
from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft
from domain.idempotency.repository import Attempt
from domain.phone_numbers.call_route import CallRoute
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import Identity
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, new_call, new_entry, new_session, opened
from tests.contract.storage.test_records import DAY, held, leave_behind, store
from tests.databases import sqlite_in

SessionStore = MemoryStorage | SqlStorage

NUMBER = "+15105550177"


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[SessionStore]:
    """A ledger without domain events, which show sessions and calls once more."""
    async with opened(database_url, announces=False) as ledger:
        yield ledger


def by_number() -> DataSubject:
    return DataSubject.with_number(NUMBER, dialled_at_home)


def noted(note: object) -> Session:
    """A session that has ended, whose agent was told ``note``."""
    config = AgentConfig.parse({"note": note})
    return new_session(agent_config=config).ended(EndReason.ROOM_FINISHED, NOON)


def ended_call(**changes: object) -> Call:
    return apply(new_call(**changes), ParticipantLeft(NOON, Source.WEBHOOK))


@pytest.mark.parametrize(
    "written",
    [
        "+1 510 555 0177",
        "+1-510-555-0177",
        "(510) 555-0177",
        "01115105550177",
        "1 5 1 0 5 5 5 0 1 7 7",
        "\u2009+1.510.555.0177",
    ],
)
async def test_a_number_is_found_with_separators_and_as_it_is_dialled(
    ledger: SessionStore, written: str
) -> None:
    await store(ledger, noted(f"call {written}"), ended_call(from_number=written))
    await store(ledger, noted("call +1 510 555 0178"), ended_call(from_number="+44 5105550177"))
    for body in (f'{{"n":"{written}"}}'.encode(), json.dumps({"n": written}).encode()):
        await ledger.inbox.add(new_entry(body=body))
        await ledger.inbox.add(new_entry(body=body + b"\xff\\"))

    found = await ledger.personal_data.forget(by_number())

    assert found == PersonalDataCounts(sessions=1, calls=1, events=4)
    assert await ledger.personal_data.mentions(by_number()) == PersonalDataCounts()


@pytest.mark.parametrize("field", ["sip_call_id", "sip_call_id_full", "carrier_call_id"])
async def test_a_call_is_found_by_its_ids_at_livekit_and_at_the_carrier(
    ledger: SessionStore, field: str
) -> None:
    await store(ledger, ended_call(**{field: "CA0123456789"}))
    await store(ledger, ended_call(**{field: "CA01234567890"}))
    await store(ledger, ended_call(**{field: "8c6f-01115105550177@203.0.113.7"}))

    assert await ledger.personal_data.forget(
        DataSubject.with_identity("CA0123456789")
    ) == PersonalDataCounts(calls=1)
    assert await ledger.personal_data.forget(by_number()) == PersonalDataCounts(calls=1)
    assert await ledger.personal_data.mentions(
        DataSubject.with_identity("CA01234567890")
    ) == PersonalDataCounts(calls=1)


@pytest.mark.parametrize("identity", ['say "hi"', "back\\slash", "Zoë", "王小明", "a+b <c>", "."])
async def test_an_identity_is_found_however_json_writes_it(
    ledger: SessionStore, identity: str
) -> None:
    await store(ledger, noted(identity), new_session(identity=Identity(identity)))
    await store(ledger, noted("nobody's"), new_call(participant_identity=f"{identity}."))
    for as_ascii in (True, False):
        body = json.dumps({"participant": {"identity": identity}}, ensure_ascii=as_ascii)
        await ledger.inbox.add(new_entry(body=body.encode()))
        metadata = json.dumps({"participant": {"metadata": body}}, ensure_ascii=as_ascii)
        await ledger.inbox.add(new_entry(body=metadata.encode()))

    found = await ledger.personal_data.mentions(DataSubject.with_identity(identity))

    assert found == PersonalDataCounts(sessions=2, events=4, live=1)


@pytest.mark.parametrize("identity", ["Zoë", "王小明", "ann@müller.example"])
async def test_an_identity_is_found_in_each_column_of_json_that_callers_fill(
    ledger: SessionStore, identity: str
) -> None:
    routes = [
        CallRoute(at=NOON, agent_config={"greeting": f"Hello {identity}!"}),
        CallRoute(at=NOON, variables={"customer": identity}),
        CallRoute(at=NOON, metadata={"notes": [{"about": identity}]}),
    ]
    await store(ledger, noted({"about": [identity]}), *(ended_call(route=each) for each in routes))
    await store(ledger, ended_call(route=CallRoute(at=NOON, variables={"customer": "another"})))
    attempt = Attempt(
        tenant="", key="k", fingerprint="f", holder="me", now=NOON, until=NOON + DAY, since=NOON
    )
    await ledger.idempotency.begin(attempt)
    await ledger.idempotency.finish(attempt, json.dumps({"participantName": identity}))
    person = DataSubject.with_identity(identity)

    found = await ledger.personal_data.mentions(person)

    assert found == PersonalDataCounts(sessions=1, calls=3, answers=1)
    await ledger.personal_data.forget(person)
    assert await ledger.personal_data.mentions(person) == PersonalDataCounts()


@pytest.mark.parametrize("identity", ["sage", "auto", "openai", "true", "prompt", "ACTIVE"])
async def test_a_word_of_every_configuration_is_found_where_it_is_an_identity(
    ledger: SessionStore, identity: str
) -> None:
    others = [new_session(agent_config=AgentConfig.for_phone()), noted({"sage": True})]
    await store(ledger, *others, new_session(identity=Identity(identity)), new_call())
    body = {"event": "true", "participant": {"identity": "ann", "state": "ACTIVE"}}
    await ledger.inbox.add(new_entry(body=json.dumps(body).encode()))
    attempt = Attempt(
        tenant="", key="k", fingerprint="f", holder="me", now=NOON, until=NOON + DAY, since=NOON
    )
    await ledger.idempotency.begin(attempt)
    told = json.dumps({"agentConfig": {"llm": "openai/gpt-4o-mini"}})
    await ledger.idempotency.finish(attempt, json.dumps([str(others[0].id), "room", told]))

    found = await ledger.personal_data.mentions(DataSubject.with_identity(identity))

    assert found == PersonalDataCounts(sessions=1, live=1)


async def test_a_number_with_separators_is_left_in_no_place_of_the_file(tmp_path: Path) -> None:
    file, written = tmp_path / "ledger.db", b"+1 (510) 555-0177"
    async with opened(sqlite_in(tmp_path), announces=False) as ledger:
        await store(ledger, noted("nothing"))
    leave_behind(file, written)

    async with SqlStorage(sqlite_in(tmp_path)) as ledger:
        await ledger.personal_data.forget(by_number())

        assert written not in held(tmp_path)


async def test_a_room_whose_end_is_forgotten_has_none(ledger: SessionStore) -> None:
    end = new_entry(kind="room_finished", room_sid="RM_9", body=f'"{NUMBER}"'.encode())
    await ledger.inbox.add(end)

    await ledger.personal_data.forget(by_number())

    assert not await ledger.inbox.has_finished("RM_9")
