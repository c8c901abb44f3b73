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
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.reporting import InteractionEvent
from ixproxy.values import InteractionState

State = InteractionState | None
"""None: the interaction is not there, not yet or not any more."""

STATES: tuple[State, ...] = (None, *InteractionState)


class Trigger(Enum):
    """What happens to an interaction."""

    SUBMITTED = "submitted by a media server"
    SUBMITTED_BY_AGENT = "submitted by an agent"
    TAKEN_BY_STRATEGY = "pulled for a strategy"
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
    LOGGED_OUT = "its agent logged out"
    FORCED_OUT = "a newer login, or the node, ended its agent's session"
    HANDLING_EXPIRED = "the handling timer expired"
    ROUTING_EXPIRED = "the routing timer expired"
    PARTY_LEFT = "a party left, others stay"
    PARTY_REVOKED = "a party was removed, others stay"


class To(Enum):
    """Who receives an event, beside reporting."""

    REPORTING = "reporting only"
    THE_PARTY = "the party concerned"
    OTHER_PARTIES = "the parties that stay"
    CONCERNED = "agents handling it, and submitters that asked for it"
    SUBMITTERS = "the media servers with the submitter's name"


class When(Enum):
    """When a step happens."""

    ALWAYS = "always"
    IN_WORKBIN = "it lies, or lay, in a workbin"
    EACH_LEAVING = "for each party that leaves"
    EACH_LOSER = "for each party that leaves without having asked for it"
    JOINING = "for the party that joins"


class Step(NamedTuple):
    """One kind of event; `reported`: reporting clients and consumers get it too."""

    event: type[InteractionEvent]
    when: When = When.ALWAYS
    to: To = To.REPORTING
    reported: bool = True


class Transition(NamedTuple):
    """What follows."""

    trigger: Trigger
    target: State
    steps: tuple[Step, ...]


_SUBMITTED = Step(m.EventInteractionSubmitted)
_TAKEN = Step(m.EventTakenFromQueue)
_OUT_OF_WORKBIN = Step(m.EventTakenFromWorkbin, When.IN_WORKBIN)
_PLACED = Step(m.EventPlacedInQueue)
_INTO_WORKBIN = Step(m.EventPlacedInWorkbin, When.IN_WORKBIN)
_JOINED = Step(m.EventPartyAdded, When.JOINING, To.OTHER_PARTIES)
_GONE = Step(m.EventPartyRemoved, When.EACH_LEAVING, To.OTHER_PARTIES)
_REVOKED = Step(m.EventRevoked, When.EACH_LOSER, To.THE_PARTY, reported=False)
_STOPPED = Step(m.EventProcessingStopped, When.ALWAYS, To.SUBMITTERS)
_CHANGED = Step(m.EventPropertiesChanged, When.ALWAYS, To.CONCERNED)
_HELD = Step(m.EventHeld)
_RESUMED = Step(m.EventResumed)

_Q, _C, _R, _H = InteractionState
_WAITING = (_Q, _C)
_TAKEN_STATES = (_R, _H)
_ALL = (_Q, _C, _R, _H)

_BACK = (_GONE, _PLACED, _INTO_WORKBIN)
_BACK_TOLD = (*_BACK, _REVOKED)
_MOVED = (_TAKEN, _OUT_OF_WORKBIN, _PLACED)

_T = Trigger

_ROWS: tuple[tuple[Trigger, tuple[State, ...], State, tuple[Step, ...]], ...] = (
    (_T.SUBMITTED, (None,), _Q, (_SUBMITTED, _INTO_WORKBIN)),
    (_T.SUBMITTED_BY_AGENT, (None,), _H, (_SUBMITTED, _JOINED)),
    (_T.TAKEN_BY_STRATEGY, _WAITING, _R, (_TAKEN, _OUT_OF_WORKBIN, _JOINED)),
    (_T.TAKEN_BY_AGENT, _WAITING, _H, (_TAKEN, _OUT_OF_WORKBIN, _JOINED)),
    (_T.PLACED_IN_QUEUE, _WAITING, _Q, _MOVED),
    (_T.PLACED_IN_QUEUE, _TAKEN_STATES, _Q, (_GONE, _PLACED, _REVOKED)),
    (_T.PLACED_IN_WORKBIN, _WAITING, _Q, (*_MOVED, _INTO_WORKBIN)),
    (_T.PLACED_IN_WORKBIN, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.STOPPED, _ALL, None, (_GONE, _STOPPED, _REVOKED)),
    (_T.LEFT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.TAKE_CANCELLED, _TAKEN_STATES, _Q, _BACK),
    (_T.NOT_LISTED, _TAKEN_STATES, _Q, _BACK),
    (_T.UNREGISTERED, _TAKEN_STATES, _Q, _BACK),
    (_T.SESSION_EXPIRED, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.LOGGED_OUT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.FORCED_OUT, _TAKEN_STATES, _Q, _BACK_TOLD),
    (_T.HANDLING_EXPIRED, (_H,), _Q, _BACK_TOLD),
    (_T.ROUTING_EXPIRED, (_R,), _Q, _BACK_TOLD),
    *((_T.CHANGED, (state,), state, (_CHANGED,)) for state in _ALL),
    *((_T.HELD, (state,), state, (_HELD,)) for state in _ALL),
    *((_T.RESUMED, (state,), state, (_RESUMED,)) for state in _ALL),
    *((_T.PARTY_LEFT, (state,), state, (_GONE,)) for state in _TAKEN_STATES),
    *((_T.PARTY_REVOKED, (state,), state, (_GONE, _REVOKED)) for state in _TAKEN_STATES),
)

SILENT = frozenset({_T.TAKE_CANCELLED, _T.NOT_LISTED, _T.UNREGISTERED})
"""Returns that the party need not be told of: it is gone, or does not know that it had it."""


def _refusal(trigger: Trigger, state: State) -> int:
    """Why `trigger` cannot happen in `state`, where no row says that it can."""
    if state is None:
        return Code.UNKNOWN_INTERACTION
    if trigger in (_T.SUBMITTED, _T.SUBMITTED_BY_AGENT):
        return Code.DUPLICATE_INTERACTION
    if trigger in (_T.TAKEN_BY_STRATEGY, _T.TAKEN_BY_AGENT):
        return Code.NOT_QUEUED
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
