"""
The routing table: every request of the catalogue has exactly one row.

A row says how the proxy answers, which policy merges a fan-out, in which
deadline class the request waits, and which client types may send it.
A call to an external server, or an event to be distributed, is for the owner of the
interaction that it names, if it does.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ixproxy.core.pending import Deadline
from ixproxy.messages import EventCurrentAgentStatus
from ixproxy.values import ClientType, NodeFacts, TenantFacts
from ixproxy.wire.names import BY_NAME
from ixproxy.wire.rights import RIGHTS


class Route(Enum):
    """How the proxy answers a request."""

    LOCAL = "local"
    REFUSED = "refused"
    CHOSEN = "chosen"
    OWNER = "owner"
    PULL = "pull"
    GATHER = "gather"
    SUBSCRIBE = "subscribe"
    SNAPSHOT = "snapshot"
    AGENT = "agent"
    RELAY = "relay"
    INTERNAL = "internal"


class RouteRow(NamedTuple):
    """
    One row.

    :ivar merge: the name of the merge policy of a fan-out: `configured` for
        the proxy's own choice, or a fixed one.
    """

    name: str
    route: Route
    merge: str
    deadline: Deadline
    rights: frozenset[ClientType]


def _row(
    route: Route,
    names: str,
    *,
    merge: str = "",
    deadline: Deadline = Deadline.NORMAL,
) -> list[RouteRow]:
    return [
        RouteRow(name, route, merge, deadline, RIGHTS[BY_NAME[name].message])
        for name in (f"Request{short}" for short in names.split())
    ]


_ROWS = [
    *_row(Route.LOCAL, "RegisterClient UnregisterClient ServerStatus"),
    *_row(
        Route.LOCAL,
        "StartPlaceAgentStateReportingAll StopPlaceAgentStateReportingAll "
        "StartPlaceAgentStateReporting StopPlaceAgentStateReporting",
    ),
    *_row(Route.REFUSED, "Ping"),
    *_row(Route.REFUSED, "RouteCall"),
    *_row(Route.CHOSEN, "Submit"),
    *_row(Route.CHOSEN, "DistributeEvent DistributeReportingEvent"),
    *_row(Route.CHOSEN, "3rdServer", deadline=Deadline.SERVICE),
    *_row(
        Route.OWNER,
        "ChangeProperties StopProcessing PlaceInQueue PlaceInWorkbin Hold Resume "
        "GetInteractionProperties",
    ),
    *_row(Route.OWNER, "LeaveInteraction"),
    *_row(Route.OWNER, "Accept Reject Intrude SetInFocus"),
    *_row(Route.OWNER, "Deliver", deadline=Deadline.DELIVERY),
    *_row(Route.OWNER, "Transfer Conference", deadline=Deadline.DELIVERY),
    *_row(Route.PULL, "Pull"),
    *_row(
        Route.GATHER,
        "FindInteractions GetWorkbinContent WorkbinTypesInfo WorkbinStatistic",
        merge="configured",
    ),
    *_row(
        Route.SUBSCRIBE,
        "WorkbinNotifications WorkbinCancelNotifications",
        merge="all-must-agree",
    ),
    *_row(Route.SUBSCRIBE, "Subscribe Unsubscribe Publish Notify", merge="all-must-agree"),
    *_row(
        Route.SUBSCRIBE,
        "StartExternalServiceReporting StopExternalServiceReporting",
        merge="all-must-agree",
    ),
    *_row(
        Route.SNAPSHOT,
        "TakeSnapshot GetSnapshotInteractions LockInteraction UnlockInteraction "
        "MoveInteractions StopInteractions ReleaseSnapshot",
        merge="all-must-agree",
    ),
    *_row(
        Route.AGENT,
        "AgentLogin AgentLogout AddMedia RemoveMedia NotReadyForMedia CancelNotReadyForMedia "
        "ChangeMediaStateReason ChangeAgentStateReason DoNotDisturbOn DoNotDisturbOff "
        "AgentAvailable AgentNotAvailable",
        merge="all-must-agree",
    ),
    *_row(Route.INTERNAL, "Locate CancelTake ClientsGone"),
    *_row(Route.INTERNAL, "ConfirmSession"),
    RouteRow(
        "EventCurrentAgentStatus",
        Route.RELAY,
        "",
        Deadline.NORMAL,
        RIGHTS[EventCurrentAgentStatus],
    ),
]

ROUTES: dict[str, RouteRow] = {row.name: row for row in _ROWS}
BY_CODE: dict[int, RouteRow] = {BY_NAME[name].code: row for name, row in ROUTES.items()}

OWNER_IF_NAMED = frozenset(
    BY_NAME[f"Request{short}"].code
    for short in ("3rdServer", "DistributeEvent", "DistributeReportingEvent")
)
"""What is for the owner of an interaction where it names one."""

BEHIND_PROXY: dict[ClientType, frozenset[int]] = {
    client_type: frozenset(code for code, row in BY_CODE.items() if client_type in row.rights)
    for client_type in ClientType
}
"""What a proxy may send in the name of a client: also what only proxies say."""

_INTERNAL = frozenset(code for code, row in BY_CODE.items() if row.route is Route.INTERNAL)

ALLOWED: dict[ClientType, frozenset[int]] = {
    client_type: codes if client_type is ClientType.PROXY else codes - _INTERNAL
    for client_type, codes in BEHIND_PROXY.items()
}
"""What a client may send by itself."""


OBSERVERS = frozenset(
    BY_NAME[name].code for name in ("RequestServerStatus", "RequestUnregisterClient")
)
"""What those may send who only ask how the proxy is."""


def takes_new(node: NodeFacts, tenant: int, media_type: str) -> bool:
    """Whether new work of this tenant and media type may go to `node`."""
    return (
        node.enable_submit
        and tenant in node.tenants
        and (node.media_types is None or media_type in node.media_types)
    )


def may_submit(tenant: TenantFacts, media_type: str) -> bool:
    """Whether the media type is enabled: a proxy refuses it otherwise."""
    return tenant.media_types.get(media_type, False)
