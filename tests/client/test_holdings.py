from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.client.holdings import Held, handed_over
from ixproxy.errors import Code
from ixproxy.messages.message import Message

PLACE = m.RequestPlaceInQueue(tenant_id=1, interaction_id="A", queue="Q")
GIVES_BACK = [
    PLACE,
    m.RequestPlaceInWorkbin(tenant_id=1, interaction_id="A"),
    m.RequestStopProcessing(tenant_id=1, interaction_id="A"),
    m.RequestLeaveInteraction(tenant_id=1, interaction_id="A"),
    m.RequestTransfer(tenant_id=1, interaction_id="A"),
    m.RequestDeliver(tenant_id=1, interaction_id="A"),
    m.RequestRouteCall(tenant_id=1, interaction_id="A", route_type="Stop"),
]


def test_a_pull_takes_what_its_take_numbers_name() -> None:
    held = Held()
    answer = m.EventPulledInteractions(
        interactions={"A": {}, "B": {}}, take_numbers={"A": 5, "B": 6}, errors={"C": 43}
    )
    assert held.answered(m.RequestPull(), answer) == {"A": 5, "B": 6}
    assert held.numbers == {"A": 5, "B": 6}


def test_an_agents_submit_takes_and_a_media_servers_does_not() -> None:
    held = Held()
    held.answered(m.RequestSubmit(), m.EventAck(interaction_id="A", take_number=9))
    held.answered(m.RequestSubmit(), m.EventAck(interaction_id="B"))
    assert held.numbers == {"A": 9}


def test_an_accept_takes_the_interaction_that_it_names() -> None:
    held = Held()
    held.answered(m.RequestAccept(interaction_id="A", ticket_id=1), m.EventAck(take_number=3))
    assert held.numbers == {"A": 3}


def test_an_answer_to_another_request_hands_nothing_over() -> None:
    ack = m.EventAck(interaction_id="A", take_number=3)
    assert handed_over(m.RequestHold(interaction_id="A"), ack) == {}
    assert handed_over(m.RequestSubmit(), m.EventAck(take_number=3)) == {}


@pytest.mark.parametrize("request_", GIVES_BACK, ids=lambda request: type(request).__name__)
def test_a_give_back_ends_the_holding_only_when_it_succeeds(request_: Message) -> None:
    held = Held({"A": 1, "B": 2})
    held.refused(request_, Code.UNKNOWN_QUEUE, in_doubt=False)
    assert held.numbers == {"A": 1, "B": 2}
    held.refused(request_, Code.LOST_CONNECTION, in_doubt=True)
    assert held.numbers == {"A": 1, "B": 2}
    held.answered(request_, m.EventAck())
    assert held.numbers == {"B": 2}


def test_giving_back_what_is_not_held_is_harmless() -> None:
    held = Held()
    held.answered(PLACE, m.EventAck())
    held.refused(PLACE, Code.LOST_CONNECTION, in_doubt=True)
    assert held.numbers == {}


@pytest.mark.parametrize("code", [Code.UNKNOWN_INTERACTION, Code.NOT_A_PARTY])
def test_a_definite_no_after_a_doubtful_give_back_says_that_it_was_carried_out(code: int) -> None:
    held = Held({"A": 1})
    held.refused(PLACE, code, in_doubt=False)
    assert held.numbers == {"A": 1}
    held.refused(PLACE, Code.LOST_CONNECTION, in_doubt=True)
    assert held.doubtful == {"A"}
    held.refused(m.RequestHold(interaction_id="A"), Code.NOT_ACCESSIBLE, in_doubt=False)
    assert held.numbers == {"A": 1}
    held.refused(m.RequestHold(interaction_id="A"), code, in_doubt=False)
    assert held.numbers == {}
    assert held.doubtful == set()


def test_a_doubtful_request_that_gives_nothing_back_leaves_no_doubt() -> None:
    held = Held({"A": 1})
    hold = m.RequestHold(interaction_id="A")
    held.refused(hold, Code.LOST_CONNECTION, in_doubt=True)
    held.refused(hold, Code.UNKNOWN_INTERACTION, in_doubt=False)
    assert held.numbers == {"A": 1}


def test_taking_it_anew_ends_the_doubt() -> None:
    held = Held({"A": 1})
    held.refused(PLACE, Code.LOST_CONNECTION, in_doubt=True)
    held.answered(m.RequestPull(), m.EventPulledInteractions(take_numbers={"A": 7}))
    held.refused(PLACE, Code.NOT_A_PARTY, in_doubt=False)
    assert held.numbers == {"A": 7}


def test_a_revoke_ends_the_holding_and_that_of_an_invitation_does_not() -> None:
    held = Held({"A": 1, "B": 2})
    held.event_received(m.EventRevoked(interaction_id="A", ticket_id=4))
    held.event_received(m.EventPropertiesChanged(interaction_id="B"))
    assert held.numbers == {"A": 1, "B": 2}
    held.event_received(m.EventRevoked(interaction_id="A"))
    assert held.numbers == {"B": 2}


def test_what_a_server_does_not_confirm_with_the_same_take_is_dropped() -> None:
    held = Held({"A": 1, "B": 2, "C": 3})
    assert held.confirmed({"B": 2, "C": 8, "D": 9}) == ["A", "C"]
    assert held.numbers == {"B": 2}


def test_the_view_follows_and_cannot_be_changed() -> None:
    held = Held({"A": 1})
    view = held.numbers
    held.answered(PLACE, m.EventAck())
    assert view == {}
    with pytest.raises(TypeError):
        view["A"] = 1  # type: ignore[index]


def test_what_is_pushed_is_held_until_it_is_abandoned_or_revoked() -> None:
    held = Held({"A": 1})
    assert held.event_received(m.EventRouteRequest(interaction_id="B", take_number=7)) == ("B",)
    assert held.event_received(m.EventRouteRequest(interaction_id="A", take_number=8)) == ("A",)
    assert held.numbers == {"A": 8, "B": 7}
    assert held.event_received(m.EventAbandoned(interaction_id="A")) == ()
    held.event_received(m.EventRevoked(interaction_id="B"))
    assert held.numbers == {}


def test_a_push_settles_what_an_earlier_give_back_left_in_doubt() -> None:
    held = Held({"A": 1})
    held.refused(PLACE, Code.LOST_CONNECTION, in_doubt=True)
    assert held.doubtful == {"A"}
    held.event_received(m.EventRouteRequest(interaction_id="A", take_number=8))
    assert held.doubtful == set()
