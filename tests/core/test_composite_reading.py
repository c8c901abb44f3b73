from __future__ import annotations

from ixproxy import messages as m
from ixproxy.core.composite_reading import difference_of, holding_of, session_of, shown_to
from ixproxy.messages.message import Party

STAMP = (5, 101)


def test_a_state_and_a_login_speak_of_a_session() -> None:
    login = m.EventAgentLogin(
        agent_id="anna", agent_session=STAMP, place_id="desk", event_time=9.0, media_list={"a": 3}
    )
    session = session_of(login)
    assert (session.stamp, session.place, session.logged_in_at) == (STAMP, "desk", 9.0)
    assert session.state.media == {"a": 1}
    state = m.EventPlaceAgentState(agent_id="anna", agent_session=STAMP, logged_in_at=4.0)
    assert session_of(state).logged_in_at == 4.0


def test_what_is_in_hand_is_named_by_properties_or_by_parties() -> None:
    coach = Party(agent_id="anna", visibility_mode="Coach")
    state = m.EventPlaceAgentState(
        agent_id="anna", agent_session=STAMP, interactions={"A": {"n": 1}}, parties={"B": coach}
    )
    held = holding_of(state)
    assert held["A"].properties == {"n": 1}
    assert held["A"].party.agent_id == "anna"
    assert held["B"].party is coach


def test_each_party_of_an_interaction_is_shown_as_the_one_who_has_it() -> None:
    properties = {"AgentId": "bert", "PlaceId": "there", "Queue": "In"}
    shown = shown_to(properties, Party(agent_id="anna", place_id="desk"))
    assert shown == {"AgentId": "anna", "PlaceId": "desk", "Queue": "In"}
    assert shown_to({"Queue": "In"}, Party(agent_id="anna")) == {"Queue": "In"}


def test_the_difference_of_properties_knows_user_data_and_not_who_has_it() -> None:
    old = {"AgentId": "bert", "Priority": 1, "UserData": {"a": 1, "b": 2}}
    new = {"AgentId": "anna", "Priority": 2, "UserData": {"a": 1, "c": 3}}
    assert difference_of(old, new) == {
        "added_properties": {"c": 3},
        "changed_properties": {"Priority": 2},
        "deleted_properties": {"b": 2},
    }
