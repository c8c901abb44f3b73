from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.life_cycle import (
    LIFE_CYCLE,
    SILENT,
    STATES,
    State,
    To,
    Transition,
    Trigger,
    When,
    transition,
)
from ixproxy.values import InteractionState

DOC = Path(__file__).parent.parent.parent / "doc"

Q, C, R, H = InteractionState

BACK = "Revoked* PartyRemoved PlacedInQueue PlacedInWorkbin?"

# Trigger, states in which it may happen, the state that follows, and the reporting events.
WRITTEN_DOWN: dict[Trigger, dict[State, tuple[State, str]]] = {
    Trigger.SUBMITTED: {None: (Q, "InteractionSubmitted PlacedInWorkbin?")},
    Trigger.SUBMITTED_BY_AGENT: {None: (H, "InteractionSubmitted PartyAdded")},
    Trigger.TAKEN_BY_STRATEGY: dict.fromkeys(
        (Q, C), (R, "TakenFromQueue TakenFromWorkbin? PartyAdded")
    ),
    Trigger.PUSHED: dict.fromkeys((Q, C), (R, "TakenFromQueue TakenFromWorkbin? PartyAdded")),
    Trigger.TAKEN_BY_AGENT: dict.fromkeys(
        (Q, C), (H, "TakenFromQueue TakenFromWorkbin? PartyAdded")
    ),
    Trigger.PLACED_IN_QUEUE: {
        Q: (Q, "TakenFromQueue TakenFromWorkbin? PlacedInQueue"),
        C: (Q, "TakenFromQueue TakenFromWorkbin? PlacedInQueue"),
        R: (Q, "Revoked* PartyRemoved PlacedInQueue"),
        H: (Q, "Revoked* PartyRemoved PlacedInQueue"),
    },
    Trigger.PLACED_IN_WORKBIN: {
        Q: (Q, "TakenFromQueue TakenFromWorkbin? PlacedInQueue PlacedInWorkbin?"),
        C: (Q, "TakenFromQueue TakenFromWorkbin? PlacedInQueue PlacedInWorkbin?"),
        R: (Q, "Revoked* PartyRemoved PlacedInQueue PlacedInWorkbin?"),
        H: (Q, "Revoked* PartyRemoved PlacedInQueue PlacedInWorkbin?"),
    },
    Trigger.STOPPED: {
        **dict.fromkeys((Q, C), (None, "ProcessingStopped")),
        **dict.fromkeys((R, H), (None, "Revoked* PartyRemoved ProcessingStopped")),
    },
    Trigger.CHANGED: {state: (state, "PropertiesChanged") for state in (Q, C, R, H)},
    Trigger.HELD: {state: (state, "Held") for state in (Q, C, R, H)},
    Trigger.RESUMED: {state: (state, "Resumed") for state in (Q, C, R, H)},
    **{
        trigger: dict.fromkeys((R, H), (Q, BACK))
        for trigger in (
            Trigger.LEFT,
            Trigger.TAKE_CANCELLED,
            Trigger.NOT_LISTED,
            Trigger.UNREGISTERED,
            Trigger.SESSION_EXPIRED,
            Trigger.LOGGED_OUT,
            Trigger.FORCED_OUT,
        )
    },
    Trigger.ROUTER_LOST: {R: (Q, BACK)},
    Trigger.HANDLING_EXPIRED: {H: (Q, BACK)},
    Trigger.ROUTING_EXPIRED: {R: (Q, BACK)},
    Trigger.PARTY_LEFT: {state: (state, "Revoked* PartyRemoved") for state in (R, H)},
    Trigger.PARTY_REVOKED: {state: (state, "Revoked* PartyRemoved") for state in (R, H)},
    Trigger.DELIVERED: {R: (R, "AgentInvited PartyRemoved")},
    Trigger.DELIVERY_ACCEPTED: {R: (H, "PartyAdded")},
    Trigger.DELIVERY_REJECTED: {R: (Q, "Rejected PlacedInQueue PlacedInWorkbin?")},
    Trigger.DELIVERY_EXPIRED: {R: (Q, "Revoked PlacedInQueue PlacedInWorkbin?")},
    Trigger.DELIVERY_CALLED_OFF: {R: (Q, "Revoked PlacedInQueue PlacedInWorkbin?")},
    Trigger.TRANSFER_ASKED: {H: (H, "AgentInvited")},
    Trigger.TRANSFER_ACCEPTED: {H: (H, "Revoked* PartyAdded PartyRemoved")},
    Trigger.CONFERENCE_ASKED: {H: (H, "AgentInvited")},
    Trigger.CONFERENCE_ACCEPTED: {H: (H, "PartyAdded")},
    Trigger.INTRUDED: {H: (H, "PartyAdded")},
    Trigger.INVITATION_REJECTED: {H: (H, "Rejected")},
    Trigger.INVITATION_EXPIRED: {H: (H, "Revoked")},
    Trigger.INVITATION_CALLED_OFF: {H: (H, "Revoked")},
}

