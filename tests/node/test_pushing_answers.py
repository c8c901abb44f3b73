from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventRevoked,
    EventRouteUsed,
    RequestAccept,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestDeliver,
    RequestReject,
    RequestRouteCall,
    RequestStopProcessing,
    Workbin,
)
from ixproxy.node.work import Answer, ConnectionLost, Refuse, Sender
from tests.node.pushed import PushingNode


@pytest.fixture
def node() -> Iterator[PushingNode]:
    made = PushingNode(default_max_submitted_per_router=1)
    yield made
    made.discard()


def routed(node: PushingNode) -> tuple[Sender, str]:
    """A router, and what it was pushed."""
    router = node.pushes_to()
    (id,) = node.feed(node.media_server())
    assert node.ids_pushed(router) == [id]
    return router, id


def call(id: str, route_type: str = "Queue", **more: Any) -> RequestRouteCall:
    return RequestRouteCall(tenant_id=1, interaction_id=id, route_type=route_type, **more)


def agent(node: PushingNode, name: str = "Ann") -> Sender:
    desk = node.client(f"desk-{name}", "AgentApplication", tenants=(1,))
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id=name, place_id=f"P-{name}"))
    return desk


def test_it_is_placed_in_a_queue(node: PushingNode) -> None:
    """T5 of the life cycle."""
    router, id = routed(node)
    node.reported()
    used = node.ask(router, call(id, queue="Second"))
    assert isinstance(used, EventRouteUsed)
    assert (used.interaction_id, used.tenant_id, used.reason) == (id, 1, None)
    assert node.kept(id).queue == "Second"
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]


def test_it_is_placed_in_a_workbin(node: PushingNode) -> None:
    """T6."""
    router, id = routed(node)
    workbin = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    assert isinstance(node.ask(router, call(id, "Workbin", workbin=workbin)), EventRouteUsed)
    assert node.kept(id).workbin_agent == "Ann"


def test_it_is_stopped(node: PushingNode) -> None:
    """T17, by the router."""
    router, id = routed(node)
    assert isinstance(node.ask(router, call(id, "Stop")), EventRouteUsed)
    assert node.row(id) is None
    assert node.told(router) == []


def test_it_is_delivered_and_that_is_answered_when_the_agent_has(node: PushingNode) -> None:
    """T7 and T8."""
    desk = agent(node)
    router, id = routed(node)
    node.begin(router, call(id, "Agent", agent_id="Ann"))
    assert node.names_told(desk) == ["EventInvite"]
    node.ask(desk, RequestAccept(tenant_id=1, interaction_id=id))
    (used,) = node.settled()
    assert isinstance(used, Answer)
    assert isinstance(used.message, EventRouteUsed)
    assert used.message.reason is None
    assert node.kept(id).assigned_to == "Ann"


@pytest.mark.parametrize("end", ["Rejected", "Expired", "LoggedOut", "CalledOff"])
def test_a_delivery_that_comes_to_nothing_is_answered_with_why(node: PushingNode, end: str) -> None:
    """T9 and T10: the router has it no more, and is told so by one answer."""
    desk = agent(node)
    router, id = routed(node)
    node.begin(router, call(id, "Agent", place_id="P-Ann"))
    if end == "Rejected":
        node.ask(desk, RequestReject(tenant_id=1, interaction_id=id))
    elif end == "Expired":
        node.wait(30)
    elif end == "LoggedOut":
        node.ask(desk, RequestAgentLogout(tenant_id=1, agent_id="Ann"))
    else:
        node.ask(node.media_server("mail-2"), RequestStopProcessing(tenant_id=1, interaction_id=id))
    (used,) = node.settled()
    assert isinstance(used, Answer)
    message = used.message
    assert isinstance(message, EventRouteUsed)
    assert message.reason is not None
    assert message.reason.reason_system_name == end
    if end != "CalledOff":
        # It was in its queue again, first in its view, and is pushed anew.
        assert node.ids_pushed(router) == [id]
    assert len(node.heard(router, EventRevoked)) == 1


def test_a_delivery_that_cannot_begin_leaves_it_with_the_router(node: PushingNode) -> None:
    router, id = routed(node)
    code = node.refusal(router, call(id, "Agent", agent_id="Ann"))
    assert code == Code.TARGET_NOT_LOGGED_IN
    assert node.parties(id)[0].session == router.session


def test_a_rejected_delivery_by_the_other_request_is_an_error_as_ever(node: PushingNode) -> None:
    desk = agent(node)
    router, id = routed(node)
    node.begin(router, RequestDeliver(tenant_id=1, interaction_id=id, agent_id="Ann"))
    node.ask(desk, RequestReject(tenant_id=1, interaction_id=id))
    (refused,) = node.settled()
    assert isinstance(refused, Refuse)
    assert refused.code == Code.INVITATION_REJECTED


def test_a_router_that_is_lost_meanwhile_is_in_doubt(node: PushingNode) -> None:
    agent(node)
    router, id = routed(node)
    node.begin(router, call(id, "Agent", agent_id="Ann"))
    node.run(ConnectionLost(router.session))
    (refused,) = node.settled()
    assert isinstance(refused, Refuse)
    assert refused.in_doubt


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"route_type": ""}, Code.MISSING_VALUE),
        ({"route_type": "Label"}, Code.BAD_ATTRIBUTE),
        ({"route_type": "Queue"}, Code.MISSING_VALUE),
        ({"route_type": "Queue", "queue": "Nowhere"}, Code.UNKNOWN_QUEUE),
        ({"route_type": "Workbin"}, Code.MISSING_VALUE),
        ({"route_type": "Agent"}, Code.MISSING_VALUE),
        ({"route_type": "Stop", "take_number": 1}, Code.NOT_A_PARTY),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    node: PushingNode, more: dict[str, Any], code: int
) -> None:
    router, id = routed(node)
    assert node.refusal(router, call(id, **more)) == code


def test_only_who_has_it_may_route_it_and_nobody_through_a_proxy(node: PushingNode) -> None:
    router, id = routed(node)
    other = node.pushes_to("urs-2")
    assert node.refusal(other, call(id, "Stop")) == Code.NOT_A_PARTY
    assert node.refusal(router, call("none", "Stop")) == Code.UNKNOWN_INTERACTION
    through = node.router("ors", through_proxy=True)
    assert node.refusal(through, call(id, "Stop")) == Code.NOT_ALLOWED


def test_an_answer_to_an_earlier_take_is_late(node: PushingNode) -> None:
    router, id = routed(node)
    number = node.parties(id)[0].take_number
    node.again(router)
    (event,) = node.pushed(router)
    assert event.take_number > number
    assert node.refusal(router, call(id, "Stop", take_number=number)) == Code.NOT_A_PARTY
    node.ask(router, call(id, "Stop", take_number=event.take_number))
