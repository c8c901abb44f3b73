"""
The names table: one row per message, and everything a hop must know of it.

A row says which number the message has on the wire, which of its attributes
stand in the prefix (and only there), which are required, what it does to
holdings, what it subscribes to, and how the attributes of several answers merge.
Proxy and client library follow these columns without knowing bodies.

The prefix columns follow one convention: tenant is `TenantId`; media is
`MediaType` or `MediaTypeName`; interaction is `InteractionId`; agent is
`AgentId` (of a transfer or conference: its target); queue is `Queue`, or
`ViewId` of a pull. A message without such an attribute leaves the string
empty. Numbers are public contract: they are never changed or used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

from ixproxy import messages as m
from ixproxy.messages.message import Message


class Kind(IntEnum):
    """The prefix's `kind`."""

    REQUEST = 1
    REPLY = 2
    ERROR = 3
    EVENT = 4
    CANCEL = 5
    PING = 6
    PONG = 7


class Holdings(Enum):
    """What a message does to what its client holds."""

    NONE = "none"
    TAKES = "takes"
    GIVES_BACK = "gives back"
    INVITES = "invites"
    ENDS_INVITATION = "ends an invitation"
    REVOKES = "revokes"


class Merge(Enum):
    """How one attribute of several answers, or parts, becomes one."""

    UNION = "union"
    OR = "or"
    ADD = "add"


class Subscription(NamedTuple):
    """
    What a request subscribes to until it is ended, or its connection.

    :ivar to: what, in words.
    :ivar ends: the request ends what another begins.
    :ivar key: the attributes that tell one subscription from another; those of
        a request that ends may be fewer, and it ends all that agree in them.
    :ivar lists: attributes that list several at a time; with all of them
        empty, a request that ends, ends all.
    """

    to: str
    ends: bool = False
    key: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


class NameRow(NamedTuple):
    """
    One row; `media`, `interaction`, `agent`, `queue` are field names or "".

    :ivar answer: the name of the reply to a request, if it is no error.
    :ivar fault: the name of another reply that it may have; "": none.
    """

    code: int
    message: type[Message]
    kind: Kind
    tenant: bool
    media: str
    interaction: str
    agent: str
    queue: str
    required: tuple[str, ...]
    holdings: Holdings
    merge: Mapping[str, Merge]
    answer: str
    subscription: Subscription | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """The public name, as in `RequestSubmit`."""
        return self.message.__name__


_MERGED: dict[type[Message], dict[str, Merge]] = {
    m.EventPulledInteractions: {
        "Interactions": Merge.UNION,
        "SortKeys": Merge.UNION,
        "TakeNumbers": Merge.UNION,
        "Errors": Merge.UNION,
        "HaveMore": Merge.OR,
    },
    m.EventInteractionsFound: {
        "Interactions": Merge.UNION,
        "SortKeys": Merge.UNION,
        "HaveMore": Merge.OR,
    },
    m.EventWorkbinContent: {
        "Interactions": Merge.UNION,
        "SortKeys": Merge.UNION,
        "HaveMore": Merge.OR,
    },
    m.EventSnapshotInteractions: {
        "Interactions": Merge.UNION,
        "SortKeys": Merge.UNION,
        "Errors": Merge.UNION,
        "HaveMore": Merge.OR,
    },
    m.EventWorkbinTypesInfo: {"WorkbinTypes": Merge.UNION},
    m.EventAgentWorkbinStats: {"Statistics": Merge.ADD},
    m.EventSnapshotTaken: {"NumberOfInteractions": Merge.ADD},
    m.EventInteractionMoved: {"NumberOfInteractions": Merge.ADD, "Errors": Merge.UNION},
    m.EventAck: {"Held": Merge.UNION},
}


def _row(
    code: int,
    message: type[Message],
    required: str = "",
    *,
    kind: Kind = Kind.REQUEST,
    holdings: Holdings = Holdings.NONE,
    answer: str = "EventAck",
    subscription: Subscription | None = None,
    fault: str = "",
) -> NameRow:
    fields = set(message.__struct_fields__)

    def carried(*names: str) -> str:
        return next((name for name in names if name in fields), "")

    return NameRow(
        code=code,
        message=message,
        kind=kind,
        tenant="tenant_id" in fields,
        media=carried("media_type", "media_type_name"),
        interaction=carried("interaction_id"),
        agent=carried("agent_id"),
        queue=carried("queue", "view_id"),
        required=tuple(required.split()),
        holdings=holdings,
        merge=_MERGED.get(message, {}),
        answer=answer if kind is Kind.REQUEST else "",
        subscription=subscription,
        fault=fault,
    )


def _subscribed(to: str, key: str, lists: str = "") -> tuple[Subscription, Subscription]:
    """What begins a subscription, and what ends it by the same attributes."""
    begins = Subscription(to, False, tuple(key.split()), tuple(lists.split()))
    return begins, begins._replace(ends=True)


