"""Capture points are made of plug-ins, and a plug-in that refuses is said with its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ixproxy.config import load
from ixproxy.errors import ConfigError, ConfigProblem, PluginError
from ixproxy.net.log_plans import LogPacing
from ixproxy.node.intake_settings import UNSOLICITED, Check
from ixproxy.node.intake_work import Said
from ixproxy.node.model import NodeSettings
from ixproxy.node_parts import capture_plans, log_plans, with_parts
from ixproxy.testing.memory_capture import Mail, MemoryMaker, MemoryPoint
from ixproxy.testing.memory_eventlog import MemoryLog, MemoryLogMaker, Shelf
from tests.config_cases import GOOD
from tests.test_config_capture import ignoring
from tests.test_node_tap import ONE_NODE, reload

TWO = """
[[applications.ixn1.capture]]
name = "first"
use = "memory"
mail = "inbox"
[[applications.ixn1.capture]]
name = "second"
use = "memory"
mail = "inbox"
notifications = ["stopped"]
max-rate = 5
"""


def finding(maker: Any) -> Callable[[Any, str], Any]:
    return lambda interface, name: maker


def plans(maker: Any, text: str = TWO) -> Any:
    deployment = load(GOOD + text, try_maker=ignoring)
    return capture_plans(deployment, deployment.node("ixn1"), finding(maker))


def test_each_has_its_rules_limits_and_what_makes_it() -> None:
    mail = Mail()
    first, second = plans(MemoryMaker({"inbox": mail}))
    assert (first.name, first.kind, first.settings) == ("first", "memory", {"mail": "inbox"})
    assert first.rules.wanted == UNSOLICITED
    assert second.rules.wanted == {Said.STOPPED}
    assert second.limits.max_rate == 5
    made = [first.make(), first.make()]
    assert all(isinstance(each, MemoryPoint) for each in made)
    assert made[0] is not made[1]


def test_equal_files_make_equal_plans() -> None:
    maker = MemoryMaker({"inbox": Mail()})
    assert plans(maker) == plans(maker)
    assert plans(maker) != plans(maker, TWO.replace("max-rate = 5", "max-rate = 6"))


def test_what_a_maker_refuses_is_said_with_the_table_of_each() -> None:
    with pytest.raises(ConfigError) as refused:
        plans(MemoryMaker({}))
    assert [problem.table for problem in refused.value.problems] == [
        "applications.ixn1.capture#1", "applications.ixn1.capture#2",
    ]  # fmt: skip
    assert {problem.key for problem in refused.value.problems} == {"mail"}


def test_one_that_is_not_there_is_said_likewise() -> None:
    def missing(interface: Any, name: str) -> Any:
        raise PluginError([ConfigProblem("", "use", "no such")])

    deployment = load(GOOD + TWO, try_maker=ignoring)
    with pytest.raises(ConfigError, match=r"\[applications.ixn1.capture#1\] use: no such"):
        capture_plans(deployment, deployment.node("ixn1"), missing)


def test_a_maker_that_breaks_is_a_mistake_of_the_file() -> None:
    class Broken(MemoryMaker):
        def make(self, settings: Any) -> MemoryPoint:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ConfigError, match="failed: ZeroDivisionError: a bug"):
        plans(Broken({}))


def test_a_backup_has_those_of_its_primary() -> None:
    deployment = load(GOOD + TWO, try_maker=ignoring)
    maker = finding(MemoryMaker({"inbox": Mail()}))
    primary, backup = (
        capture_plans(deployment, deployment.node(name), maker) for name in ("ixn1", "ixn1-b")
    )
    assert primary == backup


def test_the_rules_know_them_by_name() -> None:
    made = plans(MemoryMaker({"inbox": Mail()}))
    settings = with_parts(NodeSettings(pull_hold_timeout=5), made)
    assert settings.pull_hold_timeout == 5
    assert settings.capture == {plan.name: plan.rules for plan in made}


def test_capture_points_come_and_go_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(ONE_NODE)
    point = (
        '[[applications.ixn1.capture]]\nname = "mail-in"\nuse = "file"\n'
        'inbound-path = "/in"\nerror-path = "/bad"\nduplicate-check = "none"\n'
    )
    told, said = reload(file, ONE_NODE + point)
    (plan,) = told.changes[0][5]
    assert (plan.name, plan.kind) == ("mail-in", "file")
    assert told.changes[0][1].capture == {"mail-in": plan.rules}
    assert plan.rules.check is Check.NONE
    assert "capture point mail-in added" in said
    refused, said = reload(file, ONE_NODE + point.replace("/bad", "bad"))
    assert refused.changes == []
    assert "error-path: expected the absolute path" in said


LOGS = """
[[applications.ixn1.event-logs]]
address = "memory:a"
max-queue-size = 12345
[[applications.ixn1.event-logs]]
name = "second"
address = "memory:b"
batch-size = 7
"""


class LeanMaker(MemoryLogMaker):
    def __init__(self, *wanted: str) -> None:
        super().__init__()
        self.wanted = wanted

    def make(self, settings: Mapping[str, object]) -> Any:
        log: Any = MemoryLog(Shelf())
        log.wants_properties = self.wanted
        return log


def logs(maker: Any, text: str = LOGS) -> Any:
    deployment = load(GOOD + text, try_maker=ignoring)
    return log_plans(deployment.node("ixn1"), finding(maker))


def test_each_event_log_has_its_rules_its_pace_and_what_makes_it() -> None:
    first, second = logs(MemoryLogMaker())
    assert (first.name, first.kind) == ("memory", "memory")
    assert first.settings == {"address": "memory:a", "log-userdata": True}
    assert (first.rules.max_queue, first.rules.properties) == (12345, None)
    assert second.pacing == LogPacing(7, 1.0)
    assert first.make() is not first.make()
    assert logs(MemoryLogMaker()) == logs(MemoryLogMaker())
    settings = with_parts(NodeSettings(), (), (first, second))
    assert settings.logs == {"memory": first.rules, "second": second.rules}


def test_a_log_is_given_the_properties_that_it_wants() -> None:
    for wanted in ((), ("ExternalId", "UserData")):
        plans = logs(LeanMaker(*wanted))
        assert [plan.rules.properties for plan in plans] == [frozenset(wanted)] * 2


def test_a_log_that_wants_what_interactions_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        logs(LeanMaker("ExternalId", "Colour"))
    assert len(refused.value.problems) == 2
    assert "wants_properties: interactions have no property 'Colour'" in str(refused.value)


class BadLogMaker(MemoryLogMaker):
    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem = problem

    def make(self, settings: Mapping[str, object]) -> Any:
        raise self.problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (ConfigError([ConfigProblem("", "address", "no such place")]), "no such place"),
        (ZeroDivisionError("oops"), 'plug-in "memory" failed: ZeroDivisionError: oops'),
    ],
)
def test_a_log_that_refuses_is_said_with_its_name(problem: Exception, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        logs(BadLogMaker(problem))
    assert [each.table for each in refused.value.problems] == [
        "applications.ixn1, memory",
        "applications.ixn1, second",
    ]
    assert all(each.text == text for each in refused.value.problems)
