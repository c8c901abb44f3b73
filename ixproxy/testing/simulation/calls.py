"""
The external servers of a simulation, and the book of what each of them was called for.

Every call carries a mark that no other has, and each server writes down the marks of
the calls that reach it. So what callers are told is compared with what was called, and
not with what a node believes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client.third_party_server import Call, CallLimits, Fault, Result
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.memory_services import TYPE, MemoryService

ARCHIVE_TYPE = "Contact Server"
SERVERS = (("classifier-1", TYPE), ("classifier-2", TYPE), ("archive", ARCHIVE_TYPE))
"""Two servers of one type, and one of another."""

AT_A_TIME = 4
"""Calls of one node that a server has at a time; beyond them it is busy."""

MARK, AFTER = "mark", "milliseconds"
"""Parameters of each call: by what it is known, and after how long it is answered."""

ECHO, FAULT, LATE, NEVER = "Echo", "Fault", "Late", "Never"
"""What calls ask for; what is never answered is so when all is healed."""
ASKED_FOR = "AskedFor"
"""The code of the fault that is asked for."""


class Calls:
    """
    All external servers, and all that they were called for.

    :param there: whether there are any.
    :param broken: told the name of a broken rule, and how it was broken.
    :ivar clock: that of the cluster, when there is one.
    :ivar made: mark of a call to the servers that it reached, in that order.
    :ivar forbidden: marks that no server may ever be called for, and why.
    :ivar told: by reporting client and call, what it was told of it.
    """

    def __init__(self, there: bool, broken: Callable[[str, str], None]) -> None:
        self.clock: SteppingClock | None = None
        self.made: dict[str, list[str]] = {}
        self.forbidden: dict[str, str] = {}
        self.told: dict[tuple[str, str], list[str]] = {}
        self.servers: tuple[MemoryService, ...] = ()
        self._broken = broken
        self._open: list[Callable[[], None]] = []
        if there:
            limits = CallLimits(window=AT_A_TIME)
            self.servers = tuple(
                MemoryService(name, type, partial(self._called, name), limits)
                for name, type in SERVERS
            )

    def server(self, name: str) -> MemoryService:
        """One of the servers."""
        return next(each for each in self.servers if each.name == name)

    def of_type(self, type: str) -> list[str]:
        """The names of the servers of a type."""
        return [each.name for each in self.servers if each.known.type == type]

    def _called(self, name: str, call: Call) -> Any:
        mark = str(call.parameters.get(MARK, ""))
        made = self.made.setdefault(mark, [])
        made.append(name)
        if len(made) > 1:
            self._broken("a_call_is_made_once", f"{mark} was made at {' and at '.join(made)}")
        if (why := self.forbidden.get(mark)) is not None:
            self._broken("what_was_refused_is_not_called", f"{mark} was made at {name}, but {why}")
        if call.method == FAULT:
            raise Fault(ASKED_FOR, mark)
        answer = Result({MARK: mark, "server": name}, dict(call.user_data))
        return answer if call.method == ECHO else self._later(name, call, answer)

    def _later(self, name: str, call: Call, answer: Result) -> Deferred[Result]:
        service, later = self.server(name), Deferred[Result]()
        program = service.server

        def answered() -> None:
            if service.alive and service.server is program and not later.called:
                later.callback(answer)

        after = call.parameters.get(AFTER)
        if call.method == LATE and isinstance(after, int):
            assert self.clock is not None
            self.clock.callLater(after / 1000, answered)
        else:
            self._open.append(answered)
        return later

    def answer_all(self) -> None:
        """What is never answered is, long after its time."""
        waiting, self._open = self._open, []
        for answered in waiting:
            answered()

    def reported(self, reader: str, event: Message) -> None:
        """A reporting client is told of a call: of its beginning before its end, once of each."""
        kinds = (m.EventExternalServiceRequested, m.EventExternalServiceResponded)
        if isinstance(event, kinds):
            told = self.told.setdefault((reader, event.esp_request_id), [])
            name = type(event).__name__
            if name in told or kinds[1].__name__ in told:
                self._broken(
                    "calls_are_reported_once",
                    f"{reader} is told {name} of {event.esp_request_id} after {', '.join(told)}",
                )
            told.append(name)
