"""What a node's log says of clients that come and go."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import Code, RequestRefused
from ixproxy.net import node_log
from ixproxy.net.node_peers import NodeClient, NodePeer
from ixproxy.node.work import Sender

NOWHERE: Any = None
PEER = NodePeer(NOWHERE)


def client(name: str, kind: str = "MediaServer", *path: str) -> NodeClient:
    sender = Sender(b"secret", name, kind, frozenset({1}))
    return NodeClient(PEER, 0, sender, 1, lasting=True, all_tenants=True, path=path)


def said(do: Any, *arguments: Any) -> list[tuple[str, str]]:
    with capturedLogs() as captured:
        do(*arguments)
    return [(event["log_level"].name, str(formatEvent(event))) for event in captured]


PROXY = client("proxy1", "Proxy", "proxy1")
ONE, TWO = client("a", "MediaServer", "edge", "proxy1"), client("b", "MediaServer", "edge")


def test_a_proxy_is_news_and_a_client_is_for_whoever_looks_for_one() -> None:
    assert said(node_log.registered, PROXY) == [("info", "Proxy proxy1 is registered")]
    assert said(node_log.registered, ONE) == [
        ("debug", "Client a through edge, proxy1 is registered")
    ]
    assert said(node_log.left, ONE) == [("debug", "Client a through edge, proxy1 has left")]


def test_who_is_lost_together_is_one_line() -> None:
    assert said(node_log.lost, []) == []
    assert said(node_log.lost, [ONE]) == [("debug", "Client a through edge, proxy1 is lost")]
    assert said(node_log.lost, [ONE, TWO]) == [("debug", "2 clients through edge, proxy1 are lost")]
    assert said(node_log.lost, [PROXY, ONE, TWO]) == [
        ("info", "Proxy proxy1 is lost, with 2 clients")
    ]


def test_a_refusal_says_who_and_why() -> None:
    refusal = RequestRefused(Code.TOO_MANY_CLIENTS)
    assert said(node_log.refused, "a through edge", refusal) == [
        ("warn", "Client a through edge was refused: 3013 Too many clients")
    ]
