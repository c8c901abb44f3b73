"""
The life of an interaction as one table: what may happen in which state, what
state follows, and which events say so.

Theory of operation: whatever happens to an interaction is a trigger. For each
trigger and each state, absence included, the table has either a transition or
the code of a refusal. A transition names the state that follows and its steps
in order. A step is one kind of event: it happens once, or once for each party
concerned, or not at all where its condition is not met; every event that
happens has a number of its own, whoever receives it. Rules change rows and
states as the transition says, and `events.happen` walks its steps. The traces
are those of the field (T1 to T20 of its life cycle).

While an agent is invited there is no state of its own: what is transferred,
or shared, stays with who has it, and what a strategy delivers stays `ROUTING`,
without a party, until the invitation is answered or over.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Reason
from ixproxy.messages.reporting import InteractionEvent
from ixproxy.values import InteractionState
from ixproxy.wire.workbins import PLACED_IN, PROPERTIES_CHANGED, STOPPED, TAKEN_OUT

State = InteractionState | None
"""None: the interaction is not there, not yet or not any more."""

REJECTED = Reason(reason_system_name="Rejected", reason_description="The invited agent has refused")
TRANSFERRED = Reason(
    reason_system_name="Transferred", reason_description="Another agent has taken over"
)

STATES: tuple[State, ...] = (None, *InteractionState)


class Trigger(Enum):
    """What happens to an interaction."""

    SUBMITTED = "submitted by a media server"
    SUBMITTED_BY_AGENT = "submitted by an agent"
    TAKEN_BY_STRATEGY = "pulled for a strategy"
    PUSHED = "pushed to a router"
    TAKEN_BY_AGENT = "pulled by an agent"
    PLACED_IN_QUEUE = "placed in a queue"
    PLACED_IN_WORKBIN = "placed in a workbin"
    STOPPED = "stopped"
    CHANGED = "properties changed"
    HELD = "put on hold"
    RESUMED = "resumed"
    LEFT = "the last party left"
    TAKE_CANCELLED = "the answer of the take reached nobody"
    NOT_LISTED = "its party came back without it"
    UNREGISTERED = "its party unregistered"
    SESSION_EXPIRED = "its party did not come back in time"
    ROUTER_LOST = "the router that it was pushed to did not come back in time"
    LOGGED_OUT = "its agent logged out"
    FORCED_OUT = "a newer login, or the node, ended its agent's session"
    HANDLING_EXPIRED = "the handling timer expired"
    ROUTING_EXPIRED = "the routing timer expired"
    PARTY_LEFT = "a party left, others stay"
    PARTY_REVOKED = "a party was removed, others stay"
    DELIVERED = "delivered to an agent, who is invited"
    DELIVERY_ACCEPTED = "the delivery was accepted"
    DELIVERY_REJECTED = "the delivery was refused"
    DELIVERY_EXPIRED = "the delivery was not answered in time"
    DELIVERY_CALLED_OFF = "the agent of the delivery logged out"
    TRANSFER_ASKED = "an agent asked another to take over"
    TRANSFER_ACCEPTED = "the other agent took over"
    CONFERENCE_ASKED = "an agent asked another to join"
    CONFERENCE_ACCEPTED = "the other agent joined"
    INTRUDED = "an agent joined unasked"
    INVITATION_REJECTED = "a transfer or conference was refused"
    INVITATION_EXPIRED = "a transfer or conference was not answered in time"
    INVITATION_CALLED_OFF = "the agent of a transfer or conference logged out"


class To(Enum):
    """Who receives an event, beside reporting."""

    REPORTING = "reporting only"
    THE_PARTY = "the party concerned"
    THE_ROUTER = "the router concerned, unless it asked for it and an option spares it"
    OTHER_PARTIES = "the parties that stay"
    CONCERNED = "agents handling it, and submitters that asked for it"
    SUBMITTERS = "the media servers with the submitter's name"
    THE_INVITED = "all clients of the invited agent"
    OTHER_CLIENTS = "those of them that did not answer"
    THE_INVITER = "the client that invited"
    UNANSWERED = "the client that invited, if its request awaits no answer any more"
    LISTENERS = "whoever listens to the workbin"


class When(Enum):
    """When a step happens."""

    ALWAYS = "always"
    INTO_WORKBIN = "it goes into a workbin, or stays there"
    OUT_OF_WORKBIN = "it comes out of a workbin"
    EACH_LEAVING = "for each party that leaves"
    EACH_LOSER = "for each party that leaves without having asked for it"
    EACH_PUSHED = "for each router among them that it was pushed to"
    EACH_OTHER = "for each other of them"
    EACH_ROUTER = "for each router that it was pushed to"
    JOINING = "for the party that joins"
    INVITATION = "for the invitation that it is about"
    EACH_CALLED_OFF = "for each invitation that ends by it"
    EACH_UNDELIVERED = "for each delivery that ends by it"


class Step(NamedTuple):
    """
    One kind of event.

    :ivar reported: reporting clients and consumers get it too.
    :ivar why: the reason that it has, whatever that of the cause is.
    :ivar operation: what it says has happened to the content of a workbin.
    """

    event: type[InteractionEvent]
    when: When = When.ALWAYS
    to: To = To.REPORTING
    reported: bool = True
    why: Reason | None = None
    operation: str = ""


class Transition(NamedTuple):
    """What follows."""

    trigger: Trigger
    target: State
    steps: tuple[Step, ...]


_SUBMITTED = Step(m.EventInteractionSubmitted)
_TAKEN = Step(m.EventTakenFromQueue)
_OUT_OF_WORKBIN = Step(m.EventTakenFromWorkbin, When.OUT_OF_WORKBIN)
_PLACED = Step(m.EventPlacedInQueue)
_INTO_WORKBIN = Step(m.EventPlacedInWorkbin, When.INTO_WORKBIN)
_TAKEN_OUT = Step(
    m.EventWorkbinContentChanged, When.OUT_OF_WORKBIN, To.LISTENERS, False, operation=TAKEN_OUT
)
_PLACED_IN = Step(
    m.EventWorkbinContentChanged, When.INTO_WORKBIN, To.LISTENERS, False, operation=PLACED_IN
)
_CHANGED_THERE = Step(
    m.EventWorkbinContentChanged,
    When.INTO_WORKBIN,
    To.LISTENERS,
    False,
    operation=PROPERTIES_CHANGED,
)
_ENDED_THERE = Step(
    m.EventWorkbinContentChanged, When.OUT_OF_WORKBIN, To.LISTENERS, False, operation=STOPPED
)
_JOINED = Step(m.EventPartyAdded, When.JOINING, To.OTHER_PARTIES)
_GONE = Step(m.EventPartyRemoved, When.EACH_LEAVING, To.OTHER_PARTIES)
_REVOKED = Step(m.EventRevoked, When.EACH_LOSER, To.THE_PARTY, reported=False)
_ROUTE = Step(m.EventRouteRequest, When.JOINING, To.THE_PARTY, reported=False)
_ABANDONED = Step(m.EventAbandoned, When.EACH_PUSHED, To.THE_PARTY, reported=False)
_REVOKED_TOO = _REVOKED._replace(when=When.EACH_OTHER)
_STOPPED = Step(m.EventProcessingStopped, When.ALWAYS, To.SUBMITTERS)
_CHANGED = Step(m.EventPropertiesChanged, When.ALWAYS, To.CONCERNED)
_CHANGED_TOO = Step(m.EventAttachedDataChanged, When.EACH_ROUTER, To.THE_ROUTER, reported=False)
_HELD = Step(m.EventHeld)
_RESUMED = Step(m.EventResumed)

_INVITED = Step(m.EventAgentInvited, When.INVITATION)
_INVITE = Step(m.EventInvite, When.INVITATION, To.THE_INVITED, reported=False)
_ACCEPTED = Step(m.EventAccepted, When.INVITATION, To.OTHER_CLIENTS, reported=False)
_ACCEPTED_TOO = Step(m.EventAccepted, When.INVITATION, To.UNANSWERED, reported=False)
_REFUSED = Step(m.EventRejected, When.INVITATION, To.UNANSWERED)
_REFUSED_TOO = Step(m.EventRevoked, When.INVITATION, To.OTHER_CLIENTS, reported=False, why=REJECTED)
_OVER = Step(m.EventRevoked, When.INVITATION, To.THE_INVITED)
_OVER_TOO = Step(m.EventRevoked, When.INVITATION, To.UNANSWERED, reported=False)
_CALLED_OFF = Step(m.EventRevoked, When.EACH_CALLED_OFF, To.THE_INVITED)
_UNDELIVERED = Step(m.EventRevoked, When.EACH_UNDELIVERED, To.THE_INVITER, reported=False)

_Q, _C, _R, _H = InteractionState
_WAITING = (_Q, _C)
_TAKEN_STATES = (_R, _H)
_ALL = (_Q, _C, _R, _H)

_BACK = (_CALLED_OFF, _GONE, _PLACED, _INTO_WORKBIN, _PLACED_IN)
_BACK_TOLD = (*_BACK, _REVOKED)
_OUT = (_TAKEN, _OUT_OF_WORKBIN, _TAKEN_OUT)
_MOVED = (*_OUT, _PLACED)
_NOT_DELIVERED = (_PLACED, _INTO_WORKBIN, _PLACED_IN)

_T = Trigger

_ROWS: tuple[tuple[Trigger, tuple[State, ...], State, tuple[Step, ...]], ...] = (
    (_T.SUBMITTED, (None,), _Q, (_SUBMITTED, _INTO_WORKBIN, _PLACED_IN)),
    (_T.SUBMITTED_BY_AGENT, (None,), _H, (_SUBMITTED, _JOINED)),
    (_T.TAKEN_BY_STRATEGY, _WAITING, _R, (*_OUT, _JOINED)),
    (_T.PUSHED, _WAITING, _R, (*_OUT, _JOINED, _ROUTE)),
    (_T.TAKEN_BY_AGENT, _WAITING, _H, (*_OUT, _JOINED)),
    (_T.PLACED_IN_QUEUE, _WAITING, _Q, _MOVED),
    (_T.PLACED_IN_QUEUE, _TAKEN_STATES, _Q, (_CALLED_OFF, _GONE, _PLACED, _REVOKED, _UNDELIVERED)),
    (_T.PLACED_IN_WORKBIN, _WAITING, _Q, (*_MOVED, _INTO_WORKBIN, _PLACED_IN)),
    (_T.PLACED_IN_WORKBIN, _TAKEN_STATES, _Q, (*_BACK_TOLD, _UNDELIVERED)),
    (_T.STOPPED, _WAITING, None, (_STOPPED, _TAKEN_OUT, _ENDED_THERE)),
    (
        _T.STOPPED,
        _TAKEN_STATES,
        None,
        (
            _CALLED_OFF,
            _GONE,
            _STOPPED,
            _ENDED_THERE,
            _REVOKED_TOO,
            _ABANDONED,
            _UNDELIVERED,
        ),
    ),
    (_T.LEFT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.TAKE_CANCELLED, _TAKEN_STATES, _Q, _BACK),
    (_T.NOT_LISTED, _TAKEN_STATES, _Q, _BACK),
    (_T.UNREGISTERED, _TAKEN_STATES, _Q, _BACK),
    (_T.SESSION_EXPIRED, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.ROUTER_LOST, (_R,), _Q, _BACK),
    (_T.LOGGED_OUT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.FORCED_OUT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.HANDLING_EXPIRED, (_H,), _Q, _BACK_TOLD),
    (_T.ROUTING_EXPIRED, (_R,), _Q, _BACK_TOLD),
    *((_T.CHANGED, (state,), state, (_CHANGED, _CHANGED_THERE)) for state in _WAITING),
    (_T.CHANGED, (_R,), _R, (_CHANGED, _CHANGED_TOO)),
    (_T.CHANGED, (_H,), _H, (_CHANGED,)),
    *((_T.HELD, (state,), state, (_HELD,)) for state in _ALL),
    *((_T.RESUMED, (state,), state, (_RESUMED,)) for state in _ALL),
    *((_T.PARTY_LEFT, (state,), state, (_CALLED_OFF, _GONE)) for state in _TAKEN_STATES),
    *(
        (_T.PARTY_REVOKED, (state,), state, (_CALLED_OFF, _GONE, _REVOKED))
        for state in _TAKEN_STATES
    ),
    (_T.DELIVERED, (_R,), _R, (_INVITED, _GONE, _INVITE)),
    (_T.DELIVERY_ACCEPTED, (_R,), _H, (_JOINED, _ACCEPTED, _ACCEPTED_TOO)),
    (
        _T.DELIVERY_REJECTED,
        (_R,),
        _Q,
        (_REFUSED, *_NOT_DELIVERED, _REFUSED_TOO, _UNDELIVERED._replace(why=REJECTED)),
    ),
    (_T.DELIVERY_EXPIRED, (_R,), _Q, (_OVER, *_NOT_DELIVERED, _UNDELIVERED)),
    (_T.DELIVERY_CALLED_OFF, (_R,), _Q, (_OVER, *_NOT_DELIVERED, _UNDELIVERED)),
    (_T.TRANSFER_ASKED, (_H,), _H, (_INVITED, _INVITE)),
    (
        _T.TRANSFER_ACCEPTED,
        (_H,),
        _H,
        (_CALLED_OFF, _JOINED, _GONE, _ACCEPTED, _REVOKED._replace(why=TRANSFERRED)),
    ),
    (_T.CONFERENCE_ASKED, (_H,), _H, (_INVITED, _INVITE)),
    (_T.CONFERENCE_ACCEPTED, (_H,), _H, (_JOINED, _ACCEPTED)),
    (_T.INTRUDED, (_H,), _H, (_JOINED,)),
    (_T.INVITATION_REJECTED, (_H,), _H, (_REFUSED, _REFUSED_TOO)),
    (_T.INVITATION_EXPIRED, (_H,), _H, (_OVER, _OVER_TOO)),
    (_T.INVITATION_CALLED_OFF, (_H,), _H, (_OVER, _OVER_TOO)),
)

SILENT = frozenset({_T.TAKE_CANCELLED, _T.NOT_LISTED, _T.UNREGISTERED, _T.ROUTER_LOST})
"""Returns that the party need not be told of: it is gone, or does not know that it had it."""


_ENDS_OF_INVITATIONS = frozenset(
    {
        _T.DELIVERY_ACCEPTED,
        _T.DELIVERY_REJECTED,
        _T.DELIVERY_EXPIRED,
        _T.DELIVERY_CALLED_OFF,
        _T.TRANSFER_ACCEPTED,
        _T.CONFERENCE_ACCEPTED,
        _T.INVITATION_REJECTED,
        _T.INVITATION_EXPIRED,
        _T.INVITATION_CALLED_OFF,
    }
)


def _refusal(trigger: Trigger, state: State) -> int:
    """Why `trigger` cannot happen in `state`, where no row says that it can."""
    if state is None:
        return Code.UNKNOWN_INTERACTION
    if trigger in (_T.SUBMITTED, _T.SUBMITTED_BY_AGENT):
        return Code.DUPLICATE_INTERACTION
    if trigger in (_T.TAKEN_BY_STRATEGY, _T.PUSHED, _T.TAKEN_BY_AGENT):
        return Code.NOT_QUEUED
    if trigger is _T.INTRUDED:
        return Code.NOT_HANDLED
    if trigger in _ENDS_OF_INVITATIONS:
        return Code.INVITATION_OVER
    return Code.NOT_A_PARTY


def _table() -> dict[tuple[Trigger, State], Transition | int]:
    table: dict[tuple[Trigger, State], Transition | int] = {
        (trigger, state): _refusal(trigger, state) for trigger in Trigger for state in STATES
    }
    for trigger, sources, target, steps in _ROWS:
        for source in sources:
            table[trigger, source] = Transition(trigger, target, steps)
    return table


LIFE_CYCLE: dict[tuple[Trigger, State], Transition | int] = _table()
"""Every trigger in every state: a transition, or the code of a refusal."""

# The same by plain numbers, as rows have them.
_NEXT = {
    (trigger, None if state is None else int(state)): found
    for (trigger, state), found in LIFE_CYCLE.items()
}


def transition(trigger: Trigger, state: int | None) -> Transition:
    """
    What follows when `trigger` happens to an interaction in `state`.

    :raise RequestRefused: it cannot happen there.
    """
    found = _NEXT[trigger, state]
    if isinstance(found, int):
        raise RequestRefused(found)
    return found
