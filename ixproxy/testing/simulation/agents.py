"""Steps of agents: log in and out, change states, answer invitations; and of who reads of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Reason
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import AGENTS, MEDIA
from ixproxy.testing.steps import TENANT


def login(run: Run, draws: Draws) -> None:
    """An agent logs in through a desktop, most often at its own place."""
    players = run.there("desk")
    if not players:
        return nobody(run)
    free = [player for player in players if not player.agents]
    player = draws.of(free) if free and draws.percent(85) else draws.of(players)
    agent = draws.of(AGENTS)
    place = agent if draws.percent(90) else draws.of(AGENTS)
    media = {name: draws.below(2) for name in MEDIA if draws.percent(60)}
    player.agents[agent] = None
    player.ever.add(agent)
    run.ask(
        player,
        m.RequestAgentLogin(
            tenant_id=TENANT, agent_id=agent, place_id=f"place-{place}", media_list=media
        ),
    )


def _logged_in(run: Run, draws: Draws) -> tuple[Player, str] | None:
    some = [(player, agent) for player in run.there("desk") for agent in player.agents]
    return draws.of(some) if some else None


def logout(run: Run, draws: Draws) -> None:
    """An agent logs out."""
    chosen = _logged_in(run, draws)
    if chosen is None:
        return nobody(run)
    player, agent = chosen
    run.ask(player, m.RequestAgentLogout(tenant_id=TENANT, agent_id=agent))


def state(run: Run, draws: Draws) -> None:
    """An agent changes its media, or how they are."""
    chosen = _logged_in(run, draws)
    if chosen is None:
        return nobody(run)
    player, agent = chosen
    kind = draws.of(_STATES)
    run.ask(player, kind({"tenant_id": TENANT, "agent_id": agent}, draws))


def _of_media(kind: type[Any], *, reason: bool = False) -> Callable[[dict[str, Any], Draws], Any]:
    def made(who: dict[str, Any], draws: Draws) -> Any:
        why = {}
        if reason and draws.percent(40):
            why = {"reason": Reason(reason_system_name="Why", reason=draws.below(3))}
        return kind(**who, media_type_name=draws.of(MEDIA), **why)

    return made


_STATES: tuple[Callable[[dict[str, Any], Draws], Any], ...] = (
    _of_media(m.RequestAddMedia),
    _of_media(m.RequestAddMedia),
    _of_media(m.RequestRemoveMedia),
    _of_media(m.RequestNotReadyForMedia, reason=True),
    _of_media(m.RequestNotReadyForMedia, reason=True),
    _of_media(m.RequestCancelNotReadyForMedia, reason=True),
    _of_media(m.RequestCancelNotReadyForMedia, reason=True),
    _of_media(m.RequestChangeMediaStateReason, reason=True),
    lambda who, draws: m.RequestDoNotDisturbOn(**who),
    lambda who, draws: m.RequestDoNotDisturbOff(**who),
)


def answer(run: Run, draws: Draws) -> None:
    """An agent accepts an invitation, or refuses it, or another one answers."""
    some = [
        (player, invite)
        for player in run.there("desk")
        for invite in player.here.invitations.values()
    ]
    if not some:
        return nobody(run)
    player, invite = draws.of(some)
    if draws.percent(5):
        player = draws.of(run.there("desk"))
    kind: Any = m.RequestAccept if draws.percent(75) else m.RequestReject
    run.ask(
        player,
        kind(
            tenant_id=TENANT,
            interaction_id=invite.interaction_id,
            ticket_id=invite.ticket_id if draws.percent(90) else 0,
        ),
    )


def report(run: Run, draws: Draws) -> None:
    """A reporting client begins or ends its stream, of all agents or of some."""
    players = run.there("stat")
    if not players:
        return nobody(run)
    player, begins = draws.of(players), draws.percent(70)
    kind: Any
    if player.reads is None or draws.percent(60):
        kind = (
            m.RequestStartPlaceAgentStateReportingAll
            if begins
            else m.RequestStopPlaceAgentStateReportingAll
        )
        run.ask(player, kind())
        return
    kind = (
        m.RequestStartPlaceAgentStateReporting if begins else m.RequestStopPlaceAgentStateReporting
    )
    player.narrow = True
    run.ask(player, kind(tenant_id=TENANT, agents=[draws.of(AGENTS)]))
