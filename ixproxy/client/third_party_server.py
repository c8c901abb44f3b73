"""
A server of one's own that nodes call: an external server (ESP).

    async def answer(call: Call) -> Result:
        return Result({"Category": classify(call.user_data)})

    server = await serve(reactor, "tcp:7301", name="classifier", answer=answer)
    …
    await server.stop()

Nodes connect to it, for it stands among their `connections` in the deployment
file; they register, and each `Request3rdServer` becomes one call of `answer`. What that
returns is the response; a `Fault` that it raises is told to the caller; anything else
that it raises is a fault, too, and in the log.

Theory of operation: a connection must register in time, with a name, as a type of
client that may call (nodes are of type `InteractionServer`; routing clients, agents and
media servers may call directly). Each has a window of calls that are under way; one
more is refused as busy, with nothing done. A caller that does not read is left unread,
then closed; one that speaks nonsense is closed. What is under way when a caller goes
is still done, and counts until it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.client.callers import Callers, CallLimits
from ixproxy.client.shared import keep_alive, turn_end
from ixproxy.errors import IxproxyError
from ixproxy.messages import Event3rdServerFault, Event3rdServerResponse, Request3rdServer
from ixproxy.messages.message import KeyValues, Message
from ixproxy.net.dialling import Dialling
from ixproxy.net.door import OPEN, Door
from ixproxy.tls import read_credential
from ixproxy.values import TlsFiles

__all__ = ["Call", "CallLimits", "Fault", "Result", "ThirdPartyServer", "serve"]

log = Logger()

TICK = 1.0
"""Seconds between looks at callers that do not read or do not register."""
INTERNAL_FAULT = "InternalFault"
"""The code of the fault of a callback that failed; its reason is for the log alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    What a caller wants.

    :ivar service: the entry point, with `method` and `version`; "": not said.
    :ivar parameters: the arguments of the method.
    :ivar user_data: the context that the caller brings, such as that of an interaction.
    :ivar envelope: all of `Envelope3rdServer`, as it came.
    :ivar tenant_id: 1 and more.
    :ivar media_type: "", as `interaction_id`, where the call is about none.
    :ivar caller: the name that the connection registered with: a node's.
    :ivar seconds: in which an answer is of use; None: not said.
    """

    service: str
    method: str
    version: str
    parameters: KeyValues
    user_data: KeyValues
    envelope: KeyValues
    tenant_id: int
    media_type: str
    interaction_id: str
    caller: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """
    What a caller gets.

    :ivar parameters: the output parameters: strings, numbers, bytes and key-value
        lists of these, by name.
    :ivar user_data: goes back to the caller.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    user_data: Mapping[str, Any] = field(default_factory=dict)


class Fault(IxproxyError):
    """
    Raised by a callback: the call has failed, in a way that its caller is told.

    :ivar code: for programs, 1 to 255 characters, such as `UnknownMethod`.
    :ivar text: for people, up to 1000 characters.
    """

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code[:255]
        self.text = text[:1000]


Callback = Callable[[Call], Awaitable[Result] | Result]


def serve(
    reactor: Any,
    where: str | IStreamServerEndpoint,
    *,
    name: str,
    answer: Callback,
    tls: TlsFiles | None = None,
    door: Door = OPEN,
    limits: CallLimits | None = None,
) -> Deferred[ThirdPartyServer]:
    """
    Listen for nodes, and answer their calls.

    :param where: an endpoint string such as `tcp:7301`, or an endpoint.
    :param name: the server's name: that of its application.
    :param answer: given a `Call`, returns a `Result`, or something to await one
        from: a coroutine, or a Deferred. It may raise `Fault`.
    :param tls: the files of certificate, key and authorities; given, `where` is a
        `tcp:` endpoint string that is listened on with TLS. None: no TLS.
    :param door: who may come in, by certificate or password, and as what
        (`ixproxy.net.door`); by default anybody. A node is of type
        `InteractionServer`.
    :param limits: what callers may cost.
    :return: fires with the server once it listens.
    :raise ValueError: `where` is not understood, or TLS is wanted on an endpoint
        that is not given as a string.
    :raise ixproxy.tls.TlsProblem: a file of `tls` cannot be used.
    """
    server = ThirdPartyServer(reactor, name, answer, door, limits or CallLimits())
    return server.listen(_listening(reactor, where, tls)).addCallback(lambda _: server)


def _listening(
    reactor: Any, where: str | IStreamServerEndpoint, tls: TlsFiles | None
) -> IStreamServerEndpoint:
    if not isinstance(where, str):
        if tls is not None:
            raise ValueError("with TLS the endpoint must be given as a string")
        return where
    try:
        if tls is None:
            made: IStreamServerEndpoint = serverFromString(reactor, where)
            return made
        credential = read_credential(tls, datetime.fromtimestamp(time(), UTC))
        return Dialling(reactor, credential).listening(where)
    except TypeError as problem:
        raise ValueError(f"{where!r} is no endpoint: {problem}") from problem


