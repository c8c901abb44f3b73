from __future__ import annotations

from typing import Any

import pytest

from ixproxy.messages import RequestConfirmSession, RequestLocate, RequestPull, RequestSubmit
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer, rights_of
from ixproxy.node.work import Sender
from ixproxy.values import ClientType
from ixproxy.wire.names import code_of

NOWHERE: Any = None


def client() -> NodeClient:
    sender = Sender(b"s", "c", "MediaServer", frozenset({1}))
    return NodeClient(NodePeer(NOWHERE), 0, sender, 1, lasting=True, all_tenants=True)


def test_a_request_that_was_settled_is_forgotten() -> None:
    asker = client()
    asking = asker.asked[7] = Asking(asker, 7, 1.0, False)
    asking.settle()
    asking.settle()
    assert asker.asked == {}


def test_settling_a_request_does_not_forget_a_later_one_of_the_same_number() -> None:
    asker = client()
    older = Asking(asker, 7, 1.0, False)
    newer = asker.asked[7] = Asking(asker, 7, 1.0, False)
    older.settle()
    assert asker.asked == {7: newer}


def test_a_client_may_send_nothing_before_its_registration_is_answered() -> None:
    asker = client()
    assert not asker.rights
    asker.answered()
    assert code_of(RequestSubmit) in asker.rights


@pytest.mark.parametrize(
    ("client_type", "through_proxy", "may", "may_not"),
    [
        (ClientType.MEDIA_SERVER, False, RequestSubmit, RequestPull),
        (ClientType.ROUTING_ENGINE, False, RequestPull, RequestSubmit),
        (ClientType.PROXY, True, RequestLocate, RequestSubmit),
        (ClientType.AGENT_APPLICATION, True, RequestConfirmSession, RequestLocate),
        (ClientType.AGENT_APPLICATION, False, RequestPull, RequestLocate),
    ],
)
def test_rights_are_those_of_the_table(
    client_type: ClientType, through_proxy: bool, may: Any, may_not: Any
) -> None:
    rights = rights_of(client_type, through_proxy)
    assert code_of(may) in rights
    assert may_not is None or code_of(may_not) not in rights


def test_sending_to_a_lost_peer_does_nothing() -> None:
    NodePeer(NOWHERE).send(b"x")


def test_a_client_is_named_with_the_proxies_on_its_way() -> None:
    sender = Sender(b"s", "mail-1", "MediaServer", frozenset({1}))
    path = ["edge1", "proxy1"]
    behind = NodeClient(
        NodePeer(NOWHERE), 3, sender, 2, lasting=True, all_tenants=True, moves=[4, 1], path=path
    )
    assert str(behind) == "mail-1 through edge1, proxy1"
    assert behind.generation == (2, 4, 1)
