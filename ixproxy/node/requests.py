"""
Which rule serves which request, and which rows it needs: two tables.

A request that has no rule here is the server's own (`BY_THE_SERVER`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.interactions import InteractionRequest
from ixproxy.messages.message import Message, Request
from ixproxy.node import (
    accepting,
    agent_states,
    agents,
    availability,
    changing,
    delivering,
    distributing,
    esp,
    esp_reporting,
    idleness,
    intake,
    log_outbox,
    outbox,
    pinging,
    placing,
    pulling,
    pushing_answers,
    reading,
    reporting,
    sessions,
    snapshot_locks,
    snapshot_moves,
    snapshots,
    submitting,
    topics,
    workbins,
)
from ixproxy.node.esp_work import ServiceAnswered, ServiceCalled
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import DocumentGiven, ShipOutbox
from ixproxy.node.log_work import ShipLog
from ixproxy.node.long_plans import Freeing, Moving, Taking
from ixproxy.node.timers import HANDLING
from ixproxy.node.turn import Turn
from ixproxy.node.work import (
    Answer,
    Asked,
    ClientsLost,
    ConnectionLost,
    Effect,
    GoesOn,
    Goodbye,
    PullRetried,
    Registered,
    Relayed,
    RouterReads,
    Sender,
    StreamEnded,
    Token,
    Work,
)
from ixproxy.node.working_set import DocumentKey, MemberKey, ReceiptKey, TimerKey
from ixproxy.values import ClientType

Rule = Callable[[Turn, Sender, Any], Message]
LongRule = Callable[[Turn, Sender, Any, Token], Effect | None]

RULES: dict[type[Request], Rule] = {
    m.RequestPing: pinging.ping,
    m.RequestSubmit: submitting.submit,
    m.RequestChangeProperties: changing.change_properties,
    m.RequestPlaceInQueue: placing.place_in_queue,
    m.RequestPlaceInWorkbin: placing.place_in_workbin,
    m.RequestStopProcessing: changing.stop_processing,
    m.RequestHold: changing.hold,
    m.RequestResume: changing.resume,
    m.RequestLeaveInteraction: changing.leave,
    m.RequestIntrude: delivering.intrude,
    m.RequestSetInFocus: changing.set_in_focus,
    m.RequestGetInteractionProperties: reading.get_properties,
    m.RequestWorkbinTypesInfo: reading.workbin_types,
    m.RequestWorkbinNotifications: workbins.listen,
    m.RequestWorkbinCancelNotifications: workbins.listen_no_more,
    m.RequestDistributeReportingEvent: distributing.distribute_reporting_event,
    m.RequestDistributeEvent: distributing.distribute_event,
    m.RequestLocate: reading.locate,
    m.RequestCancelTake: reading.cancel_take,
    m.RequestAgentLogin: agents.login,
    m.RequestAgentLogout: agents.logout,
    m.RequestConfirmSession: agents.confirm,
    m.RequestAddMedia: agent_states.add_media,
    m.RequestRemoveMedia: agent_states.remove_media,
    m.RequestNotReadyForMedia: agent_states.not_ready,
    m.RequestCancelNotReadyForMedia: agent_states.ready,
    m.RequestChangeMediaStateReason: agent_states.change_media_reason,
    m.RequestChangeAgentStateReason: agent_states.change_agent_reason,
    m.RequestDoNotDisturbOn: agent_states.disturb_not,
    m.RequestDoNotDisturbOff: agent_states.disturb,
    m.RequestAgentAvailable: availability.available,
    m.RequestAgentNotAvailable: availability.not_available,
    m.RequestSubscribe: topics.subscribe,
    m.RequestUnsubscribe: topics.unsubscribe,
    m.RequestPublish: topics.publish,
    m.RequestNotify: topics.publish,
    m.RequestLockInteraction: snapshot_locks.lock,
    m.RequestUnlockInteraction: snapshot_locks.unlock,
    m.RequestStartExternalServiceReporting: esp_reporting.start,
    m.RequestStopExternalServiceReporting: esp_reporting.stop,
}
"""Requests that are answered at once, with a message."""

LONG_RULES: dict[type[Request], LongRule] = {
    m.RequestPull: pulling.pull,
    m.RequestFindInteractions: reading.find,
    m.RequestGetWorkbinContent: reading.workbin_content,
    m.RequestWorkbinStatistic: workbins.statistic,
    m.RequestStartPlaceAgentStateReportingAll: reporting.start_all,
    m.RequestStopPlaceAgentStateReportingAll: reporting.stop_all,
    m.RequestStartPlaceAgentStateReporting: reporting.start,
    m.RequestStopPlaceAgentStateReporting: reporting.stop,
    m.RequestDeliver: delivering.deliver,
    m.RequestRouteCall: pushing_answers.route_call,
    m.RequestTransfer: delivering.transfer,
    m.RequestConference: delivering.conference,
    m.RequestAccept: accepting.accept,
    m.RequestReject: accepting.reject,
    m.RequestTakeSnapshot: snapshots.take,
    m.RequestGetSnapshotInteractions: snapshots.get_page,
    m.RequestReleaseSnapshot: snapshots.release,
    m.RequestMoveInteractions: snapshot_moves.move,
    m.RequestStopInteractions: snapshot_moves.stop,
    m.Request3rdServer: esp.call_service,
}
"""Requests whose answer may take another way, come later, or is not all that they have done."""

BY_THE_SERVER: frozenset[type[Request]] = frozenset(
    {
        m.RequestRegisterClient,
        m.RequestUnregisterClient,
        m.RequestClientsGone,
        m.RequestServerStatus,
    }
)
"""Requests that the node's server answers itself, or turns into other work than `Asked`."""

