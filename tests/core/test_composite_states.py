"""The state of an agent session: every difference has its events, and they make it good."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from ixproxy import messages as m
from ixproxy.core.composite_states import CHANGES, AgentState, changed, differences, state_of
from ixproxy.messages import agents
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Reason
from tests.core.composed import of

reasons = st.none() | st.builds(Reason, reason=st.integers(1, 3))


@st.composite
def states(draw: st.DrawFn) -> AgentState:
    media = draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 1)))
    said = {name: draw(reasons) for name in media}
    known = {name: reason for name, reason in said.items() if reason is not None}
    return AgentState(media, draw(st.integers(0, 1)), known, draw(reasons))


@given(states(), states())
def test_differences_lead_from_one_state_to_the_other(old: AgentState, new: AgentState) -> None:
    state = old
    for kind, attributes in differences(old, new):
        assert kind in CHANGES
        state = changed(state, of(kind, **attributes))
    assert state == new
    assert list(differences(new, new)) == []


def test_a_login_says_the_whole_state() -> None:
    login = of(
        m.EventAgentLogin,
        media_list={"chat": 11, "email": 0},
        donot_disturb=1,
        media_reasons={"chat": Reason(reason=1), "fax": Reason(reason=2)},
        state_reason=Reason(reason=3),
    )
    assert state_of(login) == AgentState(
        {"chat": 1, "email": 0}, 1, {"chat": Reason(reason=1)}, Reason(reason=3)
    )


def test_a_new_state_of_a_channel_takes_its_own_reason_or_none() -> None:
    lunch = of(m.EventNotReadyForMedia, media_type_name="chat", reason=Reason(reason=1))
    away = changed(AgentState({"chat": 1}), lunch)
    assert away.media_reasons == {"chat": Reason(reason=1)}
    back = changed(away, of(m.EventReadyForMedia, media_type_name="chat"))
    assert back == AgentState({"chat": 1})


def test_every_agent_event_that_changes_a_state_is_in_the_table() -> None:
    others = {
        "EventAgentAvailable",
        "EventAgentConnectionClosed",
        "EventAgentLogin",
        "EventAgentLogout",
        "EventAgentNotAvailable",
        "EventCurrentAgentStatus",
        "EventForcedAgentStateChange",
    }
    known = {
        name for name in agents.__all__ if issubclass(getattr(agents, name), AgentEvent)
    } - others
    assert {kind.__name__ for kind in CHANGES} == known
    state = AgentState({"chat": 1})
    assert changed(state, of(m.EventAgentConnectionClosed)) is state
