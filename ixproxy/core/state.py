"""
What all of the proxy's undertakings share: tables, and the few ways to ask,
answer and refuse.

What a restart loses, and who restores it: see each table; nothing here is
worth keeping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from ixproxy.core.clients import Client, Clients
from ixproxy.core.destinations import Outputs
from ixproxy.core.fan_outs import FanOuts
from ixproxy.core.links import Link
from ixproxy.core.owners import Owners
from ixproxy.core.pending import Deadline, Pending
from ixproxy.core.routing import BY_CODE as ROUTE_BY_CODE
from ixproxy.core.routing import RouteRow
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.snapshots import Snapshots
from ixproxy.effects import Effect, Note
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestCancelTake,
    RequestReleaseSnapshot,
    RequestStopProcessing,
)
from ixproxy.messages.message import Message, Request
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, Holdings, Kind, NameRow
from ixproxy.wire.parts import split_frame
from ixproxy.wire.prefix import (
    FLAGS_AT,
    Flag,
    Frame,
    read_frame,
    readdress,
    with_body,
    with_flags,
    with_ttl,
    write_frame,
)

R = TypeVar("R", bound=Request)

# As plain numbers: an `&` with an `IntFlag` takes twenty times as long.
_NO_REPLY, _MORE = int(Flag.NO_REPLY), int(Flag.MORE)
_STOP = BY_MESSAGE[RequestStopProcessing].code
_RELEASE = BY_MESSAGE[RequestReleaseSnapshot].code

DELIVERY_MARGIN = 5.0
"""Seconds beyond the nodes' own time-outs for others that an answer may take."""

REWRITE_AFTER = 0.1
"""Seconds after which a hop that held a frame counts them off its ttl."""


class Asked:
    """
    One request of a client, on the slow path.

    :ivar due: when its time is up, on the clock of `now`.
    :ivar sent: where it was sent, and with which references.
    :ivar cancelled: its sender no longer wants it; it runs no further.
    """

    __slots__ = ("cancelled", "client", "due", "frame", "received_at", "route", "row", "sent")

    def __init__(self, client: Client, frame: Frame, received_at: float, due: float) -> None:
        self.client = client
        self.frame = frame
        self.row: NameRow = BY_CODE[frame.name]
        self.route: RouteRow = ROUTE_BY_CODE[frame.name]
        self.received_at = received_at
        self.due = due
        self.sent: list[tuple[Link, int]] = []
        self.cancelled = False

    @property
    def silent(self) -> bool:
        """Whether its sender wants no reply."""
        return bool(self.frame.flags & _NO_REPLY)


class Exchange(Protocol):
    """An undertaking that asked nodes and goes on when they answer."""

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """A node answered; `body` joins all parts, `frame` is the last of them."""

    def lost(self, link: Link, pending: Pending) -> None:
        """No answer will come: the link is gone, or time is up."""


