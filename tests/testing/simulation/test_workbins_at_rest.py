from __future__ import annotations

import pytest

from ixproxy.testing.faults import Fault
from ixproxy.testing.simulation import workbins_at_rest
from ixproxy.testing.simulation.ending import end
from ixproxy.testing.simulation.rules_of_workbins import Heard
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.workbins import drafts
from ixproxy.testing.simulation.workbins_at_rest import change_workbins
from ixproxy.wire.workbins import Wishes, asking
from tests.testing.simulation.small_worlds import answered, one, running


def listens(run: Run, sort: str, agent: str, wishes: Wishes) -> None:
    answered(run, one(run, sort), asking(1, drafts(agent), wishes))


@pytest.mark.parametrize("outer", [0, 1])
def test_whoever_listens_hears_of_each_change(outer: int) -> None:
    with running(snapshots=True, outer=outer) as run:
        listens(run, "desk", "anna", Wishes(True, True))
        listens(run, "router", "anna", Wishes())
        listens(run, "desk", "bert", Wishes(False, True))
        end(run)
        assert run.breach is None, run.breach
        heard = {
            player.name: [change[1] for _, change in changes]
            for player, changes in run.kept(Heard).changes.items()
        }
        assert heard == {
            "desk-1": [
                "PlacedIn", "PropertiesChanged", "TakenOut", "ProcessingStopped",
                "PlacedIn", "TakenOut", "ProcessingStopped",
            ],
            "router-1": ["PlacedIn", "TakenOut"],
        }  # fmt: skip


def test_where_there_are_none_nothing_is_done() -> None:
    with running() as run:
        before = len(run.asked)
        change_workbins(run)
        assert len(run.asked) == before


def rule_of(run: Run) -> str:
    assert run.breach is not None
    return run.breach.rule


def test_a_proxy_that_forgets_who_listens() -> None:
    with running(snapshots=True) as run:
        listens(run, "desk", "dora", Wishes())
        (proxy,) = run.cluster.proxies
        assert proxy.core is not None
        proxy.core._workbins.listeners._of.clear()
        change_workbins(run)
        assert rule_of(run) == "whoever_listens_hears"
        assert "desk-1 hears [] of" in str(run.breach)


def test_numbers_that_are_not_those_of_the_tables() -> None:
    with running(snapshots=True) as run:
        change_workbins(run)
        assert run.breach is None
    with running(snapshots=True) as run:
        count = workbins_at_rest._count
        mail = one(run, "mail")
        run.cluster.rows = lambda table: [  # type: ignore[method-assign]
            {"workbin_type": "Drafts", "workbin_agent": "anna"}
        ]
        count(run, mail, "bert")
        assert run.breach is None
        count(run, mail, "anna")
        assert rule_of(run) == "statistics_are_as_the_tables_are"


def test_a_submit_that_is_refused_at_rest() -> None:
    with running(snapshots=True) as run:
        for node in run.cluster.nodes:
            run.store(node).broken["commit"] = Fault.REFUSED
        workbins_at_rest._changed(run, one(run, "mail"), "anna")
        assert rule_of(run) == "whoever_listens_hears"


def test_an_own_event_that_a_whole_stream_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(snapshots=True) as run:
        monkeypatch.setattr(workbins_at_rest, "own_mark", lambda asked: "another")
        change_workbins(run)
        assert rule_of(run) == "what_is_distributed_is_heard"
