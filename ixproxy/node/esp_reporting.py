"""
Reporting of calls to external servers: who wants to hear of them, and what they hear.

Theory of operation: each call that was sent to a server is one
EventExternalServiceRequested, and one EventExternalServiceResponded when it was
answered or never will be. Both have durable numbers, and go to the clients that
asked for the calls to this server, or to all, and work for the tenant. Only a node
that dies in between reports no end of a call. With `hide-strategy-esp-activity` the
calls of routing clients are nobody's business, and no events.

Subscriptions are kept in memory, for as long as the connection: as with topics, a
client, and the proxy before it, asks again whenever it registers. So a restart
loses all of them, and they are made again from outside.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventError,
    EventExternalServiceRequested,
    EventExternalServiceResponded,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
)
from ixproxy.messages.message import MAX_NAME, KeyValues, Message
from ixproxy.messages.reporting import ServiceEvent
from ixproxy.node.access import connected
from ixproxy.node.acting import actor_of
from ixproxy.node.esp_work import Called, ServiceAnswered, ServiceCalled, ServiceReader
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Answer, Effect, Refuse, Sender
from ixproxy.values import ClientType

MAX_SERVERS = 1000
"""External servers that one client session may name."""


def start(turn: Turn, sender: Sender, request: RequestStartExternalServiceReporting) -> EventAck:
    """
    Hears of the calls to some servers, or to all; of those named before, too.

    :raise RequestRefused: a name is not an application's, or there are too many.
    """
    connected(turn, sender)
    if not all(name and len(name) <= MAX_NAME for name in request.servers):
        raise RequestRefused(
            Code.BAD_ATTRIBUTE, f"Servers: names of 1 to {MAX_NAME} characters are expected"
        )
    before = turn.memory.service_readers.get(sender.session)
    everything = not request.servers or (before is not None and not before.servers)
    servers = frozenset() if everything else frozenset(request.servers)
    if before is not None and not everything:
        servers |= before.servers
    if len(servers) > MAX_SERVERS:
        raise RequestRefused(
            Code.LIMIT_REACHED, f"one client may name {MAX_SERVERS} external servers"
        )
    reader = ServiceReader(sender.tenants, servers)
    turn.journal.set(turn.memory.service_readers, sender.session, reader)
    return EventAck()


def stop(turn: Turn, sender: Sender, request: RequestStopExternalServiceReporting) -> EventAck:
    """Hears no more of some servers, or of any; that there is nothing to end is no mistake."""
    reader = turn.memory.service_readers.get(sender.session)
    if reader is None:
        return EventAck()
    left = reader.servers.difference(request.servers)
    if not request.servers or (reader.servers and not left):
        turn.journal.remove(turn.memory.service_readers, sender.session)
    elif reader.servers:
        turn.journal.set(turn.memory.service_readers, sender.session, reader._replace(servers=left))
    return EventAck()


def called(turn: Turn, work: ServiceCalled) -> None:
    """A server was asked."""
    request = work.call.message
    _report(
        turn,
        EventExternalServiceRequested,
        work.call,
        request.envelope3rd_server,
        request.user_data,
    )


def answered(turn: Turn, work: ServiceAnswered) -> Effect:
    """A server has answered, or will not: say so, and answer the caller."""
    answer = work.answer
    _report(turn, EventExternalServiceResponded, work.call, *_said(answer))
    return answer_of(work)


def answer_of(work: ServiceAnswered) -> Effect:
    """What the caller gets, whatever becomes of the event."""
    answer = work.answer
    if isinstance(answer, EventError):
        return Refuse(
            work.token,
            answer.error_code,
            answer.error_description,
            answer.in_doubt,
            answer.interaction_id,
        )
    return Answer(work.token, answer)


def _said(answer: Message) -> tuple[KeyValues, KeyValues]:
    """The envelope and the user data of an answer."""
    if isinstance(answer, EventError):
        failed = {
            "FaultCode": str(answer.error_code),
            "FaultString": answer.error_description,
        }
        return failed, {}
    envelope: KeyValues = getattr(answer, "envelope3rd_server", {})
    if code := getattr(answer, "fault_code", ""):
        text = getattr(answer, "fault_string", "")
        envelope = {"FaultCode": code, "FaultString": text, **envelope}
    return envelope, getattr(answer, "user_data", {})


def _report(
    turn: Turn, kind: type[ServiceEvent], call: Called, envelope: KeyValues, user_data: KeyValues
) -> None:
    sender, request = call.sender, call.message
    if turn.settings.hide_strategy_esp_activity and (
        sender.client_type == ClientType.ROUTING_ENGINE
    ):
        return
    turn.counters.event_number += 1
    readers = [
        session
        for session, reader in turn.memory.service_readers.items()
        if reader.hears(request.tenant_id, call.server)
    ]
    logs = turn.spools.of(kind)
    if not (readers or logs):
        return
    event = kind(
        event_time=turn.now,
        event_number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        actor=actor_of(turn, Cause(sender)),
        reason=request.reason,
        tenant_id=request.tenant_id,
        media_type=request.media_type,
        interaction_id=request.interaction_id,
        esp_client_refid=call.client_refid,
        esp_server_refid=call.server_refid,
        esp_request_id=call.request_id,
        esp_server=call.server,
        esp_request_envelope=envelope,
        user_data=user_data,
    )
    for session in readers:
        turn.tell(session, event)
    if logs:
        turn.spools.gather(logs, event)
