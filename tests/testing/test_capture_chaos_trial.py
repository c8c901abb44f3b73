"""One capture chaos run: its deployment file, and that it does not wait for ever."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ixproxy.config import load
from ixproxy.testing import capture_chaos_trial as trial
from ixproxy.testing.capture_chaos_faults import BACKUP, NODE, Blow, Node
from ixproxy.testing.capture_chaos_files import Files
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_trial import (
    AT_ONCE,
    MOST_AHEAD,
    POINT,
    Options,
    Trial,
    deployment,
)
from ixproxy.testing.capture_chaos_words import Given, Told


@pytest_twisted.ensureDeferred
async def test_the_deployment_file_has_a_pair_with_the_capture_point(
    real_reactor: Any, tmp_path: Path
) -> None:
    files = Files(real_reactor, tmp_path / "source", Random(1))
    await files.start()
    options = Options("file", duplicate_check="external-id", notify="at-most-once", lease_limit=5)
    file = tmp_path / "cluster.toml"
    file.write_text(deployment(options, files))
    read = load(file)
    (node,) = read.nodes()
    assert (node.name, node.backup) == (NODE, BACKUP)
    assert node.settings.lease_limit == 5
    (table,) = tomllib.loads(file.read_text())["applications"][NODE]["capture"]
    assert table["name"] == POINT
    assert (table["duplicate-check"], table["notify"]) == ("external-id", "at-most-once")
    assert table["inbound-path"] == str(tmp_path / "source" / "inbound")


class Losing(Files):
    """Files that nobody finds: they never come into the inbound directory."""

    async def give(self, documents: Sequence[Given]) -> None:
        return

    async def left(self) -> int:
        return 3


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_what_does_not_arrive_is_not_waited_for_for_ever(
    real_reactor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "STILL_SECONDS", 0.5)
    told: list[str] = []
    options = Options("file", documents=10, faults=0)
    done = await Trial(real_reactor, tmp_path, options, Losing, told.append).run()
    assert done.failed
    assert done.verdict.figures["lost"] == len(done.verdict.wrong["lost"]) >= 10
    assert done.verdict.figures["stranded in the source"] == 3
    assert any("nothing has moved" in line for line in told)


class Counting(Source):
    """
    A source whose documents are interactions at once.

    :ivar struck: how many there were when each fault began.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.there = 0
        self.struck: list[int] = []

    async def give(self, documents: Sequence[Given]) -> None:
        self.there += len(documents)

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        async def hang(seconds: float) -> None:
            self.struck.append(self.there)
            await deferLater(self.reactor, seconds)

        return {"hang": (hang, 5.0, 5.0)}


def test_a_source_does_not_run_away_from_the_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    source = Counting(clock, tmp_path, Random(1))
    monkeypatch.setattr(trial, "_count", lambda node: source.there)
    running = Trial(clock, tmp_path, Options("file"), Counting)
    blows = [Blow("hang", 5.0, after) for after in (1000, 2000, 3000)]
    given = [Given(str(number)) for number in range(5000)]
    work = running.give_and_strike(cast("Node", None), source, given, blows)
    done = Deferred.fromCoroutine(work)
    while not done.called:
        clock.advance(0.1)
    assert [there // 1000 for there in source.struck] == [1, 2, 3]
    assert all(there % 1000 <= MOST_AHEAD + AT_ONCE for there in source.struck)
    assert (source.there, running.struck) == (5000, {"hang": 3})


class Broken(Source):
    """A source that cannot even be there."""

    ended = False

    async def start(self) -> None:
        raise OSError("the outside is not there")

    async def stop(self) -> None:
        type(self).ended = True

    def settings(self) -> Mapping[str, object]:
        return {}

    async def told(self) -> Sequence[Told]:
        return []


@pytest_twisted.ensureDeferred
async def test_a_source_that_cannot_be_there_is_let_go_of(
    real_reactor: Any, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="not there"):
        await Trial(real_reactor, tmp_path, Options("file"), Broken).run()
    assert Broken.ended
