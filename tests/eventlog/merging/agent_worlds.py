"""What nodes log of agents, made up: one true history, and each node's copy of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ixproxy.eventlog.merging.agent_acts import COLUMNS, AgentEvent, reader_of

read = reader_of(COLUMNS)

MEDIA = ("chat", "email")


def row(dbid: int, number: int, time: float, event: str, **values: Any) -> tuple[Any, ...]:
    """A row of `rpt_agent` with the columns that the rules read."""
    given = {
        "dbid": dbid,
        "epoch": 1,
        "event_number": number,
        "event_time": time,
        "event": f"Event{event}",
        "tenant_id": 1,
        "agent_id": "anna",
        "place_id": "p1",
        "agent_session_number": 1,
        "agent_session_dbid": 1,
        **values,
    }
    return tuple(given.get(name) for name in COLUMNS)


def row_values(row: tuple[Any, ...]) -> dict[str, Any]:
    """The values of a row by their columns, but for its node and number."""
    return dict(zip(COLUMNS[3:], row[3:], strict=True))


def event(
    dbid: int, time: float, name: str, *, number: int = 0, late: bool = False, **values: Any
) -> AgentEvent:
    """The same, as it is given to the rules."""
    return read(row(dbid, number or int(time * 1000), time, name, **values), time, late)


class Act(NamedTuple):
    """One act of the true history."""

    time: float
    event: str
    session: int
    media: str | None = None
    said: str | None = None


@dataclass
class State:
    """An agent as a node knows it."""

    session: int = 0
    media: dict[str, int] = field(default_factory=dict)
    disturb: int = 0

    def learn(self, act: Act) -> None:
        match act.event:
            case "AgentLogin":
                self.session, self.media, self.disturb = act.session, {}, 0
                self.media.update(json.loads(act.said or "{}"))
            case "AgentLogout":
                self.session = 0
            case "ReadyForMedia" | "NotReadyForMedia":
                self.media[act.media or ""] = int(act.event == "ReadyForMedia")
            case "DoNotDisturbOn" | "DoNotDisturbOff":
                self.disturb = int(act.event == "DoNotDisturbOn")


@st.composite
def true_histories(draw: st.DrawFn, most: int = 25) -> list[Act]:
    """Logins, changes and logouts of one agent, each of which changes something."""
    time, session, state, acts = 1000.0, 0, State(), []
    for _ in range(draw(st.integers(1, most))):
        time += draw(st.sampled_from([0.5, 3.0, 20.0, 100.0, 700.0]))
        if not state.session:
            session += 1
            media = draw(st.dictionaries(st.sampled_from(MEDIA), st.integers(0, 1), min_size=1))
            act = Act(time, "AgentLogin", session, None, json.dumps(media))
        else:
            what = draw(st.sampled_from([*state.media, "disturb", "logout"]))
            if what == "logout":
                act = Act(time, "AgentLogout", session)
            elif what == "disturb":
                act = Act(time, f"DoNotDisturb{'Off' if state.disturb else 'On'}", session)
            else:
                kind = "NotReadyForMedia" if state.media[what] else "ReadyForMedia"
                act = Act(time, kind, session, what)
        state.learn(act)
        acts.append(act)
    return acts


class Away(NamedTuple):
    """A time in which a node hears nothing."""

    begin: float
    end: float


@st.composite
def absences(draw: st.DrawFn, acts: Sequence[Act]) -> list[Away]:
    """At most two times in which a node is away, in order."""
    times = sorted(draw(st.lists(st.integers(0, len(acts)), max_size=4, unique=True)))
    ends = [*(act.time - 0.1 for act in acts), acts[-1].time + 50.0]
    pairs = zip(times[::2], times[1::2], strict=False)
    return [Away(ends[begin], ends[end] - 0.05) for begin, end in pairs]


def logged(
    dbid: int,
    acts: Sequence[Act],
    away: Iterable[Away] = (),
    delays: Sequence[float] = (0.0,),
    *,
    named: bool = True,
) -> list[tuple[Any, ...]]:
    """
    The rows of one node: each act a little later, none of those while it was away.

    When it is back it ends what is over, and is told what it does not know.
    """
    known, true = State(), State()
    rows: list[tuple[Any, ...]] = []
    times = list(away)
    clock = 0.0

    def tell(act: Act) -> None:
        nonlocal clock
        clock = max(clock + 0.001, act.time + delays[len(rows) % len(delays)])
        rows.append(
            row(
                dbid,
                len(rows) + 1,
                clock,
                act.event,
                media_type=act.media,
                media_list=act.said,
                do_not_disturb=known.disturb if act.event == "AgentLogin" else None,
                agent_session_number=act.session if named else None,
                agent_session_dbid=1 if named else None,
            )
        )
        disturb = known.disturb
        known.learn(act)
        if act.event == "AgentLogin":
            known.disturb = disturb

    def come_back(time: float) -> None:
        if known.session and known.session != true.session:
            tell(Act(time, "AgentLogout", known.session))
        if not true.session:
            return
        if not known.session:
            known.disturb = true.disturb
            tell(Act(time, "AgentLogin", true.session, None, json.dumps(true.media)))
            return
        for media, state in true.media.items():
            if known.media.get(media) != state:
                kind = "ReadyForMedia" if state else "NotReadyForMedia"
                tell(Act(time, kind, true.session, media))
        if known.disturb != true.disturb:
            kind = f"DoNotDisturb{'On' if true.disturb else 'Off'}"
            tell(Act(time, kind, true.session))

    for act in acts:
        while times and times[0].end <= act.time:
            come_back(times.pop(0).end)
        true.learn(act)
        if not (times and times[0].begin <= act.time):
            known.disturb = 0 if act.event == "AgentLogin" else known.disturb
            tell(act)
    return rows


def merged_order(nodes: Sequence[Sequence[tuple[Any, ...]]]) -> list[AgentEvent]:
    """The rows of all nodes by time, as their clocks are right."""
    events = [read(each, each[3], False) for rows in nodes for each in rows]
    return sorted(events, key=lambda each: (each.time, each.dbid, each.event_number))


def shape(acts: Iterable[Act]) -> list[tuple[str, int | None, str | None]]:
    """What is compared of the true history."""
    return [(f"Event{act.event}", act.session, act.media) for act in acts]
