"""The proxy's mind as a whole: nodes that go, time that passes, files that change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ixproxy.core.settings import Deployment
from ixproxy.core.submitting import Submitting
from ixproxy.effects import ClosePeer
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventPulledInteractions,
    EventRevoked,
    RequestGetInteractionProperties,
    RequestPull,
    RequestRegisterClient,
)
from ixproxy.values import NodeFacts
from ixproxy.wire.frames import Skipped
from tests.core.rig import EAST, NORTH, SOUTH, TENANT, WEST, Rig, decode, facts, only
from tests.core.storm import Storm

GET = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")
SESSION = b"s" * 16


def change(rig: Rig, *nodes: NodeFacts) -> None:
    """The deployment file names these nodes now."""
    deployment = Deployment(rig.deployment.tenants, {node.name: node for node in nodes})
    rig.core.configuration_changed(rig.core.state.settings, deployment, rig.strategies, rig.now)
    rig.to_node = {node.name: rig.to_node.get(node.name, []) for node in nodes}
    rig.numbers = {node.name: rig.numbers.get(node.name, 0) for node in nodes}
    rig.pump()


def test_what_a_lost_node_holds_is_revoked_after_the_grace() -> None:
    """Test idea 56, the proxy's half: no ghosts on desktops."""
    rig = Rig(node_loss_grace=5.0)
    peer = rig.client()
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="Q1/All"))
    node = only([n for n, frames in rig.to_node.items() if frames])
    taken = EventPulledInteractions(interactions={"a": {}}, take_numbers={"a": 3})
    rig.answer(node, only(rig.sent(node)), taken)
    rig.got(peer)
    rig.lose(node)
    rig.tick(4.0)
    assert not rig.got(peer)
    rig.tick(2.0)
    revoked = only(rig.got(peer))
    assert isinstance(revoked, EventRevoked)
    assert revoked.interaction_id == "a"
    assert revoked.reason is not None
    assert revoked.reason.reason_system_name == "NodeLost"
    assert revoked.extension, "it is marked as the proxy's own"
    assert not only(list(rig.core.state.clients)).holding
    rig.tick(60.0)
    assert not rig.got(peer), "once"


def test_a_take_that_nobody_heard_of_is_not_listed_when_the_node_returns() -> None:
    """Test idea 18 in full: the node finds that the session does not have it."""
    rig = Rig()
    peer = rig.client(session=SESSION)
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="Q1/All"))
    node = only([n for n, frames in rig.to_node.items() if frames])
    rig.lose(node)
    assert only(rig.got(peer)).in_doubt
    rig.core.node_connected(node, rig.now)
    rig.pump()
    listed = []
    while frames := rig.to_node[node]:
        listed += [m for m in map(decode, frames) if isinstance(m, RequestRegisterClient)]
        rig.accept(node)
        if rig.core.link(node).linked:
            break
    registration = only([each for each in listed if each.client_type != "Proxy"] or [None])
    assert registration is None or registration.holding == {}


def test_nodes_come_and_go_while_clients_stay() -> None:
    """Test idea 64: add a node, remove one, remove one that owns cached ids."""
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", WEST)
    change(rig, facts(EAST), facts(NORTH), facts(SOUTH))
    rig.link(SOUTH)
    assert rig.core.link(SOUTH).linked
    assert len(rig.core.link(SOUTH).clients) == 1
    rig.ask(peer, GET)
    for node in (EAST, NORTH, SOUTH):
        rig.located(node, found=node == SOUTH)
    assert decode(only(rig.sent(SOUTH))) == GET
    change(rig, facts(EAST))
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.ask(peer, GET)
    rig.located(EAST, found=False)
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_INTERACTION


def test_options_change_live() -> None:
    rig = Rig()
    settings = replace(rig.core.state.settings, interaction_cache_size=100, fast_path=False)
    rig.core.configuration_changed(settings, rig.deployment, rig.strategies, rig.now)
    assert rig.core.state.owners.size == 100
    assert all(link.linked for link in rig.core.state.links.values())


def test_what_is_no_frame_is_answered_and_the_peer_closed() -> None:
    rig = Rig()
    peer = rig.client()
    problem = RemoteProtocolError(Code.BAD_FRAME, "magic is 0x16, 0xe1 expected", fatal=True)
    rig.core.peer_broken(peer, problem, rig.now)
    rig.pump()
    assert only(rig.got(peer)).error_code == Code.BAD_FRAME
    assert ClosePeer(peer, problem.description) in rig.effects
    rig.core.peer_broken(99, problem, rig.now)


