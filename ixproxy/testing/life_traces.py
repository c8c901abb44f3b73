"""
The traces of the field's interaction life cycle, T1 to T20, as data.

A trace says what reporting hears of one thing that happens to an interaction,
and what others hear beside. It is drawn into the documentation, and tests
bring each about on a `Stage`.
"""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.node.life_cycle import Trigger


class Trace(NamedTuple):
    """
    One trace.

    :ivar source: the state before, as `target` is the one after; empty: none.
    :ivar reported: what reporting hears, in order, without `Event`.
    :ivar triggers: what it is in the life cycle's table, one after the other.
    :ivar beside: who else hears what.
    """

    number: int
    what: str
    source: str
    target: str
    reported: tuple[str, ...]
    triggers: tuple[Trigger, ...]
    beside: str

    @property
    def name(self) -> str:
        """As the field's catalogue has it."""
        return f"T{self.number}"


_T = Trigger

TRACES: tuple[Trace, ...] = (
    Trace(1, "a media server submits", "", "Queued", ("InteractionSubmitted",),
          (_T.SUBMITTED,), "Ack to the media server"),
    Trace(2, "an agent submits", "", "Handling", ("InteractionSubmitted", "PartyAdded"),
          (_T.SUBMITTED_BY_AGENT,), "Ack to the agent"),
    Trace(3, "a view shows it", "Queued", "Queued", (), (),
          "the field's nodes cache it; these read views from the database"),
    Trace(4, "a strategy pulls it", "Queued", "Routing", ("TakenFromQueue", "PartyAdded"),
          (_T.TAKEN_BY_STRATEGY,),
          "PulledInteractions, or RouteRequest, to the router; the routing time begins"),
    Trace(5, "a strategy places it in a queue", "Routing", "Queued",
          ("PartyRemoved", "PlacedInQueue"), (_T.PLACED_IN_QUEUE,),
          "Ack, or RouteUsed, to the router"),
    Trace(6, "a strategy places it in a workbin", "Routing", "Queued",
          ("PartyRemoved", "PlacedInQueue", "PlacedInWorkbin"), (_T.PLACED_IN_WORKBIN,),
          "Ack, or RouteUsed, to the router"),
    Trace(7, "a strategy delivers it to an agent", "Routing", "Routing",
          ("AgentInvited", "PartyRemoved"), (_T.DELIVERED,),
          "Invite to the agent; the time to answer begins; the router waits"),
    Trace(8, "the agent accepts", "Routing", "Handling", ("PartyAdded",),
          (_T.DELIVERY_ACCEPTED,), "Ack, or RouteUsed, to the router, and Ack to the agent"),
    Trace(9, "the agent refuses", "Routing", "Queued", ("Rejected", "PlacedInQueue"),
          (_T.DELIVERY_REJECTED,),
          "Ack to the agent; error 3057, or RouteUsed, and Revoked (Rejected) to the router"),
    Trace(10, "the agent does not answer", "Routing", "Queued", ("Revoked", "PlacedInQueue"),
          (_T.DELIVERY_EXPIRED,),
          "Revoked (Expired) to the agent; error 3058, or RouteUsed, and Revoked (Expired) to the"
          " router"),
    Trace(11, "an agent pulls it", "Queued", "Handling", ("TakenFromQueue", "PartyAdded"),
          (_T.TAKEN_BY_AGENT,), "PulledInteractions to the agent; the handling time begins"),
    Trace(12, "the handling time is over", "Handling", "Queued",
          ("PartyRemoved", "PlacedInQueue"), (_T.HANDLING_EXPIRED,),
          "Revoked (Expired) to the agent"),
    Trace(13, "an agent places it in a queue", "Handling", "Queued",
          ("PartyRemoved", "PlacedInQueue"), (_T.PLACED_IN_QUEUE,), "Ack to the agent"),
    Trace(14, "another agent takes it over", "Handling", "Handling",
          ("AgentInvited", "PartyAdded", "PartyRemoved"),
          (_T.TRANSFER_ASKED, _T.TRANSFER_ACCEPTED),
          "Invite to the other agent; Ack to both when it is accepted"),
    Trace(15, "another agent joins", "Handling", "Handling", ("AgentInvited", "PartyAdded"),
          (_T.CONFERENCE_ASKED, _T.CONFERENCE_ACCEPTED),
          "Invite to the other agent; Ack to both, and PartyAdded to all parties"),
    Trace(16, "the last party leaves", "Handling", "Queued", ("PartyRemoved", "PlacedInQueue"),
          (_T.LEFT,), "Ack to the agent"),
    Trace(17, "a media server stops it", "Handling", "",
          ("PartyRemoved", "PartyRemoved", "ProcessingStopped"), (_T.STOPPED,),
          "Ack to the media server; Revoked to every party, Abandoned to a router that it was"
          " pushed to"),
    Trace(18, "the routing time is over", "Routing", "Queued", ("PartyRemoved", "PlacedInQueue"),
          (_T.ROUTING_EXPIRED,), "Revoked (Expired) to the router"),
    Trace(19, "a router that it was pushed to is gone", "Routing", "Queued",
          ("PartyRemoved", "PlacedInQueue"), (_T.ROUTER_LOST,),
          "RouteRequest to another router: it is the first in its view"),
    Trace(20, "what waits is moved", "Queued", "Queued", ("TakenFromQueue", "PlacedInQueue"),
          (_T.PLACED_IN_QUEUE,), "Ack to whoever moved it"),
)  # fmt: skip
"""Every trace of the catalogue."""
