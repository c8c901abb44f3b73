from __future__ import annotations

from random import Random
from threading import active_count

from twisted.python.failure import Failure

from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import SimulatedExecutor
from ixproxy.testing.gate import Gate
from ixproxy.testing.process import ProcessClock


class Program:
    """A thread with a gate in the middle of its jobs."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.process = ProcessClock(self.clock)
        self.gate = Gate(self.process.pause)
        self.executor = SimulatedExecutor(self.process, Random(1), 1.0, self.gate.run)
        self.did: list[str] = []
        self.told: list[object] = []

    def submit(self, name: str) -> None:
        def job() -> str:
            self.did.append(f"{name} begins")
            stayed = self.gate.wait()
            self.did.append(f"{name} ends, it {'stayed' if stayed else 'came through'}")
            return name

        self.executor.submit(job, self.told.append)

    def wake(self) -> None:
        self.process.resume()
        self.gate.open()


def test_nothing_stays_at_a_gate_that_is_not_armed() -> None:
    program = Program()
    program.submit("one")
    program.clock.run(10)
    assert program.did == ["one begins", "one ends, it came through"]
    assert program.told == ["one"]


def test_a_job_stays_in_the_middle_and_goes_on_when_its_program_wakes() -> None:
    program = Program()
    program.gate.armed = True
    program.submit("one")
    program.submit("two")
    program.clock.run(100)
    assert program.gate.holds
    assert program.process.paused
    assert (program.did, program.told) == (["one begins"], [])
    program.wake()
    assert program.did == ["one begins", "one ends, it stayed"]
    program.clock.run(100)
    assert program.did[2:] == ["two begins", "two ends, it came through"]
    assert program.told == ["one", "two"]


def test_a_program_that_dies_there_is_never_heard_of_again_and_leaves_no_thread() -> None:
    before = active_count()
    program = Program()
    program.gate.armed = True
    program.submit("one")
    program.clock.run(100)
    assert active_count() == before + 1
    program.process.kill()
    program.gate.kill()
    program.clock.run(100)
    assert (program.did, program.told) == (["one begins"], [])
    assert active_count() == before


def test_a_job_that_never_comes_to_the_gate_is_told_as_ever() -> None:
    program = Program()
    program.gate.armed = True
    program.executor.submit(lambda: 1 / 0, program.told.append)
    program.clock.run(100)
    (failure,) = program.told
    assert isinstance(failure, Failure)
    assert failure.check(ZeroDivisionError)
    program.gate.open()
    program.submit("one")
    program.clock.run(100)
    assert program.told[1:] == ["one"]