TOLD = {
    Trigger.PLACED_IN_QUEUE,
    Trigger.PLACED_IN_WORKBIN,
    Trigger.STOPPED,
    Trigger.LEFT,
    Trigger.SESSION_EXPIRED,
    Trigger.LOGGED_OUT,
    Trigger.FORCED_OUT,
    Trigger.HANDLING_EXPIRED,
    Trigger.ROUTING_EXPIRED,
    Trigger.PARTY_REVOKED,
    Trigger.TRANSFER_ACCEPTED,
}
"""Where a party may lose an interaction that it did not ask to lose."""


def trace(found: Transition) -> str:
    return " ".join(
        step.event.__name__.removeprefix("Event")
        + "?" * (step.when in (When.INTO_WORKBIN, When.OUT_OF_WORKBIN))
        + "*" * (step.when is When.EACH_CALLED_OFF)
        for step in found.steps
        if step.reported
    )


def test_every_trigger_has_an_answer_in_every_state() -> None:
    assert LIFE_CYCLE.keys() == {(trigger, state) for trigger in Trigger for state in STATES}
    assert WRITTEN_DOWN.keys() == set(Trigger)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", STATES)
def test_a_trigger_does_in_a_state_what_is_written_down(trigger: Trigger, state: State) -> None:
    expected = WRITTEN_DOWN[trigger].get(state)
    found = LIFE_CYCLE[trigger, state]
    if expected is None:
        assert isinstance(found, int)
        with pytest.raises(RequestRefused) as refused:
            transition(trigger, state)
        assert refused.value.code == found
    else:
        assert isinstance(found, Transition)
        assert found.trigger is trigger
        assert (found.target, trace(found)) == expected
        assert transition(trigger, None if state is None else int(state)) is found


@pytest.mark.parametrize("trigger", Trigger)
def test_what_is_not_there_is_unknown_to_all_but_submits(trigger: Trigger) -> None:
    if trigger not in (Trigger.SUBMITTED, Trigger.SUBMITTED_BY_AGENT):
        assert LIFE_CYCLE[trigger, None] == Code.UNKNOWN_INTERACTION


@pytest.mark.parametrize("state", InteractionState)
def test_the_refusals_say_why(state: InteractionState) -> None:
    assert LIFE_CYCLE[Trigger.SUBMITTED, state] == Code.DUPLICATE_INTERACTION
    assert LIFE_CYCLE[Trigger.SUBMITTED_BY_AGENT, state] == Code.DUPLICATE_INTERACTION
    for trigger in (Trigger.TAKEN_BY_AGENT, Trigger.TAKEN_BY_STRATEGY):
        found = LIFE_CYCLE[trigger, state]
        assert isinstance(found, Transition) == (state in (Q, C))
        if isinstance(found, int):
            assert found == Code.NOT_QUEUED
    if state in (Q, C):
        assert LIFE_CYCLE[Trigger.LEFT, state] == Code.NOT_A_PARTY


