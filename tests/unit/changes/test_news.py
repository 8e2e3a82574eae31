"""Which changes concern whom."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM, Access, Scope
from domain.changes.change import Area, Change, News, readable_areas
from domain.webhooks.subscription import Reach
from tests.unit.changes.test_change_watch import key_of
from tests.virtual_time import START

TENANTS: Final = st.sampled_from(["ann", "ben", None])
REACHES: Final = st.builds(
    Reach, tenant=TENANTS, sees_unowned=st.booleans(), sees_all=st.booleans()
)
ACCESSES: Final = st.builds(key_of, TENANTS, sees_unowned=st.booleans())


def test_a_page_of_another_origin_is_hinted_of_participants_alone() -> None:
    assert readable_areas(SYSTEM, resources=False) == {Area.PARTICIPANTS}
    starter = Access(tenant="ann", scopes=frozenset({Scope.SESSIONS_WRITE}))
    assert readable_areas(starter) == frozenset()


@given(reaches=st.lists(REACHES), access=ACCESSES)
def test_a_delivery_is_news_to_those_who_see_its_webhook(
    reaches: list[Reach], access: Access
) -> None:
    changes = [
        Change(area=Area.DELIVERIES, key=(number,), at=START, reach=reach)
        for number, reach in enumerate(reaches)
    ]
    is_news = Area.DELIVERIES in News(changes).areas_of(access)
    assert is_news == any(reach.is_visible_to(access) for reach in reaches)
    assert (Area.DELIVERIES in News(changes).areas_of(SYSTEM)) == bool(reaches)


@given(owners=st.frozensets(TENANTS), access=ACCESSES)
def test_a_room_is_news_to_those_who_see_a_session_or_call_of_it(
    owners: frozenset[str | None], access: Access
) -> None:
    change = Change(area=Area.INBOX, key=(1,), at=START, room=("support", "RM_1"))
    seen = News([change], owners).areas_of(access)
    assert seen == ({Area.PARTICIPANTS} if any(map(access.sees, owners)) else frozenset())
    assert News([change], owners).areas_of(SYSTEM) == {Area.INBOX, Area.PARTICIPANTS}
