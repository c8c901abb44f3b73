"""The faults of capture chaos: each kind in turn, amid the documents, on whoever is primary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.errors import IxproxyError
from ixproxy.testing.capture_chaos_faults import (
    BACKUP,
    NODE,
    STRIKES,
    Blow,
    Node,
    draw,
    strike,
)
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.chaos_supervisor import KILLED, STOPPED, Supervisor
from ixproxy.testing.processes import RealCluster


class Fragile(Source):
    """A source with one fault of its own."""

    def __init__(self) -> None:
        super().__init__(Clock(), Path("nowhere"), Random(1))
        self.struck: list[float] = []

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        async def quake(seconds: float) -> None:
            self.struck.append(seconds)

        return {"quake": (quake, 2.0, 3.0)}


class Played:
    """A cluster that notes what is done to it."""

    def __init__(self, primary: str) -> None:
        self.primary = primary
        self.done: list[str] = []
        self.servers = SimpleNamespace(
            processes={name: SimpleNamespace(running=True) for name in (NODE, BACKUP)},
            end=self._ended,
        )

    async def primary_of(self, node: str) -> str:
        return self.primary

    async def kill(self, name: str) -> None:
        self.done.append(f"kill {name}")

    async def _ended(self, name: str) -> None:
        self.done.append(f"stop {name}")

    def pause(self, name: str) -> None:
        self.done.append(f"pause {name}")

    def resume(self, name: str) -> None:
        self.done.append(f"resume {name}")


def struck(kind: str, primary: str = NODE, seconds: float = 1.0) -> tuple[Played, dict[str, str]]:
    """What a fault did, when its time is over; and who may end of it."""
    cluster, clock = Played(primary), Clock()
    supervisor: Any = SimpleNamespace(hurt={})
    node = Node(clock, cast(RealCluster, cluster), cast(Supervisor, supervisor), 3.0)
    striking = Deferred.fromCoroutine(strike(Blow(kind, seconds, 0), node, Fragile()))
    for _ in range(100):
        clock.advance(0.1)
    assert striking.called
    striking.addErrback(lambda failure: pytest.fail(failure.getTraceback()))
    return cluster, supervisor.hurt


def test_every_kind_strikes_once_before_one_strikes_again_and_amid_the_documents() -> None:
    kinds = {*STRIKES, "quake"}
    blows = draw(Fragile(), 2 * len(kinds), 1000, Random(1))
    assert {blow.kind for blow in blows[: len(kinds)]} == kinds
    assert {blow.kind for blow in blows[len(kinds) :]} == kinds
    marks = [blow.after for blow in blows]
    assert marks == sorted(marks)
    assert 0 <= marks[0] < 1000 // len(marks) + 1
    assert 900 < marks[-1] <= 1000
    assert all(2.0 <= blow.seconds <= 3.0 for blow in blows if blow.kind == "quake")


def test_only_the_kinds_that_are_wanted_strike() -> None:
    wanted = draw(Fragile(), 4, 100, Random(1), ["quake", "kill both"])
    assert sorted(blow.kind for blow in wanted) == ["kill both"] * 2 + ["quake"] * 2
    assert draw(Fragile(), 0, 100, Random(1)) == []


def test_a_run_without_any_that_is_wanted_is_refused() -> None:
    with pytest.raises(IxproxyError, match=r"there are none among kill primary, .*quake"):
        draw(Fragile(), 4, 100, Random(1), ["flood"])


@pytest.mark.parametrize(("primary", "other"), [(NODE, BACKUP), (BACKUP, NODE)])
def test_whoever_is_primary_is_struck(primary: str, other: str) -> None:
    assert struck("kill primary", primary)[0].done == [f"kill {primary}"]
    assert struck("kill backup", primary)[0].done == [f"kill {other}"]
    assert struck("stop primary", primary)[0].done == [f"stop {primary}"]
    assert sorted(struck("kill both", primary)[0].done) == [f"kill {NODE}", f"kill {BACKUP}"]
    frozen = [f"pause {primary}", f"resume {primary}"]
    assert struck("freeze primary", primary)[0].done == frozen
    assert struck("freeze primary briefly", primary)[0].done == frozen


def test_who_is_struck_may_end_of_that() -> None:
    assert struck("kill primary")[1] == {NODE: KILLED}
    assert struck("stop primary")[1] == {NODE: STOPPED}
    assert struck("freeze primary")[1] == {NODE: KILLED}


def test_what_strikes_the_source_is_its_own_affair() -> None:
    source = Fragile()
    node: Any = None
    Deferred.fromCoroutine(strike(Blow("quake", 2.5, 0), node, source))
    assert source.struck == [2.5]
