"""Agents who work through another server, as many sources say."""

from __future__ import annotations

import pytest

from ixproxy.core.composite_availability import Availability
from ixproxy.messages import EventAgentAvailable, EventAgentNotAvailable

HERE = EventAgentAvailable(tenant_id=1, agent_id="ann")
AWAY = EventAgentNotAvailable(tenant_id=1, agent_id="ann")


def test_it_is_told_by_the_first_that_says_so_and_taken_back_by_the_last() -> None:
    available = Availability()
    assert [available.said(node, HERE) for node in ("east", "west")] == [True, False]
    assert [available.said(node, AWAY) for node in ("west", "east")] == [False, True]
    assert not len(available)


def test_what_nobody_said_is_not_taken_back() -> None:
    assert not Availability().said("east", AWAY)


def test_one_that_is_away_keeps_nobody_available_and_is_not_told_again() -> None:
    available = Availability()
    for node in ("east", "west"):
        available.said(node, HERE)
    available.lost("east")
    assert available.said("west", AWAY)
    available.said("east", HERE)
    available.lost("east")
    assert not available.said("west", HERE), "it was told already"


def test_so_many_are_remembered_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.composite_availability.REMEMBERED", 2)
    available = Availability()
    for name in ("ann", "bob", "cid"):
        available.said("east", EventAgentAvailable(tenant_id=1, agent_id=name))
    assert len(available) == 2
