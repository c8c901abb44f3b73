from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import workbins
from ixproxy.testing.simulation.rules_of_workbins import Heard, must_hear
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.workbins import drafts
from ixproxy.testing.simulation.worlds import AGENTS
from tests.testing.simulation.small_worlds import one, running, submitted

CHANCE = 98765432109876543210


def test_who_listens_hears_what_is_laid_there() -> None:
    with running(desks=0, routers=0, media=1) as run:
        for chance in range(4):
            workbins.listen(run, Draws(chance))
            run.cluster.run(0.2)
        mail = one(run, "mail")
        assert all(must_hear(run, mail, drafts(agent)) for agent in AGENTS)
        workbins.submit_there(run, Draws(0))
        run.cluster.run(0.2)
        ((workbin, change),) = run.kept(Heard).changes[mail]
        assert workbin in [drafts(agent) for agent in AGENTS]
        assert change[1] == "PlacedIn"
        assert run.breach is None, run.breach


def test_who_listens_no_more_is_most_often_one_who_did() -> None:
    with running() as run:
        workbins.listen(run, Draws(0))
        run.cluster.run(0.2)
        workbins.listen_no_more(run, Draws(0))
        run.cluster.run(0.2)
        assert isinstance(run.asked[-1].outcome, m.EventAck)
        workbins.listen_no_more(run, Draws(99))
        run.cluster.run(0.2)
        refusal = run.asked[-1].outcome
        assert isinstance(refusal, RequestRefused)
        assert refusal.code == Code.NOT_SUBSCRIBED
        assert run.breach is None, run.breach


@pytest.mark.parametrize("chance", [0, 60, 29, CHANCE])
def test_somebody_counts(chance: int) -> None:
    with running() as run:
        workbins.count(run, Draws(chance))
        run.cluster.run(0.5)
        assert isinstance(run.asked[-1].outcome, m.EventAgentWorkbinStats | m.EventWorkbinTypesInfo)
        assert run.breach is None, run.breach


@pytest.mark.parametrize("routers", [False, True])
@pytest.mark.parametrize("about", [False, True])
def test_somebody_distributes_an_event_that_reporting_hears(routers: bool, about: bool) -> None:
    with running() as run:
        identifier = submitted(run)
        asked = workbins.own(run, one(run, "desk"), identifier if about else "", routers=routers)
        run.cluster.run(0.5)
        assert isinstance(asked.outcome, m.EventAck)
        request: Any = asked.request
        assert isinstance(request, m.RequestDistributeEvent) == routers
        (heard,) = run.kept(Heard).own.values()
        assert heard == list(request.event)


def test_an_event_is_about_what_is_there() -> None:
    with running() as run:
        submitted(run)
        for chance in (0, 3, 39):
            workbins.distribute(run, Draws(chance))
        assert any(asked.request.interaction_id for asked in run.asked[1:])  # type: ignore[attr-defined]
        run.ids["gone"] = None
        before = len(run.asked)
        workbins.distribute(run, Draws(0))
        request: Any = run.asked[before].request
        assert request.interaction_id == ""
