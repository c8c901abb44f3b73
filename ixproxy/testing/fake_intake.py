"""
An intake without a node, and a node's way of telling: for tests of capture points.

    intake = FakeIntake(Clock())
    intake.answers = [Say.BUSY, Say.IN_DOUBT]      then TAKEN for ever
    point.begin(intake)
    intake.documents                               what was handed in, each time
    intake.taken                                   what is durable, each once

    teller = Teller(intake.reactor, point)
    teller.tell(notification(Said.STOPPED, "X1"))  as the outbox of a node would
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_work import Document, Notification, Operation, Result, Said, Taken, Verb

TELL_AGAIN = 2.0
"""Seconds after which a `Teller` tells again what could not be told."""


class Say(Enum):
    """How a document is answered; LATE: not until `FakeIntake.settle`."""

    TAKEN = "taken"
    BUSY = "busy"
    STOPPING = "stopping"
    IN_DOUBT = "in doubt"
    DONE_BUT_IN_DOUBT = "done, but in doubt"
    LATE = "late"


_CODES = {
    Say.BUSY: Code.BUSY,
    Say.STOPPING: Code.STOPPING,
    Say.IN_DOUBT: Code.STORE_UNCERTAIN,
    Say.DONE_BUT_IN_DOUBT: Code.STORE_UNCERTAIN,
}


@implementer(IIntake)
class FakeIntake:
    """
    Records what is handed in, and answers by script, never before the reactor's next turn.

    :param most: documents in flight for which there is room.
    :ivar answers: of the next documents, first ones first; TAKEN where there are none.
    :ivar documents: all that were handed in, again and again too.
    :ivar taken: those that are durable: of several with one receipt the first.
    :ivar unusable: those with a problem as a whole, which are in neither list.
    :ivar refusals: (name, why) of what went to the error place.
    :ivar partly_refusals: (name, why) of what was done but for some operations, untold.
    :ivar results_of: makes the results of a document; may be replaced.
    :ivar is_open: False: there is no room, whatever is in flight.
    :ivar crowded: how many were handed in although there was no room.
    """

    def __init__(
        self, reactor: Any, name: str = "mail-in", node: str = "ixn1", most: int = 100
    ) -> None:
        self.reactor = reactor
        self.name = name
        self.node = node
        self.most = most
        self.answers: list[Say] = []
        self.documents: list[Document] = []
        self.taken: list[Document] = []
        self.unusable: list[Document] = []
        self.refusals: list[tuple[str, str]] = []
        self.partly_refusals: list[tuple[str, str]] = []
        self.results_of: Callable[[Document], Sequence[Result]] = self.plain_results
        self.crowded = 0
        self.is_open = True
        self._is_closed = False
        self._in_flight: list[tuple[Document, Deferred[Taken]]] = []
        self._told: list[Callable[[], object]] = []
        self._results: dict[str, tuple[Result, ...]] = {}
        self._last_id = 0

    @property
    def in_flight(self) -> int:
        """How many documents are not answered yet."""
        return len(self._in_flight)

    def take(self, document: Document) -> Deferred[Taken]:
        """Record a document, and answer it as the script says."""
        if not self.room():
            self.crowded += 1
        (self.documents if document.problem is None else self.unusable).append(document)
        answer: Deferred[Taken] = Deferred()
        if self._is_closed:
            self.reactor.callLater(0, answer.errback, RequestRefused(Code.STOPPING))
            return answer
        self._in_flight.append((document, answer))
        say = self.answers.pop(0) if self.answers else Say.TAKEN
        if say is not Say.LATE:
            self.reactor.callLater(0, self._answer, document, answer, say)
        return answer

    def room(self) -> bool:
        """Whether it is open, and not too much is in flight."""
        return self.is_open and not self._is_closed and self.in_flight < self.most

    def when_room(self, told: Callable[[], object]) -> None:
        """Call once there is room."""
        if self.room():
            told()
        else:
            self._told.append(told)

    def refused(self, why: str, name: str = "") -> None:
        """Record what went to the error place."""
        self.refusals.append((name, why))

    def partly_refused(self, why: str, name: str = "") -> None:
        """Record of what not all was done."""
        self.partly_refusals.append((name, why))

    def close_room(self) -> None:
        """There is no room until `open_room`."""
        self.is_open = False

    def open_room(self) -> None:
        """There is room again, and who waits for it is told."""
        self.is_open = True
        self._tell_of_room()

    def settle(self, say: Say = Say.TAKEN) -> None:
        """Answer what is in flight, now, all of it in the same way."""
        for document, answer in list(self._in_flight):
            self._answer(document, answer, say)

    def close(self) -> None:
        """The term is over: what is in flight is in doubt, and nothing is taken any more."""
        self._is_closed = True
        self.settle(Say.IN_DOUBT)

    def plain_results(self, document: Document) -> Sequence[Result]:
        """Every operation is done; what is submitted without an id is given one."""
        return [self._result(operation) for operation in document.operations]

    def _result(self, operation: Operation) -> Result:
        id = operation.interaction_id
        if operation.verb is Verb.SUBMIT and not id and operation.problem is None:
            self._last_id += 1
            id = f"{self._last_id:016d}"
        return Result(
            verb=operation.verb,
            interaction_id=id,
            external_id=operation.external_id,
            problem=operation.problem,
            properties={"InteractionId": id} if operation.verb is Verb.GETINFO else {},
        )

    def _answer(self, document: Document, answer: Deferred[Taken], say: Say) -> None:
        mine = [each for each in self._in_flight if each[1] is answer]
        if not mine:
            return
        self._in_flight.remove(mine[0])
        if say is Say.TAKEN:
            answer.callback(self._store(document))
        else:
            if say is Say.DONE_BUT_IN_DOUBT:
                self._store(document)
            answer.errback(RequestRefused(_CODES[say]))
        self._tell_of_room()

    def _store(self, document: Document) -> Taken:
        if document.receipt and document.receipt in self._results:
            return Taken(results=self._results[document.receipt], repeated=True)
        if document.problem is not None:
            return Taken(problem=document.problem)
        self.taken.append(document)
        results = tuple(self.results_of(document))
        if document.receipt:
            self._results[document.receipt] = results
        return Taken(results=results)

    def _tell_of_room(self) -> None:
        while self._told and self.room():
            self._told.pop(0)()


class Teller:
    """
    Tells a capture point what happened, as a node does: in order, one call at a
    time, and again after a pause where it could not be told.

    :ivar waiting: what is not told yet.
    :ivar failures: why it had to be told again, each time.
    """

    def __init__(self, reactor: Any, point: ICapturePoint) -> None:
        self._reactor = reactor
        self._point = point
        self._busy = False
        self.waiting: list[Notification] = []
        self.failures: list[BaseException] = []

    def tell(self, *notifications: Notification) -> None:
        """Have these told."""
        self.waiting += notifications
        self._next()

    def stop(self) -> None:
        """Tell nothing any more."""
        self.waiting = []

    def _next(self) -> None:
        if self._busy or not self.waiting:
            return
        self._busy = True
        told = list(self.waiting)
        self._point.tell(told).addCallbacks(
            lambda _: self._did(len(told)), lambda failure: self._failed(failure.value)
        )

    def _did(self, count: int) -> None:
        del self.waiting[:count]
        self._busy = False
        self._next()

    def _failed(self, problem: BaseException) -> None:
        self.failures.append(problem)
        if self.waiting:
            self._reactor.callLater(TELL_AGAIN, self._again)
        else:
            self._busy = False

    def _again(self) -> None:
        self._busy = False
        self._next()


_numbers = iter(range(1, 1 << 30))


def notification(said: Said, id: str, **fields: Any) -> Notification:
    """
    What a node might tell of an interaction; `fields` replace those of the Notification.

    Each is made with the next number.
    """
    values: dict[str, Any] = {
        "number": next(_numbers),
        "dbid": 101,
        "at": 1_792_000_000.0,
        "interaction_id": id,
        "external_id": f"E-{id}",
        "properties": {
            "InteractionId": id,
            "ExternalId": f"E-{id}",
            "TenantId": 1,
            "MediaType": "email",
            "Queue": "Inbound",
            "Customer": "Müller",
        },
    }
    return Notification(said=said, **{**values, **fields})
