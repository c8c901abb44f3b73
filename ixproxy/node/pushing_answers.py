"""
RequestRouteCall: a router says with one request what the others say with four.

Its answer is EventRouteUsed, and that means that the router has the interaction
no more: a delivery that the agent refuses, or lets pass, is answered so too,
with the reason, when the interaction is back in its queue. An error means that
nothing was done, and the router has it still.
"""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventRouteUsed,
    RequestDeliver,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    RequestRouteCall,
    RequestStopProcessing,
)
from ixproxy.node.access import interaction_of, own_party
from ixproxy.node.changing import stop_processing
from ixproxy.node.delivering import deliver
from ixproxy.node.placing import place_in_queue, place_in_workbin
from ixproxy.node.turn import Turn
from ixproxy.node.work import Answer, Effect, Sender, Token

AGENT, QUEUE, WORKBIN, STOP = "Agent", "Queue", "Workbin", "Stop"
"""The values of RouteType."""


def route_call(
    turn: Turn, sender: Sender, request: RequestRouteCall, token: Token
) -> Effect | None:
    """
    T5, T6, T7 and T17 of the life cycle, by RouteType.

    :raise RequestRefused: the router has not got the interaction, or not by
        the take that it names; or what it asks is refused.
    """
    if sender.through_proxy:
        # A proxy refuses it itself, as not supported.
        raise RequestRefused(Code.NOT_ALLOWED, "routers answer on connections of their own")
    row = interaction_of(turn, sender, request)
    party = own_party(turn, sender, row, turn.rows.parties_of(row.id))
    if party is None or request.take_number not in (0, party.take_number):
        raise RequestRefused(Code.NOT_A_PARTY)
    about: dict[str, Any] = {
        "tenant_id": row.tenant_id,
        "interaction_id": row.id,
        "reason": request.reason,
        "extension": request.extension,
    }
    used = EventRouteUsed(tenant_id=row.tenant_id, media_type=row.media_type, interaction_id=row.id)
    if request.route_type == AGENT:
        asked = RequestDeliver(agent_id=request.agent_id, place_id=request.place_id, **about)
        deliver(turn, sender, asked, token, used=used)
        return None
    if request.route_type == QUEUE:
        place_in_queue(turn, sender, RequestPlaceInQueue(queue=request.queue, **about))
    elif request.route_type == WORKBIN:
        place_in_workbin(turn, sender, RequestPlaceInWorkbin(workbin=request.workbin, **about))
    elif request.route_type == STOP:
        stop_processing(turn, sender, RequestStopProcessing(**about))
    elif request.route_type:
        raise RequestRefused(
            Code.BAD_ATTRIBUTE,
            f"RouteType: {request.route_type!r} is none of {AGENT}, {QUEUE}, {WORKBIN}, {STOP}",
        )
    else:
        raise RequestRefused(Code.MISSING_VALUE, "RouteType is missing")
    return Answer(token, used)
