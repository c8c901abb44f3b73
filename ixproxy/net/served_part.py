"""
A part of a node that a plug-in makes: begun, and let go of, whatever it does.

Theory of operation: a capture point or an event log is somebody else's program.
Whatever it raises is logged with its name and counted, and costs the node nothing: one
that could not be made or begun is made anew after a while. Its end is waited
for, but not for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.messages.message import MAX_NAME, MAX_TEXT

log = Logger()

RETRY = 10.0
"""Seconds after which one that could not begin is made anew."""
END_LIMIT = 2.0
"""Seconds that its end may take."""
MOST_FIGURES = 50
"""Of its own figures that are shown."""


class Part(Protocol):
    """What capture points and event logs have in common."""

    def end(self) -> Deferred[None]:
        """Let go of the outside; fires when that is done."""

    def figures(self) -> Mapping[str, object]:
        """How it is."""


P = TypeVar("P", bound=Part)


class ServedPart(Generic[P]):
    """
    One of a term.

    :param what: it is, for messages, with its name.
    :param make: makes one.
    :param begin: has one begin.
    :param begun: called when one has begun.
    :param counts: gets `raised`: how often it broke.
    :ivar there: the one that there is, if any.
    """

    def __init__(
        self,
        reactor: Any,
        what: str,
        make: Callable[[], P],
        begin: Callable[[P], None],
        begun: Callable[[], None],
        counts: Counter[str],
    ) -> None:
        self._reactor = reactor
        self._what = what
        self._make = make
        self._begin = begin
        self._begun = begun
        self._counts = counts
        self.there: P | None = None
        self._problem = ""
        self._over = False
        self._retrying: IDelayedCall | None = None

    def begin(self) -> None:
        """Its node is primary."""
        try:
            self.there = part = self._make()
            self._begin(part)
        except Exception as problem:
            self._broke("could not begin", problem)
            self._let_go()
            self._retrying = self._reactor.callLater(RETRY, self.begin)
            return
        self._problem = ""
        self._begun()

    def close(self) -> None:
        """It is not made anew any more."""
        self._over = True
        if self._retrying is not None and self._retrying.active():
            self._retrying.cancel()

    def end(self) -> Deferred[None]:
        """Have it let go of its outside; fires when it has, or does not in time."""
        self.close()
        ended: Deferred[None] = Deferred()
        if self.there is None:
            ended.callback(None)
            return ended
        late = self._reactor.callLater(END_LIMIT, self._too_late, ended)

        def over(result: object) -> None:
            if isinstance(result, Failure):
                self._failed_to_end(result)
            if late.active():
                late.cancel()
                ended.callback(None)

        self._let_go().addBoth(over)
        return ended

    @property
    def absence(self) -> str:
        """Why it is not there."""
        return self._problem or "ended"

    def figures(self) -> dict[str, Any]:
        """What it says of itself, as far as it can be shown; `state` is always there."""
        if self.there is None:
            why = f"failed: {self._problem}" if self._problem else "not begun"
            return {"state": "ended" if self._over else why}
        try:
            return {"state": "unknown", **_shown(self.there.figures())}
        except Exception as problem:
            self._counts["raised"] += 1
            return {"state": f"failed: figures: {type(problem).__name__}: {problem}"[:MAX_TEXT]}

    def _let_go(self) -> Deferred[None]:
        part, self.there = self.there, None
        if part is None:
            return maybeDeferred(lambda: None)
        ended: Deferred[None] = maybeDeferred(part.end)
        if not self._over:
            ended.addErrback(self._failed_to_end)
        return ended

    def _too_late(self, ended: Deferred[None]) -> None:
        self._counts["raised"] += 1
        log.error("{what} does not end within {seconds:g} s", what=self._what, seconds=END_LIMIT)
        ended.callback(None)

    def _failed_to_end(self, failure: Failure) -> None:
        self._broke("could not end", failure.value or Exception(failure.type))

    def _broke(self, doing: str, problem: BaseException) -> None:
        self._counts["raised"] += 1
        self._problem = f"{type(problem).__name__}: {problem}"
        log.failure("{what} {doing}", failure=Failure(problem), what=self._what, doing=doing)


def _shown(given: Mapping[str, object]) -> dict[str, Any]:
    """What a plug-in says of itself, in words and numbers that can be sent."""
    shown: dict[str, Any] = {}
    for key, value in list(given.items())[:MOST_FIGURES]:
        name = str(key)[:MAX_NAME]
        plain = isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63)
        shown[name] = value if plain else str(value)[:MAX_TEXT]
    return shown
