"""A web service, a node in memory for it, and callers: what its tests share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

from lxml import etree
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from ixproxy.capture.web_service import WebService, make
from ixproxy.errors import Code
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Document, Operation, Problem, Result, Verb
from ixproxy.testing.fake_intake import FakeIntake

SOAP_PATH = "/Genesys/Interaction/web-in/WebServiceCapturePoint"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://www.genesyslab.com/interaction"


class Interactions:
    """What a node does with operations, in short: enough for callers to see what they did."""

    def __init__(self) -> None:
        self.there: dict[str, KeyValues] = {}
        self._last = 0

    def results(self, document: Document) -> Sequence[Result]:
        """Do all of a document."""
        return [self._do(operation) for operation in document.operations]

    def _do(self, asked: Operation) -> Result:
        if asked.problem is not None:
            return Result(verb=asked.verb, problem=asked.problem)
        if asked.verb is Verb.PING:
            return Result(verb=Verb.PING, properties={"interactions": len(self.there)})
        if asked.verb is Verb.SUBMIT:
            return self._submit(asked)
        id = asked.interaction_id or next(self._named(asked.external_id), "")
        if id not in self.there:
            return self._refused(asked, Code.UNKNOWN_INTERACTION, f"there is no {id!r}")
        kept = self.there[id]
        held = asked.verb is Verb.HOLD
        if asked.verb in (Verb.HOLD, Verb.RESUME):
            if kept["IsHeld"] == int(held):
                return self._refused(asked, Code.ALREADY_HELD if held else Code.NOT_HELD)
            kept["IsHeld"] = int(held)
        elif asked.verb is Verb.STOP:
            del self.there[id]
        elif asked.verb is Verb.UPDATE:
            kept |= asked.properties | asked.user_data
            for key in asked.deleted:
                kept.pop(key, None)
        shown = dict(kept) if asked.verb is Verb.GETINFO else {}
        external_id = kept.get("ExternalId", "")
        return Result(verb=asked.verb, interaction_id=id, external_id=external_id, properties=shown)

    def _submit(self, asked: Operation) -> Result:
        self._last += 1
        id = asked.interaction_id or f"{self._last:016d}"
        if id in self.there:
            return self._refused(asked, Code.DUPLICATE_INTERACTION)
        self.there[id] = {
            "InteractionId": id,
            "ExternalId": asked.external_id,
            "IsHeld": int(asked.hold),
            **asked.properties,
            **asked.user_data,
        }
        return Result(verb=Verb.SUBMIT, interaction_id=id, external_id=asked.external_id)

    def _named(self, external_id: str) -> Iterator[str]:
        for id, kept in self.there.items():
            if external_id and kept["ExternalId"] == external_id:
                yield id

    def _refused(self, asked: Operation, code: int, description: str = "") -> Result:
        return Result(verb=asked.verb, problem=Problem(code=code, description=description))


class Answered:
    """One HTTP answer, read from bytes."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        self.body = body


class Stage(Protocol):
    """Where a service in memory is."""

    @property
    def factory(self) -> Any:
        """What makes its connections."""

    def later(self, seconds: float) -> None:
        """Time passes."""


class Caller:
    """A connection to a service in memory."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.transport = StringTransport()
        self.transport.abortConnection = self.lose  # type: ignore[method-assign]
        self.protocol = stage.factory.buildProtocol(None)
        self.lost = False
        if self.protocol is None:
            self.lost = True
            return
        self.protocol.makeConnection(self.transport)

    def send(self, raw: bytes) -> None:
        """So many bytes, and what they cause at once."""
        self.protocol.dataReceived(raw)
        self.stage.later(0)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> list[Answered]:
        """A whole request; the answers that came since the last were read."""
        self.send(request(method, path, body, headers))
        return self.answers()

    def answers(self, *, head_only: bool = False) -> list[Answered]:
        """All answers that have come and were not read yet."""
        raw = self.transport.value()
        self.transport.clear()
        found = []
        while raw:
            head, _, raw = raw.partition(b"\r\n\r\n")
            answer = Answered(head, b"")
            if answer.status >= 200 and not head_only:
                length = int(answer.headers["content-length"])
                answer.body, raw = raw[:length], raw[length:]
            found.append(answer)
        return found

    def lose(self) -> None:
        """The connection is lost."""
        if not self.lost:
            self.lost = True
            self.protocol.connectionLost(Failure(ConnectionDone()))

    def is_closed(self) -> bool:
        """Whether the service has closed it."""
        return self.lost or self.transport.disconnecting


def request(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a request."""
    given = {"Host": "ixn1", **(headers or {})}
    if body:
        given.setdefault("Content-Length", str(len(body)))
        given.setdefault("Content-Type", "application/json")
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


class WebStage:
    """A web service in memory, its term begun."""

    def __init__(self, most: int = 100, **settings: object) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.intake = FakeIntake(self.reactor, "web-in", most=most)
        self.interactions = Interactions()
        self.intake.results_of = self.interactions.results
        self.point: WebService = make(
            {"listen": "tcp:8080", "soap-hostname": "ixn1", **dashed(settings)}
        )
        self.point.begin(self.intake)

    @property
    def factory(self) -> Any:
        """What makes connections."""
        return self.reactor.tcpServers[0][1]

    def later(self, seconds: float) -> None:
        """Time passes."""
        for _ in range(round(seconds)):
            self.reactor.advance(1)
        self.reactor.advance(0)
        self.reactor.advance(0)


def dashed(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings by the names that they have in a file."""
    return {key.replace("_", "-"): value for key, value in settings.items()}


def envelope(inner: str, header: str = "") -> bytes:
    """A SOAP request whose body is `inner`, where `ixn:` is the service's namespace."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}"'
        f' xmlns:ixn="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{header}<s:Body>{inner}</s:Body></s:Envelope>"
    ).encode()


def shown(raw: bytes) -> str:
    """The one element of an envelope's body, without namespaces."""
    inner = deepcopy(etree.fromstring(raw)[0][0])
    for element in inner.iter():
        element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(inner)
    return etree.tostring(inner).decode()
