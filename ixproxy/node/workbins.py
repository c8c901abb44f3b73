"""
Workbins: who listens to one, and how much is in those of an owner.

Theory of operation: the life cycle says when something is placed in a workbin
or taken out of it; who listens is kept in memory (`workbin_listeners`). A
request names a workbin as one that places something there does, and is checked
alike: its type, and its owner, must be known. Everybody who listens is told,
also who brought it about: a list of what lies there is made of the events alone.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
    RequestWorkbinStatistic,
    Workbin,
)
from ixproxy.node.access import connected, tenant_of
from ixproxy.node.long_plans import WorkbinCount
from ixproxy.node.model import OWNERS, TenantModel, workbin_queue
from ixproxy.node.placing import workbin_destination
from ixproxy.node.selections import Selection
from ixproxy.node.turn import Turn
from ixproxy.node.work import ReadLong, Sender, Token
from ixproxy.node.workbin_listeners import WorkbinKey
from ixproxy.values import ClientType
from ixproxy.wire.workbins import MOST_OF_CLIENT, MOST_OF_PROXY, wishes_of


def listen(turn: Turn, sender: Sender, request: RequestWorkbinNotifications) -> EventAck:
    """
    Listens to a workbin from now on, with these wishes in the place of older ones.

    :raise RequestRefused: the workbin or its owner is not known, or the client
        listens to too many.
    """
    key = _key(turn, sender, request)
    connected(turn, sender)
    listeners = turn.memory.workbins
    most = MOST_OF_PROXY if sender.client_type == ClientType.PROXY else MOST_OF_CLIENT
    if not listeners.hears(sender.session, key) and listeners.number_of(sender.session) >= most:
        raise RequestRefused(Code.LIMIT_REACHED, f"one client listens to {most} workbins at most")
    listeners.listen(sender.session, key, wishes_of(request))
    return EventAck()


def listen_no_more(
    turn: Turn, sender: Sender, request: RequestWorkbinCancelNotifications
) -> EventAck:
    """
    Ends that.

    :raise RequestRefused: the workbin or its owner is not known, or the client
        does not listen to it.
    """
    key = _key(turn, sender, request)
    if not turn.memory.workbins.hears(sender.session, key):
        raise RequestRefused(Code.NOT_SUBSCRIBED)
    turn.memory.workbins.listen_no_more(sender.session, key)
    return EventAck()


def _key(
    turn: Turn,
    sender: Sender,
    request: RequestWorkbinNotifications | RequestWorkbinCancelNotifications,
) -> WorkbinKey:
    tenant = tenant_of(turn, sender, request.tenant_id)
    columns = workbin_destination(tenant, request.workbin).workbin
    return WorkbinKey(
        tenant.id,
        columns["workbin_type"],
        columns["workbin_agent"],
        columns["workbin_group"],
        columns["workbin_place"],
        columns["workbin_place_group"],
    )


def statistic(
    turn: Turn, sender: Sender, request: RequestWorkbinStatistic, token: Token
) -> ReadLong:
    """
    Counts what is in a workbin, or, where no type is named, in all of its owner.

    :raise RequestRefused: the workbin or its owner is not known.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    workbin = request.workbin
    kind = _kind_of_owner(tenant, workbin)
    types = [workbin.workbin_type_id] if workbin.workbin_type_id else _types_of(tenant, kind)
    attribute, column = OWNERS[kind]
    counted = tuple(
        (
            name,
            Selection(
                tenant.id,
                queue=workbin_queue(name),
                workbin=(("workbin_type", name), (column, getattr(workbin, attribute))),
            ),
        )
        for name in types
    )
    return ReadLong(token, sender, WorkbinCount(counted, turn.now))


def _kind_of_owner(tenant: TenantModel, workbin: Workbin) -> str:
    """:raise RequestRefused: there is not one owner, or it is not known."""
    if workbin.workbin_type_id:
        workbin_destination(tenant, workbin)
        return tenant.workbins[workbin.workbin_type_id]
    named = [kind for kind, (attribute, _) in OWNERS.items() if getattr(workbin, attribute)]
    if len(named) != 1:
        raise RequestRefused(
            Code.UNKNOWN_OWNER,
            f"workbins belong to one owner; named: {', '.join(named) or 'nobody'}",
        )
    [kind] = named
    owner = getattr(workbin, OWNERS[kind][0])
    known = tenant.owners(kind)
    if known is not None and owner not in known:
        raise RequestRefused(Code.UNKNOWN_OWNER, f"tenant {tenant.name!r} has no {kind} {owner!r}")
    return kind


def _types_of(tenant: TenantModel, kind: str) -> list[str]:
    return [name for name, owner in tenant.workbins.items() if owner == kind]
