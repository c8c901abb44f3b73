"""What batches stumble over, in the log: once, and again when it is over."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.messages import RequestSubmit
from ixproxy.net.failure_log import FailureLog, named
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import Asked, ConnectionLost, Failure, Outcome, Sender, Tick, Work
from ixproxy.testing.faults import Fault
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig

ASKED = Asked(Sender(b"s", "c", "MediaServer", frozenset({1})), RequestSubmit(user_data={"k": "v"}))


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.log = FailureLog(self.clock.seconds)
        self.event_number = 7

    def batch(
        self,
        *failures: Failure,
        works: list[Work] | None = None,
        stored: int = 0,
        lost: bool = False,
    ) -> list[str]:
        """What is logged of one batch."""
        self.event_number += stored
        outcome = Outcome(failures=list(failures), store_lost=lost)
        with capturedLogs() as events:
            self.log.batch_done(works or [ASKED], outcome, self.event_number)
        return [(formatEvent(event) or "").splitlines()[0] for event in events]


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.batch()
    return rig


def full(work: Work | None) -> Failure:
    return Failure(work, StorageError("the disk is full"))


def test_a_full_disk_is_told_once_and_when_it_is_over_however_much_fails(rig: Rig) -> None:
    assert rig.batch(full(None), full(ASKED)) == ["A batch failed: the disk is full"]
    for _ in range(500):
        rig.clock.advance(0.1)
        assert rig.batch(full(None), full(Tick()), works=[Tick()]) == []
    assert rig.batch() == []
    assert rig.batch(stored=1) == [
        "What is to be stored is stored again, after 1002 failures in 50 seconds"
    ]
    assert rig.batch(stored=1) == []
    assert rig.batch(full(ASKED), stored=1) == ["RequestSubmit failed: the disk is full"]


def test_a_timer_that_breaks_is_told_once_and_the_tick_without_it_ends_that(
    rig: Rig, logged_failures: LoggedFailures
) -> None:
    broken = Failure(None, ZeroDivisionError("by plan"))
    assert rig.batch(broken) == ["A batch broke"]
    assert rig.batch(broken, works=[Tick()], stored=1) == []
    assert rig.batch(stored=1) == []
    assert rig.batch(works=[Tick()]) == [
        "What is due breaks no more, after 2 failures in 0 seconds"
    ]
    assert len(logged_failures.flush(ZeroDivisionError)) == 1


def test_each_request_that_breaks_is_told(rig: Rig, logged_failures: LoggedFailures) -> None:
    broken = Failure(ASKED, ZeroDivisionError("by plan"))
    assert [rig.batch(broken) for _ in range(2)] == [["RequestSubmit broke"]] * 2
    assert len(logged_failures.flush(ZeroDivisionError)) == 2


def test_what_costs_the_store_is_told_also_when_it_failed_before(rig: Rig) -> None:
    rig.batch(full(None))
    assert rig.batch(full(None), lost=True) == ["A batch failed: the disk is full"]
    lease = Failure(None, LeaseLost("by plan"))
    assert rig.batch(lease, lost=True) == ["Nothing more is written: by plan"]


def test_work_is_told_by_its_name() -> None:
    assert [named(each) for each in (None, ASKED, ConnectionLost(b"s"))] == [
        "A batch",
        "RequestSubmit",
        "ConnectionLost",
    ]


def test_a_node_whose_disk_is_full_when_something_is_due_neither_spins_nor_fills_its_log() -> None:
    node = NodeRig(settings=NodeSettings(agent_session_restore_timeout=5)).start()
    node.client("Proxy", session=b"s" * 16).lose()
    node.store.broken["write"] = Fault.DISK_FULL
    with capturedLogs() as events:
        node.run(25)
        batches = node.server.writer.batches
        node.run(10)
        assert node.server.writer.batches - batches <= 11
        del node.store.broken["write"]
        node.run(3)
    said = [formatEvent(event) or "" for event in events]
    assert [each.split(":")[0].split(",")[0] for each in said] == [
        "Tick failed",
        "What is to be stored is stored again",
    ]
    assert node.rows("sessions") == []
    node.stop()
