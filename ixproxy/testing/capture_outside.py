"""The outside of a capture point, as the contract of capture points plays with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock

from ixproxy.interfaces_capture import ICapturePoint

LONG = 120.0
"""Seconds within which whatever is retried must have been retried."""


class Outside:
    """
    The source of a capture point, and where it tells: what a test does to it.

    The documents here submit one interaction each, by which they are known: its
    external id is their name. All is on one `reactor`; time passes by `later` alone.

    :cvar comes_again: a document that was not taken is given again without
        that the source does anything for it; not where somebody waits for an
        answer and calls again.
    :cvar has_receipts: its documents have names of their own.
    :cvar keeps_errors: there is a place for what cannot be read.
    :cvar tells: something is told: replies or notifications.
    :cvar breaks: it can be out of reach.
    :cvar ordered: documents are handed in in the order in which they came.
    """

    comes_again = True
    has_receipts = True
    keeps_errors = True
    tells = True
    breaks = True
    ordered = True

    def __init__(self) -> None:
        self.reactor: Any = Clock()

    def make_point(self) -> ICapturePoint:
        """A capture point of this outside; each time one for another term of a node."""
        raise NotImplementedError

    def give(self, name: str) -> None:
        """The source has one more document, or, where it calls, calls (again) with it."""
        raise NotImplementedError

    def give_bad(self, name: str) -> None:
        """The same with one that cannot be read."""
        raise NotImplementedError

    def left(self) -> list[str]:
        """The names of the documents that the source still has, and may give again."""
        raise NotImplementedError

    def errors(self) -> dict[str, str]:
        """The names of what is in the error place, with the reason; "": none is kept there."""
        raise NotImplementedError

    def told(self) -> list[tuple[str, str]]:
        """What was told: the value of `Said`, and the interaction id; in order."""
        raise NotImplementedError

    def cut(self) -> None:
        """It is out of reach until `mend`."""
        raise NotImplementedError

    def mend(self) -> None:
        """It can be reached again, and has all that it had."""
        raise NotImplementedError

    def later(self, seconds: float) -> None:
        """Let time pass, and all happen that happens meanwhile."""
        for _ in range(max(1, round(seconds / 0.25))):
            self.reactor.advance(min(seconds, 0.25))
        self.reactor.advance(0)

    def close(self) -> None:
        """The test is over."""

    def until(self, happened: Callable[[], object], seconds: float = LONG) -> None:
        """
        Let time pass until something has happened.

        :raise AssertionError: it has not, in so many seconds.
        """
        for _ in range(round(seconds / 0.5)):
            if happened():
                return
            self.later(0.5)
        assert happened(), "it did not happen in time"
