from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from ixproxy.errors import StorageError
from ixproxy.messages import RequestPull, RequestSubmit
from ixproxy.net.batch_writer import ASK_AGAIN, SHORTEST_TICK
from ixproxy.net.fair_batches import BULK_SHARE
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.node.work import Asked, ConnectionLost, Outcome, PullRetried, Tick, Work
from ixproxy.node.work import Failure as Stumble
from tests.net.writer_rig import CLIENT, SENDER, TIME_OF_DAY, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_what_comes_in_one_turn_goes_in_one_batch(rig: Rig) -> None:
    for reference in (1, 2, 3):
        rig.ask(reference)
    assert rig.batches() == []
    rig.clock.advance(0)
    assert rig.batches() == [[1, 2, 3]]
    assert rig.core.batches[0][1] == TIME_OF_DAY
    assert rig.writer.idle
    assert rig.writer.last_event_number == 3


def test_the_next_batch_gathers_while_one_is_under_way_and_begins_before_answers_leave(
    rig: Rig,
) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    rig.ask(2)
    rig.ask(3)
    rig.clock.advance(0)
    assert len(rig.executor.jobs) == 1
    rig.executor.run_one()
    rig.clock.advance(0)
    assert rig.heard == ["done 1", "settled, next batch begun: True"]
    rig.executor.run_one()
    rig.clock.advance(0)
    assert rig.batches() == [[1], [2, 3]]
    assert rig.heard[2:] == ["done 2", "settled, next batch begun: False"]


def test_retries_go_to_the_head_of_the_next_batch(rig: Rig) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    rig.ask(2)
    rig.retries = [ConnectionLost(b"x")]
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1], ["ConnectionLost", 2]]


def test_a_batch_is_bounded_and_nothing_is_lost(rig: Rig) -> None:
    for reference in range(2 * BULK_SHARE + 5):
        rig.ask(reference)
    rig.clock.advance(0)
    assert [len(batch) for batch in rig.batches()] == [BULK_SHARE, BULK_SHARE, 5]
    assert [each for batch in rig.batches() for each in batch] == list(range(2 * BULK_SHARE + 5))


def test_it_is_full_at_its_limit() -> None:
    rig = Rig(limit=2)
    full = []
    for step in (lambda: rig.ask(1), lambda: rig.ask(2), lambda: rig.clock.advance(0)):
        step()
        full.append(rig.writer.full)
    assert full == [False, True, False]


def test_what_expired_or_was_cancelled_is_not_run(rig: Rig) -> None:
    rig.executor.paused = True
    running = rig.ask(1)
    rig.clock.advance(0)
    rig.ask(2, due=5)
    third = rig.ask(3)
    rig.ask(4, due=9)
    rig.ask(5)
    rig.clock.advance(6)
    third.cancelled = running.cancelled = 1
    assert rig.writer.cancel(third)
    assert not rig.writer.cancel(running)
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1], [4, 5]]
    assert rig.expired_references == [2]


def test_what_is_left_over_from_a_bounded_batch_can_still_expire_and_be_cancelled(
    rig: Rig,
) -> None:
    rig.executor.paused = True
    askings = [rig.ask(reference, due=5) for reference in range(BULK_SHARE + 2)]
    rig.clock.advance(0)
    assert not rig.writer.cancel(askings[BULK_SHARE - 1])
    askings[BULK_SHARE].cancelled = 1
    assert rig.writer.cancel(askings[BULK_SHARE])
    rig.clock.advance(6)
    rig.executor.resume()
    rig.clock.advance(0)
    assert len(rig.batches()) == 1
    assert rig.expired_references == [BULK_SHARE + 1]


def test_a_tick_comes_when_something_is_due(rig: Rig) -> None:
    rig.core.due = TIME_OF_DAY + 7
    rig.ask(1)
    rig.clock.advance(0)
    rig.core.due = None
    rig.clock.advance(6)
    assert len(rig.batches()) == 1
    rig.clock.advance(1)
    rig.clock.advance(0)
    assert rig.batches() == [[1], ["Tick"]]
    rig.clock.advance(100)
    assert len(rig.batches()) == 2


def test_a_store_that_cannot_say_what_is_due_costs_no_answer_and_is_asked_again(rig: Rig) -> None:
    rig.core.away = True
    rig.ask(1)
    rig.clock.advance(0)
    assert rig.heard == ["done 1", "settled, next batch begun: False"]
    rig.core.away = False
    rig.clock.advance(ASK_AGAIN)
    rig.clock.advance(0)
    assert rig.batches() == [[1], ["Tick"]]


def test_what_is_overdue_does_not_make_it_run_in_circles(rig: Rig) -> None:
    rig.core.due = TIME_OF_DAY - 100
    rig.writer.add(Tick())
    rig.clock.advance(0)
    assert len(rig.batches()) == 1
    rig.clock.pump([SHORTEST_TICK, 0] * 3)
    assert len(rig.batches()) == 4
    rig.writer.stop()
    rig.clock.advance(1)
    assert rig.clock.getDelayedCalls() == []


@pytest.mark.parametrize("work", [None, Tick()])
def test_what_is_due_and_fails_by_itself_is_tried_again_after_a_pause(
    rig: Rig, work: Work | None
) -> None:
    rig.core.due = TIME_OF_DAY - 100
    rig.core.outcome = Outcome(failures=[Stumble(work, StorageError("the disk is full"))])
    rig.writer.add(Tick())
    rig.clock.advance(0)
    assert len(rig.batches()) == 1
    rig.clock.pump([SHORTEST_TICK] * 20)
    assert len(rig.batches()) == 1
    rig.clock.pump([ASK_AGAIN, 0, 0] * 5)
    assert len(rig.batches()) == 6
    rig.core.outcome = Outcome()
    rig.clock.pump([ASK_AGAIN, 0, 0])
    rig.clock.pump([SHORTEST_TICK, 0] * 3)
    assert len(rig.batches()) == 10


