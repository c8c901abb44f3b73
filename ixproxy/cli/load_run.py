"""
The run of a load: when a request is sent, and what its outcome leads to.

Theory of operation: a *closed* loop keeps a number of requests in flight: each
lane sends its next request when the last one is answered. An *open* loop sends
at times that were fixed before, whatever is answered; latency is counted from
those times, so a server that stalls is charged for all that should have been
sent meanwhile. Where too many are in flight a request is missed: counted, and
not sent. A run ends when its time or its number is up, or when it is stopped;
what is in flight then is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from ixproxy.cli.connecting import Asking
from ixproxy.cli.load_arrivals import starts
from ixproxy.cli.load_hands import Act, Hands
from ixproxy.cli.load_mix import Kind, Mix
from ixproxy.cli.load_requests import Requests
from ixproxy.cli.load_tally import Tally
from ixproxy.client import Answer
from ixproxy.errors import IxproxyError, RequestRefused
from ixproxy.messages.message import Request

EARLY = 0.001
"""Seconds that a request may be sent before it is due: timers are no finer."""

AT_ONCE = 64
"""Requests that are sent before answers are looked at again."""

PAUSE = 0.01
"""Seconds until a lane goes on whose request was refused on the spot."""


@dataclass(frozen=True, slots=True)
class Crew:
    """One client of the load: its hands, and the connection that each kind of request takes."""

    hands: Hands
    asking: Callable[[Kind], Asking]


@dataclass(frozen=True, slots=True)
class Length:
    """
    When a run ends.

    :ivar seconds: from its start.
    :ivar count: requests, or missed ones; None: as many as there is time for.
    """

    seconds: float
    count: int | None = None


class Run:
    """
    What both kinds of loop have in common.

    :ivar ended: fires when the last request has its outcome.
    """

    def __init__(
        self,
        clock: Any,
        crews: Sequence[Crew],
        requests: Requests,
        mix: Mix,
        length: Length,
        tally: Tally,
        random: Random,
    ) -> None:
        self._clock = clock
        self._crews = crews
        self._requests = requests
        self._mix = mix
        self._length = length
        self._tally = tally
        self._random = random
        self._calls: set[IDelayedCall] = set()
        self.began: float = clock.seconds()
        self.sent = 0
        self.in_flight = 0
        self.stopping = False
        self.ended: Deferred[None] = Deferred()

    def start(self) -> None:
        """Begin."""
        self._later(self._length.seconds, self.stop)
        self._start()

    def stop(self) -> None:
        """Send nothing more; harmless when it is said again."""
        if not self.stopping:
            self.stopping = True
            for call in self._calls:
                if call.active():
                    call.cancel()
            self._calls.clear()
            self._settle()

    def drained(self) -> Deferred[None]:
        """Once somebody has given up waiting for `ended`: fires in its place."""
        self.ended = Deferred()
        if self.stopping:
            self._settle()
        return self.ended

    async def resume_all(self) -> None:
        """After the end: take what the clients have on hold off it, or it could not be pulled."""
        for crew in self._crews:
            while crew.hands.on_hold:
                many = min(AT_ONCE, len(crew.hands.on_hold))
                acts = [crew.hands.choose(Kind.RESUME) for _ in range(many)]
                asking = crew.asking(Kind.RESUME)
                asked = [asking.ask(self._requests.of(act)) for act in acts]
                # A refusal changes nothing here: the goodbye that follows is all there is.
                await DeferredList(asked, consumeErrors=True)

    def _start(self) -> None:
        raise NotImplementedError

    def _later(self, seconds: float, what: Callable[..., object], *args: Any) -> None:
        if self.stopping:
            return

        def due() -> None:
            self._calls.discard(call)
            what(*args)

        call = self._clock.callLater(max(0.0, seconds), due)
        self._calls.add(call)

    def _counted(self) -> bool:
        """Whether one more may be sent; the one is counted."""
        if self._length.count is not None and self.sent >= self._length.count:
            self.stop()
        if not self.stopping:
            self.sent += 1
        return not self.stopping

    def _send(self, crew: Crew, due: float, then: Callable[[], None] | None) -> None:
        self.in_flight += 1
        try:
            act = crew.hands.choose(self._mix.draw(self._random))
            request = self._requests.of(act)
        except IxproxyError:
            self._broken(Failure())
            return
        arguments = (crew, act, request, due, then)
        crew.asking(act.kind).ask(request).addCallbacks(
            self._answered, self._failed, callbackArgs=arguments, errbackArgs=arguments
        ).addErrback(self._broken)

    def _answered(
        self,
        answer: Answer,
        crew: Crew,
        act: Act,
        request: Request,
        due: float,
        then: Callable[[], None] | None,
    ) -> None:
        empty = self._requests.answered(crew.hands, act, request, answer.message)
        now = self._clock.seconds()
        self._tally.add(act.kind, due, now)
        if empty and due >= self._tally.measured_from:
            self._tally.empty_pulls += 1
        self._settled(then)

    def _failed(
        self,
        failure: Failure,
        crew: Crew,
        act: Act,
        request: Request,
        due: float,
        then: Callable[[], None] | None,
    ) -> None:
        failure.trap(RequestRefused)
        problem = failure.value
        assert isinstance(problem, RequestRefused)
        crew.hands.refused(act, problem)
        self._tally.add(act.kind, due, self._clock.seconds(), problem)
        self._settled(then)

    def _settled(self, then: Callable[[], None] | None) -> None:
        self.in_flight -= 1
        if self.stopping:
            self._settle()
        elif then is not None:
            then()

    def _settle(self) -> None:
        if not self.in_flight and not self.ended.called:
            self.ended.callback(None)

    def _broken(self, failure: Failure) -> None:
        """What cannot even be made or sent ends the run: the next one would do no better."""
        self.in_flight -= 1
        if not self.ended.called:
            self.ended.errback(failure)
        self.stop()


class ClosedRun(Run):
    """
    Keeps `depth` requests of each client in flight.

    :ivar ramp: seconds over which the lanes begin.
    :ivar think: seconds between an answer and the next request, on average.
    """

    depth = 1
    ramp = 0.0
    think = 0.0

    def _start(self) -> None:
        lanes = [crew for _ in range(self.depth) for crew in self._crews]
        for crew, after in zip(lanes, starts(len(lanes), self.ramp), strict=True):
            self._later(after, self._next, crew)

    def _next(self, crew: Crew) -> None:
        if not self._counted():
            return
        sending = True

        def then() -> None:
            if sending:
                # Refused on the spot: going on at once would never let anything else in.
                self._later(PAUSE, self._next, crew)
            elif self.think:
                # Half as long to half as long again, so that lanes do not march in step.
                self._later(self.think * self._random.uniform(0.5, 1.5), self._next, crew)
            else:
                self._next(crew)

        self._send(crew, self._clock.seconds(), then)
        sending = False


class OpenRun(Run):
    """
    Sends at given times.

    :ivar arrivals: these times, in seconds from the start.
    :ivar max_in_flight: with so many in flight a request is missed.
    """

    arrivals: Iterator[float]
    max_in_flight = 1

    def _start(self) -> None:
        self._turn = 0
        self._due = self.began + next(self.arrivals)
        self._later(self._due - self.began, self._pump)

    def _pump(self) -> None:
        """Send what is due."""
        now = self._clock.seconds()
        for _ in range(AT_ONCE):
            if self._due > now + EARLY or not self._counted():
                break
            self._arrive(now)
            self._due = self.began + next(self.arrivals)
        self._later(self._due - self._clock.seconds(), self._pump)

    def _arrive(self, now: float) -> None:
        due = min(self._due, now)
        self._tally.late = max(self._tally.late, now - due)
        if self.in_flight >= self.max_in_flight:
            if due >= self._tally.measured_from:
                self._tally.missed += 1
            return
        self._turn = (self._turn + 1) % len(self._crews)
        self._send(self._crews[self._turn], due, None)
