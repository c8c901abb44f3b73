"""Servers that have ended are started again."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.task import Clock

from ixproxy.testing.chaos_supervisor import KILLED, LOOK_SECONDS, RESTART_SECONDS, Supervisor
from ixproxy.testing.processes import RealCluster


class Ended:
    """A cluster in which a test ends servers."""

    def __init__(self) -> None:
        self.servers = SimpleNamespace(
            processes={
                name: SimpleNamespace(running=True, outcome="") for name in ("ixn1", "proxy1")
            }
        )

    def begin(self, name: str) -> None:
        self.servers.processes[name].running = True


def supervised() -> tuple[Clock, Any, Supervisor]:
    clock, cluster = Clock(), Ended()
    supervisor = Supervisor(clock, cast(RealCluster, cluster), Random(1))
    supervisor.start()
    return clock, cluster, supervisor


def end(cluster: Any, name: str, outcome: str) -> None:
    cluster.servers.processes[name].running = False
    cluster.servers.processes[name].outcome = outcome


def pass_time(clock: Clock, seconds: float) -> None:
    clock.pump([LOOK_SECONDS] * int(seconds / LOOK_SECONDS))


def test_who_has_ended_is_started_again_after_a_while() -> None:
    clock, cluster, supervisor = supervised()
    end(cluster, "ixn1", "process ended by signal 9.")
    supervisor.hurt["ixn1"] = KILLED
    pass_time(clock, RESTART_SECONDS[0] - LOOK_SECONDS)
    assert not cluster.servers.processes["ixn1"].running
    assert not supervisor.complete
    pass_time(clock, RESTART_SECONDS[1])
    assert bool(cluster.servers.processes["ixn1"].running)
    assert bool(supervisor.complete)
    assert supervisor.surprises() == []
    supervisor.stop()
    supervisor.stop()


def test_an_end_that_no_fault_explains_is_told_once() -> None:
    clock, cluster, supervisor = supervised()
    end(cluster, "proxy1", "exit code 1")
    pass_time(clock, 5.0)
    assert supervisor.surprises() == ["proxy1 ended by itself: exit code 1"]
    assert supervisor.surprises() == []
    supervisor.stop()


def test_who_was_struck_may_end_of_that_and_of_nothing_else() -> None:
    clock, cluster, supervisor = supervised()
    supervisor.hurt["ixn1"] = KILLED
    end(cluster, "ixn1", "process ended with exit code 1.")
    pass_time(clock, 5.0)
    assert supervisor.surprises() == ["ixn1 ended by itself: process ended with exit code 1."]
    supervisor.stop()
