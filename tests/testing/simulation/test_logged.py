from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.node.leading import State
from ixproxy.testing.simulation.logged import Logged


def test_it_keeps_mistakes_and_what_servers_say_of_their_lives() -> None:
    told: list[str] = []
    lives: dict[str, State] = {}
    log = Logger(observer=Logged(told, lives))
    log.info("Server {name} is primary, term {term}", name="one", term=3)
    log.info("Server {name} waits to be primary again", name="two")
    log.info("something else")
    assert (told, lives) == ([], {"one": State.PRIMARY, "two": State.WAITING})
    log.failure("it broke", failure=Failure(ValueError("like this")))
    assert len(told) == 1
    assert "like this" in told[0]
