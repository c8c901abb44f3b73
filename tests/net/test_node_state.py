from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import RequestSubmit
from ixproxy.net.node_peers import Asking
from tests.net.node_rig import NodeRig

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")


def test_the_facts_are_those_of_this_moment(rig: NodeRig) -> None:
    before = rig.server.state.facts()
    rig.client("MediaServer").ask(SUBMIT)
    after = rig.server.state.facts()
    assert (after.name, after.role, after.dbid, after.epoch) == ("node1", "node", 101, 1)
    assert after.last_event_number > before.last_event_number


def test_who_works_for_all_tenants_works_for_new_ones_too(rig: NodeRig) -> None:
    rig.client("MediaServer", session=b"1" * 16)
    rig.client("MediaServer", session=b"2" * 16, tenants=[1])
    rig.server.state.use_tenants(frozenset({1, 2}))
    every, one = (rig.server.state.sessions.at(each * 16) for each in (b"1", b"2"))
    assert every is not None
    assert one is not None
    assert every.sender.tenants == {1, 2}
    assert one.sender.tenants == {1}
    assert rig.server.state.facts().tenants == [1, 2]


def test_a_refusal_settles_its_request_even_where_nobody_listens(rig: NodeRig) -> None:
    peer = rig.client("MediaServer", session=b"1" * 16)
    client = rig.server.state.sessions.at(b"1" * 16)
    assert client is not None
    asking = client.asked[7] = Asking(client, 7, 1e9, silent=True)
    rig.server.state.refuse(asking, Code.BUSY)
    rig.settle()
    assert client.asked == {}
    assert peer.answers(7) == []
    peer.lose()
    asking = client.asked[8] = Asking(client, 8, 1e9, silent=False)
    rig.server.state.refuse(asking, Code.BUSY)
    assert client.asked == {}


def test_what_a_lost_client_asked_is_done_all_the_same(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    rig.writer.paused = True
    peer.send(SUBMIT)
    rig.settle()
    peer.send(SUBMIT)
    rig.settle()
    peer.lose()
    rig.writer.resume()
    rig.settle()
    assert len(rig.rows("interactions")) == 2