def test_requests_do_not_put_off_the_tick_that_follows_a_failed_one(rig: Rig) -> None:
    rig.core.due = TIME_OF_DAY - 100
    rig.core.outcome = Outcome(failures=[Stumble(None, ZeroDivisionError("by plan"))])
    for reference in range(10):
        rig.ask(reference)
        rig.clock.pump([0, ASK_AGAIN / 4])
    assert rig.batches().count(["Tick"]) == 2


def test_a_request_that_fails_puts_nothing_off(rig: Rig) -> None:
    rig.core.due = TIME_OF_DAY - 100
    problem = StorageError("by plan")
    rig.core.outcome = Outcome(failures=[Stumble(Asked(SENDER, RequestSubmit()), problem)])
    rig.ask(1)
    rig.clock.pump([0, SHORTEST_TICK, 0])
    assert rig.batches() == [[1], ["Tick"]]


def test_a_job_between_batches_waits_for_the_one_under_way_and_the_next_waits_for_it(
    rig: Rig,
) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    results: list[Any] = []
    rig.writer.between(lambda: len(rig.core.batches), results.append)
    rig.ask(2)
    rig.executor.resume()
    rig.clock.pump([0] * 5)
    for _ in range(5):
        rig.executor.run_one()
        rig.clock.advance(0)
    assert results == [1]
    assert rig.batches() == [[1], [2]]


def test_once_stopped_it_hands_back_what_was_not_done_and_begins_no_more(rig: Rig) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    second = rig.ask(2)
    rig.writer.add_first([ConnectionLost(b"x")])
    left = rig.writer.stop()
    assert [getattr(each, "token", None) for each in left] == [None, second]
    rig.ask(3)
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1]]
    assert rig.heard[0] == "done 1"
    assert rig.writer.idle


def test_after_a_lost_store_nothing_more_is_run(rig: Rig) -> None:
    rig.core.outcome = Outcome(store_lost=True)
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    rig.ask(2)
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1]]
    assert rig.heard == ["done 1", "settled, next batch begun: False"]


def test_a_broken_batch_is_told(rig: Rig) -> None:
    rig.core.problem = ZeroDivisionError("by plan")
    rig.ask(1)
    rig.clock.advance(0)
    assert rig.heard == ["failed 1: by plan"]


@pytest.mark.parametrize("how", ["the store was lost", "it broke"])
def test_a_job_that_waits_for_the_last_batch_is_done_though_no_batch_follows(
    rig: Rig, how: str
) -> None:
    """It is the one that closes the store: a server whose batch loses the store has to leave."""
    rig.core.outcome = Outcome(store_lost=True)
    rig.core.problem = None if how == "the store was lost" else ZeroDivisionError("by plan")
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    done: list[Any] = []
    rig.ask(2)
    rig.writer.between(lambda: "closed", done.append)
    rig.executor.resume()
    rig.clock.pump([0] * 3)
    assert done == ["closed"]
    rig.ask(3)
    rig.clock.advance(0)
    assert rig.batches() in ([[1]], [])


def test_it_says_how_it_keeps_up(rig: Rig) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    rig.ask(2)
    rig.ask(3)
    rig.clock.advance(4.0)
    assert (rig.writer.waiting, rig.writer.under_way) == (2, 1)
    assert (rig.writer.busy_seconds, rig.writer.longest) == (4.0, 0.0)
    rig.executor.resume()
    rig.clock.advance(0)
    rig.clock.advance(0)
    rig.clock.advance(0)
    rig.clock.advance(0)
    assert rig.writer.idle
    assert (rig.writer.waiting, rig.writer.under_way, rig.writer.busy_seconds) == (0, 0, 0.0)
    assert rig.writer.longest == 4.0
    assert rig.writer.people.sessions == 2


def test_a_held_pull_is_not_tried_again_after_its_time(rig: Rig) -> None:
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    late, early = (Asking(CLIENT, reference, reference, False) for reference in (5, 50))
    pull = RequestPull(tenant_id=1, view_id="In/All")
    rig.writer.add_first([PullRetried(SENDER, pull, asking) for asking in (late, early)])
    rig.clock.advance(10)
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1], ["PullRetried"]]
    assert rig.core.batches[1][0][0].token is early  # type: ignore[union-attr]
    assert rig.expired_references == [5]
    assert "not retried 1" in rig.heard


def test_it_counts_what_of_each_client_waits(rig: Rig) -> None:
    CLIENT.waiting = 0
    rig.executor.paused = True
    rig.ask(1)
    rig.clock.advance(0)
    assert CLIENT.waiting == 0
    askings = [rig.ask(reference, due=reference) for reference in (2, 3, 400)]
    assert CLIENT.waiting == 3
    askings[2].cancelled = 1
    assert rig.writer.cancel(askings[2])
    rig.clock.advance(2)
    rig.executor.resume()
    rig.clock.advance(0)
    assert rig.batches() == [[1], [3]]
    assert CLIENT.waiting == 0


def test_what_a_peer_asks_waits_until_there_is_room_for_the_answer(rig: Rig) -> None:
    full: Any = Mock(exceeded=True)
    client = NodeClient(NodePeer(full), 0, SENDER, 1, lasting=True, all_tenants=True)
    asking = Asking(client, 1, 1e9, False)
    rig.writer.ask(asking, Asked(SENDER, RequestSubmit(), 0, asking))
    rig.clock.advance(0)
    assert rig.batches() == []
    full.exceeded = False
    rig.writer.wake()
    rig.clock.advance(0)
    assert rig.batches() == [[1]]