class ThirdPartyServer:
    """
    A server that listens; made by `serve`.

    :ivar calls: how many calls were begun so far, and `faults`, how many of them
        ended with a fault.
    """

    def __init__(
        self, reactor: Any, name: str, answer: Callback, door: Door, limits: CallLimits
    ) -> None:
        self.name = name
        self.calls = 0
        self.faults = 0
        self._reactor = reactor
        self._answer = answer
        self._callers = Callers(
            reactor,
            name,
            door,
            limits,
            turn_end(reactor),
            keep_alive(reactor, limits.keep_alive_interval, limits.keep_alive_limit),
            self._called,
        )
        self._port: IListeningPort | None = None
        self._tick = LoopingCall(self._callers.ticked)
        self._tick.clock = reactor
        self._stopping: Deferred[None] | None = None

    @property
    def port(self) -> IListeningPort:
        """Where it listens."""
        assert self._port is not None
        return self._port

    @property
    def connected(self) -> list[str]:
        """The names of those who are registered."""
        return self._callers.names

    @property
    def under_way(self) -> int:
        """Calls that are not answered yet."""
        return self._callers.under_way

    def listen(self, endpoint: IStreamServerEndpoint) -> Deferred[None]:
        """Begin to listen; called once, by `serve`."""
        self._tick.start(TICK, now=False)

        def listens(port: IListeningPort) -> None:
            self._port = port

        def failed(failure: Failure) -> Failure:
            self._tick.stop()
            return failure

        listening: Deferred[Any] = endpoint.listen(self._callers)
        return listening.addCallbacks(listens, failed)

    def stop(self, grace: float = 5.0) -> Deferred[None]:
        """
        Take no more calls, answer those under way, and close.

        :param grace: seconds that they may still take.
        :return: fires when all connections are closed; again and again.
        """
        if self._stopping is None:
            self._stopping = Deferred.fromCoroutine(self._stop(grace))
        stopped: Deferred[None] = Deferred()
        self._stopping.addBoth(lambda _: stopped.callback(None))
        return stopped

    async def _stop(self, grace: float) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        await self._callers.stop(grace)
        if self._tick.running:
            self._tick.stop()

    def _called(
        self, caller: str, message: Request3rdServer, seconds: float | None
    ) -> Deferred[Message]:
        """One call: what it is answered with; never fails."""
        self.calls += 1
        envelope = message.envelope3rd_server
        parameters = envelope.get("Parameters")
        call = Call(
            _text(envelope, "Service"),
            _text(envelope, "Method"),
            _text(envelope, "Version"),
            parameters if isinstance(parameters, dict) else {},
            message.user_data,
            envelope,
            message.tenant_id,
            message.media_type,
            message.interaction_id,
            caller,
            seconds,
        )

        def returned(result: object) -> Message:
            if not isinstance(result, Result):
                raise TypeError(f"the callback returned {type(result).__name__}, expected Result")
            return self._response(call, result)

        def failed(failure: Failure) -> Message:
            if isinstance(failure.value, Fault):
                return self._fault(call, failure.value.code, failure.value.text)
            log.failure("A call to {name} failed", failure, name=self.name)
            return self._fault(call, INTERNAL_FAULT, "the external server failed")

        made: Deferred[Any] = maybeDeferred(self._run, call)
        return made.addCallback(returned).addErrback(failed)

    def _run(self, call: Call) -> Any:
        result = self._answer(call)
        if isinstance(result, Result | Deferred):
            return result

        async def awaited() -> Any:
            return await result

        return Deferred.fromCoroutine(awaited())

    def _response(self, call: Call, result: Result) -> Message:
        envelope = {**_echo(call.envelope), "Parameters": dict(result.parameters)}
        return Event3rdServerResponse(
            interaction_id=call.interaction_id,
            envelope3rd_server=envelope,
            user_data=dict(result.user_data),
        )

    def _fault(self, call: Call, code: str, text: str) -> Message:
        self.faults += 1
        return Event3rdServerFault(
            interaction_id=call.interaction_id,
            fault_code=code,
            fault_string=text,
            envelope3rd_server={
                **_echo(call.envelope),
                "FaultCode": code,
                "FaultString": text,
            },
        )


def _text(envelope: KeyValues, key: str) -> str:
    value = envelope.get(key)
    return value if isinstance(value, str) else ""


def _echo(envelope: KeyValues) -> KeyValues:
    keys = ("AppName", "AppType", "Service", "Method", "Version")
    return {key: envelope[key] for key in keys if isinstance(envelope.get(key), str)}
