"""The simulation of accidents finds what it is there to find."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ixproxy.client.holdings import Held
from ixproxy.client.returning import Returning
from ixproxy.core.state import ProxyState
from ixproxy.node import sessions
from ixproxy.testing.accidents import Point, have_accident
from ixproxy.testing.breaking import CHAINED, PAIRED, Accident, accidents
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.places import Places

ROOT = Path(__file__).parent.parent.parent

PAIR_SEEDS = int(os.environ.get("IXPROXY_PAIR_ACCIDENTS", "32"))
"""How many accidents of pairs; more of them find rarer things."""


def nothing(*arguments: object, **named: object) -> None:
    """What should be done is not."""


def unconcerned(held: Held, what: object) -> list[str]:
    """Nothing is to be stopped, whatever is told."""
    return []


@pytest.mark.parametrize(
    ("place", "name", "instead", "accident"),
    [
        (ProxyState, "give_back", nothing, Accident.NODE_PAUSED),
        (Returning, "begin", nothing, Accident.GIVEN_UP),
        (sessions, "_return", nothing, Accident.CLIENT_KILLED),
        (Held, "confirmed", unconcerned, Accident.CLIENT_CUT),
        (Held, "event_received", unconcerned, Accident.NODE_KILLED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_in_what_keeps_takes_safe_is_found(
    place: Any,
    name: str,
    instead: Callable[..., Any],
    accident: Accident,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place, name, instead)
    assert any(have_accident(seed, accident).problems for seed in range(150))


def test_a_session_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.node.expiry.end_session", nothing)
    assert any(have_accident(seed, Accident.CLIENT_KILLED).problems for seed in range(20))


@pytest.mark.parametrize("accident", list(Accident), ids=lambda accident: accident.name.lower())
def test_every_accident_happens_and_is_survived(accident: Accident) -> None:
    for seed in range(3):
        aftermath = have_accident(
            seed, accident, chained=accident in CHAINED, pairs=accident in PAIRED
        )
        assert aftermath.accident is accident
        assert aftermath.problems == []


@pytest.mark.parametrize("pairs", [False, True])
def test_the_seed_chooses_each_accident_in_turn(pairs: bool) -> None:
    for chained in (False, True):
        kinds = accidents(chained=chained, pairs=pairs)
        assert (set(kinds) == set(Accident)) is (chained and pairs)
        for at, kind in enumerate(kinds):
            aftermath = have_accident(at, chained=chained, pairs=pairs)
            assert (aftermath.accident, aftermath.problems) == (kind, []), f"seed {at}"


def test_whatever_breaks_pairs_on_either_kind_of_store_nothing_is_stranded(
    stores: Places,
) -> None:
    """Design 14.2 where nodes are pairs."""
    for seed in range(PAIR_SEEDS if stores.kind == "sqlite" else PAIR_SEEDS // 4):
        aftermath = have_accident(seed, PAIRED[seed % len(PAIRED)], pairs=True, stores=stores)
        assert aftermath.problems == [], f"seed {seed}, {aftermath.accident}"


def test_a_pull_may_be_anywhere_when_it_happens() -> None:
    points: set[Point] = set()
    for seed in range(40):
        points |= have_accident(seed, Accident.CLIENT_CONNECTION).points
    assert points == set(Point)


def test_the_simulation_closes_its_cluster_even_if_it_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[Cluster] = []
    original = Cluster.close

    def close(cluster: Cluster) -> None:
        closed.append(cluster)
        original(cluster)

    def broken(*arguments: object) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(Cluster, "close", close)
    monkeypatch.setattr(Cluster, "problems", broken)
    with pytest.raises(ZeroDivisionError):
        have_accident(1)
    assert len(closed) == 1


DIGEST = """
import hashlib
from ixproxy.testing.accidents import have_accident
from ixproxy.testing.network import MemoryNetwork

digest = hashlib.sha256()

def wrote(network, end, written):
    now = repr(network._clock.seconds())
    digest.update(f"{now} {end.host} {end.peer.host} ".encode() + written)

MemoryNetwork._wrote = wrote
for seed in range(18):
    have_accident(seed)
print(digest.hexdigest())
"""


def test_a_seed_is_the_same_run_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1
