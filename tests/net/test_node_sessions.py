from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.net.node_peers import NodeClient, NodePeer
from ixproxy.net.node_sessions import NodeSessions
from ixproxy.node.work import Sender

NOWHERE: Any = None


def client(session: bytes = b"s", incarnation: int = 1, moves: tuple[int, ...] = ()) -> NodeClient:
    sender = Sender(session, "c", "MediaServer", frozenset({1}))
    made = NodeClient(
        NodePeer(NOWHERE), 0, sender, incarnation, lasting=True, all_tenants=True, moves=moves
    )
    made.answered()
    return made


def test_a_session_is_on_its_newest_registration() -> None:
    sessions = NodeSessions()
    older, newer = client(), client(incarnation=2)
    assert sessions.bind(older) is None
    assert sessions.bind(newer) is older
    assert sessions.at(b"s") is newer
    assert older.superseded
    assert not older.rights
    assert not newer.superseded
    assert newer.rights
    older.answered()
    assert not older.rights


def test_the_same_incarnation_on_another_connection_is_newer() -> None:
    sessions = NodeSessions()
    older, newer = client(incarnation=2), client(incarnation=2)
    sessions.bind(older)
    assert sessions.bind(newer) is older


def test_a_lower_incarnation_changes_nothing() -> None:
    sessions = NodeSessions()
    newer, older = client(incarnation=2), client()
    sessions.bind(newer)
    with pytest.raises(RequestRefused) as refused:
        sessions.bind(older)
    assert refused.value.code == Code.SUPERSEDED
    assert sessions.at(b"s") is newer
    assert not newer.superseded


def test_only_the_client_that_a_session_is_on_takes_it_along() -> None:
    sessions = NodeSessions()
    older, newer = client(), client(incarnation=2)
    sessions.bind(older)
    sessions.bind(newer)
    assert not sessions.unbind(older)
    assert sessions.at(b"s") is newer
    assert sessions.unbind(newer)
    assert not sessions.unbind(newer)
    assert sessions.at(b"s") is None
    assert len(sessions) == 0


def test_sessions_do_not_touch_one_another() -> None:
    sessions = NodeSessions()
    one, other = client(b"1"), client(b"2")
    assert sessions.bind(one) is None
    assert sessions.bind(other) is None
    assert sessions.bind(one) is None
    assert set(sessions) == {one, other}


def test_of_equal_incarnations_the_one_with_the_later_move_is_newer() -> None:
    """A proxy that was left behind registers its clients anew, and is too late."""
    sessions = NodeSessions()
    left_behind, newer = client(moves=(1, 9)), client(moves=(2, 1))
    sessions.bind(newer)
    with pytest.raises(RequestRefused) as refused:
        sessions.bind(left_behind)
    assert refused.value.code == Code.SUPERSEDED
    assert sessions.at(b"s") is newer
    assert sessions.bind(client(incarnation=2)) is newer
