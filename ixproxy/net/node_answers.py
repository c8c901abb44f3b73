"""
What a batch came to leaves the node: answers, events, long reads, pulls that wait.

Effects are performed in their order, so a requester's answer precedes the
events of the same transaction, and everything precedes what later batches say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import Code, LocalProtocolError, RequestRefused, StorageError
from ixproxy.interfaces import IStoreReader
from ixproxy.messages import EventAck, EventPulledInteractions, RequestCancelTake
from ixproxy.messages.message import Event, Message
from ixproxy.net import capture_points, event_logs
from ixproxy.net.failure_log import FailureLog
from ixproxy.net.node_peers import Asking, RegistrationAsking, Waiting
from ixproxy.net.node_registration import Registrar
from ixproxy.net.node_reporting import NodeReporting
from ixproxy.net.node_state import NodeState
from ixproxy.net.third_party import ThirdParty
from ixproxy.node.esp_find import DATABASE_FAILURE, fault
from ixproxy.node.esp_work import CallService
from ixproxy.node.long_plans import Freeing, LongRead, MembersWanted, Taking
from ixproxy.node.long_reads import result_of
from ixproxy.node.work import (
    Announce,
    Answer,
    Asked,
    ClientsLost,
    CloseStream,
    ConnectionLost,
    Effect,
    GoesOn,
    Goodbye,
    GoOn,
    HoldPull,
    OpenStream,
    Outcome,
    ReadLong,
    Refuse,
    Report,
    Tell,
    Work,
)
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import split_frame
from ixproxy.wire.prefix import Flag, readdress
from ixproxy.wire.shortening import shortened

log = Logger()

BATCH_OUTPUT = 16 << 20
"""Bytes of answers that one batch may come to, as the last one was."""
STORE_AGAIN = 1.0
"""Seconds after which what must be stored some time is tried again."""

_PARTIAL = int(Flag.PARTIAL)


class NodeAnswers:
    """
    Performs outcomes.

    :param lost: is told why the node may serve no longer.
    """

    def __init__(
        self,
        state: NodeState,
        registrar: Registrar,
        reporting: NodeReporting,
        third_party: ThirdParty,
        lost: Callable[[str], None],
    ) -> None:
        self._state = state
        self._registrar = registrar
        self._reporting = reporting
        self._third_party = third_party
        self._lost = lost
        self.begins: Callable[[], None] = lambda: None
        """Told when works that waited are run."""
        self._sent = 0
        self._told: tuple[Event, bytes] | None = None
        self._failures = FailureLog(state.clock.seconds)

    def expired(self, asking: Asking) -> None:
        """See `ixproxy.net.batch_writer.Receiver`."""
        self._state.held.settled(asking)
        self._state.refuse(asking, Code.EXPIRED)

    def not_retried(self, works: Sequence[Work]) -> None:
        """See `Receiver`."""
        self._state.held.came_back(works)

    def batch_begins(self) -> None:
        """See `Receiver`."""
        self.begins()

    def batch_done(self, works: Sequence[Work], outcome: Outcome) -> None:
        """See `Receiver`: what the next batch must know of this one."""
        held = self._state.held
        for effect in outcome.effects:
            if isinstance(effect, HoldPull):
                self._hold(effect)
            elif isinstance(effect, GoOn):
                self._state.writer.go_on(effect.work)
            elif held and isinstance(effect, Answer | Refuse):
                held.settled(effect.token)
        held.came_back(works)
        if outcome.pullable:
            held.wake(outcome.pullable)

    def batch_settled(self, works: Sequence[Work], outcome: Outcome) -> None:
        """See `Receiver`: what others must know of it."""
        for effect in outcome.effects:
            try:
                self._perform(effect)
            except Exception:
                # A mistake of ours must not cost others their answers.
                log.failure("{effect} could not be performed", effect=type(effect).__name__)
                if isinstance(effect, Answer | ReadLong | CallService):
                    self._state.refuse(effect.token, Code.INTERNAL, doubtful=True)
                elif isinstance(effect, OpenStream):
                    self._reporting.cannot_open(effect)
        self._told = None
        self._reporting.settled(self._state.writer.last_event_number)
        if outcome.effects:
            self._state.writer.fair.answers_take(self._sent / len(outcome.effects), BATCH_OUTPUT)
        self._sent = 0
        self._failures.batch_done(works, outcome, self._state.writer.last_event_number)
        for failure in outcome.failures:
            if isinstance(failure.work, GoesOn):
                self._free_later(failure.work)
            if isinstance(failure.problem, StorageError):
                self._lose_later(failure.work)
        if outcome.store_lost:
            self._lost("what is stored is not known, or another server has taken over")

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Answer):
            self._answer(effect)
        elif isinstance(effect, Tell):
            self._tell(effect)
        elif isinstance(effect, Report):
            self._reporting.report(effect.event)
        elif isinstance(effect, Refuse):
            self._refuse(effect)
        elif isinstance(effect, ReadLong):
            self._read_long(effect)
        elif isinstance(effect, Announce):
            self._announce(effect)
        elif isinstance(effect, OpenStream):
            self._reporting.open(effect)
        elif isinstance(effect, CloseStream):
            self._reporting.close(effect)
        elif isinstance(effect, CallService):
            self._third_party.call(effect)
        elif isinstance(effect, event_logs.EFFECTS):
            self._state.logs.perform(effect)
        elif isinstance(effect, capture_points.EFFECTS):
            self._state.capture.perform(effect)

    def _free_later(self, work: GoesOn) -> None:
        """A snapshot that could not be taken whole: nobody will hear of it."""
        progress = work.progress
        if isinstance(progress, Taking) or (isinstance(progress, Freeing) and work.token is None):
            again = GoesOn(work.sender, work.message, Freeing(progress.snapshot_id))
            self._state.clock.callLater(STORE_AGAIN, self._state.writer.add, again)

    def _lose_later(self, work: Work | None) -> None:
        """What could not be stored: sessions that are gone, and must not hold anything for ever."""
        sessions: Sequence[bytes] = ()
        if isinstance(work, ConnectionLost | Goodbye):
            sessions = (work.session,)
        elif isinstance(work, ClientsLost):
            sessions = work.sessions
        lasting = not isinstance(work, ConnectionLost) or work.lasting
        name = work.application_name if isinstance(work, ConnectionLost | ClientsLost) else ""
        for session in sessions:
            again = ConnectionLost(session, lasting, name)
            self._state.clock.callLater(STORE_AGAIN, self._lose_now, again)

    def _lose_now(self, again: ConnectionLost) -> None:
        # One that has registered again meanwhile is not lost.
        if self._state.sessions.at(again.session) is None:
            self._state.writer.add(again)

    def batch_failed(self, works: Sequence[Work], failure: Failure) -> None:
        """See `Receiver`."""
        log.failure("A batch of {number} works broke", failure=failure, number=len(works))
        for work in works:
            asking = getattr(work, "token", None)
            if isinstance(asking, Asking):
                self._state.refuse(asking, Code.INTERNAL)
        self._lost("a batch broke")

    def _answer(self, effect: Answer) -> None:
        asking: Asking = effect.token
        asking.settle()
        client = asking.client
        peer = client.peer
        message = effect.message
        registering = asking if isinstance(asking, RegistrationAsking) else None
        if registering is not None and isinstance(message, EventAck):
            message = self._registrar.registered(registering, message)
        if peer.connection is not None and not asking.silent:
            flags = _PARTIAL if effect.partial else 0
            # A registration was asked by client 0: the number is what it answers.
            number = 0 if registering is not None else client.number
            try:
                raw = encode(
                    message,
                    client=number,
                    reference=asking.reference,
                    flags=flags,
                    kind=Kind.REPLY,
                )
                self._sent += len(raw)
                if len(raw) - 4 <= peer.max_frame:
                    peer.connection.send(raw)
                else:
                    peer.connection.send_all(split_frame(raw, peer.max_frame))
            except (RequestRefused, LocalProtocolError) as problem:
                self._cannot_answer(asking, message, problem)
        if registering is not None:
            self._registrar.settled(registering)

    def _cannot_answer(
        self, asking: Asking, message: Message, problem: RequestRefused | LocalProtocolError
    ) -> None:
        """An answer fits no frame: say so, and give back what it was to hand over."""
        code = problem.code if isinstance(problem, RequestRefused) else Code.INTERNAL
        self._state.refuse(asking, code, str(problem), doubtful=True)
        log.error("{message} could not be sent: {problem}", message=type(message), problem=problem)
        if isinstance(message, EventPulledInteractions):
            sender = replace(asking.client.sender, through_proxy=True)
            for id, number in message.take_numbers.items():
                back = RequestCancelTake(interaction_id=id, take_number=number)
                token = Asking(asking.client, 0, float("inf"), silent=True)
                self._state.writer.ask(token, Asked(sender, back, 0, token))

    def _refuse(self, effect: Refuse) -> None:
        asking: Asking = effect.token
        if isinstance(asking, RegistrationAsking):
            refusal = RequestRefused(effect.code, effect.description, in_doubt=effect.in_doubt)
            self._registrar.failed(asking, refusal)
            return
        self._state.refuse(
            asking,
            effect.code,
            effect.description,
            interaction_id=effect.interaction_id,
            doubtful=effect.in_doubt,
        )

    def _tell(self, effect: Tell) -> None:
        client = self._state.sessions.at(effect.session)
        if client is None or client.peer.connection is None:
            return
        event, told = effect.event, self._told
        if told is not None and told[0] is event:
            # One event often goes to several sessions in a row.
            raw = readdress(told[1], client.number, 0)
        else:
            raw = encode(event, client=client.number)
            self._told = (event, raw)
        if len(raw) - 4 > client.peer.max_frame:
            raw = encode(shortened(event), client=client.number)
        client.peer.connection.send(raw)

    def _announce(self, effect: Announce) -> None:
        self._state.counted = effect
        self._state.load = raw = encode(effect.event)
        for peer in self._state.proxies:
            if len(raw) - 4 <= peer.max_frame:
                peer.send(raw)

    def _hold(self, effect: HoldPull) -> None:
        asking: Asking = effect.token
        if self._gone(asking):
            return
        state = self._state
        if state.held.full(asking.client, state.limits.max_held_pulls):
            state.counters["busy"] += 1
            state.refuse(asking, Code.BUSY, "max-held-pulls wait already")
        else:
            state.held.hold(effect)

    def _gone(self, asking: Asking) -> bool:
        """Refuse what nobody waits for any more, or what can no longer wait."""
        code = asking.cancelled
        if self._state.stopping:
            code = Code.STOPPING
        elif asking.client.peer.connection is None:
            code = Code.CANCELLED
        if code:
            self._state.refuse(asking, code)
        return bool(code)

    def _read_long(self, effect: ReadLong) -> None:
        state, asking, plan = self._state, effect.token, effect.plan
        assert isinstance(asking, Asking)
        if self._gone(asking):
            return
        asker = asking.client.sender.session
        if state.readers.full(asker):
            state.counters["busy"] += 1
            state.refuse(asking, Code.BUSY, "the node's queue of long reads is full")
            return
        number, reference = asking.client.number, asking.reference
        max_frame = asking.client.peer.max_frame

        def read(reader: IStoreReader) -> list[bytes] | Taking | RequestRefused:
            try:
                found = result_of(plan, reader)
            except RequestRefused as problem:
                # No fault of the reader, which would be closed for one.
                return problem
            if isinstance(found, Taking):
                return found
            return split_frame(encode(found, client=number, reference=reference), max_frame)

        asking.waits(Waiting.READER)
        state.readers.read(
            read, lambda result: self._was_read(effect, result), asker, lambda: self._turn(asking)
        )

    def _turn(self, asking: Asking) -> int:
        """The turn of a long read has come: 0, or why it is not wanted any more."""
        asking.waits(Waiting.NO)
        client = asking.client
        if client.peer.connection is None or client.peer.clients.get(client.number) is not client:
            return Code.CANCELLED
        if asking.due <= self._state.clock.seconds():
            return Code.EXPIRED
        return asking.cancelled

    def _was_read(
        self, effect: ReadLong, result: list[bytes] | Taking | RequestRefused | Failure
    ) -> None:
        asking, plan = effect.token, effect.plan
        assert isinstance(asking, Asking)
        asking.waits(Waiting.NO)
        if isinstance(result, Taking):
            assert isinstance(plan, MembersWanted)
            if self._state.sessions.at(effect.sender.session) is not asking.client:
                # Its session has said meanwhile, on another connection, which snapshots it has.
                self._state.refuse(asking, Code.CANCELLED)
                return
            self._state.writer.add(GoesOn(effect.sender, plan.request, result, asking))
            return
        if isinstance(result, RequestRefused):
            self._state.refuse(asking, result.code)
            return
        if not isinstance(result, Failure):
            asking.settle()
            if asking.client.peer.connection is not None and not asking.silent:
                asking.client.peer.connection.send_all(result)
            return
        problem = result.value
        if isinstance(problem, RequestRefused):
            self._state.refuse(asking, problem.code, problem.description)
        elif isinstance(problem, StorageError):
            log.warn("A long read failed: {problem}", problem=problem)
            if isinstance(plan, LongRead) and plan.envelope is not None:
                self._answer(Answer(asking, fault(plan.envelope, DATABASE_FAILURE, str(problem))))
                return
            self._state.refuse(asking, Code.STORE_FAILED, str(problem))
        else:
            log.failure("A long read broke", failure=result)
            self._state.refuse(asking, Code.INTERNAL, doubtful=False)
