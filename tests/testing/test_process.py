from __future__ import annotations

import pytest
from twisted.internet.interfaces import IReactorTime
from zope.interface.verify import verifyObject

from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.process import ProcessClock
from tests.failures import LoggedFailures


class Program:
    """A program that notes when it was called."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.own = ProcessClock(self.clock)
        self.seen: list[tuple[str, float]] = []

    def later(self, delay: float, name: str) -> None:
        self.own.callLater(delay, lambda: self.seen.append((name, self.clock.seconds())))


def test_it_is_what_the_framework_calls_a_clock() -> None:
    program = Program()
    assert verifyObject(IReactorTime, program.own)
    program.clock.run(5)
    assert program.own.seconds() == 5


def test_a_living_program_is_called_on_time() -> None:
    program = Program()
    program.later(1, "a")
    program.later(2, "b")
    assert len(program.own.getDelayedCalls()) == 2
    program.clock.run(3)
    assert program.seen == [("a", 1), ("b", 2)]
    assert program.own.getDelayedCalls() == []


def test_nothing_of_a_killed_program_runs_and_others_live_on() -> None:
    program = Program()
    other = ProcessClock(program.clock)
    other.callLater(1, lambda: program.seen.append(("other", 1)))
    program.later(1, "a")
    program.own.kill()
    program.own.kill()
    program.later(1, "after its death")
    program.clock.run(3)
    assert program.seen == [("other", 1)]


def test_a_paused_program_does_what_was_due_late_and_in_order() -> None:
    program = Program()
    program.own.pause()
    for number in (1, 2, 5):
        program.later(number, str(number))
    program.clock.run(3)
    assert program.seen == []
    program.own.resume()
    program.clock.run(3)
    assert program.seen == [("1", 3), ("2", 3), ("5", 5)]


def test_a_program_killed_while_paused_never_goes_on() -> None:
    program = Program()
    program.own.pause()
    program.later(1, "a")
    program.clock.run(2)
    program.own.resume()
    program.own.kill()
    program.clock.run(2)
    assert program.seen == []


def test_what_is_late_may_still_be_cancelled() -> None:
    program = Program()
    call = program.own.callLater(1, program.seen.append, ("a", 1))
    program.own.pause()
    program.clock.run(2)
    assert program.own.getDelayedCalls() == [call]
    call.cancel()
    program.own.resume()
    program.clock.run(2)
    assert program.seen == []


def test_what_is_left_of_a_dead_program_may_cancel_as_it_likes() -> None:
    program = Program()
    call = program.own.callLater(1, print)
    program.own.kill()
    program.clock.run(2)
    call.cancel()
    call.cancel()
    program.own.callLater(1, print).cancel()
    assert program.own.getDelayedCalls() == []


def test_a_delay_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a delay of -1 seconds"):
        Program().own.callLater(-1, print)


def test_a_timed_call_that_fails_is_logged_and_the_program_goes_on(
    logged_failures: LoggedFailures,
) -> None:
    program = Program()
    program.own.callLater(1, lambda: 1 / 0)
    program.later(2, "b")
    program.clock.run(3)
    assert program.seen == [("b", 2)]
    assert len(logged_failures.flush(ZeroDivisionError)) == 1
