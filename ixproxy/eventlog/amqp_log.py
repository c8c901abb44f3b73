"""
An event log that is a queue of a message broker, over AMQP 1.0.

Theory of operation:

    idle --begin--> connecting --opened, queue found--> connected
                      ^    |                               |
                      |  failed                           lost
                      +-- waiting <-----------------------+       end: from all of them to ended

What is to be stored is given to the broker while no more than so much is on its way
(`Flight`); the call is done when the broker has accepted all of it. After the first message
that it refuses nothing more is given. Whatever breaks in between, the call fails, and is made
again by the node: messages have the same ids then, and readers know them by these.

A broker that neither accepts nor refuses has its connection ended after a while: it may
have lost count. What it refuses is never left out: that would be a hole that nobody sees. It is
given again and again, and the state says so, until somebody has made room, or has changed
the broker's limits.

Being in trouble ends with messages that were accepted, or with a connection where there was none
before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.brokers.complaining import Complaint
from ixproxy.brokers.pauses import Pauses
from ixproxy.eventlog.amqp_flight import Flight
from ixproxy.eventlog.amqp_messages import MessageWriter, Written
from ixproxy.eventlog.amqp_opening import Opened, open_queue
from ixproxy.eventlog.amqp_queue import HasArguments
from ixproxy.eventlog.amqp_settings import AmqpLogSettings, read_settings
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_work import Entry

log = Logger()

SLICE = 50
"""Messages that are written at once, while nothing else is done."""

ACCEPT_SECONDS = 60.0
"""How long a broker may take to accept a window."""

SLOW_SECONDS = 5.0
"""After how long the state says that it takes nothing."""

LONGEST_PAUSE = 30.0
LASTING_SECONDS = 10.0
"""How long a connection lasts that was of use, whatever was done with it."""

END_SECONDS = 1.5
"""How long the end of a connection may take: a node waits for two seconds."""

_COUNTS = ("stored", "failed", "refused", "connections")


@implementer(IEventLog)
class AmqpEventLog:
    """See `IEventLog`."""

    kind = "amqp"

    def __init__(self, settings: AmqpLogSettings) -> None:
        self._settings = settings
        self._reactor: Any = None
        self._writer: MessageWriter | None = None
        self._state = "idle"
        self._opened: Opened | None = None
        self._opening: Deferred[Opened] | None = None
        self._connects: Any = None
        self._attempted: list[Deferred[None]] = []
        self._found = False
        self._began = 0.0
        self._pauses = Pauses(LONGEST_PAUSE)
        self._complaint: Complaint | None = None
        self._not_stored = False
        self._flight = Flight()
        self._moved_at = 0.0
        self._last = ""
        self._ended: Deferred[None] | None = None
        self._counts: Counter[str] = Counter()
        self._node = ""

    def begin(self, reactor: Any, node: str, dbid: int) -> None:
        """See `IEventLog.begin`."""
        self._reactor = reactor
        self._node = node
        name = f"{node} at {self._settings.address.shown}"
        self._complaint = Complaint(log, name, "Event log of")
        self._writer = MessageWriter(self._settings, node)
        self._connect()

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        """See `IEventLog.store`."""
        return Deferred.fromCoroutine(self._store(entries))

    def at_rest(self, number: int, time: float) -> Deferred[None]:
        """A reader of a queue waits for nobody."""
        return succeed(None)

    def end(self) -> Deferred[None]:
        """See `IEventLog.end`."""
        self._state = "ended"
        if self._connects is not None:
            self._connects.cancel()
            self._connects = None
        if self._opening is not None:
            self._opening.cancel()
        if self._opened is None:
            return succeed(None)
        self._ended = Deferred()
        client = self._opened.client
        limit = self._reactor.callLater(END_SECONDS, client.abort, "the log ends")
        self._ended.addCallback(lambda _: limit.cancel() if limit.active() else None)
        client.close()
        return self._ended

    def figures(self) -> Mapping[str, object]:
        """See `IEventLog.figures`."""
        opened = self._opened
        return {
            "state": self._state_now(),
            "problem": self._trouble(),
            "address": self._settings.address.shown[:100],
            "broker": opened.product if opened is not None else "",
            "queue": self._settings.queue,
            "in_flight": self._flight.messages,
            "last_id": self._last,
            **{name: self._counts[name] for name in _COUNTS},
        }

    def _trouble(self) -> str:
        return self._complaint.text if self._complaint is not None else ""

    def _state_now(self) -> str:
        trouble = self._trouble()
        if self._state in ("connecting", "waiting"):
            return f"connecting: {trouble}" if trouble else "connecting"
        if self._state == "connected" and trouble:
            return f"connected, but what was given last was not taken: {trouble}"[:300]
        silent = self._reactor.seconds() - self._moved_at if self._flight.messages else 0.0
        if silent >= SLOW_SECONDS:
            return f"{self._state}, but the broker has taken nothing for {silent:.0f} seconds"
        return self._state

    async def _store(self, entries: Sequence[Entry]) -> None:
        if self._opening is not None:
            attempted: Deferred[None] = Deferred()
            self._attempted.append(attempted)
            await attempted
        if self._opened is None:
            raise AmqpLost(f"there is no connection to the broker ({self._state_now()})")
        opened = self._opened
        try:
            await self._give(opened, entries)
        except AmqpLost as problem:
            self._counts["failed"] += 1
            self._counts["refused"] += problem.refused
            self._not_stored = True
            self._complain(str(problem))
            raise
        self._over(stored=True)

    async def _give(self, opened: Opened, entries: Sequence[Entry]) -> None:
        """Have the broker accept all. :raise AmqpLost: it has not."""
        assert self._writer is not None
        client, reactor = opened.client, self._reactor
        why = f"it has accepted nothing of what it was given in {ACCEPT_SECONDS:g} seconds"
        limit = reactor.callLater(ACCEPT_SECONDS, client.abort, why)
        flight = Flight()
        self._flight, self._moved_at = flight, reactor.seconds()

        async def landed() -> None:
            """The oldest message on its way has an outcome."""
            written, problem = await flight.oldest()
            if problem is not None:
                flight.problem = flight.problem or self._about(written, problem)
                return
            self._moved_at = reactor.seconds()
            self._last = written.name
            self._counts["stored"] += 1
            if limit.active():
                limit.reset(ACCEPT_SECONDS)

        try:
            for at in range(0, len(entries), SLICE):
                for entry in entries[at : at + SLICE]:
                    while flight.full and not flight.problem:
                        await landed()
                    if flight.problem:
                        break
                    written = self._writer.write(entry)
                    flight.add(written, client.send(opened.address, written.encoded))
                # Others have their turn before more is written.
                await deferLater(reactor, 0, lambda: None)
            while flight.messages:
                await landed()
        finally:
            if limit.active():
                limit.cancel()
        if flight.problem:
            raise flight.problem

    def _about(self, written: Written, problem: AmqpLost) -> AmqpLost:
        size = len(written.encoded)
        what = "" if problem.refused else "it is not known whether the broker has "
        text = f"{what}message {written.name} of {size} bytes: {problem}"
        return AmqpLost(text, refused=problem.refused)

    def _connect(self) -> None:
        self._connects = None
        self._state = "connecting"
        self._began = self._reactor.seconds()
        opening = Deferred.fromCoroutine(
            open_queue(self._reactor, self._settings, self._lost, found=self._found)
        )
        # It may have failed already.
        self._opening = opening
        opening.addCallbacks(self._connected, self._failed).addErrback(self._broke)

    def _connected(self, opened: Opened) -> None:
        self._opening = None
        if self._state == "ended":
            opened.client.abort("the log ends")
            return
        self._opened = opened
        self._state = "connected"
        self._counts["connections"] += 1
        if not self._not_stored:
            self._over(stored=False)
        self._attempt_over()

    def _failed(self, failure: Failure) -> None:
        """Nobody is there, or no queue, or nobody who lets us in."""
        failure.trap(AmqpLost)
        self._opening = None
        self._found = isinstance(failure.value, HasArguments)
        if self._state != "ended":
            if self._found:
                # Its type is no trouble: it is asked for as one that is there.
                self._connect()
                return
            self._complain(str(failure.value))
            self._wait()
        self._attempt_over()

    def _attempt_over(self) -> None:
        attempted, self._attempted = self._attempted, []
        for each in attempted:
            each.callback(None)

    def _lost(self, problem: AmqpLost) -> None:
        """The connection is no more."""
        self._opened = None
        if self._state == "ended":
            if self._ended is not None:
                self._ended.callback(None)
            return
        if self._reactor.seconds() - self._began > LASTING_SECONDS:
            self._pauses.over()
        if not self._not_stored:
            self._complain(str(problem))
        self._wait()

    def _wait(self) -> None:
        self._state = "waiting"
        self._connects = self._reactor.callLater(self._pauses.next(), self._connect)

    def _complain(self, problem: str) -> None:
        """Say what is wrong, once for as long as it stays the same."""
        assert self._complaint is not None
        self._complaint.about(problem, problem.rpartition(": ")[2])

    def _over(self, *, stored: bool) -> None:
        """It works, or works again."""
        assert self._complaint is not None
        if stored:
            self._not_stored = False
            self._pauses.over()
        self._complaint.over()

    def _broke(self, failure: Failure) -> None:
        log.failure("Event log of {node} broke", failure=failure, node=self._node)


def make(settings: Mapping[str, object]) -> AmqpEventLog:
    """
    See `ixproxy.eventlog.amqp_maker.make`.

    :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
    """
    return AmqpEventLog(read_settings(settings))
