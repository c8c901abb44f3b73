"""
What batches stumble over, in the log: once, and again when it is over.

Theory of operation: what spoils one batch mostly spoils those behind it, too: a
full disk fails whatever is to be stored, and a timer that breaks is due again
at once. So there are two *episodes*, one of the store's failures and one of
what breaks by itself, without anybody's request. The first failure of an
episode is logged as it is, those that follow are counted. The store's episode
is over with a batch that was stored and in which it failed on nothing; the
other with a tick in which nothing broke. A request that breaks is a mistake of
ours: it is logged each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.node.work import Failure as Stumble
from ixproxy.node.work import Outcome, Tick, Work

log = Logger()


class Episode:
    """
    Failures of one kind in a row.

    :ivar failures: how many there were; 0: there is none.
    :ivar began: when it began, in seconds of the clock.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.began = 0.0

    def goes_on(self, now: float) -> bool:
        """There is another failure; returns whether it is not the first."""
        self.failures += 1
        if self.failures == 1:
            self.began = now
        return self.failures > 1


class FailureLog:
    """
    :param seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._storing = Episode()
        self._breaking = Episode()
        self._event_number = 0

    def batch_done(self, works: Sequence[Work], outcome: Outcome, event_number: int) -> None:
        """
        :param event_number: that of the last event; whatever is stored raises it.
        """
        stored, self._event_number = event_number != self._event_number, event_number
        storing = breaking = True
        for failure in outcome.failures:
            if isinstance(failure.problem, LeaseLost):
                # Nothing failed: the server is to stop, and says so itself.
                log.info("Nothing more is written: {problem}", problem=failure.problem)
            elif isinstance(failure.problem, StorageError):
                storing = False
                again = self._storing.goes_on(self._seconds())
                if outcome.store_lost or not again:
                    # A store's failure needs no traceback.
                    work, problem = named(failure.work), failure.problem
                    log.error("{work} failed: {problem}", work=work, problem=problem)
            elif by_itself(failure.work):
                breaking = False
                if not self._breaking.goes_on(self._seconds()):
                    _log_broken(failure)
            else:
                _log_broken(failure)
        if storing and stored and self._storing.failures:
            self._over(self._storing, "What is to be stored is stored again")
        if breaking and self._breaking.failures and any(type(work) is Tick for work in works):
            self._over(self._breaking, "What is due breaks no more")

    def _over(self, episode: Episode, what: str) -> None:
        log.info(
            "{what}, after {failures} failures in {seconds:.0f} seconds",
            what=what,
            failures=episode.failures,
            seconds=self._seconds() - episode.began,
        )
        episode.failures = 0


def by_itself(work: Work | None) -> bool:
    """Whether nobody asked for what failed: timers that are due, or a tick."""
    return work is None or isinstance(work, Tick)


def named(work: Work | None) -> str:
    """What a piece of work is, for the log: by its name, for in it may be user data."""
    if work is None:
        return "A batch"
    asked = getattr(work, "message", None) or getattr(work, "event", None)
    return type(asked or work).__name__


def _log_broken(failure: Stumble) -> None:
    log.failure("{work} broke", failure=Failure(failure.problem), work=named(failure.work))
