"""
Events that clients have distributed to reporting: as durable as any other.

Theory of operation: a client says something, and reporting hears it as
EventCustomReporting: with a number of its own, to every stream about the tenant,
and into the outbox for every consumer. The node understands nothing of it. Where
an interaction is named, it must be here, and the event shows its properties.
A request that is sent again is another event: who is in doubt says in the event
how to tell.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventCustomReporting,
    RequestDistributeEvent,
    RequestDistributeReportingEvent,
)
from ixproxy.node.access import media_of, tenant_of
from ixproxy.node.acting import actor_of
from ixproxy.node.answers import encode_map, interaction_properties
from ixproxy.node.events import report
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import foremost
from ixproxy.node.work import Sender

_Request = RequestDistributeReportingEvent | RequestDistributeEvent

OF_A_ROUTER = 0
"""The custom event id of what comes by RequestDistributeEvent."""


def distribute_reporting_event(
    turn: Turn, sender: Sender, request: RequestDistributeReportingEvent
) -> EventAck:
    """
    Distributes a custom reporting event.

    :raise RequestRefused: it has no id, is too large, or is about what is not known.
    """
    about = _about(turn, sender, request)
    if request.custom_event_id <= OF_A_ROUTER:
        raise RequestRefused(Code.MISSING_VALUE, "CustomEventId is missing, or not above 0")
    return _distribute(turn, sender, request, request.custom_event_id, about)


def distribute_event(turn: Turn, sender: Sender, request: RequestDistributeEvent) -> EventAck:
    """
    Distributes a router's own event.

    :raise RequestRefused: it says nothing, is too large, or is about what is not known.
    """
    about = _about(turn, sender, request)
    if not request.event:
        raise RequestRefused(Code.MISSING_VALUE, "Event is missing")
    return _distribute(turn, sender, request, OF_A_ROUTER, about)


def _about(turn: Turn, sender: Sender, request: _Request) -> dict[str, object]:
    """
    What an event is about. This is looked at first: a proxy must know the owner of an
    interaction before anything else is.

    :raise RequestRefused: it is not known.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    if request.media_type:
        media_of(tenant, request.media_type)
    if not request.interaction_id:
        return {"media_type": request.media_type}
    row = turn.rows.interaction(request.interaction_id)
    if row is None or row.tenant_id != tenant.id:
        raise RequestRefused(Code.UNKNOWN_INTERACTION)
    return {
        "media_type": row.media_type,
        "interaction_id": row.id,
        "interaction": interaction_properties(row, foremost(turn.rows.parties_of(row.id))),
    }


def _distribute(
    turn: Turn, sender: Sender, request: _Request, custom_event_id: int, about: dict[str, object]
) -> EventAck:
    size, most = len(encode_map(request.event)), turn.settings.max_userdata_size
    if size > most:
        raise RequestRefused(
            Code.USER_DATA_TOO_LARGE, f"the event takes {size} bytes, {most} are allowed"
        )
    report(
        turn,
        EventCustomReporting,
        request.tenant_id,
        actor=actor_of(turn, Cause(sender)),
        reason=request.reason,
        custom_event_id=custom_event_id,
        event=request.event,
        **about,
    )
    return EventAck(interaction_id=request.interaction_id)
