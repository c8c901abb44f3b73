"""The stage of event-log chaos waits until logs have everything, and sees where they never do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.errors import StorageError
from ixproxy.testing.eventlog_chaos_judging import Truth
from ixproxy.testing.eventlog_chaos_outsides import Outside
from ixproxy.testing.eventlog_chaos_rows import Gap, Logged, Row
from ixproxy.testing.eventlog_chaos_stage import STILL_SECONDS, Options, Stage

ROW = Row("EventHeld", 1.0, "rpt_interaction", {})


class Played(Outside):
    """A log that has what a test says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.has = Logged()
        self.broken = False

    def logged(self) -> Logged:
        if self.broken:
            raise StorageError("it is away")
        return self.has

    def complete(self, entries: int) -> bool:
        return len(self.has.rows) >= entries


class Still(Stage):
    """A stage without servers, where nothing is done in threads."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.log = Played(folder / "log")
        super().__init__(self.clock, folder, Options(), ["ixn1"], outside=self.log)
        self.stores = {"ixn1": f"sqlite:{folder / 'ixn1.db'}"}
        self.database = folder / "ixn1.db"
        self.known = Logged()
        self.supervisor = cast(Any, SimpleNamespace(complete=True, surprises=list))
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("CREATE TABLE outbox (consumer)")
            database.execute("CREATE TABLE interactions (id)")

    async def apart(self, work: Callable[[], Any]) -> Any:
        return work()

    def witness(self) -> Logged:
        return self.known

    def put(self, *consumers: str) -> None:
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("DELETE FROM outbox")
            database.executemany("INSERT INTO outbox VALUES (?)", [(each,) for each in consumers])


@pytest.fixture
def stage(tmp_path: Path) -> Still:
    return Still(tmp_path)


def waiting(stage: Still) -> Deferred[bool]:
    return Deferred.fromCoroutine(stage.drained())


def passed(stage: Still, seconds: float) -> None:
    stage.clock.pump([0.5] * round(2 * seconds))


def test_it_waits_for_both_logs_for_servers_and_for_readers(stage: Still) -> None:
    done: list[bool] = []
    waiting(stage).addCallback(done.append)
    for consumer in ("log:witness", "log:shaken"):
        stage.put(consumer)
        passed(stage, 2)
        assert done == []
    stage.put()
    stage.known.rows[101, 1, 1] = ROW
    passed(stage, 2)
    assert done == [], "the reader has not read it"
    stage.log.has.rows[101, 1, 1] = ROW
    cast(Any, stage.supervisor).complete = False
    passed(stage, 2)
    assert done == [], "a server is not there"
    cast(Any, stage.supervisor).complete = True
    passed(stage, 2)
    assert done == [True]


def test_what_does_not_move_any_more_is_not_waited_for(stage: Still) -> None:
    done: list[bool] = []
    stage.put("log:shaken", "log:shaken")
    waiting(stage).addCallback(done.append)
    passed(stage, STILL_SECONDS - 1)
    stage.put("log:shaken")
    passed(stage, STILL_SECONDS - 1)
    assert done == []
    passed(stage, 3)
    assert done == [False]


def test_the_verdict_names_what_is_left_and_compares_looks(stage: Still) -> None:
    stage.put("log:shaken")
    stage.known.rows[101, 1, 1] = ROW
    stage.log.has.until[101] = 2.0
    Deferred.fromCoroutine(stage.look())
    stage.log.broken = True
    Deferred.fromCoroutine(stage.look())
    stage.log.broken = False
    stage.log.has = Logged({(101, 1, 1): ROW}, [Gap(101, 1, 2, 2, 2.0, 2.0, {"EventHeld": 1})])
    found: list[Any] = []
    Deferred.fromCoroutine(stage.judged(Truth())).addCallback(found.append)
    passed(stage, STILL_SECONDS + 2)
    (verdict,) = found
    assert verdict.figures["looks"] == 1
    assert verdict.wrong.keys() == {
        "drops told wrongly",
        "missing though the log said that it had all until later",
        "nodes with events that do not leave",
    }
    assert verdict.wrong["nodes with events that do not leave"] == ["ixn1: 1 rows"]


def test_a_traceback_in_a_log_is_a_surprise(stage: Still, tmp_path: Path) -> None:
    logs = {name: tmp_path / f"{name}.log" for name in ("ixn1", "ixn1-b")}
    logs["ixn1"].write_text("Event log shaken takes no events\n")
    processes = {"ixn1": SimpleNamespace(name="ixn1", log=logs["ixn1"])}
    servers = SimpleNamespace(processes=processes)
    stage.cluster = cast(Any, SimpleNamespace(servers=servers, log=logs.__getitem__))
    assert stage.surprises() == []
    assert stage.said("ixn1", "takes no events")
    assert not stage.said("ixn1", "dropped")
    logs["ixn1"].write_text("Traceback (most recent call last):\n")
    assert stage.surprises() == ["ixn1: its log has a traceback"]