_T, _I, _TI = "tenant_id", "interaction_id", "tenant_id interaction_id"
_AGENT = "tenant_id agent_id"
_MEDIA = "tenant_id agent_id media_type_name"
_TAKES, _GIVES = Holdings.TAKES, Holdings.GIVES_BACK
_TOPICS, _NO_TOPICS = _subscribed("topics", "tenant_id", "ps_topic_list")
_WORKBIN, _NO_WORKBIN = _subscribed("a workbin", "tenant_id workbin")
_STATES, _NO_STATES = _subscribed("agent states", "tenant_id", "places agents")
_ALL_STATES = Subscription("all agent states", key=("tenants", "filter"))
_NO_ALL_STATES = Subscription("all agent states", ends=True)
_SERVICES, _NO_SERVICES = _subscribed("external services", "", "servers")

_REQUESTS = (
    _row(1, m.RequestRegisterClient),
    _row(2, m.RequestUnregisterClient),
    _row(3, m.RequestPing, answer="EventPing"),
    _row(4, m.RequestServerStatus, answer="EventServerStatus"),
    _row(10, m.RequestAgentLogin, _AGENT),
    _row(11, m.RequestAgentLogout, _AGENT),
    _row(12, m.RequestAddMedia, _MEDIA),
    _row(13, m.RequestRemoveMedia, _MEDIA),
    _row(14, m.RequestNotReadyForMedia, _MEDIA),
    _row(15, m.RequestCancelNotReadyForMedia, _MEDIA),
    _row(16, m.RequestChangeMediaStateReason, _MEDIA),
    _row(17, m.RequestChangeAgentStateReason, _AGENT),
    _row(18, m.RequestDoNotDisturbOn, _AGENT),
    _row(19, m.RequestDoNotDisturbOff, _AGENT),
    _row(20, m.RequestAgentAvailable, _AGENT),
    _row(21, m.RequestAgentNotAvailable, _AGENT),
    _row(22, m.RequestSubscribe, _T, subscription=_TOPICS),
    _row(23, m.RequestUnsubscribe, _T, subscription=_NO_TOPICS),
    _row(24, m.RequestPublish, _T),
    _row(25, m.RequestNotify, _T),
    _row(30, m.RequestStartPlaceAgentStateReportingAll, subscription=_ALL_STATES),
    _row(31, m.RequestStopPlaceAgentStateReportingAll, subscription=_NO_ALL_STATES),
    _row(32, m.RequestStartPlaceAgentStateReporting, _T, subscription=_STATES),
    _row(33, m.RequestStopPlaceAgentStateReporting, _T, subscription=_NO_STATES),
    _row(34, m.RequestStartExternalServiceReporting, subscription=_SERVICES),
    _row(35, m.RequestStopExternalServiceReporting, subscription=_NO_SERVICES),
    _row(36, m.RequestDistributeEvent, _T),
    _row(37, m.RequestDistributeReportingEvent, _T),
    _row(40, m.RequestSubmit, "tenant_id media_type", holdings=_TAKES),
    _row(41, m.RequestPlaceInQueue, f"{_TI} queue", holdings=_GIVES),
    _row(42, m.RequestPlaceInWorkbin, _TI, holdings=_GIVES),
    _row(43, m.RequestPull, "tenant_id view_id", holdings=_TAKES, answer="EventPulledInteractions"),
    _row(44, m.RequestChangeProperties, _TI),
    _row(45, m.RequestStopProcessing, _TI, holdings=_GIVES),
    _row(46, m.RequestTransfer, _TI, holdings=_GIVES),
    _row(47, m.RequestConference, _TI),
    _row(48, m.RequestIntrude, _TI, holdings=_TAKES),
    _row(49, m.RequestLeaveInteraction, _TI, holdings=_GIVES),
    _row(50, m.RequestHold, _TI),
    _row(51, m.RequestResume, _TI),
    _row(52, m.RequestGetInteractionProperties, _TI, answer="EventInteractionProperties"),
    _row(53, m.RequestFindInteractions, _T, answer="EventInteractionsFound"),
    _row(54, m.RequestGetWorkbinContent, _T, answer="EventWorkbinContent"),
    _row(55, m.RequestWorkbinTypesInfo, _T, answer="EventWorkbinTypesInfo"),
    _row(56, m.RequestWorkbinNotifications, _T, subscription=_WORKBIN),
    _row(57, m.RequestWorkbinCancelNotifications, _T, subscription=_NO_WORKBIN),
    _row(58, m.RequestWorkbinStatistic, _T, answer="EventAgentWorkbinStats"),
    _row(59, m.RequestTakeSnapshot, _T, answer="EventSnapshotTaken"),
    _row(60, m.RequestGetSnapshotInteractions, _T, answer="EventSnapshotInteractions"),
    _row(61, m.RequestLockInteraction, _TI),
    _row(62, m.RequestUnlockInteraction, _TI),
    _row(63, m.RequestMoveInteractions, f"{_T} queue", answer="EventInteractionMoved"),
    _row(64, m.RequestStopInteractions, _T, answer="EventInteractionMoved"),
    _row(65, m.RequestReleaseSnapshot, _T),
    _row(66, m.RequestSetInFocus, _TI),
    _row(70, m.RequestDeliver, _TI, holdings=_GIVES),
    _row(71, m.RequestAccept, _TI, holdings=_TAKES),
    _row(72, m.RequestReject, _TI, holdings=Holdings.ENDS_INVITATION),
    _row(73, m.RequestRouteCall, _TI, holdings=_GIVES, answer="EventRouteUsed"),
    _row(80, m.Request3rdServer, _T, answer="Event3rdServerResponse", fault="Event3rdServerFault"),
    _row(90, m.RequestLocate, _TI),
    _row(91, m.RequestCancelTake, _TI),
    _row(92, m.RequestClientsGone),
    _row(93, m.RequestConfirmSession, _AGENT),
)

