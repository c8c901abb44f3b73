"""What only the world knows of a server."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock

import ixproxy
from ixproxy.errors import ConfigError, ConfigProblem, StorageError
from ixproxy.messages import EventServerStatus, ProcessFacts
from ixproxy.messages.message import MAX_TEXT
from ixproxy.net.surroundings import FRESH, SELF, Surroundings, process_facts

NOON = 1_800_000_000.0


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.asked = 0
        self.surroundings = Surroundings(
            self.clock, lambda: NOON + self.clock.seconds(), self._process
        )

    def _process(self) -> ProcessFacts:
        self.asked += 1
        return ProcessFacts(memory=self.asked)

    def complete(self) -> EventServerStatus:
        return self.surroundings.complete(EventServerStatus(name="ixn1"))


def test_a_status_is_completed_with_time_and_version() -> None:
    world = World()
    world.clock.advance(90)
    status = world.complete()
    assert (status.name, status.program_version) == ("ixn1", ixproxy.__version__)
    assert (status.time, status.uptime) == (NOON + 90, 90)
    assert status.certificate_expires is None
    world.surroundings.certificate_expires = lambda: NOON + 1000
    assert world.complete().certificate_expires == NOON + 1000


def test_the_operating_system_is_not_asked_all_the_time() -> None:
    world = World()
    assert [world.complete().process for _ in range(3)] == [ProcessFacts(memory=1)] * 3
    world.clock.advance(FRESH)
    assert world.complete().process == ProcessFacts(memory=2)


def test_a_refused_file_leaves_the_older_one_in_force_until_one_is_applied() -> None:
    world = World()
    world.clock.advance(10)
    problems = [ConfigProblem("a", "store", "not 'sqlite:///secret@x'", 7)] * 500
    world.surroundings.configuration_refused(ConfigError(problems))
    configuration = world.complete().configuration
    assert configuration is not None
    assert (configuration.applied_at, configuration.failed_at) == (NOON, NOON + 10)
    assert configuration.problem.startswith("line 7: [a] store; line 7: [a] store")
    assert len(configuration.problem) == MAX_TEXT
    world.surroundings.configuration_applied()
    configuration = world.complete().configuration
    assert configuration is not None
    assert (configuration.applied_at, configuration.problem) == (NOON + 10, "")
    assert configuration.failed_at is None


def test_the_reason_has_no_values_of_the_file() -> None:
    for problem, said in (
        (ConfigError([ConfigProblem("", "", "not TOML: 's3cret'", 3)]), "line 3: (file)"),
        (ConfigError([ConfigProblem("applications.a", "", "s3cret")]), "[applications.a]"),
        (StorageError("no s3cret"), "the store could not follow"),
    ):
        world = World()
        world.surroundings.configuration_refused(problem)
        assert world.surroundings.configuration.problem == said


def test_this_process_has_memory_and_open_files() -> None:
    facts = process_facts()
    if not SELF.exists():
        assert facts is None
        return
    assert facts is not None
    assert facts.pid == os.getpid()
    assert facts.memory > 1 << 20
    assert facts.open_files >= 3
    assert facts.cpu_seconds > 0


def test_a_system_that_does_not_say_is_no_error(tmp_path: Path) -> None:
    assert process_facts(tmp_path) is None
    (tmp_path / "statm").write_text("nothing")
    assert process_facts(tmp_path) is None
