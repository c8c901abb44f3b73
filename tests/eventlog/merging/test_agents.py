"""One clean history of each agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ixproxy.eventlog.merging.agent_acts import COLUMNS, AgentEvent
from ixproxy.eventlog.merging.agent_records import Session
from ixproxy.eventlog.merging.agents import AgentHistories, Emitted
from tests.eventlog.merging.agent_worlds import (
    Act,
    Away,
    absences,
    event,
    logged,
    merged_order,
    shape,
    true_histories,
)

PLACES = [COLUMNS.index(name) for name in ("event", "agent_session_number", "media_type")]


def shapes(emitted: Iterable[Emitted]) -> list[tuple[Any, ...]]:
    return [tuple(each.row[place] for place in PLACES) for each in emitted]


class Told:
    """The history so far, as the target would know it."""

    def __init__(self) -> None:
        self.out: list[Emitted] = []

    def told(self, event: AgentEvent) -> bool:
        wanted = event.event, event.session_number, event.media_type
        return any(shape == wanted for shape in shapes(self.out))

    def ended(self, session_number: int, session_dbid: int) -> bool:
        return ("EventAgentLogout", session_number, None) in shapes(self.out)


def merged(events: Iterable[AgentEvent], *, interrupted: bool = False) -> list[Emitted]:
    """The clean history; `interrupted`: all state is kept and read again between any two rows."""
    past = Told()
    agents = AgentHistories(past=past)
    for each in events:
        past.out += agents.seen(each)
        if interrupted:
            kept = msgspec.json.encode(list(agents.sessions.values()))
            sessions = msgspec.json.decode(kept, type=list[Session])
            agents = AgentHistories(sessions, agents.now, past=past)
    return [each._replace(row=tuple(each.row)) for each in past.out + agents.finish()]


DELAYS = st.lists(st.sampled_from([0.0, 0.01, 0.2, 1.5]), min_size=1, max_size=5)


@given(st.data())
def test_what_several_nodes_say_is_the_history_of_one(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [logged(dbid, acts, (), data.draw(DELAYS)) for dbid in range(1, 4)]
    assert shapes(merged(merged_order(nodes))) == shape(acts)


@given(st.data())
def test_nodes_that_are_away_for_a_while_change_nothing(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [
        logged(dbid, acts, data.draw(absences(acts)) if dbid > 1 else (), data.draw(DELAYS))
        for dbid in range(1, 4)
    ]
    assert shapes(merged(merged_order(nodes))) == shape(acts)


@given(st.data())
def test_it_does_not_matter_when_all_is_kept_and_read_again(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [
        logged(dbid, acts, data.draw(absences(acts)), data.draw(DELAYS)) for dbid in range(1, 3)
    ]
    events = merged_order(nodes)
    assert merged(events, interrupted=True) == merged(events)


@given(st.data())
def test_logs_that_name_no_sessions_are_merged_by_overlap(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    delays = st.lists(st.sampled_from([0.0, 0.01, 0.1]), min_size=1, max_size=5)
    nodes = [logged(dbid, acts, (), data.draw(delays), named=False) for dbid in range(1, 4)]
    expected = [(name, None, media) for name, _, media in shape(acts)]
    assert shapes(merged(merged_order(nodes))) == expected
