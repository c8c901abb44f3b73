"""What requests do to an agent's state, and what lies between two states."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy import messages as m
from ixproxy.core.agent_states import (
    AgentState,
    changed,
    differences,
    followed,
    is_so,
    opposites,
)
from ixproxy.messages.agents import AgentRequest

WHO: Any = {"tenant_id": 1, "agent_id": "ann", "agent_session": (7, 101)}
LUNCH, CALL = m.Reason(reason_system_name="lunch"), m.Reason(reason_system_name="call")
ABOUT = m.RequestDoNotDisturbOn(**WHO)
READY, NOT_READY = m.RequestCancelNotReadyForMedia, m.RequestNotReadyForMedia

reasons = st.sampled_from([None, LUNCH, CALL])
names = st.sampled_from(["email", "chat", "voice"])


@st.composite
def states(draw: st.DrawFn) -> AgentState:
    media = draw(st.dictionaries(names, st.integers(0, 1)))
    why = {name: draw(reasons) for name in media}
    told = {name: reason for name, reason in why.items() if reason is not None}
    return AgentState(media, draw(st.integers(0, 1)), told, draw(reasons))


@st.composite
def requests(draw: st.DrawFn) -> AgentRequest:
    kind = draw(
        st.sampled_from(
            [
                m.RequestAddMedia,
                m.RequestRemoveMedia,
                READY,
                NOT_READY,
                m.RequestChangeMediaStateReason,
                m.RequestChangeAgentStateReason,
                m.RequestDoNotDisturbOn,
                m.RequestDoNotDisturbOff,
            ]
        )
    )
    more: Any = {"media_type_name": draw(names)} if hasattr(kind, "media_type_name") else {}
    request: AgentRequest = kind(**WHO, **more, reason=draw(reasons))
    return request


def applied(state: AgentState, some: list[AgentRequest]) -> AgentState:
    for request in some:
        state = changed(state, request)
    return state


@given(states(), states())
def test_between_two_states_lie_requests(before: AgentState, after: AgentState) -> None:
    assert applied(before, differences(ABOUT, before, after)) == after
    assert not differences(ABOUT, after, after)


@given(states(), requests())
def test_a_request_is_taken_back_by_its_opposites(state: AgentState, request: AgentRequest) -> None:
    """What one node refuses is undone on the others, reasons and all."""
    undone = opposites(state, request)
    assert applied(changed(state, request), undone) == state
    assert all(each.agent_session == (7, 101) for each in undone)


@given(states(), requests())
def test_a_request_that_was_carried_out_is_so(state: AgentState, request: AgentRequest) -> None:
    """Test idea 34: what is so is not asked again; what a node would refuse is."""
    after = changed(state, request)
    name = getattr(request, "media_type_name", "")
    possible = not name or name in after.media or isinstance(request, m.RequestRemoveMedia)
    assert is_so(after, request) == possible


@pytest.mark.parametrize(
    "request_",
    [
        m.RequestAgentLogout(**WHO),
        m.RequestAgentAvailable(**WHO),
        m.RequestAgentNotAvailable(**WHO),
        m.RequestAgentLogin(**WHO),
    ],
)
def test_what_is_no_state_is_never_so(request_: AgentRequest) -> None:
    assert not is_so(AgentState(), request_)


def test_another_reason_is_a_change_and_none_is_another_one() -> None:
    state = AgentState({"email": 0}, 0, {"email": LUNCH})
    assert is_so(state, NOT_READY(**WHO, media_type_name="email", reason=LUNCH))
    assert not is_so(state, NOT_READY(**WHO, media_type_name="email", reason=CALL))
    assert not is_so(state, NOT_READY(**WHO, media_type_name="email"))
    nothing = NOT_READY(**WHO, media_type_name="email", reason=m.Reason())
    assert changed(state, nothing).media_reasons == {}


def test_available_and_not_available_take_each_other_back() -> None:
    (back,) = opposites(AgentState(), m.RequestAgentAvailable(**WHO))
    assert isinstance(back, m.RequestAgentNotAvailable)
    (again,) = opposites(AgentState(), m.RequestAgentNotAvailable(**WHO))
    assert isinstance(again, m.RequestAgentAvailable)


def event(operation: str, media: str = "", **more: Any) -> m.EventForcedAgentStateChange:
    return m.EventForcedAgentStateChange(
        **WHO, agent_state_change_operation=operation, media_type_name=media, **more
    )


def test_what_a_node_tells_is_followed() -> None:
    state = AgentState({"email": 1})
    for operation, media, expected in (
        ("NotReadyForMedia", "email", AgentState({"email": 0}, 0, {"email": LUNCH})),
        ("MediaAdded", "chat", AgentState({"email": 1, "chat": 0})),
        ("ReadyForMedia", "chat", AgentState({"email": 1, "chat": 1}, 0, {"chat": LUNCH})),
        ("MediaRemoved", "email", AgentState()),
        ("MediaStateReasonChanged", "email", AgentState({"email": 1}, 0, {"email": LUNCH})),
        ("AgentStateReasonChanged", "", AgentState({"email": 1}, 0, {}, LUNCH)),
        ("DoNotDisturbOn", "", AgentState({"email": 1}, 1)),
        ("DoNotDisturbOff", "", state),
        ("MediaAdded", "email", state),
    ):
        assert followed(state, event(operation, media, reason=LUNCH)) == expected, operation


@pytest.mark.parametrize("what", [event("Dance"), event("ReadyForMedia"), event("")])
def test_what_is_not_understood_is_not_followed(what: m.EventForcedAgentStateChange) -> None:
    assert followed(AgentState(), what) is None


def test_a_login_brings_media_along_and_a_state_that_differs_has_no_reason_yet() -> None:
    state = AgentState({"email": 0, "chat": 0}, 1, {"email": LUNCH, "chat": CALL})
    joined = state.joined({"email": 7, "voice": 0})
    assert joined.media == {"email": 1, "chat": 0, "voice": 0}
    assert joined.media_reasons == {"chat": CALL}
    assert joined.donot_disturb == 1
