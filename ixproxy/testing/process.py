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


@implementer(IReactorTime)
class ProcessClock:
    """
    The clock of one program.

    :param clock: the clock of the simulation.
    """

    log = Logger()

    def __init__(self, clock: SteppingClock) -> None:
        self._clock = clock
        self._calls: dict[int, Call] = {}
        self._made = 0
        self._late: list[Callable[[], None]] = []
        self.alive = True
        self.paused = False

    def seconds(self) -> float:
        """The time now; the same for all programs."""
        return self._clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kw: object
    ) -> Call:
        """Have something called, if the program lives then."""
        self._made += 1
        number = self._made
        call = self._clock.callLater(delay, self._run, number, callable, args, kw)
        if not self.alive:
            call.cancel()
        else:
            self._calls[number] = call
            if len(self._calls) > 200 and number % 100 == 0:
                self._calls = {key: each for key, each in self._calls.items() if each.active()}
        return call

    def getDelayedCalls(self) -> list[Call]:
        """What is still to be called, earliest first."""
        return sorted(
            (call for call in self._calls.values() if call.active()), key=lambda call: call.at
        )

    def kill(self) -> None:
        """Nothing of the program runs any more; harmless when dead."""
        self.alive = False
        for call in self._calls.values():
            if call.active():
                call.cancel()
        self._calls.clear()
        self._late.clear()

    def pause(self) -> None:
        """Nothing runs until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Go on with what is late; harmless when not paused."""
        self.paused = False
        late, self._late = self._late, []
        for run in late:
            self._clock.callLater(0, self._if_alive, run)

    def _run(
        self, number: int, callable: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
    ) -> None:
        self._calls.pop(number, None)
        if self.paused:
            self._late.append(lambda: callable(*args, **kw))
        else:
            self._guarded(lambda: callable(*args, **kw))

    def _if_alive(self, run: Callable[[], None]) -> None:
        if self.alive:
            self._guarded(run)

    def _guarded(self, run: Callable[[], None]) -> None:
        # As the reactor does: a program goes on after an exception in a timed call.
        try:
            run()
        except Exception:
            self.log.failure("A timed call failed")
