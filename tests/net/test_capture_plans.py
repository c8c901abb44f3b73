"""What a capture point is made of, and what may change while it lives."""

from __future__ import annotations

from dataclasses import replace

from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.testing.memory_capture import Mail, MemoryPoint


def test_a_plan_is_told_by_what_it_says_and_not_by_what_makes_it() -> None:
    mail = Mail()
    plans = [CapturePlan("in", "memory", lambda: MemoryPoint(mail), {"a": 1}) for _ in range(2)]
    assert plans[0] == plans[1]
    assert replace(plans[0], settings={"a": 2}) != plans[0]


def test_rules_and_limits_change_under_the_same_capture_point() -> None:
    plan = CapturePlan("in", "memory", lambda: MemoryPoint(Mail()), {"a": 1})
    assert plan.same_point(replace(plan, limits=CaptureLimits(1), rules=CaptureRules(max_outbox=1)))
    assert not plan.same_point(replace(plan, kind="file"))
    assert not plan.same_point(replace(plan, settings={}))
