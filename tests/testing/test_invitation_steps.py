from __future__ import annotations

from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason
from ixproxy.testing.agent_steps import AgentSteps
from ixproxy.testing.invitation_steps import ROUTER, Guess, InvitationSteps
from ixproxy.testing.steps import Ask, Upon


def written(client: int, target: str, times: int = 200) -> list[list[Ask | Upon]]:
    random = Random(1)
    agents = AgentSteps(random, Reason)
    steps = InvitationSteps(random, Reason, agents)
    found = []
    for _ in range(times):
        actions = steps.invitation(client, Guess("L1", holders={client}), target)
        found.append([each for each in actions if isinstance(each, Ask | Upon)])
    return found


def test_a_router_delivers_and_an_agent_transfers_or_asks_to_a_conference() -> None:
    def kinds(client: int) -> set[type]:
        return {
            type(each[0].request) for each in written(client, "bert") if isinstance(each[0], Ask)
        }

    assert kinds(ROUTER) == {m.RequestDeliver}
    assert kinds(3) == {m.RequestTransfer, m.RequestConference}


def test_nobody_waits_for_the_invitation_of_who_has_no_desktop() -> None:
    assert all(len(each) == 1 for each in written(ROUTER, "zoe"))


def test_invited_agents_accept_refuse_stay_silent_or_something_comes_between() -> None:
    upon = [each[1] if len(each) > 1 else None for each in written(ROUTER, "anna", 400)]
    assert None in upon
    first = {type(each.asks[0].request) for each in upon if isinstance(each, Upon)}
    assert first >= {
        m.RequestAccept,
        m.RequestReject,
        m.RequestStopProcessing,
        m.RequestLeaveInteraction,
        m.RequestPlaceInQueue,
    }
    answers = [each.asks for each in upon if isinstance(each, Upon)]
    both = [asks for asks in answers if len({ask.client for ask in asks}) > 1]
    assert both, "both connections of an agent answer"
