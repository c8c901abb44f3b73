"""
Topics: who listens, and what is published.

Theory of operation: a client subscribes to topics of one tenant. Topics that
say how an agent is are written `<tenant>@<place>`: EventCurrentAgentStatus,
which a reporting client computes, goes to the agent's own clients and to who
listens there. Any other name is a topic, too, for what clients publish to each
other. What is relayed and published is no event of the node: it has no number,
and nobody else hears of it.

Subscriptions are kept in memory, for as long as the connection: a client, and
the proxy before it, subscribes again whenever it registers. So a restart loses
all of them, and they are made again from outside.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventCurrentAgentStatus,
    EventTopic,
    RequestNotify,
    RequestPublish,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.messages.message import MAX_NAME, Event
from ixproxy.node.access import connected, tenant_of
from ixproxy.node.acting import actor_of
from ixproxy.node.memory import Topic
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Relayed, Sender

MAX_TOPICS = 10_000
"""Topics that one client session may listen to."""


def subscribe(turn: Turn, sender: Sender, request: RequestSubscribe) -> EventAck:
    """
    Listens to topics; to one that is listened to already nothing changes.

    :raise RequestRefused: none is named, a name is not a topic's, or there are
        too many.
    """
    tenant_of(turn, sender, request.tenant_id)
    connected(turn, sender)
    if not request.ps_topic_list:
        raise RequestRefused(Code.MISSING_VALUE, "PsTopicList is missing")
    mine = turn.memory.topics_of.get(sender.session, {})
    wanted = [_topic(request.tenant_id, name) for name in request.ps_topic_list]
    if len(mine) + sum(topic not in mine for topic in wanted) > MAX_TOPICS:
        raise RequestRefused(
            Code.LIMIT_REACHED, f"one client listens to {MAX_TOPICS} topics at most"
        )
    for topic in wanted:
        turn.memory.listen(sender.session, topic)
    return EventAck()


def unsubscribe(turn: Turn, sender: Sender, request: RequestUnsubscribe) -> EventAck:
    """Ends subscriptions, all of the tenant's where none is named; none is missed."""
    tenant_of(turn, sender, request.tenant_id)
    names = request.ps_topic_list
    mine = turn.memory.topics_of.get(sender.session, {})
    for topic in [each for each in mine if each[0] == request.tenant_id]:
        if not names or topic[1] in names:
            turn.memory.listen_no_more(sender.session, topic)
    return EventAck()


def publish(turn: Turn, sender: Sender, request: RequestPublish | RequestNotify) -> EventAck:
    """
    Tells everybody who listens to a topic, the sender too.

    :raise RequestRefused: it is not a topic's name.
    """
    tenant_of(turn, sender, request.tenant_id)
    if not request.topic:
        raise RequestRefused(Code.MISSING_VALUE, "Topic is missing")
    topic = _topic(request.tenant_id, request.topic)
    event = EventTopic(
        event_time=turn.now,
        dbid=turn.identity.dbid,
        actor=actor_of(turn, Cause(sender)),
        reason=request.reason,
        tenant_id=request.tenant_id,
        topic=request.topic,
        user_data=request.user_data,
        extension=request.extension,
    )
    _tell(turn, turn.memory.topics.get(topic, ()), event)
    return EventAck()


def relay(turn: Turn, work: Relayed) -> None:
    """
    A reporting client says how an agent is.

    :raise RequestRefused: not that, or not for the tenants of this client.
    """
    event = work.event
    if not isinstance(event, EventCurrentAgentStatus):
        raise RequestRefused(Code.NOT_ALLOWED, f"{type(event).__name__} is not relayed")
    tenant_of(turn, work.sender, event.tenant_id)
    row = turn.memory.logged_in((event.tenant_id, event.agent_id))
    place = event.place_id or (row.place_id if row is not None else "")
    topic = event.tenant_id, f"{event.tenant_id}@{place}"
    receivers = dict.fromkeys(row.sessions if row is not None else ())
    receivers.update(dict.fromkeys(turn.memory.topics.get(topic, ())))
    told = replace(
        event,
        event_time=turn.now,
        event_number=0,
        dbid=turn.identity.dbid,
        reporting_event_sequence_number=0,
        previous_sequence_number=0,
        agent_session=(row.number, row.dbid) if row is not None else event.agent_session,
    )
    _tell(turn, receivers, told)


def _tell(turn: Turn, sessions: Iterable[bytes], event: Event) -> None:
    for session in sessions:
        turn.tell(session, event)


def _topic(tenant_id: int, name: str) -> Topic:
    """:raise RequestRefused: it is too long, or is said to be of another tenant."""
    if not name or len(name) > MAX_NAME:
        raise RequestRefused(Code.BAD_ATTRIBUTE, f"a topic has 1 to {MAX_NAME} characters")
    tenant, at, _ = name.partition("@")
    if at and tenant.isascii() and tenant.isdigit() and tenant != str(tenant_id):
        raise RequestRefused(
            Code.BAD_ATTRIBUTE, f"topic {name!r} is of another tenant than {tenant_id}"
        )
    return tenant_id, name
