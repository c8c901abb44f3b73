"""The client: the face that programs are written against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client.connector import Connector
from ixproxy.client.conversation import Conversation
from ixproxy.client.in_flight import Answer
from ixproxy.client.registration import Identity
from ixproxy.client.settings import Settings
from ixproxy.client.warm_standby import Course
from ixproxy.errors import Code, IxproxyError, LocalProtocolError, RequestRefused
from ixproxy.messages.message import Message, Request
from ixproxy.values import ClientType
from ixproxy.wire.names import BY_MESSAGE, Holdings

SETTLED_LATER = (
    m.RequestDeliver,
    m.RequestRouteCall,
    m.RequestTransfer,
    m.RequestConference,
    m.Request3rdServer,
)
"""Requests that are answered when an invited agent has answered."""

Callback = Callable[[Message], None]
EndCallback = Callable[[Exception], None]
ConnectionCallback = Callable[[m.ServerFacts | None], None]
NotRestored = Callable[[Message, RequestRefused], None]


class Client:
    """
    One registered client, connected for as long as it is open.

    Made by `ixproxy.client.connect`. A lost connection is made again, to the
    same server or another: the client registers with the same session, says
    what it holds, logs its agents in again by their sessions, and subscribes
    again. What was in flight fails as in doubt; what is asked meanwhile waits.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        course: Course[IStreamClientEndpoint],
        identity: Identity,
        settings: Settings,
        random: Random,
        *,
        incarnation: int = 0,
        holding: Mapping[str, int] | None = None,
    ) -> None:
        self._clock = reactor
        self._identity = identity
        self._settings = settings
        self._callbacks: list[Callback] = []
        self._not_restored: list[NotRestored] = []
        self._connection_callbacks: list[ConnectionCallback] = []
        self._end_callbacks: list[EndCallback] = []
        self._conversation = Conversation(
            reactor, random, settings, holding or {}, self._heard, self._lack, self._moved
        )
        self._connector = Connector(
            reactor,
            course,
            identity,
            settings,
            self._conversation,
            incarnation,
        )
        self._running: Deferred[None] | None = None
        self._closing: Deferred[None] | None = None

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return f"<Client {self._identity.name!r} ({self._identity.client_type}), {state}>"

    @property
    def connected(self) -> bool:
        """Whether it is registered at a server at this moment."""
        return self._conversation.link is not None

    @property
    def closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing is not None

    @property
    def server(self) -> m.ServerFacts:
        """What the server said of itself at the last registration."""
        return self._conversation.server

    @property
    def holding(self) -> Mapping[str, int]:
        """
        What the client has taken and not given back: interaction id to the
        number of its take; a view that follows. Not listed: what a doubtful
        take may have taken. Listed still: what a doubtful give-back named.
        """
        return self._conversation.held.numbers

    @property
    def invitations(self) -> Mapping[tuple[str, int], m.EventInvite]:
        """
        The invitations that await an answer, by interaction id and ticket; a
        view that follows. After a lost connection servers tell them again.
        """
        return self._conversation.invited.open

    @property
    def doubtful(self) -> frozenset[str]:
        """Those of `holding` that may have been given back already: nobody knows."""
        return self._conversation.held.doubtful

    @property
    def session(self) -> bytes:
        """The name of the client session, for a later run of the program; a secret."""
        return self._identity.session

    @property
    def incarnation(self) -> int:
        """How often the session has connected; greater than in any earlier connection."""
        return self._connector.incarnation

    @property
    def in_flight(self) -> int:
        """Requests without an answer, those included that nobody waits for any more."""
        return len(self._conversation)

    def on_event(self, callback: Callback) -> None:
        """
        Have `callback` told every event, as a message of `ixproxy.messages`.

        Two of them may be made here. An `EventRevoked` whose reason is
        `NotHeld`: the server does not confirm that the client still has the
        interaction. An `EventForcedAgentStateChange` with the operation
        `Logout`: after a lost connection the agent could not be logged in
        again by its `AgentSession`.
        """
        self._callbacks.append(callback)

    def on_connection(self, callback: ConnectionCallback) -> None:
        """
        Have `callback` told of the connection: None when it is lost, and what
        the server says of itself each time that the client is registered again.
        """
        self._connection_callbacks.append(callback)

    def on_not_restored(self, callback: NotRestored) -> None:
        """
        Have `callback` told what does not come back after a lost connection.

        It gets the request that had asked for it, a subscription or something
        said of an agent, and how the server refused the repetition. The client
        does not ask again. (A refused login is an event: see `on_event`.)
        """
        self._not_restored.append(callback)

    def on_end(self, callback: EndCallback) -> None:
        """
        Have `callback` told why the client gave up: no server will have it any
        more, and it does not connect again. Not told of `close`.
        """
        self._end_callbacks.append(callback)

    def request(self, message: Request, timeout: float | None = None) -> Deferred[Any]:
        """
        Ask the server for something.

        Cancelling the Deferred, and a time-out, tell the server that nobody
        waits any more. What the answer to such a request hands over is given
        back with `RequestLeaveInteraction`, and is never part of `holding`.

        :param timeout: seconds; None: the settings' `timeout`, or
            `settling_timeout` for what is answered when an agent or external server has.
        :return: the answer that the names table has for the request: an
            `EventAck`, `EventPulledInteractions`, …; parts are joined.
        :raise ixproxy.errors.RequestRefused: (by the Deferred) the answer is
            an error, or none came: with `in_doubt` set, the request may have
            been carried out. 3000: too many in flight here; 3001: there was
            no connection in time; 2002: no answer in time, or the connection
            was lost.
        :raise ixproxy.errors.LocalProtocolError: (by the Deferred) the
            message cannot be encoded.
        """
        return self.ask(message, timeout).addCallback(lambda answer: answer.message)

    def ask(self, message: Request, timeout: float | None = None) -> Deferred[Answer]:
        """
        As `request`, but the result also says whether the answer is partial.
        """
        if timeout is None:
            settles = isinstance(message, SETTLED_LATER)
            timeout = self._settings.settling_timeout if settles else self._settings.timeout
        return self._conversation.ask(message, timeout)

    def send(self, message: Request | m.EventCurrentAgentStatus) -> None:
        """
        Send a request for which no reply is wanted, or a status of an agent, as
        reporting clients do; what becomes of it is never known.

        :raise ixproxy.errors.RequestRefused: nothing was sent.
        :raise ixproxy.errors.LocalProtocolError: the request takes an
            interaction, which would belong to nobody.
        """
        takes = BY_MESSAGE[type(message)].holdings is Holdings.TAKES
        if takes and not (
            isinstance(message, m.RequestSubmit)
            and self._identity.client_type == ClientType.MEDIA_SERVER
        ):
            raise LocalProtocolError(f"{type(message).__name__} takes, so it needs its reply")
        self._conversation.tell(message)

    def register_again(self, extension: Mapping[str, Any]) -> Deferred[None]:
        """
        Say something else of the client, in this registration and all later
        ones: a router, which strategies it has loaded.

        The server takes it for a client that has come back: what is in flight
        and waits for another agent is answered as in doubt.

        :param extension: keys of the registration's extension in place of
            those of the same names.
        :raise ixproxy.errors.RequestRefused: (by the Deferred) the server does
            not take it, or did not answer in time; it is said on the next connection.
        """
        return Deferred.fromCoroutine(self._connector.register_again(extension))

    def start(self) -> Deferred[None]:
        """Connect; fires at the first registration, fails when there is none."""
        connected: Deferred[None] = Deferred()
        self._running = Deferred.fromCoroutine(self._connector.run(connected))
        self._running.addErrback(self._ended, connected)
        return connected

    def close(self, *, goodbye: bool = True) -> Deferred[None]:
        """
        Say goodbye and close; what is still in flight then is in doubt.

        The server puts back what the client holds at once. Without `goodbye`
        it keeps it for `agent-session-restore-timeout`, for a client that
        connects with the same session, a higher incarnation and its holding.

        :return: fires when the connection is closed; again and again.
        """
        if self._closing is None:
            self._closing = Deferred()
            Deferred.fromCoroutine(self._close(goodbye)).addBoth(self._closing.callback)
        closed: Deferred[None] = Deferred()
        self._closing.addBoth(_pass_on, closed)
        return closed

    async def _close(self, goodbye: bool) -> None:
        conversation, patience = self._conversation, self._settings.close_timeout
        conversation.end(RequestRefused(Code.NOT_REGISTERED, "The client is closed"))
        link = conversation.link or self._connector.link
        self._connector.leaving = True
        try:
            if goodbye and link is not None:
                await conversation.register(link, m.RequestUnregisterClient(), patience)
        except IxproxyError as problem:
            self.log.debug("{client} said goodbye in vain: {problem}", client=self, problem=problem)
        if self._running is not None:
            self._running.cancel()
        if link is not None:
            link.close("closed by the client")
            try:
                await link.when_lost().addTimeout(patience, self._clock)
            except TimeoutError:
                link.abort("closed by the client")

    def _ended(self, failure: Failure, connected: Deferred[None]) -> None:
        """The connector gave up, or was stopped."""
        if failure.check(CancelledError):
            problem: Exception = RequestRefused(Code.NOT_REGISTERED, "The client is closed")
        else:
            assert isinstance(failure.value, Exception)
            problem = failure.value
            if not failure.check(IxproxyError):
                self.log.failure("{client} cannot connect", failure, client=self)
        self._conversation.end(problem)
        if not connected.called:
            connected.errback(problem)
        elif not failure.check(CancelledError):
            self.log.error("{client} gave up: {problem}", client=self, problem=problem)
            for callback in tuple(self._end_callbacks):
                self._tell(partial(callback, problem), "its end")

    def _heard(self, event: Message) -> None:
        for callback in tuple(self._callbacks):
            self._tell(partial(callback, event), type(event).__name__)

    def _moved(self, server: m.ServerFacts | None) -> None:
        for callback in tuple(self._connection_callbacks):
            self._tell(partial(callback, server), "its connection")

    def _lack(self, request: Message, refusal: RequestRefused) -> None:
        name = type(request).__name__
        self.log.warn(
            "{client} does not have {request} again: {refusal}",
            client=self,
            request=name,
            refusal=refusal,
        )
        for callback in tuple(self._not_restored):
            self._tell(partial(callback, request, refusal), name)

    def _tell(self, callback: Callable[[], None], what: str) -> None:
        try:
            callback()
        except Exception:
            self.log.failure("A callback of {client} failed on {what}", client=self, what=what)


def _pass_on(result: Failure | None, waiter: Deferred[None]) -> Failure | None:
    waiter.callback(None)
    return result
