"""
One server of a node's pair as a service: what `ixproxy.node.leading` decides, done.

Theory of operation: each term has a server, a store and a lease of its own
(`ixproxy.net.reign`); what is heard of one that was left behind counts no
more. The clock is looked at before what peers send is taken, too, for a
process that was paused finds their requests first when it wakes.

That two servers never serve at once is what the lease is for; that the older
of two can write nothing is the epoch's work, in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import LeaseLost, StorageError, StoreUnreachable
from ixproxy.net.executors import Executor
from ixproxy.net.node_server import NodeServer
from ixproxy.net.reign import Reign, Term
from ixproxy.node.leading import LEADING, NEXT, REST, TRY_EVERY, Act, Heard, State, Watch
from ixproxy.values import Holder

__all__ = ["NodePairMember", "Term"]

log = Logger()

PATIENCE = 10.0
"""Seconds that a lease may take to answer one who waits for it, at least."""


class NodePairMember(Service):
    """
    One server of a node: the only one, or one of two.

    :param name: of the server.
    :param new_term: makes what serves next.
    :param lease_executor: makes the executor of one term's lease.
    :param limit: seconds without a beat after which a lease may be taken away.
    :param seconds: a clock that runs on while the machine sleeps; None: the
        reactor's.
    :ivar listening: fires with the port when the server leads for the first
        time, and fails if the process has no hope of that.
    :ivar broken: fires with a reason if the process must end at once.
    :ivar terms: how often it has become primary.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        name: str,
        new_term: Callable[[], Term],
        lease_executor: Callable[[], Executor],
        limit: float,
        *,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._new_term = new_term
        self._lease_executor = lease_executor
        self.limit = limit
        self._seconds = seconds or reactor.seconds
        self.state = State.WAITING
        self._reign: Reign | None = None
        self._watch = Watch()
        self._holder = Holder("", 0)
        self._silent = Holder("", 0)
        self._problem = ""
        self._waited = False
        self._opened = False
        self._next_try: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None
        self._finished: list[Deferred[None]] = []
        self.terms = 0
        self.listening: Deferred[IListeningPort] = Deferred()
        self.broken: Deferred[str] = Deferred()

    @property
    def server(self) -> NodeServer | None:
        """The server of this term; None: there is none yet, or no more."""
        return self._reign.term.server if self._reign is not None else None

    def startService(self) -> None:
        """The framework starts us: try to take the lease."""
        super().startService()  # type: ignore[no-untyped-call]
        self._renew()
        self._take()

    def stopService(self) -> Deferred[None]:
        """The framework stops us; fires when the lease is given back."""
        super().stopService()  # type: ignore[no-untyped-call]
        finished: Deferred[None] = Deferred()
        self._finished.append(finished)
        if self._reign is None:
            self.state = State.ENDED
        self._hear(Heard.STOP)
        if self.state is State.ENDED:
            self._finish()
        return finished

    def configuration_changed(self) -> None:
        """What `new_term` makes has changed: who waits begins a new one."""
        self._hear(Heard.CHANGED)

    def fence(self) -> None:
        """Look at the clock: whoever was silent for too long serves no longer."""
        if self._reign is not None:
            self._reign.look()

    # What is heard, and what follows.

    def _hear(self, heard: Heard) -> None:
        before = self.state
        self.state, acts = NEXT[before][heard]
        if self.state is not before:
            self._say(before)
            _cancel(self._deadline)
            if self.state in (State.LEAVING, State.RETURNING, State.CLOSING, State.ENDING):
                self._allow(self.limit)
        for act in acts:
            self._acts[act](self)

    def _say(self, before: State) -> None:
        if self.state is State.PRIMARY:
            log.info("Server {name} is primary, term {term}", name=self._name, term=self.terms)
        elif self.state is State.WAITING:
            log.info("Server {name} waits to be primary again", name=self._name)
        else:
            log.debug(
                "Server {name}: {before}, then {after}",
                name=self._name,
                before=before.value,
                after=self.state.value,
            )

    def _allow(self, seconds: float) -> None:
        """What is under way may take so long."""
        _cancel(self._deadline)
        self._deadline = self._reactor.callLater(seconds, self._stuck)

    def _stuck(self) -> None:
        log.warn("Server {name}: {state} takes too long", name=self._name, state=self.state.value)
        self._hear(Heard.STUCK)

    def _while(self, reign: Reign, heard: Callable[[Any], None]) -> Callable[[Any], None]:
        """Heard as long as a term lasts."""

        def hear(result: Any) -> None:
            if reign is self._reign:
                heard(result)

        return hear

    # Waiting.

    def _renew(self) -> None:
        left, self._reign = self._reign, None
        if left is not None and not left.released:
            # Whatever it is still about to take is given back at once.
            left.release(lambda _: None)
        self._watch.forget()
        self._reign = reign = Reign(
            self._reactor,
            self._name,
            self._new_term(),
            self._lease_executor(),
            self._seconds,
            lambda: self.limit,
            lambda reason: self._while(reign, self._lose)(reason),
        )

    def _pause(self) -> None:
        self._try_after(TRY_EVERY)

    def _rest(self) -> None:
        self._try_after(REST)

    def _try_after(self, seconds: float) -> None:
        _cancel(self._deadline)
        _cancel(self._next_try)
        self._next_try = self._reactor.callLater(seconds, self._take)

    def _take(self) -> None:
        reign = self._reign
        if reign is None or self.state is not State.WAITING:
            return
        self._allow(max(self.limit, PATIENCE))
        reign.take(self._while(reign, self._took))

    def _took(self, result: Holder | Failure | None) -> None:
        if isinstance(result, Failure):
            self._failed(result, first=not self._waited)
        elif result is None:
            self._hear(Heard.TAKEN)
        else:
            self._held_by(result)

    def _held_by(self, holder: Holder) -> None:
        self._waited = True
        if self.state is not State.WAITING:
            return
        if holder.name != self._holder.name:
            log.info("Server {name} waits: {who} is primary", name=self._name, who=holder.name)
        if holder != self._holder:
            self._problem = ""
        self._holder = holder
        silent = self._watch.look(holder.name, holder.beat, self._seconds(), self.limit)
        self._hear(Heard.SILENT if silent else Heard.HELD)

    def _end(self) -> None:
        reign, holder = self._reign, self._holder
        assert reign is not None
        if holder != self._silent:
            self._silent = holder
            log.warn(
                "Server {name} ends {who}, which has shown no life for {seconds:.1f} s",
                name=self._name,
                who=holder.name,
                seconds=self._watch.silent,
            )
        self._allow(max(self.limit, PATIENCE))
        reign.have(lambda lease: lease.end(holder), self._while(reign, self._ended))

    def _ended(self, result: Failure | None) -> None:
        if isinstance(result, Failure):
            self._failed(result, first=False)
        else:
            self._watch.forget()
            self._hear(Heard.FREED)

    def _failed(self, failure: Failure, *, first: bool) -> None:
        """Something did not work; the first time, what will not change ends the process."""
        if self.state not in (State.WAITING, State.OPENING):
            return
        problem = failure.value
        hopeless = not isinstance(problem, StoreUnreachable | LeaseLost)
        if not isinstance(problem, StorageError | CannotListenError):
            log.failure("Server {name} broke", failure, name=self._name)
        elif str(problem) != self._problem:
            log.error("Server {name} cannot serve: {why}", name=self._name, why=str(problem))
        self._problem = str(problem)
        if first and hopeless and not self.listening.called:
            self._hear(Heard.REFUSED)
            self.listening.errback(failure)
        else:
            self._hear(Heard.FAILED)

    # Leading.

    def _open(self) -> None:
        reign = self._reign
        assert reign is not None
        _cancel(self._deadline)
        self._holder = Holder("", 0)
        self.terms += 1
        server = reign.term.server
        server.state.terms = self.terms
        server.fenced_by(self.fence)
        server.lost.addCallback(self._while(reign, self._lose))
        server.listening.addCallbacks(
            self._while(reign, self._listens), self._while(reign, self._cannot)
        )
        server.startService()
        reign.live()

    def _listens(self, port: IListeningPort) -> None:
        self._problem, self._opened = "", True
        self._hear(Heard.LISTENS)
        if not self.listening.called:
            self.listening.callback(port)

    def _cannot(self, failure: Failure) -> None:
        alone = failure.check(StorageError) or not self._waited
        self._failed(failure, first=not self._opened and bool(alone))
        self._opened = True

    def _lose(self, reason: str) -> None:
        if self.state in LEADING:
            log.error("Server {name} is primary no more: {reason}", name=self._name, reason=reason)
        self._hear(Heard.LOST)

    # Leaving.

    def _abandon(self) -> None:
        reign = self._reign
        assert reign is not None
        reign.stop()
        reign.term.server.give_up()
        self._close()

    def _close(self) -> None:
        reign = self._reign
        assert reign is not None
        stopped = self._while(reign, lambda _: self._hear(Heard.STOPPED))
        reign.term.server.stopService().addCallback(stopped)

    def _release(self) -> None:
        reign = self._reign
        assert reign is not None
        _cancel(self._next_try)
        reign.release(self._while(reign, self._released))

    def _released(self, result: Failure | None) -> None:
        if isinstance(result, Failure):
            log.warn(
                "Server {name} could not give its lease back: {reason}",
                name=self._name,
                reason=result.getErrorMessage(),
            )
        self._hear(Heard.BACK)

    def _finish(self) -> None:
        finished, self._finished = self._finished, []
        for each in finished:
            each.callback(None)

    def _break(self) -> None:
        log.error("Server {name} does not stop: its process has to end", name=self._name)
        self._finish()
        if not self.broken.called:
            self.broken.callback("it does not stop")

    _acts: dict[Act, Callable[[NodePairMember], None]] = {
        Act.TAKE: _take,
        Act.PAUSE: _pause,
        Act.REST: _rest,
        Act.END: _end,
        Act.OPEN: _open,
        Act.ABANDON: _abandon,
        Act.CLOSE: _close,
        Act.RELEASE: _release,
        Act.RENEW: _renew,
        Act.FINISH: _finish,
        Act.BREAK: _break,
    }


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