def test_only_who_did_not_ask_is_told_that_an_interaction_is_gone() -> None:
    for (trigger, _), found in LIFE_CYCLE.items():
        if isinstance(found, Transition):
            revokes = [
                step
                for step in found.steps
                if step.event is m.EventRevoked and step.to is To.THE_PARTY
            ]
            taken_away = any(step.when is When.EACH_LEAVING for step in found.steps)
            assert bool(revokes) == (trigger in TOLD and taken_away)
            assert not (revokes and trigger in SILENT)
            for step in revokes:
                # A router hears otherwise of what another stops.
                stops = trigger is Trigger.STOPPED
                when = When.EACH_OTHER if stops else When.EACH_LOSER
                assert (step.when, step.to, step.reported) == (when, To.THE_PARTY, False)


def test_what_is_stopped_is_abandoned_for_the_router_that_it_was_pushed_to() -> None:
    for (trigger, state), found in LIFE_CYCLE.items():
        if isinstance(found, Transition):
            abandoned = [step for step in found.steps if step.event is m.EventAbandoned]
            assert bool(abandoned) == (trigger is Trigger.STOPPED and state in (R, H))
            for step in abandoned:
                assert (step.when, step.to) == (When.EACH_PUSHED, To.THE_PARTY)


def test_party_events_reach_those_who_stay_and_no_other_event_does() -> None:
    for found in LIFE_CYCLE.values():
        if isinstance(found, Transition):
            for step in found.steps:
                party = step.event in (m.EventPartyAdded, m.EventPartyRemoved)
                assert (step.to is To.OTHER_PARTIES) == party


def test_who_takes_part_follows_from_the_state() -> None:
    """A transition into an out state adds a party, one out of it removes all."""
    for (_, state), found in LIFE_CYCLE.items():
        if not isinstance(found, Transition):
            continue
        joins = any(step.when is When.JOINING for step in found.steps)
        leaves = any(step.when is When.EACH_LEAVING for step in found.steps)
        if found.target in (R, H) and state not in (R, H):
            assert joins
        if state in (R, H) and found.target not in (R, H):
            assert leaves or any(step.when is When.INVITATION for step in found.steps)


def test_every_state_but_the_one_of_a_later_issue_is_entered_and_left() -> None:
    entered = {found.target for found in LIFE_CYCLE.values() if isinstance(found, Transition)}
    assert entered >= {None, Q, R, H}


def test_the_page_of_the_life_cycle_is_what_the_table_generates() -> None:
    page = runpy.run_path(str(DOC / "life_cycle_page.py"))["page"]
    generated = "\n".join(page()) + "\n"
    assert generated == (DOC / "life-cycle.md").read_text(), "run `make protocol`"


@pytest.mark.parametrize("trigger", Trigger)
def test_an_invitation_that_ends_by_the_way_is_revoked_before_anything_else(
    trigger: Trigger,
) -> None:
    for state in STATES:
        found = LIFE_CYCLE[trigger, state]
        if isinstance(found, Transition):
            revoked = [step.when is When.EACH_CALLED_OFF for step in found.steps]
            assert not any(revoked[1:])
            assert all(
                (step.event, step.to, step.reported) == (m.EventRevoked, To.THE_INVITED, True)
                for step in found.steps[:1]
                if revoked[0]
            )


def test_a_strategy_is_told_whenever_its_delivery_comes_to_nothing() -> None:
    for (trigger, state), found in LIFE_CYCLE.items():
        if isinstance(found, Transition) and state is R:
            told = [step for step in found.steps if step.when is When.EACH_UNDELIVERED]
            ends = trigger.name.startswith("DELIVERY_") and trigger is not Trigger.DELIVERY_ACCEPTED
            placed = trigger in (
                Trigger.STOPPED,
                Trigger.PLACED_IN_QUEUE,
                Trigger.PLACED_IN_WORKBIN,
            )
            assert bool(told) == (ends or placed)
            assert all(step.to is To.THE_INVITER and not step.reported for step in told)
