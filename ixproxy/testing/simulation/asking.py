"""Steps in which somebody asks about interactions: submits, pulls, changes, ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Request
from ixproxy.testing.simulation.ledger import OWN
from ixproxy.testing.simulation.players import Player, holders
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import AGENTS, MEDIA, QUEUES
from ixproxy.testing.steps import TENANT

VIEWS = ("In/All", "In/All", "In/Urgent", "Second/All", "Second/Chats", "Done/All")
BY_IDS = "_system_"


def nobody(run: Run) -> None:
    """There is nobody who could do it, or nothing to do it to."""
    run.tell("nobody can")


def submit(run: Run, draws: Draws) -> None:
    """A media server submits, with a receipt or without."""
    players = run.there("mail")
    if not players:
        return nobody(run)
    player = draws.of(players)
    run.marks += 1
    tag = run.marks
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=draws.of((*MEDIA, *MEDIA, "fax")) if draws.percent(20) else draws.of(MEDIA),
        queue=draws.of(QUEUES),
        submit_receipt=f"document {tag}" if draws.percent(50) else "",
        user_data={"tag": tag, **({"Priority": 9} if draws.percent(20) else {})},
    )
    run.ask(player, request, marks=(f"tag {tag}",))


def submit_again(run: Run, draws: Draws) -> None:
    """What was submitted with a receipt, and with a doubtful outcome, is submitted again."""
    players = run.there("mail")
    waiting = [
        asked for asked in run.doubtful_submits if not asked.player.left and asked.player in players
    ]
    if not waiting:
        return nobody(run)
    asked = draws.of(waiting)
    run.ask(asked.player, asked.request, marks=asked.marks)


def submit_named(run: Run, draws: Draws) -> None:
    """A media server names what it submits, again by the same name when it has been ended."""
    players = run.there("mail")
    if not players:
        return nobody(run)
    player = draws.of(players)
    free = [name for name in _names(player) if _is_free(run, name)]
    if not free:
        return nobody(run)
    run.marks += 1
    name = draws.of(free)
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=draws.of(MEDIA),
        queue=draws.of(QUEUES),
        interaction_id=name,
        user_data={"tag": run.marks},
    )
    run.own[name] = run.ask(player, request, marks=(f"tag {run.marks}",))


def _names(player: Player) -> list[str]:
    return [f"{OWN}{player.name}-{number}" for number in range(1, 4)]


def _is_free(run: Run, name: str) -> bool:
    """Whether it is certain that nothing has this name, or will have it by what is on its way."""
    last = run.own.get(name)
    if last is None:
        return True
    if not isinstance(last.outcome, m.EventAck) or name in run.ledger.owners:
        return False
    return name not in run.doubtful and not any(
        getattr(asked.request, "interaction_id", "") == name
        or isinstance(asked.request, m.RequestStopInteractions)
        for asked in run.open
    )


def ask_of_named(run: Run, draws: Draws) -> None:
    """Somebody asks how something is that a client has named."""
    players = run.there("mail", "router", "desk")
    names = [name for name in run.own if name in run.ledger.owners]
    if not players or not names:
        return nobody(run)
    name = draws.of(names)
    mine = run.own[name].player
    player = mine if mine in players and draws.percent(60) else draws.of(players)
    run.ask(player, m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=name))


def submit_own(run: Run, draws: Draws) -> None:
    """An agent submits what is to be worked on at once."""
    players = [player for player in run.there("desk") if player.agents]
    if not players:
        return nobody(run)
    player = draws.of(players)
    run.marks += 1
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=draws.of(MEDIA),
        queue=draws.of(QUEUES),
        user_data={"tag": run.marks},
    )
    run.ask(player, request, marks=(f"tag {run.marks}",))


def pull(run: Run, draws: Draws) -> None:
    """Somebody pulls by a view."""
    players = run.there("router", "desk")
    if not players:
        return nobody(run)
    player = draws.of(players)
    request = m.RequestPull(
        tenant_id=TENANT,
        view_id=draws.of(VIEWS),
        number_of_interactions=draws.of((1, 1, 2, 3)),
        extension=_for_strategy(player, draws),
    )
    timeout = draws.between(0.0005, 0.02) if draws.percent(10) else None
    run.ask(player, request, timeout=timeout)


def pull_by_ids(run: Run, draws: Draws) -> None:
    """Somebody pulls what it knows by name."""
    players, some = run.there("router", "desk"), list(run.ids)
    if not players or not some:
        return nobody(run)
    ids = {known(some, draws): "" for _ in range(draws.of((1, 1, 2, 4)))}
    request = m.RequestPull(tenant_id=TENANT, view_id=BY_IDS, pull_parameters=ids)
    timeout = draws.between(0.0005, 0.02) if draws.percent(10) else None
    run.ask(draws.of(players), request, timeout=timeout)


def _for_strategy(player: Player, draws: Draws) -> dict[str, Any]:
    if player.sort == "router" and draws.percent(60):
        return {"pull-for-strategy": 1}
    return {}


def known(some: list[str], draws: Draws) -> str:
    """One of the interactions that came up, more likely a late one."""
    return some[-1 - min(draws.below(len(some)), draws.below(len(some)))]


def _one_of_its(run: Run, draws: Draws, *sorts: str) -> tuple[Player, str] | None:
    """A player and an interaction: most often one that it holds."""
    players = run.there(*sorts)
    if not players:
        return None
    holding = holders(players)
    if holding and draws.percent(92):
        player = draws.of(holding)
        return player, draws.of(sorted(player.here.holding))
    some = list(run.ids)
    return (draws.of(players), known(some, draws)) if some else None


def upon(
    request: Callable[[dict[str, Any], Run, Draws], tuple[Request, tuple[str, ...]]],
    *sorts: str,
) -> Callable[[Run, Draws], None]:
    """A step in which somebody asks something about an interaction."""

    def step(run: Run, draws: Draws) -> None:
        chosen = _one_of_its(run, draws, *sorts)
        if chosen is None:
            return nobody(run)
        player, identifier = chosen
        message, marks = request({"tenant_id": TENANT, "interaction_id": identifier}, run, draws)
        run.ask(player, message, marks=marks)

    return step


Made = tuple[Request, tuple[str, ...]]


def stop(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Ends it."""
    return m.RequestStopProcessing(**named), ()


