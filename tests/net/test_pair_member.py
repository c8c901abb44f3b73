"""One server of a pair: it waits, serves, and waits again, whatever hangs."""

from __future__ import annotations

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import Code, LeaseLost, StorageError, StoreUnreachable
from ixproxy.messages import EventAck, RequestFindInteractions, RequestSubmit
from ixproxy.node.leading import State
from ixproxy.testing.faults import Fault
from tests.deferreds import no_result, result_of
from tests.net.pair_rig import LIMIT, PairRig

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
FIND = RequestFindInteractions(tenant_id=1)


@pytest.fixture
def pair() -> PairRig:
    return PairRig()


@pytest.fixture
def both(pair: PairRig) -> PairRig:
    pair.first.start()
    pair.second.start()
    return pair


def test_who_comes_first_is_primary_and_the_other_waits(both: PairRig) -> None:
    both.run(60)
    assert both.primaries == ["node1"]
    assert both.second.state is State.WAITING
    assert both.first.member.listening.called
    no_result(both.second.member.listening)
    assert both.first.server.state.epoch == 1


def test_the_backup_takes_over_from_one_that_stops_in_order(both: PairRig) -> None:
    client = both.client("node1")
    id = client.ask(SUBMIT).interaction_id
    stopped = both.first.member.stopService()
    both.run(1)
    result_of(stopped)
    assert both.first.state is State.ENDED
    assert both.primaries == ["node1-b"]
    assert both.second.server.state.epoch == 2
    assert id in both.client("node1-b").ask(FIND).interactions
    assert client.closed


def test_the_backup_takes_over_from_one_that_died_at_once(both: PairRig) -> None:
    both.first.hang()
    both.leases.die("node1")
    both.run(1)
    assert both.second.state is State.PRIMARY
    assert both.leases.ended == []


def test_a_primary_whose_lease_hangs_gives_up_before_the_other_takes_it(both: PairRig) -> None:
    client = both.client("node1")
    both.first.hang()
    both.run(LIMIT + LIMIT / 5 - 0.001)
    assert both.first.state is State.RETURNING
    assert client.closed
    both.run(2)
    assert both.primaries == ["node1-b"]
    assert both.leases.ended == ["node1"]


def test_who_gave_up_waits_again_though_its_lease_hangs_and_may_be_primary_again(
    both: PairRig,
) -> None:
    both.first.hang()
    both.run(3 * LIMIT)
    assert both.first.state is State.WAITING
    assert len(both.first.terms) == 2
    both.second.member.stopService()
    both.run(1)
    assert both.primaries == ["node1"]
    assert both.first.server.state.epoch == 3
    assert both.first.member.terms == 2


def test_what_a_hanging_lease_takes_after_all_is_given_back(pair: PairRig) -> None:
    pair.first.hanging = True
    pair.first.start()
    pair.first.hanging = False
    pair.run(LIMIT + 0.5)
    assert len(pair.first.terms) == 2
    pair.first.lease_executors[0].resume()
    pair.run(2)
    assert pair.primaries == ["node1"]
    assert pair.leases.owner is pair.first.lease


def test_a_silent_holder_is_ended_after_the_limit_and_not_before(both: PairRig) -> None:
    both.first.hang()
    both.run(LIMIT - 1)
    assert both.leases.ended == []
    both.run(1 + LIMIT / 5 + 0.5)
    assert both.leases.ended == ["node1"]


def test_a_holder_that_cannot_be_ended_is_tried_again_and_said_once(both: PairRig) -> None:
    both.second.lease.unkillable = True
    both.first.hang()
    with capturedLogs() as events:
        both.run(2 * LIMIT)
    said = [formatEvent(event) for event in events]
    assert sum("node1 cannot be ended" in text for text in said) == 1
    assert sum("ends node1, which has shown no life" in text for text in said) == 1
    both.second.lease.unkillable = False
    both.run(2)
    assert both.primaries == ["node1-b"]


