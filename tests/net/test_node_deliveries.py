"""Requests that are answered when an invitation is settled, on a node's server."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAccepted,
    EventAck,
    EventInvite,
    EventRevoked,
    RequestAccept,
    RequestAgentLogin,
    RequestClientsGone,
    RequestDeliver,
    RequestPull,
    RequestReject,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.messages.message import Message
from tests.net.node_rig import NodeRig, RawPeer

NAMED: dict[str, Any] = {"tenant_id": 1}


class Office:
    """
    A media server, and a router and a desktop that come directly or behind a proxy.

    :ivar number: of the router, and `desk` of the desktop, on their peers.
    """

    def __init__(self, rig: NodeRig, proxied: bool) -> None:
        self.rig = rig
        self.mail = rig.client("MediaServer")
        if proxied:
            self.router = self.desktop = rig.client("Proxy", client_name="proxy")
            self.number = self.router.number("RoutingEngine", session=b"r" * 16)
            self.desk = self.router.number("AgentApplication", session=b"d" * 16)
        else:
            self.router = rig.client("RoutingEngine", session=b"r" * 16)
            self.desktop = rig.client("AgentApplication", session=b"d" * 16)
            self.number = self.desk = 0
        login = RequestAgentLogin(**NAMED, agent_id="Ann", place_id="P")
        assert isinstance(self.by_agent(login), EventAck)

    def by_agent(self, request: Message) -> Any:
        return self.desktop.ask(request, client=self.desk)

    def delivered(self) -> tuple[str, int]:
        """An interaction that is delivered to Ann, and the request's reference."""
        submit = RequestSubmit(**NAMED, media_type="email", queue="In")
        id = self.mail.ask(submit).interaction_id
        pull = RequestPull(**NAMED, view_id="In/All")
        assert id in self.router.ask(pull, client=self.number).take_numbers
        deliver = RequestDeliver(**NAMED, interaction_id=id, agent_id="Ann")
        reference = self.router.send(deliver, client=self.number)
        self.rig.settle()
        assert self.answers(reference) == []
        return id, reference

    def answers(self, reference: int) -> list[Any]:
        return self.router.answers(reference, self.number)

    def unanswered(self) -> int:
        """Requests that the node's server knows of and has not answered."""
        return len(self.rig.server.listener.unsettled())


@pytest.fixture(params=[False, True], ids=["directly", "behind a proxy"])
def office(rig: NodeRig, request: pytest.FixtureRequest) -> Office:
    return Office(rig, request.param)


def test_a_delivery_is_answered_when_the_agent_accepts(office: Office) -> None:
    id, reference = office.delivered()
    (invite,) = office.desktop.events(office.desk)
    assert isinstance(invite, EventInvite)
    ack = office.by_agent(RequestAccept(**NAMED, interaction_id=id, ticket_id=invite.ticket_id))
    assert ack.take_number
    assert office.answers(reference) == [EventAck(interaction_id=id)]
    assert office.unanswered() == 0


def test_a_refusal_comes_before_the_event_that_says_so(office: Office) -> None:
    id, reference = office.delivered()
    office.by_agent(RequestReject(**NAMED, interaction_id=id))
    (error,) = office.answers(reference)
    assert (error.error_code, error.in_doubt) == (Code.INVITATION_REJECTED, False)
    assert error.interaction_id == id
    (revoked,) = office.router.events(office.number)
    assert isinstance(revoked, EventRevoked)
    frames = [
        frame.reference
        for frame in office.router.frames
        if frame.client == office.number and frame.interaction == id
    ]
    assert frames.index(reference) < len(frames) - 1


def test_a_cancelled_delivery_still_gets_its_one_answer(office: Office) -> None:
    id, reference = office.delivered()
    office.router.cancel(reference, office.number)
    office.rig.settle()
    assert office.answers(reference) == []
    office.by_agent(RequestAccept(**NAMED, interaction_id=id))
    assert office.answers(reference) == [EventAck(interaction_id=id)]


