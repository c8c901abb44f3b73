"""What proxies and nodes say to each other and clients never see."""

from __future__ import annotations

from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.interactions import InteractionRequest
from ixproxy.messages.message import Count, Event, Name, Number, Reason, Request

__all__ = [
    "EventNodeLoad",
    "RequestCancelTake",
    "RequestClientsGone",
    "RequestConfirmSession",
    "RequestLocate",
]


class RequestLocate(InteractionRequest, frozen=True, kw_only=True):
    """Asks whether the node holds an interaction; answered in writer order."""


class RequestCancelTake(InteractionRequest, frozen=True, kw_only=True):
    """
    Gives back what was taken for a client that the answer never reached.

    A `take_number` that is not the current one is ignored.
    """

    take_number: Count = 0


class RequestClientsGone(Request, frozen=True, kw_only=True):
    """Says which clients (numbers on this peer) lost their connection together."""

    clients: list[Count] = []
    application_name: Name = ""


class RequestConfirmSession(AgentRequest, frozen=True, kw_only=True):
    """
    Makes a provisional agent session the agent's session; carries it whole.

    :ivar media_reasons: media type to the reason for its state.
    :ivar state_reason: the reason for the agent's state.
    """

    media_list: dict[str, Number] = {}
    donot_disturb: Number = 0
    media_reasons: dict[str, Reason] = {}
    state_reason: Reason | None = None


class EventNodeLoad(Event, frozen=True, kw_only=True):
    """
    How much waits on a node.

    :ivar queues: tenant id to queue name to number queued.
    :ivar views: tenant id to `queue/view` to number shown.
    :ivar media_types: tenant id to the media types of which it holds any.
    """

    queues: dict[Count, dict[str, Count]] = {}
    views: dict[Count, dict[str, Count]] = {}
    media_types: dict[Count, list[str]] = {}