def place_in_queue(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Puts it into a queue, with a change that it can be known by."""
    mark = run.mark()
    queue = draws.of(QUEUES)
    return m.RequestPlaceInQueue(**named, queue=queue, added_properties={mark: 1}), (mark,)


def place_in_workbin(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Puts it into an agent's workbin."""
    mark = run.mark()
    workbin = m.Workbin(workbin_type_id="Drafts", workbin_agent_id=draws.of(AGENTS))
    request = m.RequestPlaceInWorkbin(**named, workbin=workbin, added_properties={mark: 1})
    return request, (mark,)


def change(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Changes it."""
    mark = run.mark()
    return m.RequestChangeProperties(**named, added_properties={mark: 1}), (mark,)


def properties(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Asks how it is."""
    return m.RequestGetInteractionProperties(**named), ()


def hold(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Puts it on hold."""
    return m.RequestHold(**named), ()


def resume(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Ends a hold."""
    return m.RequestResume(**named), ()


def leave(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Gives it back."""
    return m.RequestLeaveInteraction(**named), ()


def deliver(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Offers it to an agent."""
    return m.RequestDeliver(**named, agent_id=draws.of(AGENTS)), ()


def transfer(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Hands it over to another agent."""
    return m.RequestTransfer(**named, agent_id=draws.of(AGENTS)), ()


def conference(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Asks another agent to join."""
    return m.RequestConference(**named, agent_id=draws.of(AGENTS)), ()


def find(run: Run, draws: Draws) -> None:
    """Somebody looks for interactions of a media type."""
    players = run.there("mail", "router", "desk")
    if not players:
        return nobody(run)
    media = draws.of((*MEDIA, ""))
    run.ask(
        draws.of(players),
        m.RequestFindInteractions(
            tenant_id=TENANT,
            media_type=media,
            condition="Queue = 'In'" if draws.percent(50) else "Priority > 5",
        ),
    )


def workbin(run: Run, draws: Draws) -> None:
    """An agent looks into a workbin."""
    players = run.there("desk")
    if not players:
        return nobody(run)
    which = m.Workbin(workbin_type_id="Drafts", workbin_agent_id=draws.of(AGENTS))
    run.ask(draws.of(players), m.RequestGetWorkbinContent(tenant_id=TENANT, workbin=which))


def give_up(run: Run, draws: Draws) -> None:
    """Somebody does not wait any longer."""
    some = run.waiting
    if not some:
        return nobody(run)
    asked = draws.of(some)
    run.tell("{} waits no longer for {} of #{}", asked.player.name, asked.name, asked.step)
    asked.answer.cancel()
