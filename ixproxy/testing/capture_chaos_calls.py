"""Calls over HTTP as a source of a capture chaos run: SOAP and JSON, each with its own name."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, gatherResults
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from ixproxy.testing.capture_chaos_relayed import link_faults
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_words import NOWHERE, QUEUE, Given, Sort, Told
from ixproxy.testing.ports import free_ports
from ixproxy.testing.relay import Relay

CALLERS = 8
PATIENCE = 8.0
"""Seconds that a caller waits for an answer before it asks again."""

HASTY_SHARE, ASKS_AGAIN_SHARE = 0.03, 0.05
"""Callers that do not wait at first, and those that ask again though they were answered."""

SOAP_PATH = "/Genesys/Interaction/claims/WebServiceCapturePoint"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:ixn="http://www.genesyslab.com/interaction"><s:Body>{}</s:Body></s:Envelope>'
)
_SUBMIT = (
    "<ixn:Submit><ixn:ExternalId>{}</ixn:ExternalId>"
    "<ixn:MediaType>email</ixn:MediaType><ixn:Queue>{}</ixn:Queue></ixn:Submit>"
)
_ID = re.compile(r"InteractionId</ixn:key>\s*<ixn:value>\s*<ixn:ValueString>([^<]*)<")

LOST = (
    CancelledError, ConnectError, ConnectingCancelledError, ConnectionClosed, PotentialDataLoss,
    RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived,
    TimeoutError,
)  # fmt: skip
"""How a call ends that nobody answers."""

_SOAP = frozenset({Sort.GOOD, Sort.TORN, Sort.REFUSED})
"""What half of all callers say in SOAP; it has one operation in a call."""


class Answer(NamedTuple):
    """What came of a call."""

    status: int
    body: str


class _Body(Protocol):
    """The body of an answer; fails where the connection was lost on the way."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.whole: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """A part of it."""
        self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework says that it was all, or why not."""
        if self.whole.called:
            return
        if reason.check(ResponseDone):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)


class Calls(Source):
    """Some callers, each of which calls until it is answered for good."""

    notified = False

    def __init__(self, reactor: Any, folder: Path, random: Random) -> None:
        super().__init__(reactor, folder, random)
        (self.port,) = free_ports(1, SystemRandom())
        self.relay = Relay(reactor, self.port)
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = CALLERS
        self._agent = Agent(reactor, connectTimeout=PATIENCE, pool=self._pool)
        self._errors: dict[str, list[str]] = {}
        self._told: list[Told] = []
        self._waiting = 0
        self.statuses: Counter[int] = Counter()

    async def start(self) -> None:
        """Callers go through a relay."""
        await super().start()
        await self.relay.start()

    async def stop(self) -> None:
        """Hang up."""
        await self.relay.stop()
        await self._pool.closeCachedConnections()

    def settings(self) -> Mapping[str, object]:
        """A port of its own, which both servers of the pair use in turn."""
        return {
            "use": "webservice",
            "listen": f"tcp:{self.port}:interface=127.0.0.1",
            "soap-hostname": "127.0.0.1",
        }

    async def give(self, documents: Sequence[Given]) -> None:
        """Call with all of them, several at a time."""
        left = list(reversed(documents))
        self._waiting += len(left)

        async def call() -> None:
            while left:
                await self._settle(left.pop())
                self._waiting -= 1

        calling = [Deferred.fromCoroutine(call()) for _ in range(CALLERS)]
        await gatherResults(calling, consumeErrors=True)

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """The connections of the callers."""
        return link_faults(self, lambda: self.relay)

    async def _settle(self, given: Given) -> None:
        """Call until the answer is one for good, and now and then once more."""
        soap = given.sort in _SOAP and self.random.random() < 0.5
        patience = PATIENCE
        if self.random.random() < HASTY_SHARE:
            patience = self.random.random() * 0.02
        again = self.random.random() < ASKS_AGAIN_SHARE
        while True:
            try:
                answer = await self._call(given, soap, patience)
            except LOST:
                patience = PATIENCE
                await self.pause()
                continue
            self.statuses[answer.status] += 1
            if answer.status == 503:
                await self.pause()
                continue
            self._note(given, soap, answer)
            if not again:
                return
            again = False

    async def _call(self, given: Given, soap: bool, patience: float) -> Answer:
        path, kind, body = _soap(given) if soap else _json(given)
        headers = Headers({"Content-Type": [kind], "Idempotency-Key": [f'"{given.name}"']})
        called = Deferred.fromCoroutine(self._ask(path, headers, body))
        return await called.addTimeout(patience, self.reactor)

    async def _ask(self, path: str, headers: Headers, body: bytes) -> Answer:
        url = f"http://127.0.0.1:{self.relay.port}{path}".encode()
        response = await self._agent.request(b"POST", url, headers, FileBodyProducer(BytesIO(body)))
        body_read = _Body()
        response.deliverBody(body_read)
        return Answer(response.code, (await body_read.whole).decode())

    def _note(self, given: Given, soap: bool, answer: Answer) -> None:
        if answer.status not in (200, 201):
            # Who asks twice is refused twice.
            reasons = self._errors.setdefault(given.name, [])
            if answer.body not in reasons:
                reasons.append(answer.body)
            if given.refused:
                self._told += [Told("error", id, f"{id} {answer.status}") for id in given.refused]
            return
        if soap:
            found = _ID.findall(answer.body)
            self._told += [Told("submitted", given.name, id, id) for id in found]
            return
        said = json.loads(answer.body)
        for result in said.get("results", [said]):
            external_id, id = result.get("externalId", ""), result.get("interactionId", "")
            if "error" in result or "problem" in result:
                self._told.append(Told("error", external_id, f"{external_id} {answer.status}"))
            else:
                self._told.append(Told("submitted", external_id, id, id))

    async def left(self) -> int:
        """Calls without an answer."""
        return self._waiting

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """Callers are told what is wrong: the error place is the answer."""
        return self._errors

    async def told(self) -> Sequence[Told]:
        """What the answers say."""
        return self._told


def _json(given: Given) -> tuple[str, str, bytes]:
    """A call in JSON: path, content type and body."""
    if given.sort is Sort.TORN:
        return "/interactions", "application/json", f'{{"externalId": "{given.name}"'.encode()
    verb = "explode" if given.sort is Sort.VERB else "submit"
    asked = [(id, QUEUE) for id in given.submits] + [(id, NOWHERE) for id in given.refused]
    said = [
        {"externalId": id, "properties": {"MediaType": "email", "Queue": queue}}
        for id, queue in asked or [(given.name, QUEUE)]
    ]
    if len(said) == 1 and verb == "submit":
        return "/interactions", "application/json", json.dumps(said[0]).encode()
    batch = {"operations": [{"operation": verb, **each} for each in said]}
    return "/batch", "application/json", json.dumps(batch).encode()


def _soap(given: Given) -> tuple[str, str, bytes]:
    """The same in SOAP."""
    queue = NOWHERE if given.sort is Sort.REFUSED else QUEUE
    text = _ENVELOPE.format(_SUBMIT.format(given.name, queue))
    if given.sort is Sort.TORN:
        text = text[: len(text) // 2]
    return SOAP_PATH, "text/xml; charset=utf-8", text.encode()
