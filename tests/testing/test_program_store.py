from __future__ import annotations

from random import Random

import msgspec
import pytest
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ixproxy.errors import CommitUncertain, LeaseLost, StoreUnreachable
from ixproxy.interfaces import IStore
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import SimulatedExecutor
from ixproxy.testing.gate import Gate
from ixproxy.testing.places import MemoryPlace
from ixproxy.testing.program_store import ProgramStore, Reach
from ixproxy.testing.store_samples import FULL, NOW

ROW = msgspec.structs.replace(FULL, custom={})


class Program:
    """A store, and a thread that uses it."""

    def __init__(self) -> None:
        self.place = MemoryPlace()
        self.clock = SteppingClock()
        self.gate = Gate(lambda: None)
        self.reach = Reach()
        self.store = ProgramStore(self.place.store(), self.reach, self.gate, shared=True)
        self.executor = SimulatedExecutor(self.clock, Random(1), run=self.gate.run)
        self.told: list[object] = []
        self.store.open(NOW)

    def put(self) -> None:
        store = self.store
        store.begin()
        store.write([ROW], [])
        store.commit(store.last_event_number() + 1)

    def put_in_thread(self) -> None:
        self.executor.submit(self.put, self.told.append)
        self.clock.run(1)

    @property
    def stored(self) -> int:
        return len(self.place.rows("interactions"))


@pytest.fixture
def program() -> Program:
    return Program()


def test_it_is_a_store(program: Program) -> None:
    assert verifyObject(IStore, program.store)
    program.put()
    assert program.stored == 1
    program.store.close()


def test_out_of_reach_nothing_can_be_asked_or_done_until_it_is_back(program: Program) -> None:
    program.reach.away = True
    with pytest.raises(StoreUnreachable, match="begin: the database is out of reach"):
        program.put()
    with pytest.raises(StoreUnreachable):
        program.store.reopen()
    program.store.rollback()
    program.reach.away = False
    program.put()
    assert program.stored == 1


@pytest.mark.parametrize("happens", [True, False])
def test_a_commit_may_be_the_last_that_reaches_it_or_not(program: Program, happens: bool) -> None:
    program.reach.at_commit = happens
    with pytest.raises(CommitUncertain):
        program.put()
    assert program.stored == int(happens)
    with pytest.raises(StoreUnreachable):
        program.store.reopen()


def test_who_is_stopped_at_its_commit_has_written_nothing_and_commits_when_it_wakes(
    program: Program,
) -> None:
    program.gate.armed = True
    program.put_in_thread()
    assert program.gate.holds
    assert program.stored == 0
    program.gate.open()
    program.clock.run(1)
    assert program.stored == 1
    assert program.told == [None]


def test_after_a_takeover_its_commit_fails(program: Program) -> None:
    program.gate.armed = True
    program.put_in_thread()
    other = program.place.store()
    other.open(NOW)
    program.gate.open()
    program.clock.run(1)
    (failure,) = program.told
    assert isinstance(failure, Failure)
    assert failure.check(LeaseLost)
    assert program.stored == 0
    other.begin()
    other.rollback()
