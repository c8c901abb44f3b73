from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.node.model import NodeSettings
from ixproxy.testing.oracle import (
    Record,
    differences,
    disorder,
    many_servers,
    one_server,
    play,
)
from ixproxy.testing.scripts import random_script
from ixproxy.testing.steps import Ask, Script

SEEDS = int(os.environ.get("IXPROXY_ORACLE_SEEDS", "200"))
"""How many scripts are played; more of them find rarer things."""

BLOCK = 50


CHAINED = max(1, SEEDS // 4)
"""How many of them are played through two proxies behind one another as well."""


def played(script: Script, **cluster: Any) -> tuple[Record, Record]:
    """A script on one server, and through two proxies on three."""
    one = one_server(script.seed)
    expected = play(script, one)
    one.close()
    many = many_servers(script.seed, **cluster)
    actual = play(script, many)
    assert many.problems() == []
    many.close()
    return expected, actual


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_many_servers_give_what_one_gives(first: int) -> None:
    answers: Counter[str] = Counter()
    for seed in range(first, min(first + BLOCK, SEEDS)):
        script = random_script(seed)
        expected, actual = played(script)
        assert list(differences(expected, actual)) == [], f"seed {seed}"
        assert list(disorder(script, actual)) == [], f"seed {seed}"
        assert list(disorder(script, expected)) == [], f"seed {seed}"
        answers.update(_kind(answer) for answer in expected.answers)
        answers.update(event[""] for told in expected.events for event in told)
    # The scripts are worth playing: much succeeds, much is refused, many are told.
    for kind in ("EventAck", "pulled", "refused", "EventRevoked", "EventPropertiesChanged"):
        assert answers[kind] >= BLOCK // 2, answers


@pytest.mark.parametrize("fast_path", [True, False], ids=["fast", "slow"])
def test_two_levels_of_proxies_give_what_one_server_gives(fast_path: bool) -> None:
    """Test idea 55: ids, errors and events through a proxy behind a proxy."""
    for seed in range(CHAINED):
        script = random_script(seed)
        expected, actual = played(script, outer=2, fast_path=fast_path)
        assert list(differences(expected, actual)) == [], f"seed {seed}"
        assert list(disorder(script, actual)) == [], f"seed {seed}"


def _kind(answer: Any) -> str:
    if isinstance(answer, dict):
        return "pulled" if answer else "nothing"
    if isinstance(answer, tuple):
        return answer[0][""] if isinstance(answer[0], dict) else "refused"
    return "time"


def test_servers_that_behave_otherwise_are_found_out() -> None:
    lenient = NodeSettings(pull_hold_timeout=0.1, ignore_read_only_on_change=True)
    found = 0
    for seed in range(30):
        script = random_script(seed)
        one, other = one_server(seed), one_server(seed, node_settings=lenient)
        found += bool(list(differences(play(script, one), play(script, other))))
        one.close()
        other.close()
    assert found > 3


def record(*answers: Any, events: list[dict[str, Any]] | None = None) -> Record:
    return Record(list(answers), [events or []])


def told(name: str, subject: str, step: int) -> dict[str, Any]:
    return {"": name, "InteractionId": subject, "Reason": {"Reason": step}}


def test_a_difference_is_shown_where_it_is() -> None:
    one = record(({"": "EventAck", "Interaction": {"Queue": "In"}}, False))
    other = record(({"": "EventAck", "Interaction": {"Queue": "Out"}}, False))
    assert list(differences(one, other)) == [
        "step 0: answer[0].Interaction.Queue: expected 'In', got 'Out'"
    ]
    assert list(differences(record(None), record((43, "", False)))) == [
        "step 0: answer: expected None, got (43, '', False)"
    ]
    assert list(differences(record((43, "", False)), record((43, "", True)))) == [
        "step 0: answer[2]: expected False, got True"
    ]


def test_a_missing_event_and_one_too_many_are_found() -> None:
    [missing, extra] = differences(
        record(events=[told("EventRevoked", "A", 1)]), record(events=[told("EventInvite", "A", 1)])
    )
    assert missing.startswith("client 0 was not told {'': 'EventRevoked'")
    assert extra.startswith("client 0 was told {'': 'EventInvite'")


def test_events_on_one_interaction_keep_their_order_and_others_need_not() -> None:
    first, second = told("EventInvite", "A", 1), told("EventRevoked", "A", 2)
    other = told("EventRevoked", "B", 3)
    assert list(differences(record(events=[first, second]), record(events=[second, first]))) == [
        "client 0 was told of InteractionId A in another order"
    ]
    assert list(differences(record(events=[first, other]), record(events=[other, first]))) == []


def test_an_event_of_an_earlier_round_that_comes_late_is_found() -> None:
    script = random_script(1)
    rounds: dict[int, int] = {}
    for number, actions in enumerate(script.rounds):
        for action in actions:
            if isinstance(action, Ask) and action.request.reason:
                rounds.setdefault(number, action.request.reason.reason)
    early, late = rounds[min(rounds)], rounds[max(rounds)]
    events = [told("EventRevoked", "A", late), told("EventInvite", "A", early)]
    assert len(list(disorder(script, record(events=events)))) == 1
    assert list(disorder(script, record(events=events[::-1]))) == []
    events[1]["InteractionId"] = "B"
    assert list(disorder(script, record(events=events))) == []


def test_a_script_without_rounds_is_played_too() -> None:
    script = replace(random_script(1), rounds=())
    cluster = many_servers(1)
    assert play(script, cluster) == Record([], [[] for _ in script.clients])
    cluster.close()


def test_labels_stand_for_ids_that_are_known_and_for_none() -> None:
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id="@L0")
    never = m.RequestStopProcessing(tenant_id=1, interaction_id="@L9")
    script = replace(
        random_script(1),
        rounds=(
            (Ask(0, submit, ("L0",)),),
            (Ask(0, stop, ("L0",)), Ask(1, never, ("L9",))),
        ),
    )
    cluster = one_server(1)
    answers = play(script, cluster).answers
    cluster.close()
    assert answers[0][0]["InteractionId"] == "<L0>"
    assert answers[1][0]["InteractionId"] == "<L0>"
    assert answers[2][0] == 43
