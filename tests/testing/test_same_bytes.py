"""With the fast path switched off, the bytes that leave are the same, at the same times."""

from __future__ import annotations

import os

import pytest

from ixproxy.core.forwarding import Forwarder
from ixproxy.testing.accidents import have_accident
from ixproxy.testing.agent_accidents import have_agent_accident
from ixproxy.testing.agent_scripts import agent_script
from ixproxy.testing.breaking import CHAINED, Accident
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.oracle import many_servers, play
from ixproxy.testing.scripts import random_script
from ixproxy.testing.steps import Script

SEEDS = int(os.environ.get("IXPROXY_ORACLE_SEEDS", "200"))

BLOCK = 50

Written = list[tuple[float, str, str, bytes]]


def written_by(script: Script, *, fast_path: bool, outer: int = 0) -> Written:
    """All bytes that programs write while a script is played."""
    seed = script.seed
    cluster = many_servers(seed, script.options, fast_path=fast_path, outer=outer, start=False)
    written = tapped(cluster)
    for number in range(3):
        cluster.start_node(number)
    for number in range(2):
        cluster.start_proxy(number)
    for number in range(outer):
        cluster.start_outer(number)
    play(script, cluster)
    cluster.close()
    return written


def tapped(cluster: Cluster) -> Written:
    written: Written = []
    cluster.network.tap = lambda one, other, raw: written.append(
        (cluster.seconds(), one, other, raw)
    )
    return written


def compare(script: Script, **more: int) -> None:
    """Play a script on both paths."""
    fast, slow = (written_by(script, fast_path=on, **more) for on in (True, False))
    assert len(fast) == len(slow), f"seed {script.seed}"
    for number, (one, other) in enumerate(zip(fast, slow, strict=True)):
        assert one == other, f"seed {script.seed}, write {number}"


@pytest.fixture
def forwarded(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the fast path took each frame that it was offered."""
    taken: list[bool] = []
    for name in ("request", "from_node"):
        original = getattr(Forwarder, name)

        def count(*arguments: object, original: object = original) -> bool:
            assert callable(original)
            taken.append(bool(original(*arguments)))
            return taken[-1]

        monkeypatch.setattr(Forwarder, name, count)
    return taken


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_a_script_writes_the_same_bytes_on_both_paths(first: int, forwarded: list[bool]) -> None:
    for seed in range(first, min(first + BLOCK, SEEDS)):
        compare(random_script(seed))
    assert sum(forwarded) > 10 * BLOCK
    assert forwarded.count(False) > 0


@pytest.mark.parametrize("outer", [0, 2])
def test_agents_deliveries_and_streams_write_the_same_bytes_on_both_paths(
    outer: int, forwarded: list[bool]
) -> None:
    for seed in range(max(2, SEEDS // 20)):
        compare(agent_script(seed), outer=outer)
    assert sum(forwarded) > 0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bytes]]:
    """All bytes that any program of any cluster writes."""
    found: list[tuple[str, str, bytes]] = []
    monkeypatch.setattr(
        MemoryNetwork,
        "_wrote",
        lambda _, end, raw: found.append((end.host, end.peer.host, raw)),
    )
    return found


AGENT_ACCIDENTS = [each for each in Accident if each is not Accident.GIVEN_UP]


@pytest.mark.parametrize("accident", AGENT_ACCIDENTS, ids=lambda accident: accident.name.lower())
def test_an_accident_among_agents_writes_the_same_bytes_on_both_paths(
    accident: Accident, written: list[tuple[str, str, bytes]]
) -> None:
    runs = []
    for fast_path in (True, False):
        written.clear()
        have_agent_accident(1, accident, fast_path=fast_path, chained=accident in CHAINED)
        runs.append(list(written))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "accident",
    [Accident.NODE_KILLED, Accident.NODE_CONNECTION, Accident.NODE_CUT, Accident.INNER_KILLED],
    ids=lambda accident: accident.name.lower(),
)
def test_an_accident_writes_the_same_bytes_on_both_paths_where_requests_wait_for_nodes(
    accident: Accident, written: list[tuple[str, str, bytes]]
) -> None:
    for seed in range(5):
        runs = []
        for fast_path in (True, False):
            written.clear()
            chained = accident in CHAINED
            have_accident(seed, accident, fast_path=fast_path, chained=chained, parking=3.0)
            runs.append(list(written))
        assert runs[0] == runs[1], f"seed {seed}"


@pytest.mark.parametrize("accident", list(Accident), ids=lambda accident: accident.name.lower())
def test_an_accident_writes_the_same_bytes_on_both_paths(
    accident: Accident, written: list[tuple[str, str, bytes]]
) -> None:
    for seed in range(5):
        runs = []
        for fast_path in (True, False):
            written.clear()
            have_accident(seed, accident, fast_path=fast_path, chained=accident in CHAINED)
            runs.append(list(written))
        assert runs[0] == runs[1], f"seed {seed}"
