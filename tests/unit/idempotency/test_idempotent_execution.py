"""Do once what a caller may ask for several times."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from uuid import UUID

import pytest

from adapters.memory.idempotency import MemoryIdempotency
from domain.access.access import SYSTEM, Access
from domain.idempotency.idempotent_execution import LEASE, REMEMBERED, Answered, IdempotentExecution
from domain.idempotency.repository import Attempt
from domain.shared.agent_errors import AgentChanged, AgentLimitReached, AgentNameTaken
from domain.shared.errors import (
    AlreadyExists,
    DomainError,
    Forbidden,
    InvalidInput,
    MetadataTooLarge,
    NotFound,
    SessionBusy,
    SessionEnded,
    StorageUnavailable,
)
from domain.shared.idempotency_errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from domain.shared.livekit_errors import LiveKitRefused, LiveKitUncertain, LiveKitUnreachable
from domain.shared.phone_number_errors import PhoneNumberLimitReached, PhoneNumberTaken
from tests.unit.worlds.fakes import FakeClock, SequentialIds


class Asked:
    """What is done, and how often."""

    def __init__(self) -> None:
        self.numbers: list[UUID] = []
        self.error: BaseException | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, number: UUID) -> str:
        self.numbers.append(number)
        await self.go_on.wait()
        if self.error:
            raise self.error
        return f"answer {len(self.numbers)}"


class Idempotency(MemoryIdempotency):
    """``is_broken``: no key can be given back."""

    is_broken = False

    async def give_up(self, attempt: Attempt) -> None:
        if self.is_broken:
            raise StorageUnavailable("The ledger is broken.")
        await super().give_up(attempt)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.idempotency = Idempotency()
        self.once = IdempotentExecution(
            idempotency=self.idempotency, clock=self.clock, ids=SequentialIds()
        )
        self.asked = Asked()

    def __call__(
        self, key: str = "key-1", access: Access = SYSTEM, asked: str = "this"
    ) -> Awaitable[Answered]:
        return self.once(key, access, asked, self.asked)


@pytest.fixture
def ask() -> World:
    return World()


async def test_a_repetition_gets_the_first_answer_for_a_day(ask: World) -> None:
    assert await ask() == Answered("answer 1", replayed=False)
    ask.clock.advance(REMEMBERED)
    assert await ask() == Answered("answer 1", replayed=True)

    ask.clock.advance(LEASE)

    assert await ask() == Answered("answer 2", replayed=False)
    assert len(set(ask.asked.numbers)) == 2


async def test_the_same_key_for_another_request_is_refused(ask: World) -> None:
    await ask()

    with pytest.raises(IdempotencyKeyReused, match="was used for another request"):
        await ask(asked="that")

    assert len(ask.asked.numbers) == 1


async def test_a_repetition_while_the_first_is_carried_out_is_refused(ask: World) -> None:
    ask.asked.go_on.clear()
    first = asyncio.ensure_future(ask())
    await asyncio.sleep(0)

    with pytest.raises(IdempotencyKeyInFlight, match="still being carried out"):
        await ask()
    with pytest.raises(IdempotencyKeyReused):
        await ask(asked="that")

    ask.asked.go_on.set()
    assert (await first).text == "answer 1"


async def test_a_failure_is_not_remembered_and_what_it_began_is_taken_up(ask: World) -> None:
    ask.asked.error = LiveKitUnreachable("LiveKit cannot be reached.")
    with pytest.raises(LiveKitUnreachable):
        await ask()
    ask.asked.error = None

    assert await ask() == Answered("answer 2", replayed=False)

    first, second = ask.asked.numbers
    assert first == second


REFUSALS = [
    InvalidInput("No.", field="agentId"),
    NotFound("There is no such agent."),
    Forbidden("Not with this key."),
    AlreadyExists("There is one."),
    MetadataTooLarge("Too large."),
    AgentNameTaken("Another agent has this name."),
    AgentLimitReached("You have as many as you may have."),
    PhoneNumberTaken("The number is stored already."),
    PhoneNumberLimitReached("You have as many as you may have."),
]
FAILURES = [
    LiveKitRefused("LiveKit refused."),
    LiveKitUncertain("LiveKit did not say."),
    StorageUnavailable("The ledger is broken."),
    SessionBusy("Another request works on it."),
    SessionEnded("The session has ended."),
    AgentChanged("It has another version."),
    RuntimeError("a defect"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
async def test_given_a_refusal_then_the_key_is_good_for_the_corrected_request(
    ask: World, error: DomainError
) -> None:
    ask.asked.error = error
    with pytest.raises(type(error)):
        await ask()
    ask.asked.error = None

    assert await ask(asked="the corrected request") == Answered("answer 2", replayed=False)

    with pytest.raises(IdempotencyKeyReused):
        await ask()
    assert (await ask(asked="the corrected request")).replayed
    assert len(ask.asked.numbers) == 2


@pytest.mark.parametrize("error", FAILURES, ids=repr)
async def test_given_another_failure_then_the_key_stays_the_first_request_s(
    ask: World, error: BaseException
) -> None:
    ask.asked.error = error
    with pytest.raises(type(error)):
        await ask()
    ask.asked.error = None

    with pytest.raises(IdempotencyKeyReused):
        await ask(asked="another request")

    assert (await ask()).text == "answer 2"
    assert len(set(ask.asked.numbers)) == 1


async def test_given_an_earlier_attempt_may_have_done_something_then_a_refusal_frees_no_key(
    ask: World,
) -> None:
    ask.asked.error = LiveKitUncertain("LiveKit did not say.")
    with pytest.raises(LiveKitUncertain):
        await ask()
    ask.asked.error = NotFound("The agent was deleted meanwhile.")
    with pytest.raises(NotFound):
        await ask()
    ask.asked.error = None

    with pytest.raises(IdempotencyKeyReused):
        await ask(asked="another request")

    assert (await ask()).text == "answer 3"
    assert len(set(ask.asked.numbers)) == 1


async def test_given_a_killed_attempt_s_key_is_taken_over_then_its_late_refusal_frees_nothing(
    ask: World,
) -> None:
    ask.asked.go_on.clear()
    slow = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    ask.clock.advance(LEASE)
    second = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    ask.asked.error = NotFound("There is no such agent.")
    ask.asked.go_on.set()

    for attempt in (slow, second):
        with pytest.raises(NotFound):
            await attempt

    with pytest.raises(IdempotencyKeyReused):
        await ask(asked="another request")


async def test_a_request_that_was_broken_off_gives_the_key_back(ask: World) -> None:
    ask.asked.go_on.clear()
    first = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    ask.asked.go_on.set()

    assert not (await ask()).replayed


async def test_a_failure_is_told_also_where_the_key_cannot_be_given_back(ask: World) -> None:
    ask.asked.error = LiveKitUnreachable("LiveKit cannot be reached.")
    ask.idempotency.is_broken = True

    with pytest.raises(LiveKitUnreachable):
        await ask()

    with pytest.raises(IdempotencyKeyInFlight):
        await ask()
    ask.clock.advance(LEASE)
    ask.asked.error = None
    assert await ask() == Answered("answer 2", replayed=False)


async def test_two_tenants_same_keys_have_nothing_to_do_with_each_other(ask: World) -> None:
    for tenant in (None, "ann", "ben"):
        assert not (await ask(access=Access(tenant=tenant))).replayed

    assert len(set(ask.asked.numbers)) == 3


@pytest.mark.parametrize(
    ("key", "same"),
    [
        ("key-1", '"key-1"'),
        ("key-1", " key-1 "),
        ('say "key\\1"', '"say \\"key\\\\1\\""'),
        ('"key-1', '"key-1'),
        ('"key"1"', '"key"1"'),
    ],
)
async def test_a_key_may_be_a_string_of_a_structured_field(ask: World, key: str, same: str) -> None:
    await ask(key)

    assert (await ask(same)).replayed


@pytest.mark.parametrize("key", ["", " ", '""', "k" * 256, "k\u00e9y", "a\x7f", "a\tb"])
async def test_what_is_no_key_is_refused(ask: World, key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await ask(key)

    assert caught.value.details["field"] == "Idempotency-Key"
    assert ask.asked.numbers == []


async def test_the_longest_key_is_taken(ask: World) -> None:
    assert not (await ask("k" * 255)).replayed
    assert (await ask("k" * 255)).replayed
