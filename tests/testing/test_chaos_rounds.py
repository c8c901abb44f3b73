"""How a round is judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ixproxy.testing.chaos_deployment import NODES, PROXIES
from ixproxy.testing.chaos_faults import Blow, Struck
from ixproxy.testing.chaos_rounds import Round, Rounds, Service
from ixproxy.testing.chaos_scene import Options

EVERY = [number / 5 for number in range(100)]
"""A good answer every fifth of a second, for 20 seconds."""


def without(good: list[float], since: float, until: float) -> list[float]:
    return [at for at in good if not since < at < until]


def rounds(
    good: dict[tuple[str, str], list[float]], limit: int | None = 3
) -> tuple[Rounds, dict[str, Any]]:
    """Rounds whose probers got these answers, by proxy and node; the others all."""
    probers = [
        SimpleNamespace(proxy=proxy, good={node: good.get((proxy, node), EVERY) for node in NODES})
        for proxy in PROXIES
    ]
    scene = SimpleNamespace(options=Options(lease_limit=limit), pairs=limit is not None)
    visitors = {prober.proxy: prober for prober in probers}
    made = Rounds(*cast(Any, (scene, None, None, probers, None)))
    return made, visitors


def judged(made: tuple[Rounds, dict[str, Any]], *blows: Blow) -> list[Service]:
    of_rounds, visitors = made
    struck = [Struck("somebody", 10.0) for _ in blows]
    return of_rounds._judged(list(blows), struck, 5.0, 20.0, visitors)


def test_a_node_serves_as_long_as_it_answers_through_any_proxy() -> None:
    away = {("proxy1", "ixn1"): without(EVERY, 5.0, 15.0)}
    (service,) = judged(rounds(away), Blow("kill primary", "ixn1", "", 0.0))
    assert (service.node, service.through, service.limit) == ("ixn1", "", 5.0)
    assert service.gap < 0.5
    assert not service.late


@pytest.mark.parametrize(("until", "late"), [(9.0, False), (12.0, True)])
def test_a_takeover_may_take_the_limit_and_two_seconds(until: float, late: bool) -> None:
    away = {(proxy, "ixn2"): without(EVERY, 5.0, until) for proxy in PROXIES}
    (service,) = judged(rounds(away), Blow("freeze primary", "ixn2", "", 3.0))
    assert service.gap == pytest.approx(until - 5.0, abs=0.3)
    assert service.late == late


def test_nobody_is_held_to_a_limit_without_a_backup_or_on_a_slow_network() -> None:
    away = {(proxy, "ixn2"): without(EVERY, 5.0, 15.0) for proxy in PROXIES}
    kill = Blow("kill primary", "ixn2", "", 0.0)
    (alone,) = judged(rounds(away, None), kill)
    both = judged(rounds(away), kill, Blow("loss to node", "ixn1", "proxy1", 5.0))
    assert [alone.limit, *(each.limit for each in both)] == [None] * 3


def test_what_is_on_the_way_from_a_proxy_is_seen_through_that_proxy() -> None:
    away = {("proxy2", "ixn3"): without(EVERY, 5.0, 10.5)}
    made = rounds(away)
    (service,) = judged(made, Blow("cut proxy from node", "ixn3", "proxy2", 5.0))
    assert (service.through, service.limit) == ("proxy2", None)
    assert service.gap == pytest.approx(5.5, abs=0.3)
    assert service.after_healing == pytest.approx(0.6, abs=0.2)


def test_what_happens_to_a_proxy_is_seen_by_its_clients_for_every_node() -> None:
    found = judged(rounds({}), Blow("kill proxy", "proxy1", "", 0.0))
    assert [(each.node, each.through) for each in found] == [(node, "proxy1") for node in NODES]


def test_what_happens_to_the_database_is_seen_at_every_node() -> None:
    found = judged(rounds({}), Blow("stop database", "", "", 4.0))
    assert [(each.node, each.through) for each in found] == [(node, "") for node in NODES]


def test_a_node_that_never_answered_again_was_away_until_the_end() -> None:
    away = {(proxy, "ixn1"): without(EVERY, 5.0, 99.0) for proxy in PROXIES}
    (service,) = judged(rounds(away), Blow("kill primary", "ixn1", "", 0.0))
    assert service.gap == pytest.approx(15.0, abs=0.3)
    assert service.after_healing == 10.0


def test_a_round_remembers_its_longest_gap() -> None:
    done = Round(1, [])
    assert done.worst == 0.0
    done.service = [
        Service("kill primary", "ixn1", "ixn1", "", gap, 0.0, 5.0) for gap in (1.0, 4.0, 2.0)
    ]
    assert done.worst == 4.0
    assert done.record()["service"][1]["gap"] == 4.0
