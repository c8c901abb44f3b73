from __future__ import annotations

from typing import Any

from ixproxy.testing.differences import differences, disorder
from ixproxy.testing.playing import Record
from ixproxy.testing.scripts import random_script
from ixproxy.testing.steps import Ask


def record(*answers: Any, events: list[dict[str, Any]] | None = None) -> Record:
    return Record(list(answers), [events or []])


def told(name: str, subject: str, step: int) -> dict[str, Any]:
    return {"": name, "InteractionId": subject, "Reason": {"Reason": step}}


def test_a_difference_is_shown_where_it_is() -> None:
    one = record(({"": "EventAck", "Interaction": {"Queue": "In"}}, False))
    other = record(({"": "EventAck", "Interaction": {"Queue": "Out"}}, False))
    assert list(differences(one, other)) == [
        "step 0: answer[0].Interaction.Queue: expected 'In', got 'Out'"
    ]
    assert list(differences(record(None), record((43, "", False)))) == [
        "step 0: answer: expected None, got (43, '', False)"
    ]
    assert list(differences(record((43, "", False)), record((43, "", True)))) == [
        "step 0: answer[2]: expected False, got True"
    ]


def test_a_missing_event_and_one_too_many_are_found() -> None:
    [missing, extra] = differences(
        record(events=[told("EventRevoked", "A", 1)]), record(events=[told("EventInvite", "A", 1)])
    )
    assert missing.startswith("client 0 was not told {'': 'EventRevoked'")
    assert extra.startswith("client 0 was told {'': 'EventInvite'")


def test_events_on_one_interaction_keep_their_order_and_others_need_not() -> None:
    first, second = told("EventInvite", "A", 1), told("EventRevoked", "A", 2)
    other = told("EventRevoked", "B", 3)
    assert list(differences(record(events=[first, second]), record(events=[second, first]))) == [
        "client 0 was told of InteractionId A in another order"
    ]
    assert list(differences(record(events=[first, other]), record(events=[other, first]))) == []


def test_an_event_of_an_earlier_round_that_comes_late_is_found() -> None:
    script = random_script(1)
    rounds: dict[int, int] = {}
    for number, actions in enumerate(script.rounds):
        for action in actions:
            if isinstance(action, Ask) and action.request.reason:
                rounds.setdefault(number, action.request.reason.reason)
    early, late = rounds[min(rounds)], rounds[max(rounds)]
    events = [told("EventRevoked", "A", late), told("EventInvite", "A", early)]
    assert len(list(disorder(script, record(events=events)))) == 1
    assert list(disorder(script, record(events=events[::-1]))) == []
    events[1]["InteractionId"] = "B"
    assert list(disorder(script, record(events=events))) == []


def agent_told(name: str, step: int = 0, **more: Any) -> dict[str, Any]:
    return {"": name, "AgentId": "anna", "Reason": {"Reason": step}, **more}


def test_two_events_that_are_much_alike_are_told_as_one_difference() -> None:
    one = record(events=[agent_told("EventMediaAdded", MediaTypeName="chat")])
    other = record(events=[agent_told("EventMediaAdded", MediaTypeName="email")])
    assert list(differences(one, other)) == [
        "client 0, EventMediaAdded of AgentId anna: "
        "EventMediaAdded.MediaTypeName: expected 'chat', got 'email'"
    ]


def test_the_order_of_attributes_is_no_difference() -> None:
    one, other = {"": "E", "A": {"x": 1, "y": 2}}, {"A": {"y": 2, "x": 1}, "": "E"}
    assert list(differences(record(events=[one]), record(events=[other]))) == []


def test_an_event_of_an_interaction_comes_between_the_same_events_of_its_agent() -> None:
    login, logout = agent_told("EventAgentLogin", 1), agent_told("EventAgentLogout", 3)
    joins = agent_told("EventPartyAdded", 2, InteractionId="A")
    one = record(events=[login, joins, logout])
    assert list(differences(one, record(events=[login, logout, joins]))) == [
        "client 0 was told of agent anna in another order"
    ]
    other = agent_told("EventPartyAdded", 2, InteractionId="B")
    one = record(events=[login, joins, other, logout])
    assert list(differences(one, record(events=[login, other, joins, logout]))) == []


def test_what_comes_of_a_change_of_the_agent_may_be_told_before_or_after_it() -> None:
    logout = agent_told("EventAgentLogout", 3)
    leaves = agent_told("EventPartyRemoved", 3, InteractionId="A")
    one = record(events=[leaves, logout])
    assert list(differences(one, record(events=[logout, leaves]))) == []