def test_a_primary_that_has_lost_its_lease_leaves_and_says_so(both: PairRig) -> None:
    with capturedLogs() as events:
        both.leases.owner = None
        both.run(LIMIT / 5 + 0.5)
    assert both.primaries == ["node1-b"]
    said = [formatEvent(event) for event in events]
    assert "Server node1 is primary no more: node1 has lost its lease" in said


def test_a_primary_whose_store_is_lost_leaves_it_to_the_other(both: PairRig) -> None:
    client = both.client("node1")
    both.first.store.broken["commit"] = Fault.LEASE_LOST
    refused = client.ask(SUBMIT)
    assert refused.error_code == Code.STORE_FAILED
    assert not refused.in_doubt
    both.run(2)
    assert both.primaries == ["node1-b"]
    assert both.first.state is State.WAITING


def test_a_hanging_writer_keeps_no_client(both: PairRig) -> None:
    first = both.first
    client = both.client("node1")
    first.writers[-1].paused = True
    running = client.send(SUBMIT)
    both.settle()
    waiting = client.send(SUBMIT)
    both.settle()
    both.leases.owner = None
    both.run(LIMIT / 5 + 1.1)
    assert client.closed
    assert client.answer(waiting).error_code == Code.STOPPING
    assert not client.answer(waiting).in_doubt
    assert client.answer(running).error_code == Code.STORE_UNCERTAIN
    assert client.answer(running).in_doubt
    assert first.state is State.LEAVING


def test_a_batch_under_way_when_the_term_ends_is_not_committed_and_answered(
    both: PairRig,
) -> None:
    first = both.first
    client = both.client("node1")
    first.writers[-1].paused = True
    running = client.send(SUBMIT)
    both.settle()
    both.leases.owner = None
    both.run(LIMIT / 5 + 0.2)
    first.writers[-1].resume()
    both.run(0.2)
    assert client.answer(running).error_code == Code.STORE_FAILED
    assert not client.answer(running).in_doubt
    assert first.state is State.WAITING
    both.run(1)
    assert client.closed
    assert both.client("node1-b").ask(FIND).interactions == {}


def test_a_server_that_does_not_stop_ends_its_process(both: PairRig) -> None:
    first = both.first
    both.client("node1").send(SUBMIT)
    first.writers[-1].paused = True
    both.settle()
    both.leases.owner = None
    both.run(LIMIT / 5 + LIMIT + 0.1)
    assert first.broke == ["it does not stop"]
    assert first.state is State.ENDED
    result_of(first.member.stopService())


def test_an_orderly_stop_shows_life_until_the_store_is_closed(both: PairRig) -> None:
    first = both.first
    client = both.client("node1")
    first.writers[-1].paused = True
    running = client.send(SUBMIT)
    both.settle()
    stopped = first.member.stopService()
    both.run(LIMIT - 1)
    no_result(stopped)
    assert both.leases.owner is first.lease
    first.writers[-1].resume()
    both.run(1)
    result_of(stopped)
    assert isinstance(client.answer(running), EventAck)
    assert both.primaries == ["node1-b"]


def test_an_orderly_stop_does_not_wait_for_a_hanging_writer_for_ever(both: PairRig) -> None:
    first = both.first
    first.writers[-1].paused = True
    stopped = first.member.stopService()
    both.run(LIMIT + 0.1)
    result_of(stopped)
    assert first.state is State.ENDED


@pytest.mark.parametrize("seconds", [0.0, 0.1, 5.0])
def test_one_that_waits_stops_at_once(both: PairRig, seconds: float) -> None:
    both.run(seconds)
    stopped = both.second.member.stopService()
    again = both.second.member.stopService()
    both.settle()
    result_of(stopped)
    result_of(again)
    both.first.member.stopService()
    both.run(1)
    assert both.second.state is State.ENDED
    assert both.clock.getDelayedCalls() == []


def test_one_that_waits_on_a_hanging_lease_stops_all_the_same(both: PairRig) -> None:
    both.second.hang()
    both.run(1)
    stopped = both.second.member.stopService()
    both.run(LIMIT + 0.1)
    result_of(stopped)


