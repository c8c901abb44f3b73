"""Asks the other server of a node's pair what it is, while one is dialled or linked."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint

from ixproxy.core.link_times import Chance, LinkTimes
from ixproxy.core.pairs import Pair
from ixproxy.core.state import ProxyState
from ixproxy.net.probing import Answer, Probe
from ixproxy.net.turn import TurnEnd


class PairWatch:
    """
    Asks, waits, and asks again, from the beginning of an attempt until its end.

    :param other: makes the endpoint of the other server.
    :param suspect: says whether the server in turn is; looked at every now and
        then, and where it is the other one is asked without waiting.
    :param answered: is told what the other server said, or why it said nothing.
    """

    def __init__(
        self,
        clock: IReactorTime,
        turn: TurnEnd,
        state: ProxyState,
        pair: Pair,
        chance: Chance,
        *,
        other: Callable[[], IStreamClientEndpoint],
        suspect: Callable[[], bool],
        answered: Callable[[Answer, str], None],
    ) -> None:
        self._clock = clock
        self._turn = turn
        self._state = state
        self._pair = pair
        self._chance = chance
        self._other = other
        self._suspect = suspect
        self._tell = answered
        self._due = 0.0
        self._call: IDelayedCall | None = None
        self._probe: Probe | None = None

    @property
    def _times(self) -> LinkTimes:
        return self._state.settings.link_times

    def start(self) -> None:
        """An attempt begins: ask in a moment, if it is not over by then."""
        self.stop()
        self._due = self._clock.seconds() + self._times.head_start
        self._wait()

    def stop(self) -> None:
        """It is over; harmless when it had not begun."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.stop()

    def _wait(self) -> None:
        left = self._due - self._clock.seconds()
        self._call = self._clock.callLater(min(max(left, 0.0), self._times.quiet), self._look)

    def _look(self) -> None:
        self._call = None
        now = self._clock.seconds()
        if self._suspect() or now >= self._due:
            self._due = now + self._times.until_asked(self._pair.vain, self._chance)
            self._probe = probe = Probe(self._clock, self._turn, self._state, self._answered)
            probe.start(self._other())
        else:
            self._wait()

    def _answered(self, answer: Answer, why: str) -> None:
        self._probe = None
        self._wait()
        self._tell(answer, why)
