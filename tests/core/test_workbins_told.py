"""What nodes are told of workbins, whoever comes, goes, refuses or keeps silent meanwhile."""

from __future__ import annotations

import pytest

from ixproxy.core.settings import Deployment
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    Workbin,
)
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import EAST, NORTH, WEST, Rig, decode, facts, only
from tests.core.workbins import (
    CHANGES,
    NODES,
    STOPS,
    TEAM,
    accept,
    asked,
    begin,
    cancel,
    changed,
    listen,
    listeners,
    listening,
    nothing,
    tell,
)


def test_a_node_that_returns_is_told_before_it_is_offered() -> None:
    rig, peer = listening(CHANGES)
    rig.lose(WEST)
    tell(rig, changed(), EAST)
    assert only(rig.got(peer)) == changed()
    rig.link(WEST)
    assert not rig.core.link(WEST).linked
    accept(rig, listen(CHANGES), WEST)
    assert rig.core.link(WEST).linked
    tell(rig, changed(), WEST)
    assert only(rig.got(peer)) == changed()


def test_many_workbins_are_told_to_a_returning_node_some_at_a_time() -> None:
    rig = Rig(replay_window=3)
    peer = rig.client()
    bins = [Workbin(workbin_type_id="Drafts", workbin_agent_id=f"a{n}") for n in range(8)]
    for each in bins:
        begin(rig, peer, workbin=each)
    rig.lose(WEST)
    rig.link(WEST)
    told: list[Workbin] = []
    while waiting := rig.sent(WEST):
        assert len(waiting) <= 3
        assert not rig.core.link(WEST).linked
        for frame in waiting:
            told.append(decode(frame).workbin)
            rig.answer(WEST, frame, EventAck())
    assert told == bins
    assert rig.core.link(WEST).linked


def test_what_changes_while_a_node_is_told_is_told_before_it_is_linked() -> None:
    rig, peer = listening()
    rig.lose(WEST)
    rig.link(WEST)
    frame = asked(rig, WEST)
    rig.ask(peer, cancel())
    accept(rig, cancel(), EAST, NORTH)
    rig.answer(WEST, frame, EventAck())
    accept(rig, cancel(), WEST)
    assert rig.core.link(WEST).linked
    assert listeners(rig) == 0


def test_one_node_that_refuses_undoes_it_on_the_others() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, listen())
    rig.refuse(WEST, asked(rig, WEST), Code.UNKNOWN_OWNER)
    accept(rig, listen(), EAST, NORTH)
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_OWNER
    accept(rig, cancel(), EAST, NORTH)
    assert not rig.sent(WEST)
    assert listeners(rig) == 0


def test_who_wishes_for_more_in_vain_does_not_take_it_from_those_who_listen() -> None:
    rig, first = listening()
    second = rig.client()
    rig.ask(second, listen(CHANGES))
    rig.refuse(WEST, asked(rig, WEST), Code.UNKNOWN_WORKBIN)
    accept(rig, listen(CHANGES), EAST, NORTH)
    assert only(rig.got(second)).error_code == Code.UNKNOWN_WORKBIN
    accept(rig, listen())
    tell(rig, changed())
    assert only(rig.got(first)) == changed()
    assert rig.got(second) == []


def test_a_node_lost_on_the_way_is_away_and_with_all_lost_it_is_in_doubt() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, listen())
    rig.lose(WEST)
    accept(rig, listen(), EAST, NORTH)
    assert only(rig.got(peer)) == EventAck()
    rig.ask(peer, listen(workbin=TEAM))
    for node in (EAST, NORTH):
        rig.lose(node)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.ask(peer, listen(workbin=TEAM))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    assert listeners(rig) == 1


def test_a_silent_node_is_told_again_until_it_answers() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, listen())
    accept(rig, listen(), EAST, NORTH)
    rig.sent(WEST)
    rig.tick(31.0)
    assert only(rig.got(peer)) == EventAck(), "it is told, as when it returns"
    rig.sent(WEST)
    rig.tick(31.0)
    rig.tick(0.3)
    rig.refuse(WEST, rig.sent(WEST)[-1], Code.BUSY)
    rig.tick(0.3)
    accept(rig, listen(), WEST)
    rig.tick(1.0)
    assert nothing(rig)


