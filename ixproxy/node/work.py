"""
What goes into a batch of the node's rules, and what comes out: frozen values.

Theory of operation: the node's server turns frames, lost connections and
passing time into *work* and hands whole lists of it to `NodeCore.run`, in the
writer thread, with one `now`. What comes back are *effects*, in the order in
which they are to be performed, and only after they are durable. Rules address
events to client sessions; only the server knows which peer a session is on,
and drops what is for a session that is not there.

    core = NodeCore(store, model, settings, name, dbid)   # ixproxy.node.batch
    epoch = core.start(now)                        opens the store: a new lease
    outcome = core.run([Asked(…), …], now)         one batch, one transaction
    core.next_due()                                when a Tick is worth while
    core.configuration_changed(model, settings, now)
"""

from __future__ import annotations

from typing import Any

import msgspec

from ixproxy.messages import EventNodeLoad, RequestPull
from ixproxy.messages.message import Event, Message, Request
from ixproxy.node.esp_work import CallService, ServiceAnswered, ServiceCalled
from ixproxy.node.intake_work import IntakeEffect, IntakeWork
from ixproxy.node.log_work import LogEffect, ShipLog
from ixproxy.node.long_plans import LongPlan, Progress
from ixproxy.node.long_plans import LongRead as LongRead
from ixproxy.wire.streams import StreamKey

Token = Any
"""Whatever the server must know to send an answer; returned untouched."""


class Sender(msgspec.Struct, frozen=True):
    """
    Who asks: one registered client.

    :ivar session: its client session; for a client that registered without
        one, a random name that the server made up.
    :ivar client_type: a value of `ixproxy.values.ClientType`.
    :ivar tenants: the tenants it may work for; never empty.
    :ivar through_proxy: its peer is a proxy, which may send internal requests
        in its name and ask for provisional logins.
    :ivar wants_properties_changed: registered with the extension
        `event_properties_changed`.
    """

    session: bytes
    client_name: str
    client_type: str
    tenants: frozenset[int]
    through_proxy: bool = False
    wants_properties_changed: bool = False

    def __repr__(self) -> str:
        return f"Sender({self.client_name!r}, {self.client_type!r})"


class Asked(msgspec.Struct, frozen=True):
    """
    A request. It gets exactly one of Answer, Refuse, HoldPull, ReadLong, GoOn and
    CallService.

    The server has checked that the client's type may send it (`rights`), that
    the prefix carries what the names table requires, and its time to live.

    :ivar flags: those of the prefix.
    """

    sender: Sender
    message: Request
    flags: int = 0
    token: Token = None


class Registered(msgspec.Struct, frozen=True):
    """
    A client registered, for the first time or again.

    Answered with EventAck, where `held` says what the session holds here: it
    is for the server to complete it with its facts and the client's number.
    Whatever the session has here that `holding` does not list with the same
    take number goes back where it was. An incarnation below the stored one is
    refused as superseded. It is in no agent session any more that
    `agent_sessions` does not list, and has no snapshot that `snapshots` does not.

    :ivar holding: interaction id to take number, all parts together.
    :ivar agent_sessions: stamps; None: it stays in all.
    :ivar strategies: those that a router has loaded, which is pushed work for them.
    :ivar all_tenants: it works for all tenants that there are, at any time.
    :ivar snapshots: the ids of those that it has; None: it keeps all.
    """

    sender: Sender
    incarnation: int = 1
    holding: dict[str, int] = {}
    token: Token = None
    agent_sessions: tuple[tuple[int, int], ...] | None = None
    strategies: tuple[str, ...] = ()
    all_tenants: bool = False
    snapshots: tuple[int, ...] | None = None


class ConnectionLost(msgspec.Struct, frozen=True):
    """
    A client's connection broke; its session keeps what it holds for a while.

    :ivar lasting: False for a client that registered without a session of its
        own: it cannot come back, so this is a goodbye.
    :ivar application_name: what was lost with it: a proxy with all its
        clients, or just the client.
    """

    session: bytes
    lasting: bool = True
    application_name: str = ""

    def __repr__(self) -> str:
        return f"ConnectionLost(lasting={self.lasting})"


class ClientsLost(msgspec.Struct, frozen=True):
    """
    These sessions lost their connection together: that of a proxy, or as it
    said with RequestClientsGone; answered with EventAck unless `token` is None.

    :ivar application_name: as of ConnectionLost.
    """

    sessions: tuple[bytes, ...]
    application_name: str = ""
    token: Token = None

    def __repr__(self) -> str:
        return f"ClientsLost({len(self.sessions)} sessions, {self.application_name!r})"


class Goodbye(msgspec.Struct, frozen=True):
    """
    A client unregistered: what it holds goes back at once and its agents are
    logged out there. Answered with EventAck unless `token` is None.
    """

    session: bytes
    token: Token = None

    def __repr__(self) -> str:
        return "Goodbye()"


class PullRetried(msgspec.Struct, frozen=True):
    """
    A held pull is tried again.

    :ivar last: its hold is over: it is answered whatever there is. Otherwise
        an empty view has no effect and the pull stays held.
    """

    sender: Sender
    message: RequestPull
    token: Token = None
    last: bool = False


