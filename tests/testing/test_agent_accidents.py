"""The simulation of agents at work finds what it is there to find."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ixproxy.core.composite_agents import CompositeAgents
from ixproxy.core.replaying import Replaying
from ixproxy.node import sessions
from ixproxy.testing.agent_accidents import have_agent_accident
from ixproxy.testing.breaking import PAIRED, Accident, accidents
from ixproxy.testing.places import Places

SEEDS = int(os.environ.get("IXPROXY_AGENT_ACCIDENTS", "24"))
"""How many runs; more of them find rarer things."""


def test_whatever_breaks_agents_and_streams_come_out_of_it_as_they_should() -> None:
    """Design 14.2, with node loss and return, for agents, deliveries and streams."""
    for seed in range(SEEDS):
        outcome = have_agent_accident(seed)
        assert outcome.problems == [], f"seed {seed}, {outcome.accident}"


def test_so_it_is_behind_proxies_in_front_of_others() -> None:
    for seed in range(SEEDS // 2):
        outcome = have_agent_accident(seed, chained=True)
        assert outcome.problems == [], f"seed {seed}, {outcome.accident}"


@pytest.mark.parametrize("seed", [295, 311])
def test_so_it_is_where_a_node_is_silent_while_agents_change(seed: int) -> None:
    """Their home node did a change too late; another one was lost, and came back, in a logout."""
    outcome = have_agent_accident(seed)
    assert (outcome.accident, outcome.problems) == (Accident.NODE_PAUSED, [])


@pytest.mark.parametrize("accident", [Accident.NODE_KILLED, Accident.PROXY_KILLED])
def test_so_it_is_on_the_slow_path(accident: Accident) -> None:
    for seed in range(2):
        assert have_agent_accident(seed, accident, fast_path=False).problems == []


def test_so_it_is_where_nodes_are_pairs(stores: Places) -> None:
    for seed in range(SEEDS // 2 if stores.kind == "sqlite" else SEEDS // 6):
        accident = PAIRED[seed % len(PAIRED)]
        outcome = have_agent_accident(seed, accident, pairs=True, stores=stores)
        assert outcome.problems == [], f"seed {seed}, {accident}"


def test_so_it_is_with_pairs_behind_proxies_in_front_of_others() -> None:
    for seed in range(SEEDS // 3):
        outcome = have_agent_accident(seed, PAIRED[seed % len(PAIRED)], pairs=True, chained=True)
        assert outcome.problems == [], f"seed {seed}, {outcome.accident}"


def test_agents_are_busy_and_nothing_is_given_up_by_them() -> None:
    counts: dict[str, int] = {}
    for seed in range(4):
        for name, count in have_agent_accident(seed, Accident.CLIENT_CONNECTION).counts.items():
            counts[name] = counts.get(name, 0) + count
    for name in ("Deliver", "Accept", "Reject", "Conference", "AgentLogin", "StopProcessing"):
        assert counts[f"Request{name}"] >= 3, counts
    kinds = {have_agent_accident(seed).accident for seed in range(len(accidents(chained=False)))}
    assert Accident.GIVEN_UP not in kinds


def nothing(*arguments: object, **named: object) -> Any:
    """What should be done is not."""
    return []


@pytest.mark.parametrize(
    ("place", "name", "accident"),
    [
        (CompositeAgents, "settle", Accident.CLIENT_KILLED),
        (Replaying, "_look_for_sessions", Accident.NODE_KILLED),
        (sessions, "leave_all", Accident.CLIENT_KILLED),
    ],
    ids=["composing", "replaying", "leaving"],
)
def test_a_mistake_is_found(
    place: Any, name: str, accident: Accident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, nothing)
    assert any(_goes_wrong(seed, accident) for seed in range(20))


def _goes_wrong(seed: int, accident: Accident) -> bool:
    try:
        return bool(have_agent_accident(seed, accident).problems)
    except Exception:
        return True
