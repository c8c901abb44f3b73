"""
Steps of workbins, and of events of one's own: listened to, counted, distributed.

They happen only in worlds that have snapshots.
"""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Workbin
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import AGENTS, MEDIA
from ixproxy.testing.steps import TENANT
from ixproxy.wire.workbins import Wishes, asking

SORTS = ("mail", "router", "desk")


def drafts(agent: str) -> Workbin:
    """The workbin of an agent."""
    return Workbin(workbin_type_id="Drafts", workbin_agent_id=agent)


def listen(run: Run, draws: Draws) -> None:
    """Somebody listens to an agent's workbin, or wishes to hear something else of it."""
    players = run.there(*SORTS)
    if not players:
        return nobody(run)
    player, agent = draws.of(players), draws.of(AGENTS)
    wishes = Wishes(draws.percent(50), draws.percent(50))
    run.ask(player, asking(TENANT, drafts(agent), wishes))


def listen_no_more(run: Run, draws: Draws) -> None:
    """Somebody does not listen any more, most often who did."""
    players = run.there(*SORTS)
    some = [
        (asked.player, asked.request.workbin)
        for asked in run.asked
        if isinstance(asked.request, m.RequestWorkbinNotifications) and asked.player in players
    ]
    if not players:
        return nobody(run)
    if some and draws.percent(90):
        player, workbin = draws.of(some)
    else:
        player, workbin = draws.of(players), drafts(draws.of(AGENTS))
    run.ask(player, m.RequestWorkbinCancelNotifications(tenant_id=TENANT, workbin=workbin))


def submit_there(run: Run, draws: Draws) -> None:
    """A media server lays something into an agent's workbin."""
    players = run.there("mail")
    if not players:
        return nobody(run)
    run.marks += 1
    tag = run.marks
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=draws.of(MEDIA),
        workbin=drafts(draws.of(AGENTS)),
        user_data={"tag": tag},
    )
    run.ask(draws.of(players), request, marks=(f"tag {tag}",))


def count(run: Run, draws: Draws) -> None:
    """Somebody asks how much is in a workbin, or which workbins there are."""
    players = run.there(*SORTS)
    if not players:
        return nobody(run)
    player = draws.of(players)
    if draws.percent(20):
        run.ask(player, m.RequestWorkbinTypesInfo(tenant_id=TENANT))
        return
    which = drafts(draws.of(AGENTS))
    if draws.percent(30):
        which = Workbin(workbin_agent_id=which.workbin_agent_id)
    run.ask(player, m.RequestWorkbinStatistic(tenant_id=TENANT, workbin=which))


def distribute(run: Run, draws: Draws) -> None:
    """Somebody has an event of its own distributed to reporting."""
    players = run.there(*SORTS)
    if not players:
        return nobody(run)
    player, some = draws.of(players), list(run.ids)
    about = some[-1 - draws.below(min(5, len(some)))] if some and draws.percent(40) else ""
    if about not in run.ledger.owners:
        about = ""
    own(run, player, about, routers=draws.percent(30))


def own(run: Run, player: Any, about: str = "", *, routers: bool = False) -> Any:
    """
    A client's own event, which nothing else says.

    :param about: the interaction that it is about, if it is.
    :param routers: as routers ask it.
    """
    mark = run.mark()
    named: dict[str, Any] = {"tenant_id": TENANT, "interaction_id": about, "event": {mark: 1}}
    if routers:
        return run.ask(player, m.RequestDistributeEvent(**named))
    return run.ask(player, m.RequestDistributeReportingEvent(**named, custom_event_id=7))
