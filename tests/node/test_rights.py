from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.messages.message import Message
from ixproxy.node.requests import BY_THE_SERVER, LONG_RULES, RULES
from ixproxy.node.rights import INTERNAL, RIGHTS, allowed
from ixproxy.values import ClientType
from ixproxy.wire.names import ROWS, Kind

REQUESTS = [row.message for row in ROWS if row.kind is Kind.REQUEST]


def test_every_request_of_the_catalogue_has_one_row() -> None:
    assert set(REQUESTS) == RIGHTS.keys()
    assert all(RIGHTS.values())


def test_what_is_served_is_in_the_catalogue() -> None:
    assert RULES.keys() | LONG_RULES.keys() | BY_THE_SERVER <= set(REQUESTS)
    assert not RULES.keys() & LONG_RULES.keys()
    assert not (RULES.keys() | LONG_RULES.keys()) & BY_THE_SERVER


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
