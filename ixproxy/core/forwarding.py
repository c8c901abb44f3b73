"""
The fast path: a request whose owner is known, forwarded by eight bytes.

Both functions look at a frame's prefix only. They either do all there is to
do and say True, or touch nothing and say False: the frame is *declined* and
takes the slow path, which decides the same way from the same tables and
would put the same bytes out. Whatever needs a decoded body, a strategy or an
error is declined.
"""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.core.clients import Peer
from ixproxy.core.link_states import State
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator
from ixproxy.core.pending import Deadline, Pending
from ixproxy.core.routing import BY_CODE, Route
from ixproxy.core.state import ProxyState
from ixproxy.messages import EventForcedAgentStateChange
from ixproxy.wire.names import BY_CODE as NAMES
from ixproxy.wire.names import Holdings, Kind
from ixproxy.wire.prefix import ADDRESS, LAYOUT, SIZE, Flag

_REQUEST, _REPLY, _EVENT = int(Kind.REQUEST), int(Kind.REPLY), int(Kind.EVENT)
_MORE = int(Flag.MORE)
_LINKED = State.LINKED
_unpack, _address = LAYOUT.unpack_from, ADDRESS.pack


class Plan(NamedTuple):
    """What the fast path must know of one by-id request."""

    needs_queue: bool
    gives_back: bool
    ends: bool


def _plans() -> dict[int, Plan]:
    plans = {}
    for code, route in BY_CODE.items():
        row = NAMES[code]
        if (
            route.route is Route.OWNER
            and row.holdings is not Holdings.TAKES
            and route.deadline is Deadline.NORMAL
        ):
            plans[code] = Plan(
                needs_queue="queue" in row.required,
                gives_back=row.holdings is Holdings.GIVES_BACK,
                ends=row.name == "RequestStopProcessing",
            )
    return plans


PLANS: dict[int, Plan] = _plans()
"""By-id requests whose answers need no look inside, and that wait for nobody's decision."""

SLOW_EVENTS = frozenset(
    code
    for code, row in NAMES.items()
    if row.holdings is Holdings.REVOKES or row.message is EventForcedAgentStateChange
)
"""Events that change what a client holds, or what the proxy knows of an agent."""


class Forwarder:
    """The fast path of one proxy."""

    def __init__(self, state: ProxyState, locator: Locator) -> None:
        self._state = state
        self._locator = locator

    def request(self, peer: Peer, raw: bytes) -> bool:
        """Forward a client's request to its known owner, or decline it."""
        _, _, kind, name, number, reference, tenant, ttl, flags, *lengths = _unpack(raw)
        media, length, agent, queue = lengths[:4]
        plan = PLANS.get(name)
        if plan is None or kind != _REQUEST or flags or media or not length or not tenant:
            return False
        state = self._state
        client = peer.clients.get(number)
        if (
            client is None
            or client.gone
            or name not in client.allowed
            or tenant not in state.deployment.tenants
            or (client.tenants and tenant not in client.tenants)
            or (plan.needs_queue and not queue)
        ):
            return False
        end = SIZE + length + agent + queue
        if end >= len(raw) or not raw[SIZE:end].isascii():
            return False
        identifier = raw[SIZE : SIZE + length]
        node = state.owners.of(identifier)
        if node is None:
            return False
        link = state.links[node]
        number_there = client.numbers.get(node)
        inflight = client.inflight
        settings = state.settings
        pending = link.pending
        if (
            link.state is not _LINKED
            or number_there is None
            or link.parked
            or link.full
            or pending.count >= settings.max_pending_per_node
            or len(inflight) >= settings.max_pending_per_client
            or reference in inflight
            or (self._locator.in_flight and self._locator.busy(tenant, identifier))
        ):
            return False
        if ttl:
            deadline, due = Deadline.OWN, state.now + ttl / 1000
        else:
            deadline, due = Deadline.NORMAL, state.now + settings.request_timeout
        new = pending.add(Pending(client, reference, name, identifier.decode(), due), deadline)
        inflight[reference] = (link, new)
        link.send(raw[:8] + _address(number_there, new) + raw[16:])
        return True

    def from_node(self, link: Link, raw: bytes) -> bool:
        """Hand a node's answer or event to its client, or decline it."""
        _, _, kind, name, number, reference, _, _, flags, media, length, agent, queue, _, _ = (
            _unpack(raw)
        )
        end = SIZE + media + length + agent + queue
        if end >= len(raw) or (end > SIZE and not raw[SIZE:end].isascii()):
            return False
        if kind == _REPLY:
            pending = link.pending.get(reference)
            if (
                pending is None
                or pending.exchange is not None
                or pending.abandoned
                or pending.parts is not None
                or flags & _MORE
            ):
                return False
            plan = PLANS.get(pending.name)
            client = pending.client
            if plan is None or client is None or len(raw) - 4 > client.peer.max_frame:
                return False
            link.pending.remove(reference)
            client.inflight.pop(pending.reference, None)
            if plan.gives_back:
                client.gave_back(pending.interaction)
                if plan.ends:
                    self._state.owners.forget(pending.interaction.encode())
            if not client.gone:
                client.peer.send(raw[:8] + _address(client.number, pending.reference) + raw[16:])
            return True
        if kind != _EVENT or not number or name in SLOW_EVENTS:
            return False
        receiver = link.clients.get(number)
        if receiver is None or len(raw) - 4 > receiver.peer.max_frame:
            return False
        if length:
            start = SIZE + media
            self._state.owners.learn(raw[start : start + length], link.name)
        if not receiver.gone:
            receiver.peer.send(raw[:8] + _address(receiver.number, 0) + raw[16:])
        return True
