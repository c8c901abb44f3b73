"""
Requests of the web service, from when they came until they are answered.

Theory of operation: a request is read by the face that its path belongs to. What
comes of it is an answer at once, or a document, which is handed in as soon as
there is room; a request that waits too long for that is told to come again, and
one whose connection is lost is dropped at once: its bytes are counted no longer,
so nothing of it may be kept. The answer goes out when the document is durable. A
caller that is lost after it was handed in does not take it back: it is done, and
who calls again with the same receipt is told the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.capture.json_face import JsonFace
from ixproxy.capture.json_writing import json_reply, request_problem
from ixproxy.capture.soap_face import SoapFace
from ixproxy.capture.web_channel import WebRequest
from ixproxy.capture.web_receipts import REUSED, is_reused
from ixproxy.capture.web_users import CHALLENGE, Users
from ixproxy.capture.web_values import Asked, Call, Face, Reply, plain
from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces_capture import IIntake
from ixproxy.node.intake_work import Taken

log = Logger()

HEALTH = ("health",)

_CODES = {413: Code.TOO_LARGE, 503: Code.BUSY}
"""What the field has a code for, of the reasons why a request is not read to its end."""

_GET = (("Allow", "GET, HEAD"),)


@dataclass(slots=True)
class Counts:
    """
    What became of requests.

    :ivar busy: told to come again, and `refused`: any other error; `failed`: a bug of ours.
    :ivar lost: nobody was there any more for the answer.
    """

    requests: int = 0
    soap: int = 0
    json: int = 0
    answered: int = 0
    refused: int = 0
    busy: int = 0
    failed: int = 0
    lost: int = 0


@dataclass(slots=True, eq=False)
class _Waiting:
    """
    A request that became work.

    :ivar limit: until when it waits for room.
    """

    request: WebRequest
    face: Face
    call: Call
    limit: IDelayedCall | None = None


@dataclass(slots=True)
class Faces:
    """
    Which face answers what.

    :ivar soap: there is none before the service knows its address.
    """

    json: JsonFace | None = None
    soap: SoapFace | None = None
    soap_paths: frozenset[tuple[str, ...]] = field(default=frozenset())


class Answers:
    """
    Answers the requests of one term.

    :param busy_timeout: seconds that a request waits for room.
    :ivar users: who may ask; None: anybody.
    """

    def __init__(self, intake: IIntake, busy_timeout: float) -> None:
        self._intake = intake
        self.users: Users | None = None
        self._busy_timeout = busy_timeout
        self._waiting: OrderedDict[WebRequest, _Waiting] = OrderedDict()
        self._is_woken = False
        self._is_ending = False
        self.faces = Faces()
        self.counts = Counts()
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many requests wait for room."""
        return len(self._waiting)

    def end(self) -> None:
        """Hand nothing in any more: who waits is told to come again."""
        self._is_ending = True
        while self._waiting:
            self._turn_away(self._first(), Code.STOPPING)

    def asked(self, request: WebRequest, asked: Asked) -> None:
        """A request came, whole."""
        self.counts.requests += 1
        if asked.path == HEALTH:
            self._answer(request, self._health(asked))
        elif self.users is None:
            self._let_in(request, asked)
        else:
            knowing = self.users.knows(asked)
            knowing.addCallback(lambda known: self._known(request, asked, known))
            knowing.addErrback(lambda failure: self._broken(request, failure))

    def refused(self, status: int, why: str, path: tuple[str, ...] = ()) -> Reply:
        """
        A request that cannot be read as far as its end.

        :param path: that it is for; (): not known.
        """
        self.counts.requests += 1
        self.counts.refused += 1
        face = self.faces.soap if path in self.faces.soap_paths else self.faces.json
        if face is not None and status in _CODES:
            return face.failed(RequestRefused(_CODES[status], why))
        return request_problem(status, HTTPStatus(status).phrase, why)

    def lost(self, request: WebRequest) -> None:
        """
        The connection of a request is gone.

        One that waits for room is dropped with its document: nothing was promised, and who
        still wants it calls again.
        """
        waiting = self._waiting.pop(request, None)
        if waiting is not None:
            self.counts.lost += 1
            if waiting.limit is not None:
                waiting.limit.cancel()

    def _known(self, request: WebRequest, asked: Asked, known: bool) -> None:
        if known:
            self._let_in(request, asked)
        else:
            text = "a user and his password are needed"
            self._answer(request, request_problem(401, "Not authenticated", text, (CHALLENGE,)))

    def _let_in(self, request: WebRequest, asked: Asked) -> None:
        face = self._face(asked)
        if face is None:
            self._answer(request, plain(404, "not found"))
            return
        try:
            read = face.read(asked)
        except Exception:
            # No request may do this; if one does, its caller learns nothing from it.
            self._broken(request, Failure())
            return
        if isinstance(read, Call):
            self._hand_in(_Waiting(request, face, read))
            return
        if read.unread:
            self._intake.refused(read.unread, f"{asked.method} /{'/'.join(asked.path)}"[:200])
        self._answer(request, read)

    def _face(self, asked: Asked) -> Face | None:
        if asked.path in self.faces.soap_paths:
            self.counts.soap += 1
            return self.faces.soap
        self.counts.json += 1
        return self.faces.json

    def _hand_in(self, waiting: _Waiting) -> None:
        if self._is_ending:
            self._turn_away(waiting, Code.STOPPING)
        elif not self._waiting and self._intake.room():
            self._take(waiting)
        elif not self._busy_timeout:
            self._turn_away(waiting, Code.BUSY)
        else:
            clock = self._intake.reactor
            waiting.limit = clock.callLater(self._busy_timeout, self._waited, waiting)
            self._waiting[waiting.request] = waiting
            self._wait()

    def _first(self) -> _Waiting:
        return self._waiting.popitem(last=False)[1]

    def _wait(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._intake.when_room(self._room)

    def _room(self) -> None:
        self._is_woken = False
        while self._waiting and self._intake.room():
            waiting = self._first()
            if waiting.limit is not None:
                waiting.limit.cancel()
            self._take(waiting)
        if self._waiting:
            self._wait()

    def _waited(self, waiting: _Waiting) -> None:
        del self._waiting[waiting.request]
        waiting.limit = None
        self._turn_away(waiting, Code.BUSY)

    def _turn_away(self, waiting: _Waiting, code: int) -> None:
        if waiting.limit is not None:
            waiting.limit.cancel()
        self._answer(waiting.request, waiting.face.failed(RequestRefused(code)))

    def _take(self, waiting: _Waiting) -> None:
        self.in_flight += 1
        taking = maybeDeferred(self._intake.take, waiting.call.document)
        taking.addBoth(self._landed)
        taking.addCallbacks(
            lambda taken: self._taken(waiting, taken),
            lambda failure: self._not_taken(waiting, failure),
        )
        taking.addErrback(lambda failure: self._broken(waiting.request, failure))

    def _landed(self, outcome: object) -> object:
        self.in_flight -= 1
        return outcome

    def _taken(self, waiting: _Waiting, taken: Taken) -> None:
        if is_reused(waiting.call.document, taken):
            self._answer(waiting.request, waiting.face.reused(REUSED))
        else:
            self._answer(waiting.request, waiting.call.done(taken))

    def _not_taken(self, waiting: _Waiting, failure: Failure) -> None:
        problem = failure.value
        if isinstance(problem, RequestRefused):
            self._answer(waiting.request, waiting.call.refused(problem))
        else:
            self._broken(waiting.request, failure)

    def _answer(self, request: WebRequest, reply: Reply) -> None:
        if request.gone:
            self.counts.lost += 1
        elif reply.status < 400:
            self.counts.answered += 1
        elif reply.status == 503:
            self.counts.busy += 1
        else:
            self.counts.refused += 1
        request.answer(reply)

    def _broken(self, request: WebRequest, failure: Failure) -> None:
        self.counts.failed += 1
        log.failure("A request could not be answered", failure=failure)
        request.answer(plain(500, "Internal error"))

    def _health(self, asked: Asked) -> Reply:
        if asked.method not in ("GET", "HEAD"):
            return request_problem(405, "Method not allowed", "expected GET or HEAD", _GET)
        if self._is_ending:
            return json_reply({"status": "stopping"}, 503)
        return json_reply({"status": "ok" if self._intake.room() else "busy"})
