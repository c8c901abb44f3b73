"""The agent of `ixctl agent`: what it keeps in mind."""

from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.messages.message import Message
from tests.cli.desks import INVITE, AgentWorld


def _status(desk: AgentWorld) -> dict[str, object]:
    desk.type("status")
    return desk.records[-1]


def _invitations(desk: AgentWorld) -> list[int]:
    assert desk.text is not None
    desk.type("list")
    return [each["invitation"] for each in desk.records]


@pytest.mark.parametrize(
    "event",
    [
        m.EventRevoked(tenant_id=1, interaction_id="id-1", agent_id="kim", ticket_id=4),
        m.EventAccepted(tenant_id=1, interaction_id="id-1", agent_id="kim"),
        m.EventForcedAgentStateChange(
            tenant_id=1,
            agent_id="kim",
            agent_session=(5, 101),
            agent_state_change_operation="Logout",
        ),
    ],
)
def test_an_invitation_waits_until_it_is_over(desk: AgentWorld, event: Message) -> None:
    desk.start()
    desk.tell(INVITE)
    assert _invitations(desk) == [4]
    desk.tell(event)
    assert _invitations(desk) == []


def test_a_rejected_invitation_is_over(desk: AgentWorld) -> None:
    desk.start()
    desk.tell(INVITE)
    desk.type("reject 'not mine'")
    assert desk.world.asked[-1] == m.RequestReject(
        tenant_id=1,
        interaction_id="id-1",
        ticket_id=4,
        reason=m.Reason(reason_description="not mine"),
    )
    assert _invitations(desk) == []
    desk.type("reject 4")
    assert "no invitation with ticket '4' waits" in desk.records[-1]["description"]


def test_the_agents_media_and_states_are_followed(desk: AgentWorld) -> None:
    desk.start("--media", "email")
    desk.type("add chat", "ready chat", "notready email", "dnd on", "add sms", "remove sms")
    status = _status(desk)
    assert (status["media"], status["dnd"]) == ({"email": 0, "chat": 1}, True)
    desk.tell(
        m.EventForcedAgentStateChange(
            tenant_id=1, agent_id="kim", media_type_name="chat", media_list={"email": 0, "chat": 0}
        ),
        m.EventForcedAgentStateChange(
            tenant_id=1, agent_id="kim", agent_state_change_operation="DoNotDisturbOff"
        ),
        m.EventForcedAgentStateChange(
            tenant_id=1, agent_id="lee", agent_state_change_operation="Logout"
        ),
    )
    status = _status(desk)
    assert (status["media"], status["dnd"]) == ({"email": 0, "chat": 0}, False)
    desk.type("logout")
    assert (_status(desk)["logged_in"], _status(desk)["media"]) == (False, {})
    desk.type("login")
    assert _status(desk)["media"] == {"email": 1}


def test_a_logout_of_an_older_session_is_not_this_ones(desk: AgentWorld) -> None:
    desk.start()
    desk.tell(
        m.EventForcedAgentStateChange(
            tenant_id=1,
            agent_id="kim",
            agent_session=(4, 101),
            agent_state_change_operation="Logout",
        )
    )
    assert _status(desk)["logged_in"] is True


def test_what_is_in_hand_is_named_by_a_dot(desk: AgentWorld) -> None:
    desk.start()
    desk.type("hold .", "pull Q1/All", "hold .", "place . Q2", "list")
    nothing, taken, *_ = desk.records[1:]
    assert nothing["description"] == "'.' stands for what is in hand, and nothing is"
    assert taken["interaction_id"] == "id-7"
    assert desk.world.asked[2:] == [
        m.RequestHold(tenant_id=1, interaction_id="id-7"),
        m.RequestPlaceInQueue(tenant_id=1, interaction_id="id-7", queue="Q2"),
    ]


def test_properties_and_workbins_are_shown(desk: AgentWorld) -> None:
    desk.world.reply(
        m.RequestGetInteractionProperties, m.EventInteractionProperties(interaction={"Queue": "Q1"})
    )
    desk.world.reply(
        m.RequestGetWorkbinContent, m.EventWorkbinContent(interactions={"id-2": {"Queue": "Q2"}})
    )
    desk.start()
    desk.type("show id-1", "workbin Drafts")
    assert desk.records[1:] == [
        {"interaction_id": "id-1", "properties": {"Queue": "Q1"}},
        {"interaction_id": "id-2", "properties": {"Queue": "Q2"}},
        {"interactions": 1, "partial": False, "have_more": False},
    ]


def test_waiting_needs_seconds_that_are_some(desk: AgentWorld) -> None:
    desk.start()
    desk.type("wait Invite soon")
    assert "expected seconds" in desk.records[-1]["description"]
