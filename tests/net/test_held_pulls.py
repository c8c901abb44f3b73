from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from ixproxy.messages import RequestPull
from ixproxy.net.held_pulls import (
    FIRST_ROUND,
    LAST_ROUND,
    SPARE_REMINDERS,
    TTL_MARGIN,
    HeldPulls,
)
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.node.work import HoldPull, PullRetried, Sender, Work

NOWHERE: Any = None
SENDER = Sender(b"s", "c", "RoutingEngine", frozenset({1}))
CLIENT = NodeClient(NodePeer(NOWHERE), 0, SENDER, 1, lasting=True, all_tenants=True)


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.tried: list[Work] = []
        self.dropped: list[int] = []
        self.held = HeldPulls(
            self.clock, self.tried.extend, lambda asking: self.dropped.append(asking.reference)
        )
        self.askings: dict[int, Asking] = {}

    def hold(
        self,
        reference: int,
        view: str = "In/All",
        *,
        seconds: float = 10.0,
        due: float = 1e9,
        retry_after: float | None = None,
    ) -> Asking:
        asking = self.askings[reference] = Asking(CLIENT, reference, due, False)
        self.held.hold(
            HoldPull(
                asking, SENDER, RequestPull(tenant_id=1, view_id=view), seconds, 1,
                view.partition("/")[0], retry_after,
            )
        )  # fmt: skip
        return asking

    def trying(self) -> list[Any]:
        """Take what is to be tried: references, the last tries as strings."""
        works, self.tried[:] = list(self.tried), []
        self.works = works
        return [
            f"{work.token.reference} last" if work.last else work.token.reference
            for work in works
            if isinstance(work, PullRetried)
        ]

    def came_back(self, *answered: int) -> list[Any]:
        """The batch of what was taken last is done; what is to be tried next."""
        for reference in answered:
            self.held.settled(self.askings[reference])
        self.held.came_back(self.works)
        return self.trying()

    def wake(self, queue: str = "In") -> list[Any]:
        self.held.wake([(1, queue)])
        return self.trying()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_oldest_few_are_tried_when_something_was_put_in(rig: Rig) -> None:
    for reference in range(10):
        rig.hold(reference)
    assert rig.wake() == list(range(FIRST_ROUND))
    assert rig.came_back(0) == []
    assert rig.wake() == list(range(1, FIRST_ROUND + 1))


def test_as_long_as_all_get_something_more_follow(rig: Rig) -> None:
    for reference in range(200):
        rig.hold(reference)
    tried = rig.wake()
    sizes = []
    while tried:
        sizes.append(len(tried))
        tried = rig.came_back(*tried)
    assert sizes[:6] == [4, 8, 16, 32, 64, 64]
    assert max(sizes) == LAST_ROUND
    assert sum(sizes) == 200
    assert len(rig.held) == 0
    rig.hold(1000)
    assert rig.wake() == [1000]


def test_other_queues_and_views_do_not_stand_in_the_way(rig: Rig) -> None:
    rig.hold(1, "In/All")
    rig.hold(2, "In/Urgent")
    rig.hold(3, "Out/All")
    assert rig.wake("Other") == []
    assert rig.wake("In") == [1, 2]
    assert rig.came_back(2) == []
    assert rig.wake("Out") == [3]
    assert len(rig.held) == 2


def test_what_is_put_in_while_they_are_tried_is_not_missed(rig: Rig) -> None:
    rig.hold(1)
    rig.hold(2)
    assert rig.wake() == [1, 2]
    works = rig.works
    assert rig.wake() == []
    rig.works = works
    assert rig.came_back(1) == [2]
    assert rig.came_back() == []


def test_a_pull_whose_hold_is_over_is_tried_for_the_last_time(rig: Rig) -> None:
    rig.hold(1, seconds=3)
    rig.hold(2, seconds=5)
    rig.clock.advance(2.9)
    assert rig.trying() == []
    rig.clock.advance(0.1)
    assert rig.trying() == ["1 last"]
    assert rig.came_back(1) == []
    rig.clock.advance(2)
    assert rig.trying() == ["2 last"]
    assert rig.came_back(2) == []
    assert len(rig.held) == 0
    assert rig.clock.getDelayedCalls() == []


def test_a_hold_ends_before_the_time_of_the_requester_does(rig: Rig) -> None:
    rig.hold(1, seconds=10, due=2.0)
    rig.clock.advance(2.0 - TTL_MARGIN)
    assert rig.trying() == ["1 last"]


def test_a_hold_without_time_left_is_tried_at_once(rig: Rig) -> None:
    rig.hold(1, due=0.05)
    rig.clock.advance(0)
    assert rig.trying() == ["1 last"]