_STEPS: dict[type[Any], Callable[[Turn, Any], Effect | None]] = {
    Taking: snapshots.take_on,
    Moving: snapshot_moves.move_on,
    Freeing: snapshots.free_on,
}

MAX_FORESEEN = 1000
"""Ids of one pull that are read before it is known whether so many are allowed."""

_WRITES_TIMER = (
    m.RequestChangeProperties,
    m.RequestHold,
    m.RequestResume,
    m.RequestTransfer,
    m.RequestConference,
    m.RequestIntrude,
    m.RequestLeaveInteraction,
)


class Needs(NamedTuple):
    """
    The keys of rows that works need.

    :ivar named: by capture point, how many of the newest interactions with which external id.
    """

    ids: list[str]
    receipts: list[ReceiptKey]
    timers: list[TimerKey]
    members: list[MemberKey]
    documents: list[DocumentKey]
    named: dict[str, Counter[str]]


def needs_of(works: Iterable[Work], capture: Mapping[str, CaptureRules] | None = None) -> Needs:
    """
    The rows to prefetch; what is not foreseen is read when it is asked for.

    :param capture: the capture points of the node.
    """
    needs = Needs([], [], [], [], [], {})
    for work in works:
        if type(work) is DocumentGiven:
            rules = (capture or {}).get(work.point)
            if rules is not None:
                needs.ids.extend(intake.ids_needed(work.document))
                needs.documents.extend(intake.receipts_needed(work, rules))
                counts = needs.named.setdefault(work.point, Counter())
                counts.update(intake.external_ids_needed(work.document, rules))
        if type(work) is not Asked:
            continue
        request = work.message
        if isinstance(request, InteractionRequest):
            id = request.interaction_id
            needs.ids.append(id)
            by_agent = work.sender.client_type == ClientType.AGENT_APPLICATION
            if by_agent and isinstance(request, _WRITES_TIMER):
                needs.timers.append((HANDLING, id))
        elif isinstance(request, m.RequestSubmit):
            receipt = submitting.receipt_key(work.sender, request)
            if receipt is not None:
                needs.receipts.append(receipt)
            if request.interaction_id:
                needs.ids.append(request.interaction_id)
        elif isinstance(request, m.RequestLockInteraction | m.RequestUnlockInteraction):
            needs.ids.append(request.interaction_id)
            needs.members.append((request.snapshot_id, request.interaction_id))
        elif isinstance(request, m.Request3rdServer):
            if request.interaction_id:
                needs.ids.append(request.interaction_id)
        elif isinstance(request, m.RequestPull):
            needs.ids.extend(islice(request.pull_parameters, MAX_FORESEEN))
    return needs


def perform(turn: Turn, work: Work) -> Effect | None:
    """
    Do one piece of work; ticks are not for here.

    :raise RequestRefused: it is refused, and what it changed so far must be undone.
    """
    if type(work) is Asked:
        request = work.message
        idleness.seen(turn, work.sender)
        rule = RULES.get(type(request))
        if rule is not None:
            return Answer(work.token, rule(turn, work.sender, request))
        long_rule = LONG_RULES.get(type(request))
        if long_rule is not None:
            return long_rule(turn, work.sender, request, work.token)
        raise RequestRefused(Code.UNSUPPORTED_YET, f"{type(request).__name__} is not for the rules")
    if type(work) is GoesOn:
        return _STEPS[type(work.progress)](turn, work)
    if type(work) is PullRetried:
        return pulling.retry(turn, work)
    if type(work) is Registered:
        return Answer(work.token, sessions.register(turn, work))
    if type(work) is ConnectionLost:
        sessions.connection_lost(turn, work)
        return None
    if type(work) is ClientsLost:
        ack = sessions.clients_lost(turn, work)
        return None if work.token is None else Answer(work.token, ack)
    if type(work) is Goodbye:
        ack = sessions.goodbye(turn, work)
        return None if work.token is None else Answer(work.token, ack)
    if type(work) is StreamEnded:
        reporting.ended(turn, work)
        return None
    if type(work) is RouterReads:
        turn.memory.routers.reads(work.session, reads=work.reads)
        return None
    if type(work) is Relayed:
        topics.relay(turn, work)
        return None
    if type(work) is ServiceCalled:
        esp_reporting.called(turn, work)
        return None
    if type(work) is DocumentGiven:
        return intake.do_document(turn, work)
    if type(work) is ShipOutbox:
        return outbox.ship(turn, work)
    if type(work) is ShipLog:
        return log_outbox.ship(turn, work)
    if type(work) is ServiceAnswered:
        return esp_reporting.answered(turn, work)
    raise TypeError(f"{type(work).__name__} is no work for a rule")
