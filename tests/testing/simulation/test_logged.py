from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.node.leading import State
from ixproxy.testing.simulation.logged import Logged


def test_mistakes_of_programs_and_lives_of_servers_are_noted() -> None:
    told: list[str] = []
    lives: dict[str, State] = {}
    log = Logger(observer=Logged(told, lives))
    log.info("Server {name} is primary, term {term}", name="node1", term=3)
    log.info("Server {name} waits to be primary again", name="node2")
    log.error("the disk is full")
    log.failure("it fails", Failure(ZeroDivisionError("by nought")))
    assert lives == {"node1": State.PRIMARY, "node2": State.WAITING}
    (only,) = told
    assert only.startswith("it fails: ")
    assert "ZeroDivisionError" in only
