"""
The peers of a node, the clients on them, and their requests without an answer.

What a restart loses, and who restores it: all of it. Clients connect and
register again, and say what they hold; their sessions are rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

from ixproxy.messages import RequestRegisterClient
from ixproxy.net.connection import FrameConnection
from ixproxy.node.work import Sender
from ixproxy.values import through
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.permits import ANYTHING, Permit
from ixproxy.wire.rights import RIGHTS, allowed


class NodePeer:
    """
    One connection.

    :ivar connection: None when it is lost.
    :ivar clients: by number; a plain peer has number 0 alone.
    :ivar proxy: it registered as type Proxy.
    :ivar parts: registrations whose list of holdings is not complete yet, by
        their reference.
    :ivar registering: registrations that are not answered yet.
    :ivar permit: what the peer may be, by what it has shown of itself.
    :ivar entering: a user is being logged in.
    """

    __slots__ = (
        "clients",
        "connection",
        "entering",
        "last_number",
        "max_frame",
        "parts",
        "permit",
        "proxy",
        "registering",
    )

    def __init__(self, connection: FrameConnection, permit: Permit = ANYTHING) -> None:
        self.permit = permit
        self.entering = False
        self.connection: FrameConnection | None = connection
        self.clients: dict[int, NodeClient] = {}
        self.last_number = 0
        self.max_frame = 0
        self.proxy = False
        self.parts: dict[int, RequestRegisterClient] = {}
        self.registering = 0

    def send(self, raw: bytes) -> None:
        """Send a frame; dropped when the connection is lost."""
        if self.connection is not None:
            self.connection.send(raw)


class NodeClient:
    """
    One registered client.

    :ivar path: the proxies between it and the node, nearest to it first.
    :ivar generation: which registration of its session it is; greater is newer.
    :ivar strategies: those that it has loaded, as a router that work is pushed to.
    :ivar lasting: its session is its own, and it can come back by it.
    :ivar all_tenants: it named none, so it works for all there are.
    :ivar rights: the codes of the requests that it may send: none before its
        registration is answered, and none when it is superseded.
    :ivar observer: it only asks how the node is; the writer does not know it.
    :ivar superseded: its session is registered elsewhere by now.
    :ivar asked: its requests without an answer, by reference.
    :ivar waiting: how many of them wait to be run, or read.
    """

    __slots__ = (
        "all_tenants",
        "asked",
        "generation",
        "lasting",
        "number",
        "observer",
        "path",
        "peer",
        "rights",
        "sender",
        "strategies",
        "superseded",
        "waiting",
    )

    def __init__(
        self,
        peer: NodePeer,
        number: int,
        sender: Sender,
        incarnation: int,
        *,
        lasting: bool,
        all_tenants: bool,
        moves: Sequence[int] = (),
        path: Sequence[str] = (),
        strategies: tuple[str, ...] = (),
    ) -> None:
        self.peer = peer
        self.number = number
        self.sender = sender
        self.generation = incarnation, *moves
        self.path = tuple(path)
        self.strategies = strategies
        self.lasting = lasting
        self.all_tenants = all_tenants
        self.rights: frozenset[int] = frozenset()
        self.observer = False
        self.superseded = False
        self.asked: dict[int, Asking] = {}
        self.waiting = 0

    def __str__(self) -> str:
        return through(self.sender.client_name, self.path)

    def answered(self) -> None:
        """Its registration was: it may send requests."""
        if not self.superseded:
            self.rights = rights_of(self.sender.client_type, self.sender.through_proxy)

    def supersede(self) -> None:
        """Its session is registered elsewhere: nothing that it sends is done any more."""
        self.superseded = True
        self.rights = frozenset()


class Waiting(IntEnum):
    """For whom a request waits."""

    NO = 0
    WRITER = 1
    READER = 2


class Asking:
    """
    One request that awaits its answer: the token that goes with its work.

    :ivar due: when the requester's time is up, on the reactor's clock.
    :ivar silent: no reply is wanted.
    :ivar cancelled: the code to answer with where that is still possible; 0:
        it is wanted.
    :ivar waiting: for whom it waits, to be run.
    :ivar own_time: its time to live came with it.
    :ivar pull: it is a pull, and worth nothing without its client.
    """

    __slots__ = ("cancelled", "client", "due", "own_time", "pull", "reference", "silent", "waiting")

    def __init__(self, client: NodeClient, reference: int, due: float, silent: bool) -> None:
        self.client = client
        self.reference = reference
        self.due = due
        self.silent = silent
        self.cancelled = 0
        self.waiting = Waiting.NO
        self.pull = False
        self.own_time = False

    def waits(self, waiting: Waiting) -> None:
        """It began to wait to be run, or does so no more."""
        if not self.waiting:
            self.client.waiting += 1
        if not waiting:
            self.client.waiting -= 1
        self.waiting = waiting

    def settle(self) -> None:
        """It is answered."""
        asked = self.client.asked
        if asked.get(self.reference) is self:
            del asked[self.reference]


class RegistrationAsking(Asking):
    """A registration that awaits its answer."""

    __slots__ = ()


@lru_cache(maxsize=32)
def rights_of(client_type: str, through_proxy: bool) -> frozenset[int]:
    """The codes of the requests that a client may send."""
    return frozenset(
        BY_MESSAGE[request].code
        for request in RIGHTS
        if BY_MESSAGE[request].kind is Kind.REQUEST
        and allowed(request, client_type, through_proxy=through_proxy)
    )
