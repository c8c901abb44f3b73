"""Calls to external servers: a cluster behaves as one server does."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.messages import Request3rdServer
from ixproxy.testing.memory_services import usual_services
from ixproxy.testing.oracle import PLAYERS, compared, one_server, play
from ixproxy.testing.service_scripts import service_script
from ixproxy.testing.steps import Ask
from tests.testing.test_oracle import SEEDS

SCRIPTS = max(6, SEEDS // 20)


def test_a_seed_is_one_script() -> None:
    assert service_script(3) == service_script(3) != service_script(4)


@pytest.mark.parametrize("player", sorted(PLAYERS))
def test_calls_through_proxies_are_as_on_one_server(player: str) -> None:
    found = [
        (seed, who, problem)
        for seed in range(SCRIPTS)
        for who, problem in compared(service_script(seed), [player])
    ]
    assert found == []


def test_scripts_reach_every_kind_of_answer() -> None:
    answers: Counter[str] = Counter()
    heard = 0
    for seed in range(8):
        script = service_script(seed)
        one = one_server(seed, script.options, services=usual_services())
        record = play(script, one)
        one.close()
        steps = [action for actions in script.rounds for action in actions]
        for action, answer in zip(steps, record.answers, strict=True):
            if isinstance(action, Ask) and isinstance(action.request, Request3rdServer):
                kind = answer[0]
                answers[kind[""] if isinstance(kind, dict) else str(int(kind))] += 1
        heard += sum(map(len, record.events))
    assert {"Event3rdServerResponse", "Event3rdServerFault", "3070", "3073", "2", "43"} <= set(
        answers
    )
    assert heard > 50

