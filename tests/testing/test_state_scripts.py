from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.testing.agent_steps import NAMES
from ixproxy.testing.oracle import compared
from ixproxy.testing.state_scripts import state_script
from ixproxy.testing.steps import Ask


def test_the_same_seed_is_the_same_script() -> None:
    assert state_script(3) == state_script(3)
    assert state_script(3) != state_script(4)


def test_no_agent_is_touched_by_two_clients_in_a_round() -> None:
    changes = 0
    for seed in range(20):
        for actions in state_script(seed).rounds:
            agents = [
                NAMES[action.client]
                for action in actions
                if isinstance(action, Ask) and action.client in NAMES
            ]
            assert len(agents) == len(set(agents)), f"seed {seed}"
            changes += len(agents)
    assert changes > 20 * 20


def test_agents_log_in_and_out_and_change_in_every_way() -> None:
    asked = {
        type(action.request)
        for seed in range(10)
        for actions in state_script(seed).rounds
        for action in actions
        if isinstance(action, Ask)
    }
    assert asked >= {
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
        m.RequestSubmit,
    }


@pytest.mark.parametrize("player", ["two-proxies", "chained"])
def test_states_are_as_with_one_server(player: str) -> None:
    for seed in range(4):
        assert list(compared(state_script(seed), [player])) == [], f"seed {seed}"
