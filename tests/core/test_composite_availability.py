from __future__ import annotations

import pytest

from ixproxy.core import composite_availability
from ixproxy.core.composite_availability import Availability
from ixproxy.messages import EventAgentAvailable, EventAgentNotAvailable

ANNA = EventAgentAvailable(tenant_id=1, agent_id="anna")
NOT_ANNA = EventAgentNotAvailable(tenant_id=1, agent_id="anna")


def test_the_first_source_is_told_and_the_last_one_takes_it_back() -> None:
    available = Availability()
    assert [available.said(name, ANNA) for name in ("east", "north", "west")] == [
        True,
        False,
        False,
    ]
    assert [available.said(name, NOT_ANNA) for name in ("east", "north", "west")] == [
        False,
        False,
        True,
    ]
    assert len(available) == 0


def test_a_source_that_is_away_keeps_nobody_available() -> None:
    available = Availability()
    assert available.said("east", ANNA)
    assert not available.said("north", ANNA)
    available.lost("north")
    assert available.said("east", NOT_ANNA)


def test_what_was_told_is_not_told_again_when_its_source_returns() -> None:
    available = Availability()
    assert available.said("east", ANNA)
    available.lost("east")
    assert not available.said("east", ANNA)
    assert available.said("east", NOT_ANNA)


def test_what_was_said_before_the_stream_began_is_taken_back_once() -> None:
    available = Availability()
    assert available.said("east", NOT_ANNA)
    assert not available.said("north", NOT_ANNA)
    assert available.said("north", ANNA)
    assert not available.said("east", ANNA)
    assert not available.said("east", NOT_ANNA)
    assert available.said("north", NOT_ANNA)


def test_no_more_is_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composite_availability, "REMEMBERED", 3)
    available = Availability()
    for number in range(10):
        available.said("east", EventAgentAvailable(tenant_id=1, agent_id=f"a{number}"))
        available.said("east", EventAgentNotAvailable(tenant_id=1, agent_id=f"b{number}"))
    assert len(available) == 6
