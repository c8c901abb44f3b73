"""To what a client's agents are invited."""

from __future__ import annotations

import pytest

from ixproxy.client.invited import MAX_OPEN, Invited
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAccepted,
    EventInvite,
    EventRevoked,
    RequestAccept,
    RequestLeaveInteraction,
    RequestReject,
)
from ixproxy.messages.message import Message


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
