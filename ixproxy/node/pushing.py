"""
Pushed routing: what views show goes to the routers that have loaded their strategy.

Theory of operation: a view that feeds a strategy is awake or asleep. It wakes
when a row that it shows is put into its queue, when a router comes that has its
strategy loaded, and, if its condition depends on time, now and then; where
segments have limits, whenever anything of its queue changes. At the end of each
batch, in its transaction, the views that are awake are pushed from, as far as
their routers have room: by number, by strategy, by rate, and as far as they
read what they get. A view that has shown all that it has falls asleep. So a view
that has nothing, or nobody to go to, costs nothing, and what is pushed costs
what it would cost to be pulled. A push is a take: the router's client session
has a party, and whatever holds for parties holds for it.

A router that loses its connection, and does not come back in
`router-restore-timeout`, has nothing any more (T19): it goes back where it was,
and so to another router.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ixproxy.node.expressions import columns_of
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.load import available
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeModel, NodeSettings, ViewModel
from ixproxy.node.parties import push_to, put_back
from ixproxy.node.pushing_memory import Router, Routers, ViewName
from ixproxy.node.pushing_rates import Rate, dealt, filled, room, spent
from ixproxy.node.rows import InteractionRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Registered
from ixproxy.values import ClientType, PartyType

MOST_PUSHED = 200
"""Interactions that are pushed in one batch, so that requests need not wait for many."""
MOST_BYTES = 4 << 20
"""Bytes of user data in them: what is pushed to one who does not read waits in memory."""
MIN_FREEZE = 1.0
AGAIN = 1.0
"""Seconds after which what went wrong is tried again."""
AT_A_TIME = 500
"""Interactions that are taken from a lost router in one step."""


def enter(turn: Turn, work: Registered) -> None:
    """A client registers: it is a router with these strategies, or it is none."""
    sender, routers = work.sender, turn.memory.routers
    routers.returns(sender.session)
    if (
        not work.strategies
        or sender.client_type != ClientType.ROUTING_ENGINE
        or sender.through_proxy
    ):
        routers.leave(sender.session)
        return
    strategies = tuple(dict.fromkeys(work.strategies))
    routers.enter(sender.session, Router(sender, strategies, work.all_tenants))
    for strategy in strategies:
        _wake_all(routers, turn.model.feeding.get(strategy, ()))


def configuration_changed(memory: Memory, model: NodeModel) -> None:
    """Views, limits and rates may be others: look at all there is, and begin anew."""
    routers = memory.routers
    routers.buckets.clear()
    routers.awake.clear()
    routers.looks.clear()
    for strategy in routers.loaded:
        _wake_all(routers, model.feeding.get(strategy, ()))
    memory.journal.forget()


def _wake_all(routers: Routers, views: Iterable[ViewModel]) -> None:
    for view in views:
        routers.wake((view.tenant_id, view.name))


def wake(turn: Turn, originals: Mapping[str, InteractionRow | None]) -> None:
    """
    Wake the views that show something by what a batch has changed, or by the time.

    :param originals: the interactions that were changed, as the batch found them.
    """
    routers, fed = turn.memory.routers, turn.model.fed
    for name, at in list(routers.looks.items()):
        if at <= turn.now:
            routers.look_at(name, None)
            routers.wake(name)
    if not fed:
        return
    for id, before in originals.items():
        after = turn.rows.interaction(id)
        if after is before:
            continue
        if before is not None:
            for view in fed.get((before.tenant_id, before.queue), ()):
                if view.segment_limit:
                    # It may be the one of its segment that kept others from being shown.
                    _wake_if_loaded(routers, view)
        if after is not None and available(after):
            views = fed.get((after.tenant_id, after.queue), ())
            for view in views:
                if view.condition is None or view.condition.matches(columns_of(after), turn.now):
                    _wake_if_loaded(routers, view)


def _wake_if_loaded(routers: Routers, view: ViewModel) -> None:
    if view.strategy in routers.loaded:
        routers.wake((view.tenant_id, view.name))


def wanting(turn: Turn) -> list[ViewModel]:
    """The views that are awake and have a router with room, longest awake first."""
    routers = turn.memory.routers
    if routers.not_before > turn.now:
        return []
    found = []
    for name in list(routers.awake):
        view = _view(turn.model, name)
        if view is None or view.strategy not in routers.loaded:
            routers.rest(name)
        elif rooms(turn, view):
            found.append(view)
    return found


def _view(model: NodeModel, name: ViewName) -> ViewModel | None:
    tenant = model.tenants.get(name[0])
    view = tenant.views.get(name[1]) if tenant is not None else None
    return view if view is not None and view.strategy else None


@dataclass(slots=True)
class Share:
    """
    What may be pushed in one batch yet.

    :ivar number: of interactions.
    :ivar size: bytes of user data in them, before the last.
    """

    number: int = MOST_PUSHED
    size: int = MOST_BYTES


def push(turn: Turn, view: ViewModel, share: Share) -> None:
    """Push what one view shows, as far as there is room."""
    routers, free = turn.memory.routers, rooms(turn, view)
    limit = min(share.number, sum(free.values()), _left(turn.memory, turn.settings, view))
    if limit <= 0 or share.size <= 0:
        return
    selection = replace(view.selection(limit), most_bytes=share.size)
    rows = turn.rows.select(selection, turn.now)
    size = sum(len(row.user_data) for row in rows)
    _stay_awake(turn, view, len(rows) == limit or size > share.size)
    share.number -= len(rows)
    share.size -= size
    turns = dealt(free, len(rows))
    for row, session in zip(rows, turns, strict=True):
        push_to(turn, routers.routers[session].sender, row, view.strategy)
    routers.took_turns(view.strategy, turns)
    for session, number in Counter(turns).items():
        rate = _rate(turn.settings, routers.routers[session])
        if rate is not None:
            bucket = filled(routers.buckets.get(session), rate, turn.now)
            routers.use_bucket(session, spent(bucket, rate, number))


def _stay_awake(turn: Turn, view: ViewModel, awake: bool) -> None:
    """
    A view was pushed from: others go first now.

    :param awake: it may show more.
    """
    routers, name = turn.memory.routers, (view.tenant_id, view.name)
    routers.rest(name)
    if awake:
        routers.wake(name)
    elif view.condition is not None and view.condition.time_dependent:
        frozen = view.freeze_interval or turn.settings.default_view_freeze_interval
        routers.look_at(name, turn.now + max(frozen, MIN_FREEZE))


def rooms(turn: Turn, view: ViewModel) -> dict[bytes, int]:
    """How many each router may be pushed of a view now, in the order of their turns."""
    routers, settings = turn.memory.routers, turn.settings
    found = {}
    for session, most in _rooms_by_number(turn.memory, turn.model, settings, view).items():
        rate = _rate(settings, routers.routers[session])
        if rate is not None:
            most = min(most, room(filled(routers.buckets.get(session), rate, turn.now), rate))
        if most > 0:
            found[session] = most
    return found


def _rooms_by_number(
    memory: Memory, model: NodeModel, settings: NodeSettings, view: ViewModel
) -> dict[bytes, int]:
    """The same whatever their rates are."""
    routers, tenant = memory.routers, model.tenants[view.tenant_id]
    left = _left(memory, settings, view)
    found: dict[bytes, int] = {}
    if left <= 0:
        return found
    for session in routers.loaded.get(view.strategy, ()):
        router = routers.routers[session]
        name = router.sender.client_name
        known = tenant.routers is None or name in tenant.routers
        if session in routers.unread or not known or not router.serves(view.tenant_id):
            continue
        limits = settings.router_limits.get(name)
        most = limits.most if limits is not None else None
        if most is None:
            most = settings.default_max_submitted_per_router
        number = min(left, most - routers.have.get(session, 0))
        if number > 0:
            found[session] = number
    return found


def _left(memory: Memory, settings: NodeSettings, view: ViewModel) -> int:
    """How many more the strategy of a view may have."""
    routed = memory.routers.routed.get((view.tenant_id, view.strategy), 0)
    return settings.default_max_submitted_per_strategy - routed


def _rate(settings: NodeSettings, router: Router) -> Rate | None:
    limits = settings.router_limits.get(router.sender.client_name)
    rate = limits.rate if limits is not None else None
    if rate is None:
        rate = settings.default_max_submission_rate
    return None if rate is None else Rate(rate, settings.submit_timer_interval)


def lost_routers(turn: Turn) -> list[bytes]:
    """Sessions of routers that did not come back in time, the longest gone first."""
    oldest = turn.now - turn.settings.router_restore_timeout
    lost = turn.memory.routers.lost
    return sorted((each for each, at in lost.items() if at <= oldest), key=lambda each: lost[each])


def take_from(turn: Turn, session: bytes) -> None:
    """T19 of the life cycle: some of what was pushed to a lost router goes back."""
    pushed = [party for party in turn.rows.held_by(session) if party.party_type == PartyType.ROUTER]
    for party in pushed[:AT_A_TIME]:
        row = turn.rows.interaction(party.interaction_id)
        if row is not None:
            put_back(turn, row, (party,), Trigger.ROUTER_LOST, Cause())


def next_push(memory: Memory, model: NodeModel, settings: NodeSettings) -> float | None:
    """
    When something can be pushed although nothing happens, or is to be taken
    from a lost router; what can be so already is overdue.
    """
    routers = memory.routers
    ends = [at + settings.router_restore_timeout for at in routers.lost.values()]
    if routers.routers:
        due = list(routers.looks.values())
        for name in routers.awake:
            view = _view(model, name)
            due += [] if view is None else _openings(memory, model, settings, view)
        ends += [max(at, routers.not_before) for at in due]
    return min(ends, default=None)


def _openings(
    memory: Memory, model: NodeModel, settings: NodeSettings, view: ViewModel
) -> list[float]:
    """When each router that has room may get something of a view by its rate."""
    routers, found = memory.routers, []
    for session in _rooms_by_number(memory, model, settings, view):
        rate, bucket = _rate(settings, routers.routers[session]), routers.buckets.get(session)
        if rate is None or bucket is None:
            found.append(0.0)
        elif rate.per_second:
            found.append(bucket.opens_at if bucket.left < 1.0 else 0.0)
    return found
