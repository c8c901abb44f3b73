"""What the lines of `ixctl agent` ask for."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.cli.agent_asking import Whose, answer_to, media_of, request_of
from ixproxy.cli.agent_verbs import line_of
from ixproxy.cli.outcomes import UsageError
from ixproxy.messages.message import Request

KIM = Whose(1, "kim", "p1")
AGENT: dict[str, Any] = {"tenant_id": 1, "agent_id": "kim", "place_id": "p1"}
ABOUT: dict[str, Any] = {"tenant_id": 1, "interaction_id": "id-1"}
WORKBIN = m.Workbin(workbin_type_id="Drafts", workbin_agent_id="kim")
WHY = m.Reason(reason_description="so it is")


def asked(text: str) -> Request | None:
    line = line_of(text)
    assert line is not None
    return request_of(KIM, line)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            "login email,chat=notready",
            m.RequestAgentLogin(media_list={"email": 1, "chat": 0}, **AGENT),
        ),
        ("logout so it is", m.RequestAgentLogout(reason=WHY, **AGENT)),
        ("ready email", m.RequestCancelNotReadyForMedia(media_type_name="email", **AGENT)),
        (
            "notready email so it is",
            m.RequestNotReadyForMedia(media_type_name="email", reason=WHY, **AGENT),
        ),
        ("add email", m.RequestAddMedia(media_type_name="email", **AGENT)),
        ("remove email", m.RequestRemoveMedia(media_type_name="email", **AGENT)),
        ("dnd on so it is", m.RequestDoNotDisturbOn(reason=WHY, **AGENT)),
        ("dnd off", m.RequestDoNotDisturbOff(**AGENT)),
        ("reason so it is", m.RequestChangeAgentStateReason(reason=WHY, **AGENT)),
        (
            "media-reason email so it is",
            m.RequestChangeMediaStateReason(media_type_name="email", reason=WHY, **AGENT),
        ),
        ("pull Q1/All", m.RequestPull(tenant_id=1, view_id="Q1/All", number_of_interactions=1)),
        (
            "pull id-1",
            m.RequestPull(
                tenant_id=1,
                view_id="_system_",
                pull_parameters={"id-1": 1},
                number_of_interactions=1,
            ),
        ),
        ("transfer id-1 lee", m.RequestTransfer(agent_id="lee", **ABOUT)),
        ("conference id-1 lee", m.RequestConference(agent_id="lee", **ABOUT)),
        (
            "conference id-1 lee coach",
            m.RequestConference(agent_id="lee", visibility_mode="Coach", **ABOUT),
        ),
        ("intrude id-1 Monitor", m.RequestIntrude(visibility_mode="Monitor", **ABOUT)),
        ("leave id-1", m.RequestLeaveInteraction(**ABOUT)),
        ("place id-1 Q2", m.RequestPlaceInQueue(queue="Q2", **ABOUT)),
        ("workbin Drafts", m.RequestGetWorkbinContent(tenant_id=1, workbin=WORKBIN)),
        ("workbin Drafts id-1", m.RequestPlaceInWorkbin(workbin=WORKBIN, **ABOUT)),
        ("stop id-1 so it is", m.RequestStopProcessing(reason=WHY, **ABOUT)),
        ("hold id-1", m.RequestHold(**ABOUT)),
        ("resume id-1", m.RequestResume(**ABOUT)),
        ("show id-1", m.RequestGetInteractionProperties(**ABOUT)),
        ("change id-1 A=b c", m.RequestChangeProperties(changed_properties={"A": "b c"}, **ABOUT)),
        ("change id-1 +A:=1", m.RequestChangeProperties(added_properties={"A": 1}, **ABOUT)),
        ("change id-1 -A", m.RequestChangeProperties(deleted_properties={"A": ""}, **ABOUT)),
        ("list", None),
    ],
)
def test_each_verb_is_a_request(text: str, request_: Request | None) -> None:
    assert asked(text) == request_


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dnd perhaps", "dnd is on or off, not 'perhaps'"),
        ("conference id-1 lee Spy", "a mode is one of Conference, Coach, Monitor, not 'Spy'"),
        ("change id-1 Subject", "expected key=text or key:=json, not 'Subject'"),
        (f"reason {'long ' * 300}", "a reason has 1000 characters at most"),
        ("login email=1", "expected MEDIA, MEDIA=ready or MEDIA=notready, not 'email=1'"),
    ],
)
def test_words_that_mean_nothing_are_named(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(text)
    assert str(caught.value).startswith(problem)


def test_media_are_ready_unless_they_say_otherwise() -> None:
    assert media_of("email,chat=notready sms=ready") == {"email": 1, "chat": 0, "sms": 1}
    assert media_of("") == {}


def test_an_invitation_is_answered_with_its_ticket() -> None:
    invite = m.EventInvite(tenant_id=1, interaction_id="id-1", ticket_id=4)
    assert answer_to(KIM, invite, "accept", "") == m.RequestAccept(ticket_id=4, **ABOUT)
    assert answer_to(KIM, invite, "reject", "so it is") == m.RequestReject(
        ticket_id=4, reason=WHY, **ABOUT
    )
