"""
The external servers of a node: connected as the deployment says, called as rules say.

Theory of operation: who is asked and who waits is `ixproxy.node.esp_servers`; here
its acts meet the world. What was sent, and what came of it, goes to the writer as
work, so that events have numbers and callers their answers in order. Calls whose
time is up are looked for every now and then, while there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.logger import Logger

from ixproxy.errors import Code, LocalProtocolError, describe
from ixproxy.messages import EventError, RequestRegisterClient
from ixproxy.messages.message import Message
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.node_peers import Asking
from ixproxy.net.node_state import NodeState
from ixproxy.net.third_party_link import Answers, ThirdPartyLink
from ixproxy.net.turn import TurnEnd
from ixproxy.node.esp_lines import Call
from ixproxy.node.esp_servers import Act, Bounds, ExternalServer, ExternalServers, Send, Turndown
from ixproxy.node.esp_work import Called, CallService, ServiceAnswered, ServiceCalled
from ixproxy.values import ClientType
from ixproxy.wire.codec import encode

log = Logger()

LOOK = 0.25
"""Seconds between two looks for calls whose time is up."""
CLIENT_REFID = "EspClientRefid"
"""The key of a request's extension by which a caller names its call; answers repeat it."""
SERVER_REFID = "EspServerRefid"
REQUEST_ID = "EspRequestId"

MAX_TTL = (1 << 32) - 1
_GREATEST = 2**63 - 1

Connect = Callable[[str], IStreamClientEndpoint]
"""Makes the endpoint of an endpoint string."""


def no_way(text: str) -> IStreamClientEndpoint:
    """Where no way to external servers was given, there must be none."""
    raise LookupError(f"nobody said how to connect to {text}")


OF_NODES = frozenset((Code.BUSY, Code.STOPPING, Code.LIMIT_REACHED))
"""Proxies would take these for the node's own, and ask the next node."""


