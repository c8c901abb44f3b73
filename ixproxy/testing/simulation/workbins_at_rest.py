"""
What is done with workbins and own events when all is at rest: every listener hears of each change.
"""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Request
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.rules_of_workbins import (
    Heard,
    may_hear,
    must_hear,
    own_mark,
    who_reads,
)
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.workbins import drafts, own
from ixproxy.testing.simulation.worlds import AGENTS
from ixproxy.testing.steps import TENANT
from ixproxy.wire.workbins import PLACED_IN, PROPERTIES_CHANGED, STOPPED, TAKEN_OUT, Wishes

ALL = (PLACED_IN, PROPERTIES_CHANGED, TAKEN_OUT, STOPPED)
"""What happens to what is laid into a workbin, changed, and stopped there."""

TOLD = 0.5
"""Seconds after which everybody has been told."""


def change_workbins(run: Run) -> None:
    """Something is laid into each workbin, changed and stopped; whoever listens hears of it."""
    if not run.world.snapshots:
        return
    mail = run.come("mail", None)
    run.cluster.run_until(lambda: mail.client is not None, f"{mail.name} never comes in")
    for agent in AGENTS:
        _count(run, mail, agent)
        identifier = _changed(run, mail, agent)
        if run.breach is not None:
            return
        _check(run, agent, identifier)
    for about, routers in (("", False), ("", True)):
        _distribute(run, mail, about, routers)


def _done(run: Run, player: Player, request: Request, marks: tuple[str, ...] = ()) -> Any:
    asked = run.ask(player, request, marks=marks)
    run.cluster.run_until(lambda: asked.outcome is not None, f"{asked.name} is never answered")
    if isinstance(asked.outcome, RequestRefused):
        run.broken("whoever_listens_hears", f"{asked.name} is refused: {asked.outcome}")
    return asked.outcome


def _count(run: Run, player: Player, agent: str) -> None:
    """At rest the numbers of a workbin are those of the tables."""
    asked = m.RequestWorkbinStatistic(tenant_id=TENANT, workbin=drafts(agent))
    outcome = _done(run, player, asked)
    rows = [
        row
        for row in run.cluster.rows("interactions")
        if (row["workbin_type"], row["workbin_agent"]) == ("Drafts", agent)
    ]
    if isinstance(outcome, m.EventAgentWorkbinStats):
        total = outcome.statistics.get("Total", 0)
        if total != len(rows):
            run.broken(
                "statistics_are_as_the_tables_are",
                f"the workbin of {agent} has {len(rows)}, {player.name} is told {total}",
            )


def _changed(run: Run, mail: Player, agent: str) -> str:
    run.marks += 1
    submit = m.RequestSubmit(
        tenant_id=TENANT,
        media_type="email",
        workbin=drafts(agent),
        user_data={"tag": run.marks},
    )
    ack = _done(run, mail, submit, (f"tag {run.marks}",))
    if not isinstance(ack, m.EventAck):
        return ""
    named: dict[str, Any] = {"tenant_id": TENANT, "interaction_id": ack.interaction_id}
    mark = run.mark()
    _done(run, mail, m.RequestChangeProperties(**named, added_properties={mark: 1}), (mark,))
    _done(run, mail, m.RequestStopProcessing(**named))
    run.cluster.run(TOLD)
    return ack.interaction_id


def _check(run: Run, agent: str, identifier: str) -> None:
    workbin = drafts(agent)
    for player in run.there("mail", "router", "desk"):
        sure = must_hear(run, player, workbin)
        heard = [
            change[1]
            for where, change in run.kept(Heard).changes.get(player, ())
            if (where, change[0]) == (workbin, identifier)
        ]
        wanted = _wanted(sure) if sure is not None else []
        if heard != wanted and (sure is not None or not may_hear(run, player, workbin)):
            run.broken(
                "whoever_listens_hears",
                f"{player.name} hears {heard} of {identifier} in the workbin of {agent}, "
                f"not {wanted}",
            )


def _wanted(wishes: Wishes) -> list[str]:
    return [operation for operation in ALL if wishes.accept(operation)]


def _distribute(run: Run, mail: Player, about: str, routers: bool) -> None:
    """At rest everybody whose stream is whole hears an own event, once."""
    readers = who_reads(run)
    asked = own(run, mail, about, routers=routers)
    run.cluster.run_until(lambda: asked.outcome is not None, f"{asked.name} is never answered")
    run.cluster.run(TOLD)
    if isinstance(asked.outcome, RequestRefused):
        run.broken("what_is_distributed_is_heard", f"{asked.name} is refused: {asked.outcome}")
    for player in readers:
        assert player.watch is not None
        heard = run.kept(Heard).own.get((player, player.watch.streams), [])
        if heard.count(own_mark(asked)) != 1:
            run.broken(
                "what_is_distributed_is_heard",
                f"{player.name} has not heard what {mail.name} distributed",
            )
