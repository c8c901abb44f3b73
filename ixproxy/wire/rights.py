"""
Which client types may send which request, as one table for proxies and nodes.

As the field has it (`RequestSubmit` is for media servers and agents, login for
agents, and so on). What proxies and nodes say to each other comes only from a
peer of type Proxy: from the proxy itself, or in the name of one of its clients.
"""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.messages.message import Message
from ixproxy.values import ClientType

_AGENT = ClientType.AGENT_APPLICATION
_MEDIA = ClientType.MEDIA_SERVER
_ROUTING = ClientType.ROUTING_ENGINE
_REPORTING = ClientType.REPORTING_ENGINE
_EXTERNAL = ClientType.EXTERNAL_SERVER
_PROXY = ClientType.PROXY

ANYONE = frozenset(ClientType)
WORKERS = frozenset({_AGENT, _MEDIA, _ROUTING})
READERS = WORKERS | {_REPORTING, _EXTERNAL}

RIGHTS: dict[type[Message], frozenset[ClientType]] = {
    m.RequestRegisterClient: ANYONE,
    m.RequestUnregisterClient: ANYONE,
    m.RequestPing: ANYONE,
    m.RequestServerStatus: ANYONE,
    m.RequestAgentLogin: frozenset({_AGENT}),
    m.RequestAgentLogout: frozenset({_AGENT}),
    m.RequestAddMedia: frozenset({_AGENT}),
    m.RequestRemoveMedia: frozenset({_AGENT}),
    m.RequestNotReadyForMedia: frozenset({_AGENT}),
    m.RequestCancelNotReadyForMedia: frozenset({_AGENT}),
    m.RequestChangeMediaStateReason: frozenset({_AGENT}),
    m.RequestChangeAgentStateReason: frozenset({_AGENT}),
    m.RequestDoNotDisturbOn: frozenset({_AGENT}),
    m.RequestDoNotDisturbOff: frozenset({_AGENT}),
    m.RequestAgentAvailable: frozenset({_AGENT}),
    m.RequestAgentNotAvailable: frozenset({_AGENT}),
    m.RequestSubscribe: READERS | {_PROXY},
    m.RequestUnsubscribe: READERS | {_PROXY},
    m.RequestPublish: READERS | {_PROXY},
    m.RequestNotify: READERS | {_PROXY},
    m.RequestStartPlaceAgentStateReportingAll: frozenset({_REPORTING, _PROXY}),
    m.RequestStopPlaceAgentStateReportingAll: frozenset({_REPORTING, _PROXY}),
    m.RequestStartPlaceAgentStateReporting: frozenset({_REPORTING, _PROXY}),
    m.RequestStopPlaceAgentStateReporting: frozenset({_REPORTING, _PROXY}),
    m.RequestStartExternalServiceReporting: frozenset({_REPORTING, _PROXY}),
    m.RequestStopExternalServiceReporting: frozenset({_REPORTING, _PROXY}),
    m.RequestDistributeEvent: READERS,
    m.RequestDistributeReportingEvent: READERS,
    m.RequestSubmit: frozenset({_AGENT, _MEDIA}),
    m.RequestPlaceInQueue: WORKERS,
    m.RequestPlaceInWorkbin: WORKERS,
    m.RequestPull: frozenset({_AGENT, _ROUTING}),
    m.RequestChangeProperties: WORKERS,
    m.RequestStopProcessing: WORKERS,
    m.RequestTransfer: frozenset({_AGENT}),
    m.RequestConference: frozenset({_AGENT}),
    m.RequestIntrude: frozenset({_AGENT}),
    m.RequestLeaveInteraction: frozenset({_AGENT, _ROUTING}),
    m.RequestHold: WORKERS,
    m.RequestResume: WORKERS,
    m.RequestGetInteractionProperties: READERS,
    m.RequestFindInteractions: READERS,
    m.RequestGetWorkbinContent: READERS,
    m.RequestWorkbinTypesInfo: READERS,
    m.RequestWorkbinNotifications: WORKERS | {_PROXY},
    m.RequestWorkbinCancelNotifications: WORKERS | {_PROXY},
    m.RequestWorkbinStatistic: READERS,
    m.RequestTakeSnapshot: WORKERS,
    m.RequestGetSnapshotInteractions: WORKERS,
    m.RequestLockInteraction: WORKERS,
    m.RequestUnlockInteraction: WORKERS,
    m.RequestMoveInteractions: WORKERS,
    m.RequestStopInteractions: WORKERS,
    m.RequestReleaseSnapshot: WORKERS,
    m.RequestSetInFocus: frozenset({_AGENT}),
    m.RequestDeliver: frozenset({_ROUTING}),
    m.RequestAccept: frozenset({_AGENT}),
    m.RequestReject: frozenset({_AGENT}),
    m.RequestRouteCall: frozenset({_ROUTING}),
    m.Request3rdServer: WORKERS,
    m.RequestLocate: frozenset({_PROXY}),
    m.RequestCancelTake: frozenset({_PROXY}),
    m.RequestClientsGone: frozenset({_PROXY}),
    m.RequestConfirmSession: frozenset({_AGENT}),
    m.EventCurrentAgentStatus: frozenset({_REPORTING}),
}

INTERNAL: frozenset[type[Message]] = frozenset(
    {m.RequestLocate, m.RequestCancelTake, m.RequestClientsGone, m.RequestConfirmSession}
)
"""Only over a peer of type Proxy."""


def allowed(request: type[Message], client_type: str, *, through_proxy: bool) -> bool:
    """
    Whether a client may send this request.

    :param through_proxy: its peer is of type Proxy.
    """
    types = RIGHTS.get(request)
    if types is None or (request in INTERNAL and not through_proxy):
        return False
    return client_type in types