_ANSWERS = tuple(
    _row(code, message, kind=Kind.REPLY)
    for code, message in (
        (1000, m.EventAck),
        (1002, m.EventPulledInteractions),
        (1003, m.EventInteractionsFound),
        (1004, m.EventInteractionProperties),
        (1005, m.EventWorkbinContent),
        (1006, m.EventWorkbinTypesInfo),
        (1007, m.EventAgentWorkbinStats),
        (1008, m.EventSnapshotTaken),
        (1009, m.EventSnapshotInteractions),
        (1010, m.EventInteractionMoved),
        (1011, m.EventPing),
        (1012, m.Event3rdServerResponse),
        (1013, m.Event3rdServerFault),
        (1020, m.EventServerStatus),
    )
)

_EVENTS = (
    _row(1001, m.EventError, kind=Kind.ERROR),
    _row(1100, m.EventInvite, kind=Kind.EVENT, holdings=Holdings.INVITES),
    _row(1101, m.EventRevoked, kind=Kind.EVENT, holdings=Holdings.REVOKES),
    _row(1109, m.EventAccepted, kind=Kind.EVENT, holdings=Holdings.ENDS_INVITATION),
    _row(1250, m.EventRouteRequest, kind=Kind.EVENT, holdings=Holdings.TAKES),
    _row(1252, m.EventAbandoned, kind=Kind.EVENT, holdings=Holdings.REVOKES),
    *(
        _row(code, message, kind=Kind.EVENT)
        for code, message in (
            (1102, m.EventPropertiesChanged),
            (1103, m.EventPartyAdded),
            (1104, m.EventPartyRemoved),
            (1105, m.EventWorkbinContentChanged),
            (1106, m.EventCurrentAgentStatus),
            (1107, m.EventForcedAgentStateChange),
            (1108, m.EventTopic),
            (1200, m.EventInteractionSubmitted),
            (1201, m.EventPlacedInQueue),
            (1202, m.EventTakenFromQueue),
            (1203, m.EventPlacedInWorkbin),
            (1204, m.EventTakenFromWorkbin),
            (1205, m.EventAgentInvited),
            (1206, m.EventRejected),
            (1207, m.EventProcessingStopped),
            (1208, m.EventHeld),
            (1209, m.EventResumed),
            (1210, m.EventPlaceAgentState),
            (1211, m.EventActivityReport),
            (1212, m.EventCustomReporting),
            (1220, m.EventAgentLogin),
            (1221, m.EventAgentLogout),
            (1222, m.EventMediaAdded),
            (1223, m.EventMediaRemoved),
            (1224, m.EventReadyForMedia),
            (1225, m.EventNotReadyForMedia),
            (1226, m.EventMediaStateReasonChanged),
            (1227, m.EventAgentStateReasonChanged),
            (1228, m.EventDoNotDisturbOn),
            (1229, m.EventDoNotDisturbOff),
            (1230, m.EventAgentAvailable),
            (1231, m.EventAgentNotAvailable),
            (1232, m.EventAgentConnectionClosed),
            (1233, m.EventMassAgentLogout),
            (1240, m.EventExternalServiceRequested),
            (1241, m.EventExternalServiceResponded),
            (1251, m.EventRouteUsed),
            (1253, m.EventAttachedDataChanged),
            (1254, m.EventPrivateInfo),
            (1300, m.EventNodeLoad),
        )
    ),
)

ROWS: tuple[NameRow, ...] = (*_REQUESTS, *_ANSWERS, *_EVENTS)
BY_CODE: dict[int, NameRow] = {row.code: row for row in ROWS}
BY_MESSAGE: dict[type[Message], NameRow] = {row.message: row for row in ROWS}
BY_NAME: dict[str, NameRow] = {row.name: row for row in ROWS}


def code_of(message: type[Message]) -> int:
    """The number of a message class on the wire."""
    return BY_MESSAGE[message].code