def test_an_end_that_a_node_could_not_hear_is_told_again() -> None:
    rig, peer = listening()
    rig.ask(peer, cancel())
    accept(rig, cancel(), EAST, NORTH)
    rig.refuse(WEST, asked(rig, WEST), Code.BUSY)
    rig.tick(0.3)
    rig.refuse(WEST, asked(rig, WEST), Code.NOT_SUBSCRIBED)
    rig.tick(0.3)
    assert nothing(rig)
    assert listeners(rig) == 0


def test_a_full_node_is_busy_for_who_begins_and_told_later_of_who_ends() -> None:
    rig, peer = listening()
    rig.core.link(WEST).full = True
    rig.ask(peer, listen(workbin=TEAM))
    assert only(rig.got(peer)).error_code == Code.BUSY
    assert nothing(rig)
    rig.ask(peer, cancel())
    assert only(rig.got(peer)) == EventAck()
    accept(rig, cancel(), EAST, NORTH)
    rig.tick(0.3)
    assert nothing(rig)
    rig.core.link(WEST).full = False
    rig.tick(0.3)
    accept(rig, cancel(), WEST)
    assert listeners(rig) == 0


def test_a_node_that_came_meanwhile_is_told_too() -> None:
    rig = Rig()
    peer = rig.client()
    rig.lose(WEST)
    rig.ask(peer, listen())
    rig.link(WEST)
    accept(rig, listen(), WEST)
    assert rig.core.link(WEST).linked
    accept(rig, listen(), EAST, NORTH)
    assert only(rig.got(peer)) == EventAck()
    assert nothing(rig)


def test_what_is_asked_while_nodes_are_asked_waits_for_its_turn() -> None:
    rig = Rig()
    first, second, gone = rig.client(), rig.client(), rig.client()
    rig.ask(first, listen())
    rig.ask(second, listen())
    rig.ask(gone, listen(STOPS))
    rig.ask(first, cancel())
    assert rig.got(first) == rig.got(second) == []
    rig.hang_up(gone)
    for node in NODES:
        (frame, _) = rig.sent(node)
        rig.answer(node, frame, EventAck())
    assert rig.got(first) == [EventAck(), EventAck()]
    assert rig.got(second) == [EventAck()]
    assert nothing(rig)
    tell(rig, changed())
    assert rig.got(first) == []
    assert only(rig.got(second)) == changed()


def test_who_waited_too_long_is_told_so() -> None:
    rig = Rig()
    first, second, third = (rig.client() for _ in range(3))
    rig.ask(first, listen())
    rig.ask(second, listen(), ttl=1000)
    reference = rig.ask(third, listen())
    rig.raw(third, write_frame(Kind.CANCEL, 0, reference=reference))
    rig.now += 2.0
    accept(rig, listen())
    assert only(rig.got(first)) == EventAck()
    assert only(rig.got(second)).error_code == Code.EXPIRED
    assert only(rig.got(third)).error_code == Code.CANCELLED


def test_who_left_while_nodes_were_asked_listens_to_nothing() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, listen())
    rig.hang_up(peer)
    for node in NODES:
        for frame in rig.sent(node):
            rig.answer(node, frame, EventAck())
    accept(rig, cancel())
    assert listeners(rig) == 0


def test_too_many_who_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.workbins.MOST_WAITING", 1)
    rig = Rig()
    peers = [rig.client() for _ in range(3)]
    for peer in peers:
        rig.ask(peer, listen())
    assert only(rig.got(peers[2])).error_code == Code.BUSY


def test_a_node_that_has_a_tenant_from_now_on_is_told() -> None:
    rig = Rig([facts(EAST), facts(NORTH), facts(WEST, tenants=frozenset({2}))])
    peer = rig.client()
    rig.ask(peer, listen())
    accept(rig, listen(), EAST, NORTH)
    deployment = Deployment(rig.deployment.tenants, {**rig.deployment.nodes, WEST: facts(WEST)})
    settings = rig.core.state.settings
    rig.core.configuration_changed(settings, deployment, rig.strategies, rig.now)
    rig.tick(0.3)
    accept(rig, listen(), WEST)