def test_a_time_to_live_that_is_over_does_not_end_an_invitation(office: Office) -> None:
    submit = RequestSubmit(**NAMED, media_type="email", queue="In")
    id = office.mail.ask(submit).interaction_id
    office.router.ask(RequestPull(**NAMED, view_id="In/All"), client=office.number)
    deliver = RequestDeliver(**NAMED, interaction_id=id, agent_id="Ann")
    reference = office.router.send(deliver, client=office.number, ttl=1000)
    office.rig.settle()
    office.rig.clock.run(5.0)
    assert office.answers(reference) == []
    office.by_agent(RequestAccept(**NAMED, interaction_id=id))
    assert office.answers(reference) == [EventAck(interaction_id=id)]


def test_the_time_out_comes_by_itself(office: Office) -> None:
    id, reference = office.delivered()
    office.rig.clock.run(31.0)
    (error,) = office.answers(reference)
    assert error.error_code == Code.INVITATION_EXPIRED
    told = [type(event) for event in office.desktop.events(office.desk)]
    assert told == [EventInvite, EventRevoked]
    assert office.by_agent(RequestAccept(**NAMED, interaction_id=id)).error_code == (
        Code.INVITATION_OVER
    )


def test_a_client_that_says_goodbye_awaits_nothing_and_the_invitation_lives_on(
    office: Office,
) -> None:
    id, reference = office.delivered()
    router = office.router
    router.send(RequestUnregisterClient(), client=office.number)
    office.rig.settle()
    (error,) = office.answers(reference)
    assert (error.error_code, error.in_doubt) == (Code.CANCELLED, True)
    assert office.unanswered() == 0
    assert isinstance(office.by_agent(RequestAccept(**NAMED, interaction_id=id)), EventAck)


def test_a_client_that_is_lost_hears_of_the_outcome_when_it_is_back(rig: NodeRig) -> None:
    office = Office(rig, proxied=False)
    id, _ = office.delivered()
    office.router.lose()
    assert office.unanswered() == 0
    back = rig.client("RoutingEngine", session=b"r" * 16, incarnation=2)
    office.by_agent(RequestAccept(**NAMED, interaction_id=id))
    (accepted,) = back.events()
    assert isinstance(accepted, EventAccepted)
    assert (accepted.interaction_id, accepted.agent_id) == (id, "Ann")


def test_what_a_proxy_says_is_gone_awaits_nothing(rig: NodeRig) -> None:
    office = Office(rig, proxied=True)
    id, reference = office.delivered()
    gone = RequestClientsGone(clients=[office.number])
    office.router.ask(gone)
    (error,) = office.answers(reference)
    assert (error.error_code, error.in_doubt) == (Code.CANCELLED, True)
    assert office.unanswered() == 0
    assert isinstance(office.by_agent(RequestAccept(**NAMED, interaction_id=id)), EventAck)


def test_a_session_that_came_back_elsewhere_is_told_there(rig: NodeRig) -> None:
    office = Office(rig, proxied=True)
    id, reference = office.delivered()
    other = rig.client("Proxy", client_name="proxy-2")
    number = other.number("RoutingEngine", session=b"r" * 16, incarnation=2)
    (error,) = office.answers(reference)
    assert (error.error_code, error.in_doubt) == (Code.SUPERSEDED, True)
    office.by_agent(RequestReject(**NAMED, interaction_id=id))
    assert EventRevoked in [type(event) for event in other.events(number)]


def test_a_node_that_stops_leaves_the_outcome_in_doubt(office: Office) -> None:
    id, reference = office.delivered()
    place = office.rig.place
    office.rig.stop()
    (error,) = office.answers(reference)
    assert (error.error_code, error.in_doubt) == (Code.STOPPING, True)
    assert office.rig.clock.getDelayedCalls() == []
    again = NodeRig(place=place).start()
    desktop: RawPeer = again.client("AgentApplication", session=b"d" * 16, incarnation=2)
    (invite,) = desktop.events()
    assert isinstance(invite, EventInvite)
    ack = desktop.ask(RequestAccept(**NAMED, interaction_id=id, ticket_id=invite.ticket_id))
    assert ack.take_number
    again.stop()
