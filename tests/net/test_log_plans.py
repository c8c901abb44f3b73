"""What a server is told of an event log."""

from __future__ import annotations

from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.node.log_rules import LogRules


def plan(address: str = "memory:a", **more: object) -> LogPlan:
    return LogPlan("log", "memory", lambda: None, {"address": address}, **more)  # type: ignore[arg-type, return-value]


def test_plans_are_equal_however_their_logs_are_made() -> None:
    assert plan() == plan()
    assert plan() != plan(rules=LogRules(mandatory=True))


def test_a_log_goes_on_with_other_rules_and_another_pace_but_not_elsewhere() -> None:
    assert plan().same_log(plan(rules=LogRules(queue=False), pacing=LogPacing(5)))
    assert not plan().same_log(plan("memory:b"))
