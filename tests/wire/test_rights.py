from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.core.routing import ALLOWED, BEHIND_PROXY
from ixproxy.messages.message import Message
from ixproxy.net.node_peers import rights_of
from ixproxy.values import ClientType
from ixproxy.wire.names import BY_CODE, ROWS, Kind
from ixproxy.wire.rights import INTERNAL, RIGHTS, allowed

REQUESTS = [row.message for row in ROWS if row.kind is Kind.REQUEST]


def test_every_request_of_the_catalogue_has_one_row() -> None:
    assert set(REQUESTS) == RIGHTS.keys() - {m.EventCurrentAgentStatus}
    assert all(RIGHTS.values())


@pytest.mark.parametrize("request_type", sorted(INTERNAL, key=repr))
def test_internal_requests_come_only_through_proxies(request_type: type[Message]) -> None:
    for client_type in ClientType:
        assert not allowed(request_type, client_type, through_proxy=False)
        assert allowed(request_type, client_type, through_proxy=True) == (
            client_type in RIGHTS[request_type]
        )


def test_a_type_that_is_no_client_type_may_nothing() -> None:
    assert not allowed(m.RequestSubmit, "Nobody", through_proxy=True)


def test_an_answer_is_no_request() -> None:
    assert not allowed(m.EventAck, ClientType.MEDIA_SERVER, through_proxy=False)


@pytest.mark.parametrize(
    ("request_type", "may", "may_not"),
    [
        (m.RequestSubmit, "MediaServer AgentApplication", "RoutingEngine ReportingEngine Proxy"),
        (m.RequestPull, "AgentApplication RoutingEngine", "MediaServer ReportingEngine"),
        (m.RequestAgentLogin, "AgentApplication", "MediaServer RoutingEngine ReportingEngine"),
        (
            m.RequestStartPlaceAgentStateReportingAll,
            "ReportingEngine Proxy",
            "AgentApplication MediaServer",
        ),
        (
            m.RequestStartPlaceAgentStateReporting,
            "ReportingEngine Proxy",
            "AgentApplication MediaServer RoutingEngine ThirdPartyServer",
        ),
        (
            m.RequestDeliver,
            "RoutingEngine",
            "AgentApplication MediaServer ReportingEngine ThirdPartyServer Proxy",
        ),
        (
            m.RequestTransfer,
            "AgentApplication",
            "RoutingEngine MediaServer ReportingEngine ThirdPartyServer Proxy",
        ),
        (m.RequestIntrude, "AgentApplication", "RoutingEngine ReportingEngine Proxy"),
        (m.RequestAccept, "AgentApplication", "RoutingEngine ReportingEngine Proxy"),
        (
            m.RequestSubscribe,
            "AgentApplication RoutingEngine MediaServer ReportingEngine ThirdPartyServer Proxy",
            "",
        ),
        (m.RequestAgentAvailable, "AgentApplication", "RoutingEngine ReportingEngine Proxy"),
        (
            m.EventCurrentAgentStatus,
            "ReportingEngine",
            "AgentApplication RoutingEngine MediaServer ThirdPartyServer Proxy",
        ),
        (
            m.RequestStopProcessing,
            "AgentApplication MediaServer RoutingEngine",
            "ReportingEngine ThirdPartyServer",
        ),
    ],
    ids=str,
)
def test_who_may_send_what(request_type: type[Message], may: str, may_not: str) -> None:
    for client_type in may.split():
        assert allowed(request_type, client_type, through_proxy=False)
    for client_type in may_not.split():
        assert not allowed(request_type, client_type, through_proxy=False)


def test_proxies_and_nodes_go_by_this_table() -> None:
    """What a proxy lets a client send, a node lets it send through the proxy, and by itself."""
    for client_type in ClientType:
        for behind, proxys in ((True, BEHIND_PROXY), (False, ALLOWED)):
            nodes = rights_of(client_type, behind or client_type is ClientType.PROXY)
            requests = {code for code in proxys[client_type] if BY_CODE[code].kind is Kind.REQUEST}
            assert requests == nodes
