"""Which events an event log is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ixproxy import messages as m
from ixproxy.messages.message import Event
from ixproxy.node.life_cycle import LIFE_CYCLE
from ixproxy.node.log_rules import LOGGED, NAMES, LogRules, Wanting

CLASSES: dict[str, tuple[tuple[type[Event], bool], ...]] = {
    "agent_state": (
        (m.EventAgentLogin, False),
        (m.EventDoNotDisturbOn, False),
        (m.EventMediaStateReasonChanged, False),
    ),
    "agent_activity": (
        (m.EventPartyAdded, True),
        (m.EventPartyRemoved, True),
        (m.EventAgentInvited, False),
        (m.EventRejected, False),
        (m.EventRevoked, False),
    ),
    "strategy": ((m.EventPartyAdded, False), (m.EventPartyRemoved, False)),
    "queue": (
        (m.EventPlacedInQueue, False),
        (m.EventTakenFromQueue, False),
        (m.EventPlacedInWorkbin, False),
        (m.EventTakenFromWorkbin, False),
    ),
    "esp_service": (
        (m.EventExternalServiceRequested, False),
        (m.EventExternalServiceResponded, False),
    ),
}
UNFILTERED = (
    m.EventInteractionSubmitted,
    m.EventPropertiesChanged,
    m.EventProcessingStopped,
    m.EventHeld,
    m.EventResumed,
    m.EventCustomReporting,
)


@pytest.mark.parametrize("off", CLASSES)
def test_a_class_that_is_off_keeps_its_events_out_and_no_others(off: str) -> None:
    rules = replace(LogRules(), **{off: False})  # type: ignore[arg-type]
    for name, events in CLASSES.items():
        for kind, of_agent in events:
            assert rules.wants(kind, of_agent=of_agent) == (name != off), (kind, of_agent)
    for kind in UNFILTERED:
        assert rules.wants(kind, of_agent=False)


def test_names_let_only_those_events_through_and_classes_hold_all_the_same() -> None:
    rules = LogRules(only=frozenset({"EventPlacedInQueue", "EventHeld"}), queue=False)
    wanted = [kind for kind in LOGGED if rules.wants(kind, of_agent=False)]
    assert wanted == [m.EventHeld]


def test_what_is_between_clients_is_never_logged() -> None:
    for kind in (m.EventTopic, m.EventInvite, m.EventMassAgentLogout, m.EventNodeLoad):
        assert not LogRules().wants(kind, of_agent=False)


def test_whatever_reporting_hears_of_an_interaction_can_be_logged() -> None:
    steps = {
        step.event
        for transition in LIFE_CYCLE.values()
        if not isinstance(transition, int)
        for step in transition.steps
        if step.reported
    }
    assert steps <= LOGGED
    assert {kind.__name__ for kind in steps} <= set(NAMES)


def test_the_logs_that_want_an_event_are_found_by_name() -> None:
    wanting = Wanting({"all": LogRules(), "queues": LogRules(agent_state=False, strategy=False)})
    assert wanting.of(m.EventPlacedInQueue, False) == ("all", "queues")
    assert wanting.of(m.EventAgentLogin, False) == ("all",)
    assert wanting.of(m.EventPartyAdded, False) == ("all",)
    assert wanting.of(m.EventPartyAdded, True) == ("all", "queues")
    assert wanting.of(m.EventTopic, False) == ()
