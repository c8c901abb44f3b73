"""Each rule of event logs can be broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from ixproxy.node.log_work import Dropped
from ixproxy.testing.memory_eventlog import Shelf
from ixproxy.testing.simulation import rules_of_logs as rules
from ixproxy.testing.simulation.logs import SMALL, SPOOL, WHOLE
from ixproxy.testing.simulation.run import Run
from tests.testing.simulation.small_worlds import running
from tests.testing.simulation.test_logs import submit


@pytest.fixture
def run() -> Iterator[Run]:
    """A node whose small log has a gap; all is healed."""
    with running(logs=True, nodes=1) as made:
        for log in (WHOLE, SMALL):
            shelf(made, log).is_away = True
        submit(made, SPOOL + 5)
        for log in (WHOLE, SMALL):
            shelf(made, log).is_away = False
        assert made.logs is not None
        made.cluster.run_until(made.logs.drained, "never")
        made.cluster.run(1)
        yield made


def shelf(run: Run, log: str) -> Shelf:
    assert run.logs is not None
    return run.logs.shelves["node1", log]


def broken(run: Run) -> str:
    found = [
        *rules.logs_have_what_nodes_committed(run),
        *rules.gaps_count_exactly_what_is_missing(run),
    ]
    return found[0] if found else ""


def test_where_nothing_is_wrong_no_rule_is_broken(run: Run) -> None:
    assert shelf(run, SMALL).gaps
    assert broken(run) == ""


def test_where_there_are_no_logs_there_is_nothing_to_break() -> None:
    with running() as bare:
        assert broken(bare) == ""


def test_an_event_is_lost(run: Run) -> None:
    shelf(run, WHOLE).events.popitem()
    assert "log whole of node1: lacks [(2, " in broken(run)


def test_an_event_is_made_up(run: Run) -> None:
    events = shelf(run, WHOLE).events
    (name, entry) = events.popitem()
    events[name] = entry
    events[101, 9, 9] = replace(entry, epoch=9, number=9)
    assert "has [(9, 9)] besides" in broken(run)


def test_the_order_is_another(run: Run) -> None:
    events = shelf(run, WHOLE).events
    first = next(iter(events))
    events[first] = events.pop(first)
    assert "lacks [], has [] besides, or another order" in broken(run)


def test_a_gap_is_not_the_nodes(run: Run) -> None:
    shelf(run, SMALL).gaps.clear()
    assert "other gaps than the node's" in broken(run)


def test_something_waits_though_nothing_hinders_it(run: Run) -> None:
    shelf(run, WHOLE).is_away = True
    submit(run)
    found = list(rules.logs_have_what_nodes_committed(run))
    assert any("wait, and nothing hinders them" in text for text in found)


def changed(run: Run, **more: object) -> None:
    """The gap of the small log says something else, and the node agrees."""
    assert run.logs is not None
    rows = run.logs.kept["node1", SMALL]
    for number, (entry, *_) in rows.items():
        if isinstance(entry.what, Dropped):
            other = replace(entry, what=replace(entry.what, **more))
            rows[number] = [other]
            gaps = shelf(run, SMALL).gaps
            gaps[next(iter(gaps))] = other


def test_a_gap_counts_too_few(run: Run) -> None:
    changed(run, events={"EventInteractionSubmitted": 1})
    assert "a gap says {'EventInteractionSubmitted': 1}, and " in broken(run)


def test_a_gap_ends_too_early(run: Run) -> None:
    (gap,) = shelf(run, SMALL).gaps.values()
    changed(run, last=gap.number, events={"EventInteractionSubmitted": 1})
    assert "events are in no gap" in broken(run)


def test_the_log_with_room_for_everything_has_a_gap(run: Run) -> None:
    shelf(run, WHOLE).gaps.update(shelf(run, SMALL).gaps)
    found = list(rules.gaps_count_exactly_what_is_missing(run))
    assert found[0] == "the log of node1 with room for everything has gaps"


def test_the_small_log_knows_more(run: Run) -> None:
    events = shelf(run, SMALL).events
    entry = next(iter(events.values()))
    events[101, 9, 9] = replace(entry, epoch=9, number=9)
    found = list(rules.gaps_count_exactly_what_is_missing(run))
    assert found == ["log small of node1 has what log whole has not"]
