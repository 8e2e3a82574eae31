"""The container joins the capabilities' modules without losing a provider."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from adapters.system.clock import SystemClock
from entrypoints.container import Container
from entrypoints.settings.root import Settings, variables
from entrypoints.settings.variable import variables_of
from tests.application import settings_with


@pytest.fixture
def settings() -> Settings:
    return settings_with()


def test_no_two_modules_declare_a_provider_of_the_same_name() -> None:
    declared = Counter(
        name for module in Container.__bases__ for name in vars(module)["cls_providers"]
    )

    assert [name for name, times in declared.items() if times > 1] == []
    assert set(declared) <= set(Container.providers)


def test_no_two_groups_declare_an_attribute_or_a_variable_of_the_same_name() -> None:
    attributes = Counter(name for group in Settings.__bases__ for name in variables_of(group))
    names = Counter(variable.name for variable in variables().values())

    assert set((attributes | names).values()) == {1}


def test_given_an_override_then_use_cases_and_jobs_are_made_with_it(settings: Settings) -> None:
    clock = SystemClock()

    container = Container(settings=settings, clock=clock)

    assert container.start_session().clock is clock
    assert container.end_session().clock is clock
    clocks = [getattr(job, "clock", clock) for job in container.background_jobs()]
    assert all(each is clock for each in clocks)


def test_modules_share_what_they_refer_to_and_containers_do_not(settings: Settings) -> None:
    first, second = Container(settings=settings), Container(settings=settings)

    assert first.start_session().ensure_agent is first.assign_agent().ensure_agent
    assert first.ledger() is not second.ledger()


@pytest.mark.parametrize("longest", ["3600", "600", "86400"])
def test_given_the_longest_token_then_every_use_case_that_signs_tokens_heeds_it(
    longest: str,
) -> None:
    container = Container(settings=settings_with(MAX_TOKEN_TTL_SECONDS=longest))

    for signs in (container.start_session, container.renew_token):
        assert signs().longest_ttl == timedelta(seconds=int(longest))


def test_given_a_charset_and_a_prefix_then_sessions_are_started_by_them() -> None:
    settings = settings_with(IDENTITY_CHARSET="any", TELEPHONY_SIP_IDENTITY_PREFIX="tel:")

    identities = Container(settings=settings).start_session().identities

    assert (identities.charset, identities.phone_prefix) == ("any", "tel:")
