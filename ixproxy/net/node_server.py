"""
A whole node as one service: its store and rules, their thread, its listener.

Theory of operation: the store is opened in the writer's thread, and only then
does the node listen. An orderly stop takes nothing new in, lets the batch
under way finish, answers the rest, closes its store and then the peers; what
awaits the outcome of an invitation is answered as in doubt then. A node
whose store is lost does the same at once, and says why: whoever started it
begins anew, or ends the process. A server that may be primary no longer gives
up: it waits for its writer only as long as its peers can do without an
answer, for the writer may hang.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IReactorTime,
    IStreamServerEndpoint,
)
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import Code
from ixproxy.interfaces import IStore
from ixproxy.messages import EventServerStatus
from ixproxy.net.batch_writer import BatchWriter
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.capture_points import CapturePoints
from ixproxy.net.event_logs import EventLogs
from ixproxy.net.executors import Executor
from ixproxy.net.held_pulls import HeldPulls
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.long_readers import LongReaders
from ixproxy.net.node_answers import NodeAnswers
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_listener import NodeListener
from ixproxy.net.node_peers import Asking
from ixproxy.net.node_reporting import NodeReporting
from ixproxy.net.node_requests import NodeRequests
from ixproxy.net.node_state import NodeState
from ixproxy.net.node_status import status_of
from ixproxy.net.surroundings import Surroundings
from ixproxy.net.third_party import Connect, ThirdParty, no_way
from ixproxy.net.turn import TurnEnd
from ixproxy.node.batch import NodeCore
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.node.esp_work import ServiceAnswered
from ixproxy.node.log_packs import Amount
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.node.work import GoesOn

log = Logger()

TICK = 1.0
"""Seconds between looks at peers that do not read or do not register."""

GIVEN_UP = "the server is no longer primary"

GRACE = 0.5
"""
Seconds that a server which gives up lets its writer answer, and then its peers
read. The proxies go to the other server of the pair once they see it gone.
"""


class _Start(NamedTuple):
    """What is known once the store is open."""

    epoch: int
    due: float | None
    number: int
    left_behind: Mapping[str, Amount]


class NodeServer(Service):
    """
    One node.

    :param now: the time of day, in seconds since the epoch, UTC.
    :param store_kind: what the address of its store begins with, for whoever
        asks how the node is.
    :param new_session: makes a random name of 16 bytes.
    :param executors: makes an executor by name: one for the writer, one for
        each reader.
    :param servers: external servers, which the node connects to.
    :param third_party: makes the endpoint of one of theirs.
    :param chance: makes numbers from 0 to 1, for the pauses between attempts.
    :param capture: its capture points; their rules are among the settings, too, as are those
        of `logs`, its event logs.
    :ivar listening: fires with the port once clients can come in.
    :ivar lost: fires with a reason when the node may serve no longer.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        listen: IStreamServerEndpoint,
        store: IStore,
        model: NodeModel,
        settings: NodeSettings,
        limits: NodeLimits,
        *,
        name: str,
        dbid: int,
        now: Callable[[], float],
        new_session: Callable[[], bytes],
        executors: Callable[[str], Executor],
        keep_alive: KeepAlive | None = None,
        surroundings: Surroundings | None = None,
        store_kind: str = "",
        servers: Sequence[ExternalServer] = (),
        third_party: Connect = no_way,
        chance: Callable[[], float] = lambda: 0.5,
        capture: Sequence[CapturePlan] = (),
        logs: Sequence[LogPlan] = (),
    ) -> None:
        self._listen = listen
        self._store = store
        self._clock = reactor
        self._now = now
        self._keep_alive = keep_alive or KeepAlive(reactor)
        self.core = NodeCore(store, model, settings, name, dbid)
        self.state = state = NodeState(
            reactor, name, dbid, frozenset(model.tenants), limits, new_session
        )
        turn = TurnEnd(reactor)
        requests = NodeRequests(state)
        self.reporting = NodeReporting(state, lambda slow: self.listener.close_slow(slow))
        state.client_off = self.reporting.forget
        self.third_party = ThirdParty(state, turn, self._keep_alive, third_party, chance)
        self.third_party.use(servers)
        state.drop_call = self.third_party.drop
        answers = NodeAnswers(
            state, requests.registrar, self.reporting, self.third_party, self._lose
        )
        self._executor = executors("writer")
        self.writer = state.writer = BatchWriter(
            reactor,
            turn,
            self._executor,
            self.core,
            answers,
            now,
            limits.max_current_request_queue_size,
        )
        state.capture = CapturePoints(
            reactor, name, capture, self.writer.add, lambda: self.writer.full
        )
        pair = settings.names[0] if settings.names else name
        state.logs = EventLogs(reactor, pair, dbid, logs, self.writer.add)
        state.held = HeldPulls(reactor, self.writer.add_first, self._dropped)
        lanes = [executors(f"reader-{at}") for at in range(limits.number_of_database_connections)]
        state.readers = LongReaders(
            reactor,
            store,
            lanes,
            limits.database_request_timeout,
            limits.max_database_request_queue_size,
        )
        self.listener = NodeListener(state, requests, turn, self._keep_alive)
        self.listener.exceeds_stream = self.reporting.exceeded
        self.surroundings = surroundings or Surroundings(reactor, now)
        self._store_kind = store_kind
        state.status = self._status
        answers.begins = self.listener.batch_begins
        self._port: IListeningPort | None = None
        self._tick = LoopingCall(self.listener.ticked)
        self._tick.clock = reactor
        self._stopped: Deferred[None] | None = None
        self._ended = False
        self._parting: IDelayedCall | None = None
        self.listening: Deferred[IListeningPort] = Deferred()
        self.lost: Deferred[str] = Deferred()

    def startService(self) -> None:
        """The framework starts us: open the store, then listen."""
        super().startService()  # type: ignore[no-untyped-call]
        self._keep_alive.start()
        self._tick.start(TICK, now=False)

        def start() -> _Start:
            epoch, core = self.core.start(self._now()), self.core
            return _Start(epoch, core.next_due(), core.last_event_number, core.logs_left_behind())

        self.writer.between(start, self._started)

    def _started(self, result: _Start | Failure) -> None:
        if isinstance(result, Failure):
            self.listening.errback(result)
            return
        if self._stopped is not None:
            return
        self.state.epoch, self.writer.last_event_number = result.epoch, result.number
        self.state.logs.left_behind(result.left_behind)
        self.writer.tick_at(result.due)
        listening = self._listen.listen(self.listener)
        listening.addCallbacks(self._is_listening, self.listening.errback)

    def _is_listening(self, port: IListeningPort) -> None:
        self._port = port
        if self._stopped is None:
            self.third_party.start()
            self.state.capture.start()
            self.state.logs.start()
        self.state.primary_since = self._now()
        log.info(
            "Node {name} listens on {address}, epoch {epoch}",
            name=self.state.name,
            address=port.getHost(),
            epoch=self.state.epoch,
        )
        self.listening.callback(port)

    def _status(self) -> EventServerStatus:
        return self.surroundings.complete(
            status_of(self.state, self.listener, self.reporting, self._store_kind)
        )

    def configuration_changed(
        self,
        model: NodeModel,
        settings: NodeSettings,
        limits: NodeLimits,
        silence: tuple[float, float] | None = None,
        servers: Sequence[ExternalServer] | None = None,
        capture: Sequence[CapturePlan] | None = None,
        logs: Sequence[LogPlan] | None = None,
    ) -> Deferred[None]:
        """
        Follow a changed configuration, between two batches.

        :param silence: when keep-alive looks, and after how much silence it
            gives a peer up, in seconds; None: as before.
        :param servers: the external servers; None: as before. Likewise
            `capture`, the capture points, and `logs`, the event logs.
        :return: fails with StorageError where the store could not follow;
            then nothing has changed.
        """
        changed: Deferred[None] = Deferred()

        def done(result: Any) -> None:
            if isinstance(result, Failure):
                changed.errback(result)
                return
            due, left_behind = result
            self.state.limits = limits
            self.writer.limit = limits.max_current_request_queue_size
            self.state.readers.seconds = limits.database_request_timeout
            self.state.readers.limit = limits.max_database_request_queue_size
            self.listener.limits_changed()
            self.third_party.limits_changed()
            if servers is not None:
                self.third_party.use(servers)
            if capture is not None:
                self.state.capture.use(capture)
            if logs is not None:
                self.state.logs.use(logs)
                self.state.logs.left_behind(left_behind)
            if silence is not None:
                self._keep_alive.change(*silence)
            tenants = frozenset(model.tenants)
            if tenants != self.state.tenants:
                self.state.use_tenants(tenants)
                self.reporting.tenants_changed()
            self.state.held.wake_all()
            # Fewer seats, or shorter time-outs, end something now.
            self.writer.tick_at(due)
            changed.callback(None)

        def change() -> tuple[float | None, Mapping[str, Amount]]:
            self.core.configuration_changed(model, settings, self._now())
            return self.core.next_due(), self.core.logs_left_behind()

        self.writer.between(change, done)
        return changed

    def stopService(self) -> Deferred[None]:
        """The framework stops us; fires when the store is closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        stopped: Deferred[None] = Deferred()
        self._stop().addCallback(lambda _: stopped.callback(None))
        return stopped

    def fenced_by(self, fence: Callable[[], None]) -> None:
        """Have `fence` called before what peers send is looked at; it may have us give up."""
        self.state.fence = fence

    def give_up(self) -> None:
        """
        Stop at once, for another server may be primary.

        What waits is refused. What is under way has a moment to come to an
        end; after that it is in doubt, and no peer is left.
        """
        self._store.abandon()
        self._stop()
        if self._parting is None and not self._ended:
            self._parting = self._clock.callLater(GRACE, self._part)

    def _part(self) -> None:
        """The writer did not answer in time: leave the peers all the same."""
        self.state.capture.end()
        self.state.logs.end()
        for asking in self.listener.unsettled():
            self.state.refuse(asking, Code.STORE_UNCERTAIN)
        self.listener.close_all(GIVEN_UP)
        self._parting = self._clock.callLater(GRACE, self.listener.abort_all, GIVEN_UP)

    def _stop(self) -> Deferred[None]:
        if self._stopped is None:
            self._stopped = Deferred.fromCoroutine(self._end())
            self._stopped.addErrback(
                lambda failure: log.failure("The node could not stop orderly", failure=failure)
            )
        ended: Deferred[None] = Deferred()
        self._stopped.addCallback(lambda _: ended.callback(None))
        return ended

    async def _end(self) -> None:
        self.state.stopping = True
        self.state.capture.close()
        self.state.logs.close()
        parted = self.third_party.stop()
        self._keep_alive.stop()
        if self._tick.running:
            self._tick.stop()
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        tokens: list[tuple[object, bool]] = [(token, False) for token in self.state.held.clear()]
        for work in self.writer.stop():
            # What an external server has answered is done, as are steps of a snapshot.
            doubtful = isinstance(work, ServiceAnswered) or (
                isinstance(work, GoesOn) and work.begun
            )
            self.state.capture.not_run(work)
            tokens.append((getattr(work, "token", None), doubtful))
        for asking, doubtful in tokens:
            if isinstance(asking, Asking):
                self.state.refuse(asking, Code.STOPPING, doubtful=doubtful)
        await self.state.readers.stop()
        closed: Deferred[None] = Deferred()
        # Behind the batch that is under way, whose answers leave before this fires.
        self.writer.between(self._store.close, closed.callback)
        await closed
        left = DeferredList([self.state.capture.end(), self.state.logs.end()])
        for asking in self.listener.unsettled():
            # It was carried out, but for its outcome: that will be told by whoever comes next.
            self.state.refuse(asking, Code.STOPPING, doubtful=True)
        self.listener.close_all("the node stops")
        await self._executor.stop()
        await parted
        await left
        self._ended = True
        if self._parting is not None and self._parting.active():
            self._parting.cancel()
            self._parting = self._clock.callLater(GRACE, self.listener.abort_all, GIVEN_UP)

    def _lose(self, reason: str) -> None:
        """Serve no longer: what was durable is answered, the store is not ours any more."""
        if not self.lost.called:
            log.error("Node {name} stops serving: {reason}", name=self.state.name, reason=reason)
            self.lost.callback(reason)
            self._stop()

    def _dropped(self, asking: Asking) -> None:
        """A held pull was no longer wanted."""
        self.state.refuse(asking, asking.cancelled or Code.CANCELLED)
