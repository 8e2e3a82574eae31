"""Bytes that clients make a process keep: who loses some when they are too many."""

from __future__ import annotations

import attrs

from entrypoints.http.middleware.budget import Budget, Holding

MOST = 1000


@attrs.define
class World:
    """A budget whose clock stands still until it is set."""

    now: float = 0.0
    evicted: list[str] = attrs.field(factory=list)
    budget: Budget = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.budget = Budget(MOST, lambda: self.now)

    def hold(self, client: str, name: str, size: int) -> Holding:
        holding = self.budget.hold(client, lambda: self.evicted.append(name))
        holding.grow(size)
        return holding


def test_given_room_for_all_then_none_is_evicted() -> None:
    world = World()

    for number in range(10):
        world.hold("mallory", f"{number}", 100)

    assert world.evicted == []
    assert world.budget.total == MOST


def test_given_a_client_that_holds_most_then_it_loses_some_and_others_nothing() -> None:
    world = World()
    for number in range(9):
        world.hold("mallory", f"mallory's {number}", 100)

    for number in range(20):
        world.hold(f"client {number}", f"client {number}'s", 30)

    assert world.evicted
    assert all(name.startswith("mallory's") for name in world.evicted)
    assert world.budget.total <= MOST


def test_given_one_client_s_bodies_then_what_was_large_for_long_goes_before_what_is_new() -> None:
    world = World()
    for number in range(9):
        world.hold("proxy", f"stalled {number}", 100)
    world.now = 5

    new = world.hold("proxy", "new", 150)

    assert world.evicted
    assert not new.evicted


def test_given_one_that_is_too_large_alone_then_it_is_evicted_itself() -> None:
    world = World()

    holding = world.hold("ann", "hers", MOST + 1)
    holding.grow(1)

    assert world.evicted == ["hers"]
    assert holding.evicted
    assert world.budget.total == 0


def test_what_is_released_counts_no_more() -> None:
    world = World()
    for _ in range(100):
        holding = world.hold("ann", "hers", 900)
        holding.release()
        holding.release()

    assert world.evicted == []
    assert world.budget.total == 0