def test_a_pull_whose_hold_ends_while_it_is_tried_gets_its_last_try_after_that(rig: Rig) -> None:
    rig.hold(1, seconds=1)
    assert rig.wake() == [1]
    rig.clock.advance(2)
    assert rig.trying() == []
    rig.works = [PullRetried(SENDER, RequestPull(tenant_id=1), rig.askings[1])]
    assert rig.came_back() == ["1 last"]
    assert rig.came_back(1) == []
    assert len(rig.held) == 0


def test_an_empty_last_try_does_not_start_another_round(rig: Rig) -> None:
    rig.hold(1, seconds=1)
    rig.hold(2, seconds=9)
    rig.clock.advance(1)
    assert rig.trying() == ["1 last"]
    assert rig.came_back(1) == []


def test_a_view_that_depends_on_time_is_tried_every_freeze_interval(rig: Rig) -> None:
    rig.hold(1, seconds=100, retry_after=4)
    rig.clock.advance(2)
    rig.hold(2, seconds=100, retry_after=4)
    rig.clock.advance(2)
    assert rig.trying() == [1, 2]
    assert rig.came_back() == []
    rig.clock.advance(4)
    assert rig.trying() == [1, 2]
    assert rig.came_back(1, 2) == []
    rig.clock.advance(50)
    assert rig.trying() == []


def test_a_dropped_pull_is_tried_no_more(rig: Rig) -> None:
    waiting = rig.hold(1)
    assert rig.held.drop(waiting)
    assert not rig.held.drop(waiting)
    assert rig.wake() == []
    rig.clock.advance(100)
    assert rig.trying() == []
    assert rig.dropped == []


def test_a_pull_that_is_dropped_while_it_is_tried_is_told_when_it_comes_back(rig: Rig) -> None:
    rig.hold(1, seconds=1)
    rig.hold(2)
    assert rig.wake() == [1, 2]
    assert not rig.held.drop(rig.askings[1])
    rig.clock.advance(2)
    assert rig.came_back() == []
    assert rig.dropped == [1]
    assert len(rig.held) == 1


def test_one_that_was_answered_after_all_is_not_told(rig: Rig) -> None:
    rig.hold(1)
    assert rig.wake() == [1]
    assert not rig.held.drop(rig.askings[1])
    assert rig.came_back(1) == []
    assert rig.dropped == []


def test_tables_shrink_to_nothing(rig: Rig) -> None:
    for reference in range(300):
        rig.hold(reference, f"Q{reference}/All", seconds=1, retry_after=0.5)
    rig.clock.advance(1)
    assert len(rig.trying()) >= 300
    assert rig.came_back(*range(300)) == []
    rig.clock.advance(5)
    held = rig.held
    assert len(held) == 0
    assert [held._views, held._queues, held._with_writer, held._due] == [{}, {}, {}, []]


def test_all_can_be_woken(rig: Rig) -> None:
    rig.hold(1, "In/All")
    rig.hold(2, "Out/All")
    rig.held.wake_all()
    assert rig.trying() == [1, 2]


def test_when_all_is_forgotten_nothing_is_left_to_do(rig: Rig) -> None:
    rig.hold(1)
    rig.hold(2, "Out/All", retry_after=1)
    assert [asking.reference for asking in rig.held.clear()] == [1, 2]
    assert rig.clock.getDelayedCalls() == []
    assert rig.wake() == []


def test_pulls_that_are_cancelled_again_and_again_leave_few_reminders() -> None:
    rig = Rig()
    kept = rig.hold(0, seconds=500)
    for reference in range(1, 5000):
        view = f"In/{reference % 3}"
        assert rig.held.drop(rig.hold(reference, view, seconds=600, retry_after=60))
    assert len(rig.held) == 1
    assert len(rig.held._due) <= SPARE_REMINDERS + 10
    rig.clock.advance(499)
    assert rig.trying() == []
    rig.clock.advance(1)
    assert rig.trying() == ["0 last"]
    assert kept in rig.held._pulls


def test_so_many_pulls_may_wait_and_of_one_client_a_quarter() -> None:
    rig = Rig()
    for reference in range(5):
        rig.hold(reference)
    client = rig.askings[0].client
    assert rig.held.full(client, 20)
    assert not rig.held.full(client, 24)
    other: Any = object()
    assert not rig.held.full(other, 6)
    assert rig.held.full(other, 5)
    for asking in list(rig.held._pulls):
        assert rig.held.drop(asking)
    assert not rig.held._of
