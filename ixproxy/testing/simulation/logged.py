"""What the programs of a simulation log: their mistakes, and what servers say of their lives."""

from __future__ import annotations

from twisted.logger import ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.node.leading import State

_SAID = {
    "Server {name} is primary, term {term}": State.PRIMARY,
    "Server {name} waits to be primary again": State.WAITING,
}


@implementer(ILogObserver)
class Logged:
    """What any program logs as its own mistake, and what servers say of their lives."""

    def __init__(self, told: list[str], lives: dict[str, State]) -> None:
        self._told = told
        self._lives = lives

    def __call__(self, event: LogEvent) -> None:
        if (life := _SAID.get(event.get("log_format", ""))) is not None:
            self._lives[event["name"]] = life
        failure = event.get("log_failure")
        if isinstance(failure, Failure):
            self._told.append(f"{formatEvent(event)}: {failure.getTraceback()}")
