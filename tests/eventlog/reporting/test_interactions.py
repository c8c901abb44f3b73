"""What interactions go through: volumes, waiting, handling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.eventlog.reporting.interactions import HANDS_MOST, Interactions
from ixproxy.eventlog.reporting.period import Wanted
from ixproxy.eventlog.reporting.source import LogUnreadable
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of, rows

ANNA: dict[str, Any] = {"party_type": 2, "party_agent": "anna"}
BERT: dict[str, Any] = {"party_type": 2, "party_agent": "bert"}
STRATEGY: dict[str, Any] = {"party_type": 1, "party_strategy": "S"}
ROUTER: dict[str, Any] = {"party_type": 3, "party_strategy": "S"}


def life(log: LogFile) -> None:
    """Submitted at noon, routed after 10 s, handled from 30 s to 90 s, stopped."""
    chat = {"media_type": "chat"}
    for at, event, row in (
        (0, "EventInteractionSubmitted", {"queue": "Q1", "interaction_state": 0}),
        (10, "EventTakenFromQueue", {"queue": "Q1", **STRATEGY}),
        (10, "EventPartyAdded", STRATEGY),
        (20, "EventAgentInvited", ANNA),
        (20, "EventPartyRemoved", STRATEGY),
        (30, "EventPartyAdded", ANNA),
        (90, "EventPartyRemoved", ANNA),
        (90, "EventProcessingStopped", {"queue": "Q1"}),
    ):
        log.interaction(NOON + at, event, "i1", **chat, **row)


def found(folder: Path, fill: object, wanted: Wanted | None = None) -> Interactions:
    return figures_of(folder, fill, wanted).interactions  # type: ignore[arg-type]


def test_a_life_is_counted_where_it_goes(tmp_path: Path) -> None:
    said = found(tmp_path, life)
    assert rows(said.queues) == {"Q1": (1, 0, 0, 1, 0, 1, 0)}
    assert rows(said.media) == {"chat": (1, 0, 1, 1, 0, 0)}
    (waited,) = rows(said.waits).values()
    assert (waited.count, waited.median, waited.longest) == (1, 10, 10)
    assert list(rows(said.handlings)) == [("chat", "anna")]
    assert said.by_media.whole.longest == 60
    assert (said.in_hand, said.without_begin, said.without_end, said.backwards) == (0, 0, 0, 0)
    assert [sum(step[place] for step in said.steps) for place in range(4)] == [1, 0, 1, 1]


def test_what_an_agent_submits_is_in_no_queue(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        row = {"queue": "Q1", "media_type": "email", "interaction_state": 3}
        log.interaction(NOON, "EventInteractionSubmitted", "i1", **row)
        log.interaction(NOON, "EventPartyAdded", "i1", media_type="email", **ANNA)

    said = found(tmp_path, fill)
    assert rows(said.queues) == {}
    assert rows(said.media) == {"email": (1, 0, 0, 0, 0, 1)}
    assert said.in_hand == 1


def test_a_move_ends_a_stay_that_nobody_waited_through(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventInteractionSubmitted", "i1", queue="Q1", interaction_state=0)
        log.interaction(NOON + 5, "EventTakenFromQueue", "i1", queue="Q1")
        log.interaction(NOON + 5, "EventPlacedInQueue", "i1", queue="Q2", old_queue="Q1")
        log.interaction(NOON + 7, "EventTakenFromQueue", "i1", queue="Q2", **ROUTER)

    said = found(tmp_path, fill)
    assert rows(said.queues) == {"Q1": (1, 0, 0, 0, 1, 0, 0), "Q2": (0, 1, 0, 1, 0, 0, 0)}
    assert list(rows(said.waits)) == ["Q2"]
    assert said.waits.whole.longest == 2


def test_what_lies_in_a_queue_at_the_end_waits(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        for name in ("i1", "i2"):
            log.interaction(
                NOON, "EventInteractionSubmitted", name, queue="Q1", interaction_state=0
            )
        log.interaction(NOON + 1, "EventProcessingStopped", "i2", queue="Q1")

    said = found(tmp_path, fill)
    assert rows(said.queues) == {"Q1": (2, 0, 0, 0, 0, 1, 1)}
    assert said.waits.rows == []


def test_each_of_several_agents_has_a_time_of_his_own(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventPartyAdded", "i1", **ANNA)
        log.interaction(NOON + 10, "EventPartyAdded", "i1", **BERT)
        log.interaction(NOON + 15, "EventPartyRemoved", "i1", **ANNA)
        log.interaction(NOON + 18, "EventPartyRemoved", "i1", **BERT)
        log.interaction(NOON + 20, "EventPartyAdded", "i1", **ANNA)
        log.interaction(NOON + 21, "EventPartyRemoved", "i1", **ANNA)

    handlings = rows(found(tmp_path, fill).handlings)
    assert {agent: (each.count, each.total) for (_, agent), each in handlings.items()} == {
        "anna": (2, 16),
        "bert": (1, 8),
    }


def test_times_are_counted_when_they_end_with_their_whole_length(tmp_path: Path) -> None:
    said = found(tmp_path, life, Wanted(begin=NOON + 50))
    assert said.waits.rows == []
    assert said.by_media.whole.longest == 60
    assert rows(said.media) == {"chat": (0, 0, 0, 1, 0, 0)}
    said = found(tmp_path, life, Wanted(end=NOON + 50))
    assert said.waits.whole.longest == 10
    assert said.by_media.rows == []
    assert said.in_hand == 1


def test_what_is_of_another_tenant_is_left_out(tmp_path: Path) -> None:
    assert rows(found(tmp_path, life, Wanted(tenant=2)).media) == {}
    assert rows(found(tmp_path, life, Wanted(tenant=1)).media) != {}


def test_what_the_log_does_not_say_is_counted(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        # Ends without a begin.
        log.interaction(NOON, "EventTakenFromQueue", "i1", queue="Q1", **ANNA)
        log.interaction(NOON, "EventPartyRemoved", "i1", **ANNA)
        # Begins without an end: twice placed, and stopped in somebody's hands.
        log.interaction(NOON, "EventPlacedInQueue", "i2", queue="Q1")
        log.interaction(NOON + 1, "EventPlacedInQueue", "i2", queue="Q2")
        log.interaction(NOON, "EventPartyAdded", "i3", **ANNA)
        log.interaction(NOON + 1, "EventProcessingStopped", "i3", queue="Q1")
        # Taken from another queue than it was in.
        log.interaction(NOON, "EventPlacedInQueue", "i4", queue="Q1")
        log.interaction(NOON + 1, "EventTakenFromQueue", "i4", queue="Q2", **ANNA)

    said = found(tmp_path, fill)
    assert (said.without_begin, said.without_end) == (3, 2)
    assert said.waits.rows == []


def test_a_clock_that_goes_back_makes_no_negative_time(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventPlacedInQueue", "i1", queue="Q1")
        log.interaction(NOON - 5, "EventTakenFromQueue", "i1", queue="Q1", **ANNA)

    said = found(tmp_path, fill)
    assert (said.waits.whole.count, said.waits.whole.longest, said.backwards) == (1, 0, 1)


def test_the_same_id_on_two_nodes_is_two_interactions(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventPlacedInQueue", "i1", queue="Q1", dbid=101)
        log.interaction(NOON + 1, "EventTakenFromQueue", "i1", queue="Q1", dbid=102, **ANNA)

    said = found(tmp_path, fill)
    assert rows(said.queues) == {"Q1": (0, 1, 1, 0, 0, 0, 1)}
    assert said.without_begin == 1


def test_events_without_an_interaction_tell_no_story(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.event("rpt_interaction", NOON, "EventPlacedInQueue", queue="Q1")
        log.event("rpt_interaction", NOON + 9, "EventTakenFromQueue", queue="Q1", **ANNA)

    said = found(tmp_path, fill)
    assert said.waits.rows == []
    assert rows(said.queues) == {"Q1": (0, 1, 1, 0, 0, 0, 0)}


def test_agents_of_one_interaction_are_bounded(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        for place in range(HANDS_MOST + 5):
            log.interaction(NOON, "EventPartyAdded", "i1", party_type=2, party_agent=f"a{place}")

    assert found(tmp_path, fill).in_hand == HANDS_MOST


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventPlacedInQueue", "i1", queue="Q1", moved_to_queue_at="noon")

    with pytest.raises(LogUnreadable, match="'noon'"):
        found(tmp_path, fill)