def test_an_over_long_frame_is_answered_and_skipped() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.frames_received(peer, [Skipped(1, 0, 77, 1 << 30, 1 << 20)], rig.now)
    rig.pump()
    frame = only(rig.got_frames(peer))
    assert frame.reference == 77
    assert decode(frame).error_code == Code.TOO_LARGE


def test_inputs_about_who_is_gone_are_harmless() -> None:
    rig = Rig()
    rig.core.frames_received(99, [b""], rig.now)
    rig.core.peer_lost(99, rig.now)
    rig.core.node_lost(SOUTH, rig.now)
    rig.core.node_frames_received(SOUTH, [b""], rig.now)
    rig.lose(EAST)
    rig.core.node_lost(EAST, rig.now)
    rig.pump()


PARKING: dict[str, float] = {
    "parking_window": 20.0,
    "parking_rate": 1,
    "max_parked": 9,
    "max_parked_per_node": 5,
}


# A failure says which seed to run again.
@pytest.mark.parametrize("parking", [{}, PARKING], ids=["", "parking"])
@pytest.mark.parametrize("seed", range(60))
def test_in_a_storm_every_request_has_one_answer_and_nothing_stays_behind(
    seed: int, parking: dict[str, float]
) -> None:
    """Test idea 53, and what waits, joins, leaves and changes at the same time."""
    storm = Storm(seed, fast_path=bool(seed % 2), **parking)
    storm.blow(300)
    storm.calm()
    assert storm.faults() == []
    storm.end()
    assert storm.remains() == []


@pytest.mark.parametrize("parking", [{}, PARKING], ids=["", "parking"])
@pytest.mark.parametrize("seed", range(60, 80))
def test_a_storm_puts_out_the_same_bytes_on_either_path(
    seed: int, parking: dict[str, float]
) -> None:
    fast, slow = (Storm(seed, fast_path=on, **parking) for on in (True, False))
    for storm in (fast, slow):
        storm.blow(300)
        storm.calm()
    assert fast.transcript == slow.transcript


def test_storms_are_strong_enough() -> None:
    told: Counter[str] = Counter()
    for seed in range(20):
        storm = Storm(seed, fast_path=True)
        storm.blow(300)
        storm.calm()
        told += storm.state.counters + storm.seen
    wanted = {"takes cancelled", "time-outs", "late answers", "busy", "located", "greetings"}
    wanted |= {"reset", "events for nobody", "refused 2002", "refused 2003", "refused 2004"}
    wanted |= {"refused 2005", "refused 3000", "refused 3001", "refused 3009"}
    assert {name: told[name] for name in wanted if told[name] < 5} == {}


def test_much_waits_for_nodes_in_a_storm() -> None:
    told: Counter[str] = Counter()
    for seed in range(60):
        storm = Storm(seed, fast_path=True, **PARKING)
        storm.blow(300)
        storm.calm()
        told += storm.state.counters
    wanted = {f"parked and {what}" for what in ("handed on", "given up", "dropped")}
    assert {name: told[name] for name in wanted if told[name] < 5} == {}


def test_one_fault_in_the_mind_is_found_by_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Submitting, "_end", lambda _: None)
    found: list[str] = []
    for seed in range(20):
        storm = Storm(seed, fast_path=True)
        storm.blow(150)
        storm.calm()
        found += storm.faults()
    assert any("in flight" in fault for fault in found)


def test_a_name_that_means_another_node_says_no_longer_where_interactions_are() -> None:
    """Test idea 64: nodes change places while one owns cached ids and clients hold its work."""
    rig = Rig()
    desk = rig.client()
    client = rig.core.state.clients.peers[desk].clients[0]
    client.took("a", 5, EAST)
    client.took("b", 6, WEST)
    rig.core.state.owners.confirm(b"a", EAST)
    swapped = {
        **rig.deployment.nodes,
        EAST: replace(rig.deployment.nodes[EAST], dbid=102),
        NORTH: replace(rig.deployment.nodes[NORTH], dbid=101),
    }
    rig.core.configuration_changed(
        rig.core.state.settings, replace(rig.deployment, nodes=swapped), rig.strategies, rig.now
    )
    assert client.holding == {"a": (5, None), "b": (6, WEST)}
    assert rig.core.state.owners.of(b"a") is None
    assert list(rig.core.state.unconfirmed) == [client]
