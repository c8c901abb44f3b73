from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ixproxy import messages as m
from ixproxy.messages.message import Request
from ixproxy.testing.agent_scripts import (
    CLIENTS,
    DESKTOPS,
    LAST_REPORTER,
    OPTIONS,
    REPORTERS,
    agent_script,
)
from ixproxy.testing.steps import Action, Ask, Lose, PullAll, Renew, Script, Upon, Vanish, Wait
from ixproxy.wire.codec import encode

MANY = [agent_script(seed) for seed in range(100)]
_INVITES = (m.RequestDeliver, m.RequestTransfer, m.RequestConference)


def asks(actions: tuple[Action, ...]) -> Iterator[Ask]:
    for action in actions:
        if isinstance(action, Ask):
            yield action
        elif isinstance(action, Upon):
            yield from action.asks


def requests(script: Script) -> Iterator[Request]:
    for actions in script.rounds:
        yield from (ask.request for ask in asks(actions))


def test_a_seed_always_writes_the_same_script_and_another_seed_another() -> None:
    assert agent_script(7) == agent_script(7)
    assert agent_script(7) != agent_script(8)


def test_every_request_of_a_script_can_be_sent() -> None:
    for script in MANY:
        for request in requests(script):
            assert encode(request)


def test_what_takes_long_or_concerns_many_stands_alone() -> None:
    for script in MANY:
        for actions in script.rounds:
            if any(isinstance(each, PullAll | Lose | Renew | Vanish | Wait) for each in actions):
                assert len(actions) == 1


def test_no_interaction_is_invited_to_twice_in_a_round_and_no_agent_either() -> None:
    for script in MANY:
        for actions in script.rounds:
            invites = [
                each.request
                for each in actions
                if isinstance(each, Ask) and isinstance(each.request, _INVITES)
            ]
            for name in ("interaction_id", "agent_id"):
                named = [getattr(each, name) for each in invites]
                assert len(named) == len(set(named)) or named.count("zoe") > 1


def test_an_invitation_is_awaited_only_where_one_is_asked_for() -> None:
    for script in MANY:
        for actions in script.rounds:
            asked = {label for each in actions if isinstance(each, Ask) for label in each.labels}
            for action in actions:
                if isinstance(action, Upon):
                    assert action.label in asked


def test_what_changes_agents_has_rounds_of_its_own_and_each_agent_one_request() -> None:
    for script in MANY:
        for actions in script.rounds:
            plain = [each for each in actions if isinstance(each, Ask)]
            changing = [
                each
                for each in plain
                if each.client in DESKTOPS
                and hasattr(each.request, "agent_session")
                and not hasattr(each.request, "interaction_id")
            ]
            if changing:
                assert len(changing) == len(actions)
                agents = [CLIENTS[each.client].agent for each in changing]
                assert len(agents) == len(set(agents))


def test_a_reporting_client_reads_from_the_first_round_and_one_comes_in_the_last() -> None:
    start = m.RequestStartPlaceAgentStateReportingAll()
    for script in MANY:
        assert script.rounds[0] == (Ask(REPORTERS[0], start),)
        assert script.rounds[-1] == (Ask(LAST_REPORTER, start),)


def test_every_choice_of_every_option_is_made() -> None:
    for name, values in OPTIONS.items():
        assert {dict(script.options)[name] for script in MANY} == set(values)


def test_scripts_know_all_the_requests_they_are_meant_for() -> None:
    seen = Counter(type(request) for script in MANY for request in requests(script))
    for wanted in (
        *_INVITES,
        m.RequestAccept,
        m.RequestReject,
        m.RequestIntrude,
        m.RequestLeaveInteraction,
        m.RequestStopProcessing,
        m.RequestAgentLogin,
        m.RequestAgentLogout,
        m.RequestAddMedia,
        m.RequestRemoveMedia,
        m.RequestNotReadyForMedia,
        m.RequestCancelNotReadyForMedia,
        m.RequestChangeMediaStateReason,
        m.RequestChangeAgentStateReason,
        m.RequestDoNotDisturbOn,
        m.RequestDoNotDisturbOff,
        m.RequestAgentAvailable,
        m.RequestAgentNotAvailable,
        m.RequestStartPlaceAgentStateReporting,
        m.RequestStopPlaceAgentStateReportingAll,
        m.RequestWorkbinNotifications,
        m.RequestWorkbinCancelNotifications,
        m.RequestWorkbinStatistic,
        m.RequestGetWorkbinContent,
        m.RequestDistributeEvent,
        m.RequestDistributeReportingEvent,
    ):
        assert seen[wanted] >= 5, wanted
