"""
A term, and how it stands with its lease.

Theory of operation: everything that a lease does is done by an executor of
the term's own, one job after another, and may hang: whoever waits for it
looks at its own clock. While a term lives it shows that again and again. A
good beat is one that came back; it counts from when it was sent. Once the
last of them is older than the limit the other server of the pair may serve,
so the term is over, whether or not the lease has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import LeaseLost
from ixproxy.interfaces import ILease, IStore
from ixproxy.net.executors import Executor
from ixproxy.net.node_server import NodeServer
from ixproxy.node.leading import BEATS

log = Logger()

LEAST = 0.001
"""Seconds between looks at the clock at least: what is left may be less than it can tell."""


class Term(NamedTuple):
    """What serves once: nothing of it is used again."""

    server: NodeServer
    store: IStore
    lease: ILease


class Reign:
    """
    One term of one server.

    :param name: of the server.
    :param executor: does what the lease does.
    :param seconds: the clock.
    :param limit: seconds without a beat after which the lease may be taken away.
    :param lost: is told why the term is over.
    :ivar good: when the last beat that came back was sent.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        name: str,
        term: Term,
        executor: Executor,
        seconds: Callable[[], float],
        limit: Callable[[], float],
        lost: Callable[[str], None],
    ) -> None:
        self._reactor = reactor
        self._name = name
        self.term = term
        self._executor = executor
        self._seconds = seconds
        self._limit = limit
        self._lost = lost
        self.good = seconds()
        self._lives = False
        self._beating = False
        self._problem = ""
        self._next_beat: IDelayedCall | None = None
        self._overdue: IDelayedCall | None = None
        self.released = False
        """Whether the lease is given back, or about to be."""

    def have(self, job: Callable[[ILease], Any], done: Callable[[Any], None]) -> None:
        """Have something done with the lease; `done` is given its result, or a Failure."""
        lease = self.term.lease
        self._executor.submit(lambda: job(lease), done)

    def take(self, done: Callable[[Any], None]) -> None:
        """Try to take the lease."""
        self.good = self._seconds()
        self.have(lambda lease: lease.take(), done)

    def release(self, done: Callable[[Any], None]) -> None:
        """Give the lease back, after all that was asked of it before."""
        self.stop()
        self.released = True
        self.have(lambda lease: lease.release(), done)
        self._executor.stop()

    def live(self) -> None:
        """The lease is ours: show that we live, from now on."""
        self._lives = True
        self._beat_later()
        self._look_at_the_clock()

    def stop(self) -> None:
        """Show it no longer; harmless when we do not."""
        self._lives = False
        for call in (self._next_beat, self._overdue):
            if call is not None and call.active():
                call.cancel()

    def look(self) -> None:
        """Whether we may still serve; if not, the term is over now."""
        limit = self._limit()
        if self._lives and self._seconds() - self.good >= limit:
            self._over(f"it could not show that it lives for {limit:g} s")

    def _beat_later(self) -> None:
        self._next_beat = self._reactor.callLater(self._limit() / BEATS, self._beat)

    def _beat(self) -> None:
        self._beat_later()
        if not self._beating:
            self._beating = True
            sent = self._seconds()
            self.have(lambda lease: lease.beat(), lambda result: self._beaten(sent, result))

    def _beaten(self, sent: float, result: Failure | None) -> None:
        self._beating = False
        if not self._lives:
            return
        if not isinstance(result, Failure):
            self.good = sent
            self._problem = ""
        elif result.check(LeaseLost):
            self._over(result.getErrorMessage())
        elif result.getErrorMessage() != self._problem:
            self._problem = result.getErrorMessage()
            log.warn(
                "Server {name} could not show that it lives: {reason}",
                name=self._name,
                reason=self._problem,
            )

    def _over(self, reason: str) -> None:
        self.stop()
        self._lost(reason)

    def _look_at_the_clock(self) -> None:
        """Stop in time, whether or not anything else happens."""
        self.look()
        if self._lives:
            left = max(LEAST, self._limit() - (self._seconds() - self.good))
            self._overdue = self._reactor.callLater(left, self._look_at_the_clock)
