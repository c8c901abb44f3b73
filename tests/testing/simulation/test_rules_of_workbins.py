"""Each rule of who hears of workbins, and of own events, can be broken."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.testing.simulation import rules_of_workbins as rules
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.workbins import drafts, own
from ixproxy.wire.workbins import PLACED_IN, PROPERTIES_CHANGED, Wishes, asking
from tests.testing.simulation.small_worlds import answered, one, running
from tests.testing.simulation.snapshots_of_runs import broken, told

WORKBIN = drafts("anna")
ACK = m.EventAck()
REFUSED, DOUBT = RequestRefused(Code.BUSY), RequestRefused(Code.LOST_CONNECTION)
PLAIN, ALL = Wishes(), Wishes(True, True)
END = m.RequestWorkbinCancelNotifications(tenant_id=1, workbin=WORKBIN)


def begin(wishes: Wishes) -> m.RequestWorkbinNotifications:
    return asking(1, WORKBIN, wishes)


def changed(operation: str = PLACED_IN, number: int = 5) -> m.EventWorkbinContentChanged:
    return m.EventWorkbinContentChanged(
        tenant_id=1,
        interaction_id="a",
        workbin=WORKBIN,
        workbin_content_operation=operation,
        event_number=number,
        dbid=101,
    )


def said(rule: Any, run: Run, player: Player, event: Message) -> str:
    return next(iter(rule(run, player, event)), "")


@pytest.mark.parametrize(
    ("requests", "may", "must"),
    [
        ([], [], None),
        ([(begin(ALL), ACK)], [ALL], ALL),
        ([(begin(ALL), REFUSED)], [], None),
        ([(begin(ALL), DOUBT)], [ALL], None),
        ([(begin(ALL), None)], [ALL], None),
        ([(begin(ALL), ACK), (begin(PLAIN), ACK)], [PLAIN], PLAIN),
        ([(begin(ALL), ACK), (begin(PLAIN), DOUBT)], [ALL, PLAIN], None),
        ([(begin(ALL), ACK), (begin(PLAIN), REFUSED)], [ALL], ALL),
        ([(begin(ALL), ACK), (END, ACK)], [], None),
        ([(begin(ALL), ACK), (END, DOUBT)], [ALL], None),
        ([(begin(ALL), ACK), (END, REFUSED)], [ALL], ALL),
        ([(begin(ALL), ACK), (END, DOUBT), (begin(PLAIN), ACK)], [PLAIN], PLAIN),
    ],
)
def test_who_may_hear_and_who_must(requests: Any, may: list[Wishes], must: Wishes | None) -> None:
    with running() as run:
        desk = one(run, "desk")
        run.asked = [told(run, desk, request, outcome) for request, outcome in requests]
        assert rules.may_hear(run, desk, WORKBIN) == may
        assert rules.must_hear(run, desk, WORKBIN) == must
        assert rules.may_hear(run, one(run, "mail"), WORKBIN) == []
        assert rules.may_hear(run, desk, drafts("bert")) == []


def test_somebody_hears_of_what_it_does_not_listen_to() -> None:
    rule = rules.nobody_hears_of_workbins_unasked
    with running() as run:
        desk = one(run, "desk")
        assert "and wishes for []" in said(rule, run, desk, changed())
        answered(run, desk, begin(PLAIN))
        assert not said(rule, run, desk, changed())
        assert "hears PropertiesChanged" in said(rule, run, desk, changed(PROPERTIES_CHANGED))
        answered(run, desk, END)
        assert said(rule, run, desk, changed())
        run._heard(desk, changed())
        assert run.breach is not None
        assert run.breach.rule == "nobody_hears_of_workbins_unasked"


def test_a_change_is_heard_twice() -> None:
    rule = rules.each_change_is_heard_once
    with running() as run:
        desk = one(run, "desk")
        assert not said(rule, run, desk, changed())
        assert not said(rule, run, desk, changed(number=6))
        assert not said(rule, run, one(run, "mail"), changed())
        assert "hears twice" in said(rule, run, desk, changed())


def test_somebody_listens_and_is_told_that_it_does_not() -> None:
    rule = rules.who_listens_is_known_to
    with running() as run:
        desk = one(run, "desk")
        refused = told(run, desk, END, RequestRefused(Code.NOT_SUBSCRIBED))
        assert not broken(rule, run, refused)
        answered(run, desk, begin(PLAIN))
        assert "is told that it does not" in broken(rule, run, refused)


@pytest.mark.parametrize(
    ("numbers", "right"),
    [
        ({}, True),
        ({"Total": 3, "InWorkbin": 1, "Handling": 2, "HeldBy.anna": 2}, True),
        ({"Total": 3, "InWorkbin": 1, "Handling": 1, "HeldBy.anna": 1}, False),
        ({"Total": 3, "InWorkbin": 1, "Handling": 2, "HeldBy.anna": 1}, False),
    ],
)
def test_numbers_that_do_not_add_up(numbers: dict[str, int], right: bool) -> None:
    with running() as run:
        asked = told(
            run,
            one(run, "desk"),
            m.RequestWorkbinStatistic(tenant_id=1, workbin=WORKBIN),
            m.EventAgentWorkbinStats(statistics=numbers),
        )
        assert bool(broken(rules.statistics_add_up, run, asked)) != right


def test_an_own_event_is_heard_twice() -> None:
    rule = rules.own_events_are_heard_once
    with running() as run:
        stat = one(run, "stat")
        event = m.EventCustomReporting(event={"m1": 1})
        assert not said(rule, run, stat, event)
        assert "twice in one stream" in said(rule, run, stat, event)
        assert stat.watch is not None
        stat.watch.streams += 1
        assert not said(rule, run, stat, event)


def test_an_own_event_is_heard_that_was_refused() -> None:
    with running() as run:
        stat, desk = one(run, "stat"), one(run, "desk")
        for number, first in ((1, "answer"), (2, "event")):
            event = m.EventCustomReporting(event={f"m{number}": 1})
            request = m.RequestDistributeEvent(tenant_id=1, event={f"m{number}": 1})
            refused = told(run, desk, request, REFUSED)
            if first == "answer":
                assert not broken(rules.who_is_refused_has_distributed_nothing, run, refused)
                assert "nothing done" in said(rules.own_events_are_heard_once, run, stat, event)
            else:
                assert not said(rules.own_events_are_heard_once, run, stat, event)
                assert "has heard m2" in broken(
                    rules.who_is_refused_has_distributed_nothing, run, refused
                )


def test_in_a_calm_world_an_own_event_that_is_not_heard_is_missed() -> None:
    with running(calm=True) as run:
        stat = one(run, "stat")
        run.cluster.run(rules.SETTLES)
        asked = own(run, one(run, "desk"))
        run.cluster.run(rules.SETTLES * 2)
        assert isinstance(asked.outcome, m.EventAck)
        (due,) = run.kept(rules.Heard).due
        assert list(rules.what_is_distributed_is_heard(run)) == []
        assert run.kept(rules.Heard).due == []
        run.kept(rules.Heard).due = [due]
        run.kept(rules.Heard).own.clear()
        (problem,) = rules.what_is_distributed_is_heard(run)
        assert problem.startswith(f"{stat.name} has never heard what #")


def test_who_begins_its_stream_meanwhile_need_not_hear() -> None:
    with running(calm=True) as run:
        own(run, one(run, "desk"))
        run.ask(one(run, "stat"), m.RequestStartPlaceAgentStateReportingAll())
        run.cluster.run(0.3)
        assert run.kept(rules.Heard).due == []


def test_who_has_no_stream_yet_that_it_asked_for_need_not_hear() -> None:
    with running(calm=True) as run:
        run.cluster.run(2.0)
        stat, desk = one(run, "stat"), one(run, "desk")
        again = m.RequestStartPlaceAgentStateReportingAll()
        answered(run, stat, again)
        answered(run, stat, again)
        # A stream begins anew once a second at most: this one is granted, and waits.
        run.cluster.run(0.1)
        answered(run, desk, m.RequestDistributeEvent(tenant_id=1, event={"m1": 1}))
        heard = run.kept(rules.Heard)
        assert rules.who_reads(run) == [stat]
        assert heard.due == []
        run.cluster.run(1.5)
        assert heard.own == {}
        answered(run, desk, m.RequestDistributeEvent(tenant_id=1, event={"m2": 1}))
        assert [player for _, _, player, _ in heard.due] == [stat]
