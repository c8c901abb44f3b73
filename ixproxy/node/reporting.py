"""
Reporting streams, as the rules know them: who has one, and what it is about.

Theory of operation: a client that starts reporting is noted in the writer's
memory, in order with everything that happens; from then on the events of its
tenants are reported, once for all streams. The server does the rest: it has
the states read as of some later event, and lets the events behind it follow.
A stream is a connection's. It ends with it, when its client registers anew,
and when the server says that it cannot go on.
"""

from __future__ import annotations

from ixproxy.messages import (
    EventAck,
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
    RequestStopPlaceAgentStateReportingAll,
)
from ixproxy.node.access import connected, tenant_of
from ixproxy.node.memory import Reporter
from ixproxy.node.turn import Turn
from ixproxy.node.work import Answer, CloseStream, OpenStream, Sender, StreamEnded, Token
from ixproxy.values import ClientType
from ixproxy.wire.streams import tenants_of
from ixproxy.wire.subscribing import Subscribed, check_streams


def start_all(
    turn: Turn, sender: Sender, request: RequestStartPlaceAgentStateReportingAll, token: Token
) -> Answer:
    """
    Begins a stream about whole tenants, or begins it anew.

    :raise RequestRefused: a tenant is not known here or not for this client,
        the filter is not valid, or the client has too many subscriptions.
    """
    connected(turn, sender)
    named = tenants_of(request.tenants)
    for tenant_id in sorted(named):
        tenant_of(turn, sender, tenant_id)
    tenants = named or sender.tenants.intersection(turn.model.tenants)
    return _opened(turn, sender, _subscribed(turn, sender).begin_all(tenants, request), token)


def start(
    turn: Turn, sender: Sender, request: RequestStartPlaceAgentStateReporting, token: Token
) -> Answer:
    """
    Begins a stream about named places and agents, or adds them to those named before.

    :raise RequestRefused: as for whole tenants; or nobody is named.
    """
    connected(turn, sender)
    tenant_of(turn, sender, request.tenant_id)
    return _opened(turn, sender, _subscribed(turn, sender).begin(request), token)


def stop_all(
    turn: Turn, sender: Sender, request: RequestStopPlaceAgentStateReportingAll, token: Token
) -> Answer:
    """Ends what `start_all` began; that there is nothing to end is no mistake."""
    return _narrowed(turn, sender, _subscribed(turn, sender).end_all(), token)


def stop(
    turn: Turn, sender: Sender, request: RequestStopPlaceAgentStateReporting, token: Token
) -> Answer:
    """
    Ends what `start` began, for the named places and agents or for all of the tenant.

    :raise RequestRefused: the tenant is not known here or not for this client.
    """
    tenant_of(turn, sender, request.tenant_id)
    return _narrowed(turn, sender, _subscribed(turn, sender).end(request), token)


def ended(turn: Turn, work: StreamEnded) -> None:
    """The server gave a stream up: its client must start it anew."""
    reporter = turn.memory.reporters.get(work.session)
    if reporter is not None and reporter.number == work.number:
        turn.memory.drop_reporter(work.session)


def _subscribed(turn: Turn, sender: Sender) -> Subscribed:
    reporter = turn.memory.reporters.get(sender.session)
    return reporter.subscribed if reporter is not None else Subscribed()


def _narrowed(turn: Turn, sender: Sender, left: Subscribed, token: Token) -> Answer:
    if left == _subscribed(turn, sender):
        return Answer(token, EventAck())
    if left.each:
        return _opened(turn, sender, left, token)
    turn.memory.drop_reporter(sender.session)
    turn.tells.append(CloseStream(token))
    return Answer(token, EventAck())


def _opened(turn: Turn, sender: Sender, subscribed: Subscribed, token: Token) -> Answer:
    """
    Another stream takes the place of the one that the client has.

    :raise RequestRefused: it is like no other, and there are too many.
    """
    key = subscribed.key
    assert key is not None
    if sender.client_type != ClientType.PROXY:
        check_streams(turn.memory.wanted, key, _subscribed(turn, sender).key)
    number = turn.memory.next_stream()
    turn.memory.keep_reporter(sender.session, Reporter(number, subscribed, key.tenants))
    turn.tells.append(OpenStream(token, key, number, subscribed.follows, turn.now))
    return Answer(token, EventAck())
