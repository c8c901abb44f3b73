"""What the parts of a node's server share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from twisted.internet.interfaces import IReactorTime

from ixproxy.messages import EventServerStatus, ServerFacts
from ixproxy.net.batch_writer import BatchWriter
from ixproxy.net.capture_points import CapturePoints
from ixproxy.net.door import OPEN, Door
from ixproxy.net.event_logs import EventLogs
from ixproxy.net.held_pulls import HeldPulls
from ixproxy.net.long_readers import LongReaders
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer, RegistrationAsking
from ixproxy.net.node_sessions import NodeSessions
from ixproxy.node.work import Announce
from ixproxy.wire.codec import error_frame
from ixproxy.wire.names import BY_MESSAGE
from ixproxy.wire.prefix import VERSION


class NodeState:
    """
    :param new_session: makes a random name, 16 bytes, for a client without one.
    :ivar writer: and `capture`, `logs`, `held`, `readers`: set before the first peer comes.
    :ivar proxies: registered peers of type Proxy.
    :ivar client_off: told of a client that gets no more frames: it is gone, or superseded.
    :ivar drop_call: takes a call that waits for an external server out of its line, if it is one.
    :ivar status: says how the node is; set before the first peer comes, too.
    :ivar load: the last announcement, as a frame; empty: none yet.
    :ivar door: says what peers may be; may be another one at any time.
    :ivar counted: the same as it was counted; None: none yet.
    :ivar by_type: how many clients there are of each type.
    :ivar counters: what happened how often, by a short name.
    :ivar primary_since: when it began to listen, in seconds since the epoch.
    :ivar terms: how often its process has been primary, this time counted in.
    :ivar fence: called before anything is done for a peer: whether we still may.
    """

    writer: BatchWriter
    capture: CapturePoints
    logs: EventLogs
    held: HeldPulls
    readers: LongReaders
    status: Callable[[], EventServerStatus]

    def __init__(
        self,
        clock: IReactorTime,
        name: str,
        dbid: int,
        tenants: frozenset[int],
        limits: NodeLimits,
        new_session: Callable[[], bytes],
    ) -> None:
        self.clock = clock
        self.name = name
        self.dbid = dbid
        self.epoch = 0
        self.primary_since: float | None = None
        self.terms = 1
        self.tenants = tenants
        self.limits = limits
        self.new_session = new_session
        self.sessions = NodeSessions()
        self.clients = 0
        self.proxies: dict[NodePeer, None] = {}
        self.load = b""
        self.counted: Announce | None = None
        self.by_type: Counter[str] = Counter()
        self.stopping = False
        self.door: Door = OPEN
        self.counters: Counter[str] = Counter()
        self.fence: Callable[[], None] = _open_to_all
        self.client_off: Callable[[NodeClient], None] = lambda _: None
        self.drop_call: Callable[[Asking], bool] = lambda _: False

    def facts(self) -> ServerFacts:
        """What the node says of itself."""
        return ServerFacts(
            name=self.name,
            role="node",
            version=VERSION,
            dbid=self.dbid,
            epoch=self.epoch,
            tenants=sorted(self.tenants),
            last_event_number=self.writer.last_event_number,
            max_frame=self.limits.max_frame,
        )

    def use_tenants(self, tenants: frozenset[int]) -> None:
        """The node serves other tenants now, and so do those who work for all of them."""
        self.tenants = tenants
        for client in self.sessions:
            if client.all_tenants and client.sender.tenants != tenants:
                client.sender = replace(client.sender, tenants=tenants)

    def refuse(
        self,
        asking: Asking,
        code: int,
        description: str = "",
        *,
        interaction_id: str = "",
        doubtful: bool | None = None,
    ) -> None:
        """Answer a request with an error."""
        asking.settle()
        client = asking.client
        self.counters["refused"] += 1
        if asking.silent or client.peer.connection is None:
            return
        client.peer.send(
            error_frame(
                code,
                description,
                client=0 if isinstance(asking, RegistrationAsking) else client.number,
                reference=asking.reference,
                interaction_id=interaction_id,
                doubtful=doubtful,
            )
        )

    def drop_request(self, asking: Asking, code: int) -> None:
        """Answer with `code` what was not run yet, and what would wait after it was."""
        asking.cancelled = code
        if self.held.drop(asking) or self.writer.cancel(asking) or self.drop_call(asking):
            self.refuse(asking, code)

    def drop_pulls(self, client: NodeClient, code: int) -> None:
        """The same for all pulls of a client that goes; what else it asked is still done."""
        for asking in list(client.asked.values()):
            if asking.pull:
                self.drop_request(asking, code)


def _open_to_all() -> None:
    """The fence of a server that nobody can depose."""


def code_of(message: type[Any]) -> int:
    """A message's number on the wire."""
    return BY_MESSAGE[message].code
