"""
Requests and answers of one client, over one connection after another.

Theory of operation: a request waits while there is no connection, is sent
under a reference of its own, and gets exactly one outcome: its answer, a
refusal, or an error made here (time is up, the connection was lost). One that
nobody waits for any more is cancelled at the server and stays in the table
until its one answer comes, for that answer may hand something over, which is
then given back. After each registration what the client had is brought back
(`restoring`); requests that begin or end a subscription wait for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ixproxy.client.agents import LoggedIn
from ixproxy.client.holdings import Held, handed_over
from ixproxy.client.in_flight import Answer, InFlight, Pending, flags_of
from ixproxy.client.invited import Invited
from ixproxy.client.link import Link
from ixproxy.client.registration import Listed
from ixproxy.client.restoring import Repeat, Restoring, if_wanted
from ixproxy.client.returning import Returning
from ixproxy.client.settings import Settings
from ixproxy.client.snapshots import Snapshots, released
from ixproxy.client.subscriptions import Subscriptions, subscription_of
from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError, RequestRefused
from ixproxy.messages import EventError, EventRevoked, RequestAgentLogin, ServerFacts
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.message import Message, Reason
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, Holdings, Kind
from ixproxy.wire.parts import join_frames, split_frame
from ixproxy.wire.prefix import Flag, Frame, read_frame, readdress, with_ttl, write_frame

_MORE, _PARTIAL = int(Flag.MORE), int(Flag.PARTIAL)
MAX_TTL = (1 << 32) - 1


class Conversation:
    """
    What is asked and answered, held and heard.

    :param heard: told every event, in order.
    :param not_restored: told what a server will not give back after a lost
        connection: the request that asked for it, and the refusal.
    :param connection: told the server at each registration, and None when the
        connection is lost.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        settings: Settings,
        holding: Mapping[str, int],
        heard: Callable[[Message], None],
        not_restored: Callable[[Message, RequestRefused], None],
        connection: Callable[[ServerFacts | None], None],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._heard = heard
        self._not_restored = not_restored
        self._connection = connection
        self._in_flight = InFlight(settings.max_in_flight)
        self._ended: Exception | None = None
        self._returning = Returning(
            clock,
            random,
            settings.backoff,
            lambda leave: self._ask(leave, settings.timeout, returns=True),
            lambda reason: self.link.abort(reason) if self.link else None,
        )
        self._restoring = Restoring(
            clock,
            random,
            settings.backoff,
            lambda request: self._ask(request, settings.timeout, link=self.link),
            self._send_what_waits,
        )
        self._agents = LoggedIn()
        self._subscriptions = Subscriptions()
        self._snapshots = Snapshots()
        self.held = Held(holding)
        self.invited = Invited()
        self.link: Link | None = None
        """The connection, once registered."""
        self.server = ServerFacts()
        self.whole = True
        """Whether the session began with this program, which so knows all of it."""

    def __len__(self) -> int:
        return len(self._in_flight)

    def ask(self, request: Message, timeout: float) -> Deferred[Answer]:
        """
        Ask something, now or when there is a connection. The Deferred may be
        cancelled. It fails with `RequestRefused`.

        :param timeout: seconds from now to the answer.
        """
        if self._ended is not None:
            return fail(self._ended)
        if self._in_flight.full:
            return fail(RequestRefused(Code.BUSY, "Too many requests of this client in flight"))
        return self._ask(request, timeout)

    def register(self, link: Link, request: Message, timeout: float) -> Deferred[Answer]:
        """Ask on a connection that is not registered yet, or that is to be given up."""
        return self._ask(request, timeout, link=link)

    def tell(self, request: Message) -> None:
        """
        Send a request that gets no reply.

        :raise RequestRefused: there is no connection; nothing was sent.
        """
        if self._ended is not None:
            raise self._ended
        if self.link is None:
            raise RequestRefused(Code.NOT_ACCESSIBLE, "Not connected to a server")
        raw = encode(request, flags=flags_of(request) | Flag.NO_REPLY)
        frames = split_frame(raw, self.link.peer_max_frame)
        # What becomes of it is never known: a give-back stays listed.
        self.held.refused(request, Code.LOST_CONNECTION, in_doubt=True)
        for raw in frames:
            self.link.send(raw)

    @property
    def listed(self) -> Listed:
        """
        What it says that it has. What a session had before this program was there is not known.
        That a new one is in no agent's session is said: proxies follow it from there on.
        """
        if not self.whole:
            return Listed(self.held.numbers)
        return Listed(self.held.numbers, self._agents.stamps(), self._snapshots.listed())

    def registered(self, link: Link, server: ServerFacts, held: Mapping[str, int]) -> None:
        """
        A connection is registered: send what waited for it.

        :param held: what the session really has on the server.
        """
        self.link, self.server = link, server
        link.peer_max_frame = server.max_frame
        gone = self.held.confirmed(held)
        self._restoring.begin((self._logins, self._said, self._subscribed))
        if self._restoring.active:
            self._send_what_waits()
        self._connection(server)
        for identifier in gone:
            self._revoked(identifier, "The server does not confirm that the client holds it")

    def lost(self, link: Link, reason: str) -> None:
        """A connection is gone; what was sent on it is in doubt."""
        registered = self.link is link
        if registered:
            self.link = None
        self._restoring.stop()
        self._returning.clear()
        if registered:
            self.invited.lost()
        for pending in self._in_flight.lost(link):
            self._fail(pending, Code.LOST_CONNECTION, f"Connection lost: {reason}", doubtful=True)
        if registered:
            self._connection(None)

    def end(self, problem: Exception) -> None:
        """Nothing is asked any more; what waits fails with `problem`."""
        if self._ended is not None:
            return
        self._ended = problem
        self._restoring.stop()
        self._returning.clear()
        for pending in self._in_flight.waiting():
            self._in_flight.forget(pending)
            if (waiter := pending.settle()) is not None:
                waiter.errback(problem)

    def frame_received(self, link: Link, frame: Frame) -> None:
        """
        The server sent a frame.

        :raise RemoteProtocolError: it makes no sense; the connection is of no
            more use.
        """
        if frame.client:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"client is {frame.client}, but this peer has no clients"
            )
        if frame.kind == Kind.EVENT:
            self._event_received(frame)
        elif frame.kind in (Kind.REPLY, Kind.ERROR):
            self._answer_received(link, frame)
        else:
            raise RemoteProtocolError(Code.BAD_FRAME, f"kind {frame.kind} comes from clients only")

    def _event_received(self, frame: Frame) -> None:
        row = BY_CODE.get(frame.name)
        if row is None:
            self.log.warn("An event with number {name} is not known here", name=frame.name)
            return
        event = decode(frame)
        self._returning.stop_all(self.held.event_received(event))
        self.invited.event_received(event)
        self._agents.event_received(event)
        self._heard(event)

    def _answer_received(self, link: Link, frame: Frame) -> None:
        pending = self._in_flight.find(link, frame.reference)
        if pending is None:
            if frame.kind == Kind.ERROR and not frame.reference:
                problem = decode(frame)
                self.log.warn("The server complains: {problem}", problem=problem)
            return
        if frame.kind == Kind.ERROR:
            problem = decode(frame)
            if not isinstance(problem, EventError):
                raise RemoteProtocolError(Code.BAD_FRAME, f"an error reply has name {frame.name}")
            self._in_flight.forget(pending)
            self._fail(
                pending, problem.error_code, problem.error_description, doubtful=problem.in_doubt
            )
            return
        pending.partial = pending.partial or bool(frame.flags & _PARTIAL)
        if pending.parts or frame.flags & _MORE:
            pending.parts.append(frame.raw)
            pending.size += len(frame.raw)
            if pending.size > self._settings.max_answer:
                raise RemoteProtocolError(
                    Code.TOO_LARGE, f"an answer exceeds {self._settings.max_answer} bytes"
                )
            if frame.flags & _MORE:
                return
            frame = read_frame(join_frames(pending.parts))
        answer = decode(frame)
        self._in_flight.forget(pending)
        self._answered(pending, answer)

    def _answered(self, pending: Pending, answer: Message) -> None:
        request = pending.request
        waiter = pending.settle()
        if waiter is None:
            self._nobody_waited(request, answer)
            return
        identifier = getattr(request, "interaction_id", "")
        wanted = pending.returns and identifier in self.held.numbers
        for taken in self.held.answered(request, answer):
            if taken in pending.ended:
                # It was taken before it was ended; or it is another with the same id, taken since.
                self.held.drop(taken)
                self._returning.begin(taken, getattr(request, "tenant_id", 0))
            else:
                self._returning.stop(taken)
        self._in_flight.done(request)
        self._follow(request, answer)
        self._snapshots.answered(request, answer)
        waiter.callback(Answer(answer, pending.partial))
        if wanted:
            self._revoked(identifier, "It went back by an earlier, uncertain request")

    def _nobody_waited(self, request: Message, answer: Message) -> None:
        for identifier, number in handed_over(request, answer).items():
            if self.held.numbers.get(identifier, 0) < number:
                self.held.drop(identifier)
                self._returning.begin(identifier, getattr(request, "tenant_id", 0))
        if BY_MESSAGE[type(request)].holdings is not Holdings.TAKES:
            self.held.answered(request, answer)
        self._follow(request, answer)
        if (release := released(request, answer)) is not None:
            self._ask(release, self._settings.timeout).addErrback(lambda _: None)

    def _follow(self, request: Message, answer: Message) -> None:
        self.invited.answered(request)
        self._agents.answered(request, answer)
        self._subscriptions.answered(request)

    def _ask(
        self, request: Message, timeout: float, *, link: Link | None = None, returns: bool = False
    ) -> Deferred[Answer]:
        try:
            raw = encode(request, flags=flags_of(request))
        except LocalProtocolError as problem:
            return fail(problem)
        answer: Deferred[Answer] = Deferred(lambda _: self._cancelled(pending))
        pending = Pending(request, raw, answer, self._clock.seconds() + timeout, returns=returns)
        pending.timer = self._clock.callLater(timeout, self._time_is_up, pending)
        chosen = link or self.link
        if chosen is None or (link is None and self._must_wait(request)):
            self._in_flight.wait(pending)
        else:
            self._send(pending, chosen)
        return answer

    def _must_wait(self, request: Message) -> bool:
        """What begins or ends a subscription may not overtake those that come back."""
        return self._restoring.active and subscription_of(request) is not None

    def _send_what_waits(self) -> None:
        for pending in self._in_flight.waiting():
            if self.link is not None and not self._must_wait(pending.request):
                self._send(pending, self.link)

    def _send(self, pending: Pending, link: Link) -> None:
        try:
            frames = split_frame(pending.raw, link.peer_max_frame)
        except RequestRefused as problem:
            self._in_flight.forget(pending)
            self._fail(pending, problem.code, problem.description, doubtful=False)
            return
        ttl = round((pending.deadline - self._clock.seconds()) * 1000)
        reference = self._in_flight.send(pending, link)
        for raw in frames:
            link.send(with_ttl(readdress(raw, 0, reference), min(max(ttl, 1), MAX_TTL)))

    def _time_is_up(self, pending: Pending) -> None:
        sent = pending.sent
        self._withdraw(pending)
        if sent:
            self._fail(pending, Code.LOST_CONNECTION, "No answer in time", doubtful=True)
        else:
            self._fail(pending, Code.EXPIRED, "Not sent in time", doubtful=False)

    def _cancelled(self, pending: Pending) -> None:
        self._withdraw(pending)
        pending.settle()
        if pending.sent:
            self._nobody_knows(pending.request)

    def _withdraw(self, pending: Pending) -> None:
        """Tell the server that nobody waits; one that was not sent is forgotten."""
        if pending.link is None:
            self._in_flight.forget(pending)
        else:
            code = BY_MESSAGE[type(pending.request)].code
            pending.link.send(write_frame(Kind.CANCEL, code, reference=pending.reference))

    def _fail(self, pending: Pending, code: int, description: str, *, doubtful: bool) -> None:
        if doubtful:
            self._nobody_knows(pending.request)
        else:
            self.held.refused(pending.request, code, in_doubt=False)
            self.invited.refused(pending.request, code)
            self._snapshots.refused(pending.request, code)
        if (waiter := pending.settle()) is not None:
            waiter.errback(RequestRefused(code, description, in_doubt=doubtful))

    def _nobody_knows(self, request: Message) -> None:
        """The outcome of a request is in doubt."""
        self.held.refused(request, Code.LOST_CONNECTION, in_doubt=True)
        self._subscriptions.doubtful(request)

    def _logins(self) -> list[Repeat]:
        """Everybody is logged in again; one whose session is over is told so."""
        agents = self._agents

        def refused(login: Message, _: RequestRefused) -> None:
            assert isinstance(login, RequestAgentLogin)
            if (told := agents.refused(login)) is not None:
                self._heard(told)

        return [Repeat(partial(agents.current, login), refused) for login in agents.logins()]

    def _said(self) -> list[Repeat]:
        """What was said of agents is said again."""
        agents = self._agents

        def refused(said: Message, problem: RequestRefused) -> None:
            assert isinstance(said, AgentRequest)
            agents.not_repeated(said)
            self._not_restored(said, problem)

        still = agents.still_said
        return [Repeat(partial(if_wanted, still, each), refused) for each in agents.said()]

    def _subscribed(self) -> list[Repeat]:
        """What was subscribed to is asked for again."""

        def refused(begun: Message, problem: RequestRefused) -> None:
            self._subscriptions.forget(begun)
            self._not_restored(begun, problem)

        has = self._subscriptions.has
        begun = self._subscriptions.begun()
        return [Repeat(partial(if_wanted, has, each), refused) for each in begun]

    def _revoked(self, identifier: str, why: str) -> None:
        reason = Reason(reason_system_name="NotHeld", reason_description=why)
        self._heard(EventRevoked(interaction_id=identifier, reason=reason))
