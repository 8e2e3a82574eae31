"""The port of idempotent answers, on every storage."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.idempotency.repository import Attempt, Idempotency, Remembered
from tests.contract.storage.ledgers import NOON, opened

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def attempt(holder: str = "me", now: datetime = NOON, **changes: Any) -> Attempt:
    """An attempt at ``now``, that takes at most a minute."""
    return attrs.evolve(
        Attempt(
            tenant="acme",
            key="key-1",
            fingerprint="asked",
            holder=holder,
            now=now,
            until=now + MINUTE,
            since=now - DAY,
        ),
        **changes,
    )


def begun(holder: str = "me", created_at: datetime = NOON, *, is_new: bool = False) -> Remembered:
    return Remembered(
        fingerprint="asked", created_at=created_at, holder=holder, answer=None, is_new=is_new
    )


async def test_the_first_attempt_begins_and_its_answer_is_remembered(
    idempotency: Idempotency,
) -> None:
    assert await idempotency.begin(attempt()) == begun(is_new=True)

    await idempotency.finish(attempt(), '{"ok": true}')

    later = await idempotency.begin(attempt("you", NOON + DAY))
    assert later == attrs.evolve(begun(), holder=None, answer='{"ok": true}')


async def test_a_key_in_flight_is_another_s(idempotency: Idempotency) -> None:
    await idempotency.begin(attempt())

    assert (await idempotency.begin(attempt("you"))) == begun("me")


async def test_given_a_clock_that_was_set_back_then_a_key_is_in_flight_no_longer_than_it_can(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt("dead", NOON + 60 * MINUTE))

    assert (await idempotency.begin(attempt("you"))).holder == "you"
    assert (await idempotency.begin(attempt("third"))).holder == "you"


async def test_given_clocks_that_differ_by_little_then_a_key_in_flight_is_another_s(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt("ahead", NOON + timedelta(seconds=1)))

    assert (await idempotency.begin(attempt("you"))).holder == "ahead"


async def test_of_many_at_once_one_begins(idempotency: Idempotency) -> None:
    found = await asyncio.gather(
        *(idempotency.begin(attempt(f"holder-{number}")) for number in range(50))
    )

    (holder,) = {one.holder for one in found}
    assert [number for number in range(50) if f"holder-{number}" == holder]


async def test_of_many_at_once_on_two_replicas_one_begins(database_url: str) -> None:
    async with opened(database_url) as one, opened(database_url) as other:
        replicas = [one] if database_url == "memory://" else [one, other]
        for key in ("key-1", "key-2", "key-3"):
            found = await asyncio.gather(
                *(
                    replicas[number % len(replicas)].idempotency.begin(
                        attempt(f"holder-{number}", key=key)
                    )
                    for number in range(50)
                )
            )

            (holder,) = {one.holder for one in found}
            assert holder in {f"holder-{number}" for number in range(50)}


async def test_of_many_who_follow_a_dead_one_at_once_one_begins(database_url: str) -> None:
    async with opened(database_url) as one, opened(database_url) as other:
        replicas = [one] if database_url == "memory://" else [one, other]
        await one.idempotency.begin(attempt("dead"))

        found = await asyncio.gather(
            *(
                replicas[number % len(replicas)].idempotency.begin(
                    attempt(f"holder-{number}", NOON + MINUTE)
                )
                for number in range(50)
            )
        )

    (holder,) = {one.holder for one in found}
    assert holder != "dead"


async def test_who_was_killed_is_followed_and_the_key_keeps_its_age(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt())
    almost = NOON + MINUTE - timedelta(milliseconds=1)
    assert (await idempotency.begin(attempt("you", almost))).holder == "me"

    assert await idempotency.begin(attempt("you", NOON + MINUTE)) == begun("you")

    await idempotency.finish(attempt(), "too late")
    await idempotency.give_up(attempt())
    assert (await idempotency.begin(attempt("they", NOON + MINUTE))).holder == "you"


async def test_who_gives_up_is_followed_at_once(idempotency: Idempotency) -> None:
    await idempotency.begin(attempt())

    await idempotency.give_up(attempt())

    assert await idempotency.begin(attempt("you")) == begun("you")


async def test_a_key_that_is_forgotten_is_a_new_one_for_any_request(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt())
    await idempotency.begin(attempt(key="key-2"))
    later = NOON + MINUTE

    await idempotency.forget(attempt())

    other = attempt("you", later, fingerprint="asked otherwise")
    new = attrs.evolve(begun("you", later, is_new=True), fingerprint="asked otherwise")
    assert await idempotency.begin(other) == new
    assert not (await idempotency.begin(attempt("third", later, key="key-2"))).is_new


async def test_a_key_that_another_attempt_holds_or_has_answered_is_not_forgotten(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt())
    await idempotency.begin(attempt("you", NOON + MINUTE))

    await idempotency.forget(attempt())
    assert (await idempotency.begin(attempt("third", NOON + MINUTE))).holder == "you"

    await idempotency.finish(attempt("you"), "{}")
    await idempotency.forget(attempt("you"))
    assert (await idempotency.begin(attempt("third", NOON + MINUTE))).answer == "{}"


@pytest.mark.parametrize("answered", [True, False])
async def test_another_request_with_the_key_is_told_from_the_first(
    idempotency: Idempotency,
    answered: bool,  # noqa: FBT001 - a parameter
) -> None:
    await idempotency.begin(attempt())
    await (idempotency.finish(attempt(), "{}") if answered else idempotency.give_up(attempt()))

    other = await idempotency.begin(attempt("you", fingerprint="asked otherwise"))

    assert other.fingerprint == "asked"
    assert other.holder is None


@pytest.mark.parametrize("changes", [{"tenant": "ben"}, {"tenant": ""}, {"key": "key-2"}], ids=str)
async def test_keys_of_others_are_others(idempotency: Idempotency, changes: dict[str, Any]) -> None:
    await idempotency.begin(attempt())

    assert (await idempotency.begin(attempt("you", **changes))).holder == "you"


async def test_after_a_day_a_key_is_a_new_one_for_whatever_is_asked(
    idempotency: Idempotency,
) -> None:
    await idempotency.begin(attempt())
    await idempotency.finish(attempt(), "{}")
    later = NOON + DAY + timedelta(milliseconds=1)

    new = await idempotency.begin(attempt("you", later, fingerprint="asked otherwise"))

    assert (new.holder, new.answer, new.created_at) == ("you", None, later)
    assert new.fingerprint == "asked otherwise"
    assert new.is_new


async def test_a_key_in_flight_is_another_s_however_old(idempotency: Idempotency) -> None:
    await idempotency.begin(attempt())
    await idempotency.give_up(attempt())
    late = NOON + DAY - timedelta(seconds=30)
    assert await idempotency.begin(attempt("late", late)) == begun("late")
    next_day = NOON + DAY + timedelta(seconds=1)

    assert await idempotency.begin(attempt("you", next_day)) == begun("late")
    assert await idempotency.prune(next_day - timedelta(hours=1)) == 0
    assert await idempotency.begin(attempt("you", next_day)) == begun("late")

    # Followed when its time is over, as a new one.
    later = late + MINUTE
    assert await idempotency.begin(attempt("you", later)) == begun("you", later, is_new=True)


async def test_old_keys_are_forgotten(idempotency: Idempotency) -> None:
    for number in range(3):
        await idempotency.begin(attempt(key=f"key-{number}", now=NOON + number * MINUTE))

    assert await idempotency.prune(NOON + 2 * MINUTE) == 2

    assert await idempotency.prune(NOON + 2 * MINUTE) == 0
    assert (await idempotency.begin(attempt("you", NOON + 2 * MINUTE, key="key-2"))).holder == "me"