class ThirdParty:
    """
    All external servers of a node that is primary.

    :param chance: as for `ThirdPartyLink`.
    """

    def __init__(
        self,
        state: NodeState,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        connect: Connect = no_way,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._state = state
        self._turn = turn
        self._keep_alive = keep_alive
        self._connect = connect
        self._chance = chance
        self.servers = ExternalServers(self._bounds())
        self._known: dict[str, ExternalServer] = {}
        self._links: dict[str, ThirdPartyLink] = {}
        self._made = 0
        self._look: IDelayedCall | None = None
        self._running = False

    def _bounds(self) -> Bounds:
        limits = self._state.limits
        return Bounds(
            limits.third_party_server_timeout,
            limits.third_party_server_window_size,
            limits.third_party_server_queue_size,
        )

    def use(self, servers: Iterable[ExternalServer]) -> None:
        """These are the servers, and the limits are those of now; followed at once if it runs."""
        self._known = {each.name: each for each in servers}
        if self._running:
            self._follow()

    def limits_changed(self) -> None:
        """Other limits, for the calls that are asked from now on."""
        self.servers.bounds = self._bounds()

    def start(self) -> None:
        """Connect to all, and go on connecting."""
        self._running = True
        self._follow()

    def _follow(self) -> None:
        old = {known.name: known for known in self.servers}
        for name in [name for name, known in old.items() if known != self._known.get(name)]:
            link = self._links.pop(name)
            link.stop()
        self.limits_changed()
        self._perform(self.servers.use(self._known.values()))
        for name, known in self._known.items():
            if name not in self._links:
                self._links[name] = link = ThirdPartyLink(
                    self._state.clock,
                    name,
                    [self._connect(text) for text in known.endpoints],
                    self,
                    self._turn,
                    self._keep_alive,
                    self._registration,
                    max_frame=self._state.limits.max_frame,
                    chance=self._chance,
                )
                link.start()

    def _registration(self) -> RequestRegisterClient:
        state = self._state
        return RequestRegisterClient(
            client_name=state.name,
            client_type=ClientType.INTERACTION_SERVER.value,
            max_frame=state.limits.max_frame,
            tenants=sorted(state.tenants)[:1000],
        )

    def stop(self) -> Deferred[Any]:
        """
        Call nobody any more; fires when all connections are closed.

        What waited is refused, and what is under way is left to whoever knows
        that its caller is still there.
        """
        self._running = False
        if self._look is not None:
            self._look.cancel()
            self._look = None
        for call in self.servers.clear():
            self._state.refuse(call.token, Code.STOPPING)
        links, self._links = list(self._links.values()), {}
        return DeferredList([link.stop() for link in links])

    def call(self, effect: CallService) -> None:
        """The rules let a call be made."""
        state, asking = self._state, effect.token
        assert isinstance(asking, Asking)
        if not self._running:
            state.refuse(asking, Code.STOPPING)
            return
        now = state.clock.seconds()
        due = now + self.servers.bounds.timeout
        if asking.own_time:
            due = min(due, asking.due)
        self._made += 1
        call = Call(
            asking,
            effect.sender,
            effect.message,
            effect.address,
            due,
            client_refid=_client_refid(effect.message, asking),
            request_id=f"{state.dbid}-{state.epoch}-{self._made}",
        )
        state.counters["calls to external servers"] += 1
        act = self.servers.called(call)
        self._perform([] if act is None else [act])
        self._look_later()

    def drop(self, asking: Asking) -> bool:
        """A caller wants no answer; whether its call was still to be sent, and will not be."""
        return self.servers.drop(asking, asking.client.sender.session)

    def server_connected(self, name: str) -> None:
        """See `Told`."""
        self._perform(self.servers.connection(name, self._state.clock.seconds()))

    def server_lost(self, name: str) -> None:
        """See `Told`."""
        acts = self.servers.lost(name)
        if self._running:
            self._perform(acts)

    def server_reads(self, name: str, *, enough: bool) -> None:
        """See `Told`."""
        self._perform(self.servers.reads(name, enough=enough))

    def server_answered(self, name: str, reference: int, answer: Answers) -> None:
        """See `Told`."""
        now = self._state.clock.seconds()
        call, acts = self.servers.answered(name, reference, now)
        if call is None:
            self._state.counters["late answers of external servers"] += 1
        else:
            self._answer(call, answer)
        self._perform(acts)

    def _perform(self, acts: Iterable[Act]) -> None:
        waiting = list(acts)
        while waiting:
            act = waiting.pop(0)
            if isinstance(act, Turndown):
                self._turn_down(act)
            else:
                waiting += self._send(act)

    def _send(self, act: Send) -> list[Act]:
        """Ask a server; what else that makes possible."""
        call, state = act.call, self._state
        asking = call.token
        if _is_gone(asking):
            # It waited, and nobody waits for it any more.
            acts = self.servers.unsent(call)
            state.refuse(asking, Code.CANCELLED)
            return acts
        left = max(1, min(round((call.due - state.clock.seconds()) * 1000), MAX_TTL))
        try:
            raw = encode(call.message, reference=call.reference, ttl=left)
            sent = self._links[call.server].send(raw)
        except LocalProtocolError as problem:
            log.error("A call could not be sent: {problem}", problem=problem)
            sent = False
        if not sent:
            acts = self.servers.unsent(call)
            text = f"{call.server!r} takes no frames of that length"
            state.refuse(asking, Code.TOO_LARGE, text)
            return acts
        state.writer.add(ServiceCalled(_called(call)))
        return []

    def _turn_down(self, act: Turndown) -> None:
        call, state = act.call, self._state
        state.counters["failed calls to external servers"] += 1
        if not call.server:
            state.refuse(call.token, act.code, act.text, doubtful=act.in_doubt)
            return
        text = act.text or describe(act.code)
        error = EventError(error_code=act.code, error_description=text, in_doubt=act.in_doubt)
        self._answer(call, error)

    def _answer(self, call: Call, answer: Answers) -> None:
        """Its caller is answered by way of the writer, who numbers the event about it."""
        if isinstance(answer, EventError) and answer.error_code in OF_NODES:
            answer = replace(answer, error_code=int(Code.SERVICE_QUEUE_FULL))
        # Proxies learn from an answer where an interaction is: nobody else may say that.
        whole: Message = replace(answer, interaction_id=call.message.interaction_id)
        if not isinstance(answer, EventError):
            named = {SERVER_REFID: call.reference, REQUEST_ID: call.request_id}
            if call.client_refid:
                named[CLIENT_REFID] = call.client_refid
            whole = replace(whole, extension={**answer.extension, **named})
        self._state.writer.add(ServiceAnswered(call.token, _called(call), whole))

    def _look_later(self) -> None:
        if self._look is None and (self.servers.in_flight or self.servers.waiting):
            self._look = self._state.clock.callLater(LOOK, self._looks)

    def _looks(self) -> None:
        self._look = None
        now = self._state.clock.seconds()
        self._perform(self.servers.ticked(now))
        for name in self.servers.stuck(now):
            self._state.counters["stuck external servers"] += 1
            self._links[name].reset("it answers none of its calls")
        self._look_later()


def _called(call: Call) -> Called:
    return Called(
        call.sender, call.message, call.server, call.client_refid, call.reference, call.request_id
    )


def _is_gone(asking: Asking) -> bool:
    client = asking.client
    return bool(
        asking.cancelled
        or client.peer.connection is None
        or client.peer.clients.get(client.number) is not client
    )


def _client_refid(message: Message, asking: Asking) -> int:
    """
    The caller's own number of its call.

    The reference of a frame from a proxy is the proxy's own, and means nothing to the caller.
    """
    named = message.extension.get(CLIENT_REFID)
    if isinstance(named, int) and not isinstance(named, bool) and 0 < named <= _GREATEST:
        return named
    return 0 if asking.client.sender.through_proxy else asking.reference