class ProxyState:
    """The proxy's tables, and how to ask and answer."""

    def __init__(
        self,
        settings: ProxySettings,
        deployment: Deployment,
        strategies: Strategies,
        first_snapshot: int = 1,
    ) -> None:
        self.settings = settings
        self.deployment = deployment
        self.strategies = strategies
        self.outputs = Outputs()
        self.effects: list[Effect] = []
        self.clients = Clients(self.outputs)
        self.links: dict[NodeName, Link] = {
            name: Link(facts, self.outputs) for name, facts in sorted(deployment.nodes.items())
        }
        self.fan_outs = FanOuts()
        """Requests that several nodes are answering together."""
        self.snapshots = Snapshots(first_snapshot)
        self.owners = Owners(settings.interaction_cache_size)
        self.unconfirmed: dict[Client, float] = {}
        """Clients of whose listed holdings some node has not said a word, and since when."""
        self.links_made = 0
        """Links made so far, to whichever node: a later one counts more, whatever it is called."""
        self.loads_changed = False
        """Whether what nodes say of their load, or which are linked, has changed."""
        self.when_linked: list[Callable[[Link], None]] = []
        """Who is told when a node is offered for work."""
        self.when_registered: list[Callable[[Link, Client, EventAck], None]] = []
        """Who is told how a node has registered a client."""
        self.when_known_late: list[Callable[[Link, Client], None]] = []
        """Who is told when a node that others did not wait for knows a client."""
        self.when_refused_late: list[Callable[[Link, Client], None]] = []
        """Who is told when such a node could not register a client, and may later."""
        self.counters: Counter[str] = Counter()
        self.now = 0.0
        self.sent = 0
        """Requests sent to nodes on the slow path, ever."""
        self._returning = _Returning(self)

    def note(self, level: str, format: str, /, **fields: Any) -> None:
        """Log something that an operator must know."""
        self.effects.append(Note(level, format, fields))

    def links_of(self, tenant: int) -> list[Link]:
        """All links to nodes of a tenant, in name order, whatever their state."""
        return [link for link in self.links.values() if tenant in link.facts.tenants]

    def timeout_of(self, route: RouteRow) -> float:
        """Seconds for a request that brings no ttl."""
        if route.deadline is Deadline.DELIVERY:
            return self.settings.delivering_timeout + DELIVERY_MARGIN
        if route.deadline is Deadline.SERVICE:
            return self.settings.third_party_server_timeout + DELIVERY_MARGIN
        return self.settings.request_timeout

    def no_way_to(self, link: Link, client: Client | None) -> int:
        """The code for not being able to send to `link` now, or 0."""
        if not link.linked or (client is not None and link.name not in client.numbers):
            return Code.NOT_ACCESSIBLE
        if link.full or link.pending.count >= self.settings.max_pending_per_node:
            self.counters["busy"] += 1
            return Code.BUSY
        return 0

    def forward(
        self, link: Link, asked: Asked, exchange: Exchange | None = None, raw: bytes = b""
    ) -> None:
        """
        Send a client's request on; `no_way_to` must have said 0.

        :param raw: the frame to send, where a rule changed its body.
        """
        self.sent += 1
        frame, client = asked.frame, asked.client
        raw = raw or frame.raw
        held = self.now - asked.received_at >= REWRITE_AFTER
        if frame.ttl and held:
            raw = with_ttl(raw, max(1, int((asked.due - self.now) * 1000)))
        if asked.silent and exchange is None:
            client.settled(frame.reference)
            if asked.row.holdings is not Holdings.GIVES_BACK:
                link.send(readdress(raw, client.numbers[link.name], 0))
                return
            # Nobody waits for the answer, but the proxy must know whether the client still holds.
            exchange = self._returning
        # What was held back is not the youngest of its class: its due time is looked for apart.
        deadline = Deadline.OWN if frame.ttl or held else asked.route.deadline
        reference = link.pending.add(
            Pending(client, frame.reference, frame.name, frame.interaction, asked.due, exchange),
            deadline,
        )
        asked.sent.append((link, reference))
        if asked.silent:
            raw = with_flags(raw, frame.flags & ~_NO_REPLY)
        link.send(readdress(raw, client.numbers[link.name], reference))

    def ask(
        self,
        link: Link,
        message: Request,
        exchange: Exchange | None,
        *,
        why: str,
        client: Client | None = None,
        due: float | None = None,
    ) -> None:
        """
        Send a request of the proxy's own, for itself or for a client.

        :param why: what `InternalRequestReason` says when marking is on.
        :param exchange: None: its answer does not matter.
        """
        self.sent += 1
        message = self.marked(message, why)
        number = client.numbers[link.name] if client is not None else 0
        row = BY_MESSAGE[type(message)]
        interaction = getattr(message, "interaction_id", "")
        when = self.now + self.settings.request_timeout if due is None else due
        reference = link.pending.add(
            Pending(client, 0, row.code, interaction, when, exchange or UNHEARD), Deadline.OWN
        )
        link.send(encode(message, client=number, reference=reference))

    def marked(self, message: R, why: str) -> R:
        """A request that the proxy makes, with the reason for it where that is wanted."""
        if not self.settings.mark_internal_requests:
            return message
        extension = {**message.extension, "InternalRequestReason": why}
        return msgspec.structs.replace(message, extension=extension)

    def answer_raw(self, client: Client, reference: int, raw: bytes) -> None:
        """Send a frame to the requester, as the answer with its own reference."""
        if not client.gone:
            client.peer.send(readdress(raw, client.number, reference))

    def answer_split(self, client: Client, reference: int, raw: bytes) -> bool:
        """
        The same, split again where the client's hop takes shorter frames.

        :return: False: it cannot be divided, and an error was sent instead.
        """
        if len(raw) - 4 <= client.peer.max_frame:
            self.answer_raw(client, reference, raw)
            return True
        try:
            parts = split_frame(raw, client.peer.max_frame)
        except RequestRefused as refusal:
            self.answer_raw(client, reference, error_frame(refusal.code, refusal.description))
            return False
        for part in parts:
            self.answer_raw(client, reference, part)
        return True

    def answer(self, asked: Asked, raw: bytes) -> None:
        """Give a request its one answer."""
        asked.client.settled(asked.frame.reference)
        if asked.silent:
            asked.client.peer.stir()
        else:
            self.answer_split(asked.client, asked.frame.reference, raw)

    def answer_message(self, asked: Asked, message: Message, *, partial: bool = False) -> None:
        """Give a request its one answer, made here."""
        self.answer(asked, encode(message, flags=Flag.PARTIAL if partial else 0))

    def refuse(self, asked: Asked, code: int, text: str = "") -> None:
        """Answer with an error of the proxy's own."""
        self.counters[f"refused {code}"] += 1
        asked.client.refused(asked.frame.interaction, code, doubtful=False)
        self.answer(asked, error_frame(code, text, interaction_id=asked.frame.interaction))

    def answer_body(self, asked: Asked, row: NameRow, body: bytes, flags: int = 0) -> None:
        """Give a request its one answer, with a body merged here."""
        self.answer(asked, write_frame(row.kind, row.code, flags=flags, body=body))

    def answer_joined(self, asked: Asked, last: Frame, body: bytes) -> None:
        """Give a request a node's answer, `body` being that of all its parts."""
        raw = last.raw
        if len(body) != len(raw) - last.body_at:
            raw = with_body(raw, last.body_at, body)
        self.answer(asked, with_flags(raw, raw[FLAGS_AT] & ~_MORE))

    def returned(self, pending: Pending, frame: Frame) -> None:
        """A node answered a request that gives an interaction back."""
        if frame.kind == Kind.ERROR:
            self.refused_by_id(pending, frame)
        elif pending.client is not None:
            pending.client.gave_back(pending.interaction)
            if pending.name == _STOP:
                self.owners.forget(pending.interaction.encode())

    def refused_by_id(self, pending: Pending, frame: Frame) -> None:
        """A node refused a request that names one interaction."""
        if error_code(frame) == Code.UNKNOWN_INTERACTION:
            self.owners.forget(pending.interaction.encode())
        if pending.client is not None:
            error = decode(frame)
            gives_back = BY_CODE[pending.name].holdings is Holdings.GIVES_BACK
            doubtful = gives_back and isinstance(error, EventError) and error.in_doubt
            pending.client.refused(pending.interaction, error_code(frame), doubtful=doubtful)

    def give_back(self, link: Link, tenant: int, interaction: str, take_number: int) -> None:
        """An answer that hands over an interaction reached nobody: undo the take."""
        self.counters["takes cancelled"] += 1
        message = RequestCancelTake(
            tenant_id=tenant, interaction_id=interaction, take_number=take_number
        )
        self.ask(link, message, None, why="cancel-take")

    def drop_requests(self, client: Client, code: int = 0) -> None:
        """
        A client leaves: none of its requests runs further, all are forgotten.

        :param code: what each is answered with; 0: there is nobody to answer.
        """
        for reference, request in list(client.inflight.items()):
            if isinstance(request, Asked):
                self.cancel(request)
                silent, sent = request.silent, bool(request.sent)
            else:
                self.cancel_at(*request)
                silent, sent = False, True
            if code and not silent:
                self.answer_raw(client, reference, error_frame(code, doubtful=sent))
        client.inflight.clear()
        client.patient.clear()

    def cancel(self, asked: Asked) -> None:
        """Tell the nodes that nobody waits for the answer any more."""
        asked.cancelled = True
        for link, reference in asked.sent:
            self.cancel_at(link, reference)

    def cancel_at(self, link: Link, reference: int) -> None:
        """The same for one node, where the request is in flight still; a release has to be done."""
        pending = link.pending.get(reference)
        if pending is not None and pending.client is not None and pending.name != _RELEASE:
            number = pending.client.numbers.get(link.name)
            if number is not None:
                link.send(write_frame(Kind.CANCEL, 0, client=number, reference=reference))


def error_code(frame: Frame) -> int:
    """The code in an error reply."""
    error = decode(frame)
    return error.error_code if isinstance(error, EventError) else Code.INTERNAL


def decode_body(frame: Frame, body: bytes) -> Message:
    """The message in `frame` with all its parts' body instead of its own."""
    return decode(read_frame(with_body(frame.raw, frame.body_at, body)))


class _Returning:
    """Where answers go to what a client gave back without waiting."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node has it again, or the client still does."""
        self._state.returned(pending, frame)

    def lost(self, link: Link, pending: Pending) -> None:
        """Not known: the client's next registration says what it has."""


class _Unheard:
    """Where answers go that do not matter."""

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """Nothing follows."""

    def lost(self, link: Link, pending: Pending) -> None:
        """Nothing follows."""


UNHEARD = _Unheard()
