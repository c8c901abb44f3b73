"""The end of a reactor turn."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from ixproxy.net.turn import TurnEnd


class Counted:
    """A destination that counts how often it is flushed."""

    def __init__(self) -> None:
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1


class Threaded(Clock):
    """A clock with the list of thread calls that real reactors have."""

    def __init__(self) -> None:
        super().__init__()
        self.threadCallQueue: list[tuple[Any, ...]] = []


def test_all_dirty_destinations_are_flushed_once_in_the_same_turn() -> None:
    clock, one, other = Clock(), Counted(), Counted()
    turn = TurnEnd(clock)
    turn.mark(one)
    turn.mark(other)
    assert (one.flushed, other.flushed) == (0, 0)
    clock.advance(0)
    clock.advance(0)
    assert (one.flushed, other.flushed) == (1, 1)


def test_while_a_socket_is_read_no_timer_is_made() -> None:
    clock, one = Threaded(), Counted()
    turn = TurnEnd(clock)
    turn.reading = True
    turn.mark(one)
    assert not clock.getDelayedCalls()
    ((call, arguments, keywords),) = clock.threadCallQueue
    call(*arguments, **keywords)
    assert one.flushed == 1


def test_outside_of_reading_a_reactor_that_waits_is_woken_by_a_timer() -> None:
    clock, one = Threaded(), Counted()
    TurnEnd(clock).mark(one)
    assert not clock.threadCallQueue
    clock.advance(0)
    assert one.flushed == 1


def test_what_a_flush_makes_dirty_is_flushed_next() -> None:
    clock = Clock()
    turn = TurnEnd(clock)
    second = Counted()

    class First(Counted):
        def flush(self) -> None:
            super().flush()
            turn.mark(second)

    turn.mark(First())
    clock.advance(0)
    clock.advance(0)
    assert second.flushed == 1
    turn.flush()
    assert second.flushed == 1
