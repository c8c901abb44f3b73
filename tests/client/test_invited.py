"""To what a client's agents are invited."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.client.invited import MAX_OPEN, Invited
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAccepted,
    EventAck,
    EventForcedAgentStateChange,
    EventInvite,
    EventRevoked,
    RequestAccept,
    RequestAgentLogout,
    RequestConference,
    RequestDeliver,
    RequestLeaveInteraction,
    RequestReject,
    RequestTransfer,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from tests.client.servers import World
from tests.deferreds import failure_of, result_of


def invited(*names: tuple[str, int]) -> Invited:
    to = Invited()
    for identifier, ticket in names:
        to.event_received(EventInvite(interaction_id=identifier, ticket_id=ticket))
    return to


def test_an_invitation_is_open_until_it_is_answered() -> None:
    to = invited(("a", 7), ("b", 7))
    assert list(to.open) == [("a", 7), ("b", 7)]
    to.answered(RequestAccept(interaction_id="a", ticket_id=7))
    assert list(to.open) == [("b", 7)]
    to.answered(RequestReject(interaction_id="b"))
    assert to.open == {}


def test_one_that_is_told_again_is_the_same() -> None:
    assert list(invited(("a", 7), ("a", 7)).open) == [("a", 7)]


@pytest.mark.parametrize(
    "event",
    [
        EventAccepted(interaction_id="a", ticket_id=7),
        EventRevoked(interaction_id="a", ticket_id=7),
    ],
)
def test_it_is_over_when_another_client_accepted_or_it_was_revoked(event: Message) -> None:
    to = invited(("a", 7), ("a", 8))
    to.event_received(event)
    assert list(to.open) == [("a", 8)]
    to.event_received(event)
    assert list(to.open) == [("a", 8)]


def test_a_revoke_without_a_ticket_is_about_a_holding() -> None:
    to = invited(("a", 7))
    to.event_received(EventRevoked(interaction_id="a"))
    assert list(to.open) == [("a", 7)]


@pytest.mark.parametrize(
    ("code", "over"),
    [
        (Code.INVITATION_OVER, True),
        (Code.UNKNOWN_INTERACTION, True),
        (Code.ALREADY_A_PARTY, False),
        (Code.BUSY, False),
    ],
)
def test_who_is_told_to_be_too_late_is_invited_no_more(code: int, over: bool) -> None:
    to = invited(("a", 7))
    to.refused(RequestAccept(interaction_id="a", ticket_id=7), code)
    assert (to.open == {}) == over


@pytest.mark.parametrize("by", ["request", "event", "another operation"])
def test_who_is_logged_out_is_invited_no_more(by: str) -> None:
    to = Invited()
    for agent in ("Ann", "Bob"):
        to.event_received(
            EventInvite(tenant_id=1, interaction_id=agent, ticket_id=7, agent_id=agent)
        )
    if by == "request":
        to.answered(RequestAgentLogout(tenant_id=1, agent_id="Ann"))
    else:
        operation = "Logout" if by == "event" else "NotReadyForMedia"
        to.event_received(
            EventForcedAgentStateChange(
                tenant_id=1, agent_id="Ann", agent_state_change_operation=operation
            )
        )
    agents = ["Ann", "Bob"] if by == "another operation" else ["Bob"]
    assert [identifier for identifier, _ in to.open] == agents


def test_other_requests_answer_no_invitation() -> None:
    to = invited(("a", 7))
    to.answered(RequestLeaveInteraction(interaction_id="a"))
    assert list(to.open) == [("a", 7)]


def test_without_a_ticket_only_what_is_clear_is_ended() -> None:
    to = invited(("a", 7), ("a", 8))
    to.answered(RequestAccept(interaction_id="a"))
    assert len(to.open) == 2


def test_a_lost_connection_ends_all_for_the_server_tells_them_again() -> None:
    to = invited(("a", 7))
    to.lost()
    assert to.open == {}


def test_not_more_than_so_many_are_remembered() -> None:
    to = invited(*((str(number), 1) for number in range(MAX_OPEN + 2)))
    assert len(to.open) == MAX_OPEN
    assert next(iter(to.open)) == ("2", 1)


def told(world: World, event: Message) -> None:
    """The server says something."""
    world.server.last.write(encode(event))
    world.rest()


def test_a_client_follows_its_invitations_from_event_to_answer() -> None:
    world = World()
    client = world.client()
    served = world.server.last
    for identifier in ("A", "B", "C"):
        told(world, EventInvite(interaction_id=identifier, ticket_id=7))
    assert list(client.invitations) == [("A", 7), ("B", 7), ("C", 7)]
    accepted = client.request(RequestAccept(tenant_id=1, interaction_id="A", ticket_id=7))
    world.rest()
    served.answer(EventAck(interaction_id="A", take_number=9))
    world.rest()
    result_of(accepted)
    assert client.holding == {"A": 9}
    late = client.request(RequestReject(tenant_id=1, interaction_id="B", ticket_id=7))
    world.rest()
    served.refuse(Code.INVITATION_OVER)
    world.rest()
    failure_of(late, RequestRefused)
    assert list(client.invitations) == [("C", 7)]
    told(world, EventRevoked(interaction_id="C", ticket_id=7))
    assert client.invitations == {}
    assert client.holding == {"A": 9}


def test_a_client_that_lost_its_connection_is_invited_when_it_is_told_again() -> None:
    world = World()
    client = world.client()
    told(world, EventInvite(interaction_id="A", ticket_id=7))
    assert len(client.invitations) == 1
    world.lose()
    world.rest()
    assert client.invitations == {}


def test_what_waits_for_another_agent_may_take_longer() -> None:
    world = World(timeout=7.5, settling_timeout=40.0)
    client = world.client()
    named: Any = {"tenant_id": 1, "interaction_id": "A"}
    requests = (
        RequestDeliver(**named),
        RequestTransfer(**named),
        RequestConference(**named),
        RequestAccept(**named),
    )
    for request in requests:
        client.request(request)
    client.request(RequestDeliver(**named), timeout=2).addErrback(lambda _: None)
    world.rest()
    ttls = [frame.ttl for frame, _ in world.server.last.asked[1:]]
    assert ttls == [40000, 40000, 40000, 7500, 2000]