def test_one_that_was_never_started_stops(pair: PairRig) -> None:
    result_of(pair.first.member.stopService())


def test_one_that_opens_can_be_stopped(pair: PairRig) -> None:
    pair.first.member.startService()
    pair.clock.run_until(lambda: pair.first.state is State.OPENING, 1)
    stopped = pair.first.member.stopService()
    pair.settle()
    result_of(stopped)
    assert pair.leases.owner is None


def test_a_first_opening_without_hope_is_told(pair: PairRig) -> None:
    pair.first.broken_store["open"] = Fault.REFUSED
    pair.first.start()
    (failure,) = pair.first.refusals
    assert "open: refused by plan" in failure.getErrorMessage()
    pair.settle()
    assert pair.first.state is State.ENDED
    assert pair.leases.owner is None


def test_a_lease_without_hope_is_told(pair: PairRig) -> None:
    pair.first.broken_lease = StorageError("there is no folder")
    pair.first.start()
    (failure,) = pair.first.refusals
    assert failure.getErrorMessage() == "there is no folder"


@pytest.mark.parametrize("problem", [StoreUnreachable("nobody"), LeaseLost("another one")])
def test_what_may_change_is_tried_again_and_said_once(
    pair: PairRig, problem: StorageError
) -> None:
    pair.first.broken_lease = problem
    with capturedLogs() as events:
        pair.first.start()
        pair.run(10)
    assert sum(str(problem) in formatEvent(event) for event in events) == 1
    assert pair.first.state is State.WAITING
    pair.first.lease.broken = None
    pair.run(2)
    assert pair.primaries == ["node1"]


def test_a_later_opening_that_fails_is_tried_again(both: PairRig) -> None:
    client = both.client("node1")
    both.first.broken_store["open"] = Fault.REFUSED
    both.first.store.broken["commit"] = Fault.LEASE_LOST
    both.second.member.stopService()
    client.ask(SUBMIT)
    both.run(5)
    assert both.first.refusals == []
    assert both.primaries == []
    both.first.broken_store.clear()
    both.run(4)
    assert both.primaries == ["node1"]


def test_an_address_that_is_in_use_after_a_takeover_is_tried_again(both: PairRig) -> None:
    both.network.server_endpoint("node1-b:1").listen(both.first.server.listener)
    both.leases.die("node1")
    both.first.hang()
    both.run(5)
    assert both.second.refusals == []
    both.network.stop_listening("node1-b:1", both.first.server.listener)
    both.run(5)
    assert both.second.state is State.PRIMARY


def test_one_that_wakes_serves_nobody_before_it_looks_at_the_clock(both: PairRig) -> None:
    client = both.client("node1")
    reference = client.send(SUBMIT)
    both.slept += LIMIT
    both.settle()
    assert client.answer(reference).error_code == Code.STOPPING
    assert not client.answer(reference).in_doubt
    both.run(2)
    assert both.primaries == ["node1-b"]


def test_a_watcher_that_slept_too_does_not_end_the_other(both: PairRig) -> None:
    both.run(1)
    both.slept += 1000
    both.run(LIMIT)
    assert both.leases.ended == []


def test_beats_that_fail_are_said_once_and_end_the_term_only_after_the_limit(
    both: PairRig,
) -> None:
    both.first.lease.broken = StorageError("the network is gone")
    with capturedLogs() as events:
        both.run(LIMIT - 1)
    assert both.primaries == ["node1"]
    assert sum("could not show that it lives" in formatEvent(event) for event in events) == 1
    both.run(LIMIT / 5 + 1)
    assert both.first.state is not State.PRIMARY


def test_a_changed_file_is_for_the_next_term_of_one_that_waits(both: PairRig) -> None:
    both.second.member.configuration_changed()
    both.first.member.configuration_changed()
    both.run(1)
    assert len(both.second.terms) == 2
    assert len(both.first.terms) == 1
    both.first.member.stopService()
    both.run(1)
    assert both.primaries == ["node1-b"]
    assert both.second.member.server is both.second.terms[1].server
