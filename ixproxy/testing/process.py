"""
What one program of a simulation sees of the world: a clock that dies with it.

Everything that a program has scheduled goes through its `ProcessClock`. When
the program is killed nothing of it runs any more, and while it is paused
nothing runs either; what was due then runs late, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ixproxy.testing.clock import Call, SteppingClock

log = Logger()


class ProgramCall(Call):
    """
    Something that a clock will call in a program.

    What is left of a dead program may cancel its calls as it likes: it may be
    collected, and its coroutines closed, at any time.
    """

    __slots__ = ("process",)

    def __init__(
        self,
        process: ProcessClock,
        clock: SteppingClock,
        at: float,
        called: Callable[..., object],
        args: tuple[object, ...],
        kw: dict[str, object],
    ) -> None:
        # Written out, as `run` is: a simulation makes tens of thousands of these.
        self._clock = clock
        self._state = ""
        self.at = at
        self.called = called
        self.args = args
        self.kw = kw
        self.entry = 0
        self.process = process

    def run(self) -> None:
        """Its time has come; that of its program may be over."""
        process = self.process
        if not process.alive:
            return
        if process.paused:
            process.late.append(self)
            return
        self._state = "called"
        try:
            self.called(*self.args, **self.kw)
        except Exception:
            # As under the reactor, the program goes on.
            log.failure("A timed call failed")

    def _check(self) -> None:
        if self.process.alive:
            super()._check()


@implementer(IReactorTime)
class ProcessClock:
    """
    The clock of one program.

    :param clock: the clock of the simulation.
    :ivar late: what was due while the program was paused.
    """

    def __init__(self, clock: SteppingClock) -> None:
        self._clock = clock
        self.seconds: Callable[[], float] = clock.seconds
        """The time now; the same for all programs."""
        self.late: list[ProgramCall] = []
        self.alive = True
        self.paused = False

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kw: object
    ) -> ProgramCall:
        """Have something called, if the program lives then."""
        if delay < 0:
            raise ValueError(f"a delay of {delay} seconds")
        clock = self._clock
        call = ProgramCall(self, clock, clock.seconds() + delay, callable, args, kw)
        if self.alive:
            clock.push(call)
        return call

    def getDelayedCalls(self) -> list[Call]:
        """What is still to be called, earliest first."""
        due = [call for call in self._clock.getDelayedCalls() if _of(call, self)]
        return [*(call for call in self.late if call.active()), *due] if self.alive else []

    def kill(self) -> None:
        """Nothing of the program runs any more; harmless when dead."""
        self.alive = False
        self.late.clear()

    def pause(self) -> None:
        """Nothing runs until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Go on with what is late; harmless when not paused."""
        self.paused = False
        late, self.late = self.late, []
        for call in late:
            if call.active():
                call.reset(0)


def _of(call: Call, process: ProcessClock) -> bool:
    return isinstance(call, ProgramCall) and call.process is process
