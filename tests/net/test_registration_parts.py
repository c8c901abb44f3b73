from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestRegisterClient
from ixproxy.net import registration_parts
from ixproxy.net.node_peers import NodePeer
from ixproxy.net.registration_parts import RegistrationParts

NOWHERE: Any = None


def part(first: int, count: int, *, more: bool, session: bytes = b"s") -> RequestRegisterClient:
    return RequestRegisterClient(
        client_name="c",
        client_type="RoutingEngine",
        session=session,
        holding={f"id{number}": number for number in range(first, first + count)},
        holding_continues=more,
    )


def refused(parts: RegistrationParts, peer: NodePeer, at: int, part: RequestRegisterClient) -> int:
    with pytest.raises(RequestRefused) as caught:
        parts.add(peer, at, part)
    return caught.value.code


def test_a_registration_in_one_part_is_whole() -> None:
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    only = part(0, 3, more=False)
    assert parts.add(peer, 1, only) is only
    assert (parts.listed, peer.parts) == (0, {})


def test_many_parts_come_together_and_cost_no_more_than_their_ids() -> None:
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    kept = []
    for number in range(20_000):
        assert parts.add(peer, 7, part(5 * number, 5, more=True)) is None
        kept.append(peer.parts[7].holding)
    # It is one dictionary that grows: copies would cost the square of what is listed.
    assert len({id(holding) for holding in kept}) == 1
    assert parts.listed == 100_000
    whole = parts.add(peer, 7, part(100_000, 1, more=False))
    assert whole is not None
    assert whole.holding == {f"id{number}": number for number in range(100_001)}
    assert (parts.listed, peer.parts) == (0, {})


def test_registrations_of_one_peer_do_not_mix() -> None:
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    parts.add(peer, 1, part(0, 1, more=True, session=b"a"))
    parts.add(peer, 2, part(5, 1, more=True, session=b"b"))
    whole = parts.add(peer, 1, part(1, 1, more=False, session=b"a"))
    assert whole is not None
    assert whole.holding == {"id0": 0, "id1": 1}
    assert parts.listed == 1


def test_a_part_of_another_session_ends_the_registration() -> None:
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    parts.add(peer, 1, part(0, 2, more=True, session=b"a"))
    assert refused(parts, peer, 1, part(2, 2, more=True, session=b"b")) == Code.BAD_ATTRIBUTE
    assert (parts.listed, peer.parts) == (0, {})


def test_one_peer_may_list_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_parts, "MAX_HOLDING", 5)
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    parts.add(peer, 1, part(0, 3, more=True))
    assert refused(parts, peer, 2, part(3, 3, more=True)) == Code.LIMIT_REACHED
    assert refused(parts, peer, 2, part(3, 3, more=False)) == Code.LIMIT_REACHED
    assert refused(parts, peer, 1, part(3, 3, more=False)) == Code.LIMIT_REACHED
    assert (parts.listed, peer.parts) == (0, {})
    assert parts.add(peer, 1, part(0, 5, more=False)) is not None


def test_one_peer_may_have_so_many_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_parts, "MAX_UNFINISHED", 2)
    parts, peer = RegistrationParts(), NodePeer(NOWHERE)
    for reference in (1, 2):
        parts.add(peer, reference, part(0, 1, more=True))
    assert refused(parts, peer, 3, part(0, 1, more=True)) == Code.LIMIT_REACHED


def test_all_peers_together_may_list_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_parts, "MAX_LISTED", 5)
    parts, one, other = RegistrationParts(), NodePeer(NOWHERE), NodePeer(NOWHERE)
    parts.add(one, 1, part(0, 3, more=True))
    assert refused(parts, other, 1, part(0, 3, more=True)) == Code.LIMIT_REACHED
    assert parts.add(other, 1, part(0, 3, more=False)) is not None
    parts.forget(one)
    assert parts.listed == 0
    parts.add(other, 1, part(0, 3, more=True))
