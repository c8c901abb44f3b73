"""
Pulls: taking interactions out of a view, or by their ids.

Whoever takes must be able to give back: agents must be logged in, and every
session must be registered and connected. An empty pull for a strategy may be
held by the server and comes back as `PullRetried`.
"""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code, RequestRefused, describe
from ixproxy.messages import EventPulledInteractions, RequestPull
from ixproxy.messages.message import MAX_NAME, KeyValues
from ixproxy.node.access import agent_of, connected, tenant_of
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.model import TenantModel, ViewModel
from ixproxy.node.parties import take_by_agent, take_by_strategy
from ixproxy.node.rows import AgentRow, InteractionRow
from ixproxy.node.selections import shown
from ixproxy.node.turn import Turn
from ixproxy.node.work import Answer, HoldPull, PullRetried, Sender, Token
from ixproxy.values import ClientType

BY_IDS = "_system_"
"""The view of a pull by ids."""

FOR_STRATEGY = "pull-for-strategy"
HOLD_KEY = "pull-hold-timeout"
STRATEGY_KEY = "StrategyId"
MAX_HOLD = 600.0
MIN_RETRY = 1.0


def pull(turn: Turn, sender: Sender, request: RequestPull, token: Token) -> Answer | HoldPull:
    """
    Answers a pull, or holds it.

    :raise RequestRefused: it is not valid, or by ids: nothing could be taken.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    agent = _taker(turn, sender, request)
    if request.view_id == BY_IDS:
        return _pull_by_ids(turn, sender, agent, request, token)
    view = _view(tenant, request.view_id)
    message = _pull_view(turn, sender, agent, request, view)
    seconds = hold_seconds(turn, request)
    if message.interactions or not seconds or not _for_strategy(request):
        return Answer(token, message)
    retry_after = None
    if view.time_dependent:
        frozen = view.freeze_interval or turn.settings.default_view_freeze_interval
        retry_after = max(frozen, MIN_RETRY)
    return HoldPull(token, sender, request, seconds, tenant.id, view.queue, retry_after)


def retry(turn: Turn, work: PullRetried) -> Answer | None:
    """
    Tries a held pull again; None: there is still nothing, and time is left.

    :raise RequestRefused: it is not valid any more.
    """
    request = work.message
    tenant = tenant_of(turn, work.sender, request.tenant_id)
    agent = _taker(turn, work.sender, request)
    view = _view(tenant, request.view_id)
    message = _pull_view(turn, work.sender, agent, request, view)
    return Answer(work.token, message) if message.interactions or work.last else None


def hold_seconds(turn: Turn, request: RequestPull) -> float:
    """How long an empty pull for a strategy is held: the extension, else the option."""
    asked = request.extension.get(HOLD_KEY)
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked >= 0:
        return min(float(asked), MAX_HOLD)
    return turn.settings.pull_hold_timeout


def _for_strategy(request: RequestPull) -> bool:
    return request.extension.get(FOR_STRATEGY) in (1, "1")


def _taker(turn: Turn, sender: Sender, request: RequestPull) -> AgentRow | None:
    """The agent who pulls; None: a routing client does."""
    connected(turn, sender)
    if sender.client_type != ClientType.AGENT_APPLICATION:
        return None
    if _for_strategy(request):
        raise RequestRefused(Code.NOT_ALLOWED, "agents do not pull for strategies")
    return agent_of(turn, sender, request.tenant_id)


def _view(tenant: TenantModel, name: str) -> ViewModel:
    view = tenant.views.get(name)
    if view is None:
        raise RequestRefused(
            Code.UNKNOWN_VIEW, f"tenant {tenant.name!r} has no view {name!r} (queue/view)"
        )
    return view


def _pull_view(
    turn: Turn, sender: Sender, agent: AgentRow | None, request: RequestPull, view: ViewModel
) -> EventPulledInteractions:
    limit = min(max(request.number_of_interactions, 1), turn.settings.max_interactions_per_pull)
    selection = view.selection(limit + 1)
    found, following = shown(selection, turn.rows.select(selection, turn.now), limit)
    taken: dict[str, KeyValues] = {}
    numbers: dict[str, int] = {}
    keys: dict[str, bytes] = {}
    for row in found:
        keys[row.id] = _sort_key(turn, view, row)
        taken[row.id], numbers[row.id] = _take(turn, sender, agent, request, row)
    return EventPulledInteractions(
        interactions=taken,
        take_numbers=numbers,
        sort_keys=keys,
        next_sort_key=_sort_key(turn, view, following) if following else b"",
        have_more=following is not None,
    )


def _sort_key(turn: Turn, view: ViewModel, row: InteractionRow) -> bytes:
    return view.order.key(columns_of(row), turn.now)


def _take(
    turn: Turn, sender: Sender, agent: AgentRow | None, request: RequestPull, row: InteractionRow
) -> tuple[KeyValues, int]:
    if agent is not None:
        taken, party = take_by_agent(turn, sender, row, agent)
    else:
        taken, party = take_by_strategy(turn, sender, row, _strategy(sender, request))
    return interaction_properties(taken, party), party.take_number


def _strategy(sender: Sender, request: RequestPull) -> str:
    """
    The strategy that pulls: as the request names it, else as the client is called.

    :raise RequestRefused: the name is too long.
    """
    named: Any = request.extension.get(STRATEGY_KEY)
    if not isinstance(named, str) or not named:
        return sender.client_name
    if len(named) > MAX_NAME:
        raise RequestRefused(
            Code.BAD_ATTRIBUTE,
            f"{STRATEGY_KEY} has {len(named)} characters, {MAX_NAME} are allowed",
        )
    return named


def _pull_by_ids(
    turn: Turn, sender: Sender, agent: AgentRow | None, request: RequestPull, token: Token
) -> Answer:
    ids = request.pull_parameters
    if not ids:
        raise RequestRefused(Code.MISSING_VALUE, "PullParameters name no interactions")
    limit = turn.settings.max_interactions_per_pull
    if len(ids) > limit:
        raise RequestRefused(
            Code.LIMIT_REACHED, f"{len(ids)} interactions are named, {limit} are allowed"
        )
    taken: dict[str, KeyValues] = {}
    numbers: dict[str, int] = {}
    errors: dict[str, int] = {}
    turn.rows.prefetch(ids)
    for id in ids:
        try:
            row = _available(turn, request, id)
            taken[id], numbers[id] = _take(turn, sender, agent, request, row)
        except RequestRefused as refusal:
            errors[id] = refusal.code
    # To a proxy these may be some ids of many, so each keeps its own code.
    if not taken and not sender.through_proxy:
        first = next(iter(errors))
        raise RequestRefused(errors[first], f"{first!r}: {describe(errors[first])}")
    message = EventPulledInteractions(interactions=taken, take_numbers=numbers, errors=errors)
    return Answer(token, message, partial=bool(errors))


def _available(turn: Turn, request: RequestPull, id: str) -> InteractionRow:
    row = turn.rows.interaction(id)
    if row is None or row.tenant_id != request.tenant_id:
        raise RequestRefused(Code.UNKNOWN_INTERACTION)
    if row.is_locked:
        raise RequestRefused(Code.LOCKED)
    if row.is_held:
        raise RequestRefused(Code.NOT_QUEUED)
    return row