class Relayed(msgspec.Struct, frozen=True):
    """
    A client sent an event for others: a status of an agent, to whom it is
    told. It has no answer; its token only says that it waits.
    """

    sender: Sender
    event: Event
    token: Token = None


class StreamEnded(msgspec.Struct, frozen=True):
    """
    The server cannot go on with a reporting stream, and has said so to its
    client, who may start it anew. It has no answer.

    :ivar number: the stream's, as `OpenStream` had it.
    """

    session: bytes
    number: int

    def __repr__(self) -> str:
        return f"StreamEnded({self.number})"


class GoesOn(msgspec.Struct, frozen=True):
    """
    What is done step by step comes for its next step: a request about a
    snapshot, whose answer is that of the last step.

    :ivar begun: something of it is durable, and stays whatever becomes of the rest.
    """

    sender: Sender
    message: Request
    progress: Progress
    token: Token = None
    begun: bool = False


class RouterReads(msgspec.Struct, frozen=True):
    """
    A router does not read what it was pushed, so that it should get no more for
    now; or reads again. It has no answer.
    """

    session: bytes
    reads: bool

    def __repr__(self) -> str:
        return f"RouterReads({self.reads})"


class Tick(msgspec.Struct, frozen=True):
    """
    Time passed: sessions, provisional logins and receipts that are too old
    end, and the load is announced where it changed. Timers need no tick: they
    run at the head of every batch.
    """


Work = (
    Asked
    | Registered
    | ConnectionLost
    | ClientsLost
    | Goodbye
    | PullRetried
    | Relayed
    | StreamEnded
    | GoesOn
    | RouterReads
    | ServiceCalled
    | ServiceAnswered
    | IntakeWork
    | ShipLog
    | Tick
)


class Answer(msgspec.Struct, frozen=True):
    """Answer the request of `token`; `partial` sets the flag of the prefix."""

    token: Token
    message: Message
    partial: bool = False


class Refuse(msgspec.Struct, frozen=True):
    """Answer the request of `token` with EventError."""

    token: Token
    code: int
    description: str = ""
    in_doubt: bool = False
    interaction_id: str = ""


class Tell(msgspec.Struct, frozen=True):
    """Send an event to one client session."""

    session: bytes
    event: Event

    def __repr__(self) -> str:
        return f"Tell({self.event!r})"


class Report(msgspec.Struct, frozen=True):
    """Send an event to every reporting stream that it belongs into."""

    event: Event


class OpenStream(msgspec.Struct, frozen=True):
    """
    Begin a reporting stream for the client that asked by `asked_by`, in place
    of the one that it has: states as of some event from now on, then what
    is reported behind it.

    :ivar number: tells it from the streams that the client had before.
    :ivar follows: it is about all tenants that the client works for: with others
        it is another stream.
    :ivar now: seconds since the epoch: the time of the states.
    """

    asked_by: Token
    key: StreamKey
    number: int
    follows: bool
    now: float


class CloseStream(msgspec.Struct, frozen=True):
    """End the reporting stream of the client that asked by `asked_by`."""

    asked_by: Token


class Announce(msgspec.Struct, frozen=True):
    """
    Send an event to every peer of type Proxy, before any later effect.

    :ivar states: how many interactions are in each queue (tenant id, name,
        state): for whoever asks how the node is.
    """

    event: EventNodeLoad
    states: dict[tuple[int, str, int], int] = {}


class HoldPull(msgspec.Struct, frozen=True):
    """
    Keep a pull that found nothing, and retry it (`PullRetried`) whenever its
    (tenant, queue) is among an outcome's `pullable`, oldest first.

    :ivar seconds: how long at most from now; then it is retried as the last.
    :ivar retry_after: seconds after which a retry is worth while although
        nothing was put in, for the view depends on time; None: never.
    """

    token: Token
    sender: Sender
    message: RequestPull
    seconds: float
    tenant_id: int
    queue: str
    retry_after: float | None = None


class ReadLong(msgspec.Struct, frozen=True):
    """
    Run a plan on a reader connection and answer with what it finds; members of
    a snapshot are work for the next batch (`GoesOn`) instead.
    """

    token: Token
    sender: Sender
    plan: LongPlan


class GoOn(msgspec.Struct, frozen=True):
    """Have this done behind what waits already, in another batch."""

    work: GoesOn


Effect = (
    Answer
    | Refuse
    | Tell
    | Report
    | OpenStream
    | CloseStream
    | Announce
    | HoldPull
    | ReadLong
    | GoOn
    | CallService
    | IntakeEffect
    | LogEffect
)


class Failure(msgspec.Struct, frozen=True):
    """Something for the log: work that the store or a mistake of ours spoilt."""

    work: Work | None
    problem: BaseException


class Outcome(msgspec.Struct, frozen=True):
    """
    What a batch came to.

    :ivar effects: to be performed in order; all that they rest on is durable.
    :ivar pullable: (tenant id, queue) of each queue that a row which can be
        pulled was put into, or changed in.
    :ivar failures: for the log.
    :ivar store_lost: what is stored is not known: perform the effects, then
        give up the lease.
    """

    effects: list[Effect] = []
    pullable: frozenset[tuple[int, str]] = frozenset()
    failures: list[Failure] = []
    store_lost: bool = False
