"""The load of all nodes together, as proxies behind this one hear of it."""

from __future__ import annotations

from ixproxy.core.announcing import SPACING, total_load
from ixproxy.messages import EventNodeLoad, RequestRegisterClient
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only


def load(queued: int, *media: str) -> EventNodeLoad:
    return EventNodeLoad(
        queues={TENANT: {"In": queued}},
        views={TENANT: {"In/All": queued, f"In/{queued}": queued}},
        media_types={TENANT: list(media)},
    )


def says(rig: Rig, node: NodeName, event: EventNodeLoad) -> None:
    rig.from_node(node, encode(event))


def test_queues_and_views_are_added_and_media_types_united() -> None:
    rig = Rig()
    says(rig, EAST, load(1, "email"))
    says(rig, NORTH, load(2, "email", "chat"))
    assert total_load(rig.core.state) == EventNodeLoad(
        queues={TENANT: {"In": 3}},
        views={TENANT: {"In/All": 3, "In/1": 1, "In/2": 2}},
        media_types={TENANT: ["chat", "email"]},
    )


def test_a_downstream_proxy_hears_of_it_when_it_registers_and_when_it_changes() -> None:
    rig = Rig()
    early, desk = rig.client("Proxy", client_name="proxy-2"), rig.client()
    says(rig, EAST, load(1, "email"))
    rig.tick(0.25)
    assert only(rig.got(early)).queues == {TENANT: {"In": 1}}
    late = rig.client("Proxy", client_name="proxy-3")
    assert not rig.got(late), "it came with the registration"
    says(rig, NORTH, load(2, "chat"))
    rig.tick(SPACING)
    for peer in (early, late):
        event = only(rig.got_frames(peer))
        assert event.client == 0
        assert decode(event).queues == {TENANT: {"In": 3}}
    assert not rig.got(desk), "clients hear nothing"


def test_a_proxy_that_registers_late_is_told_at_once() -> None:
    rig = Rig()
    says(rig, EAST, load(1, "email"))
    rig.tick(0.25)
    peer = rig.peer()
    rig.ask(peer, RequestRegisterClient(client_name="proxy-3", client_type="Proxy"))
    _, event = rig.got(peer)
    assert event.media_types == {TENANT: ["email"]}


def test_many_changes_are_one_announcement_a_second_and_none_is_lost() -> None:
    rig = Rig()
    peer = rig.client("Proxy", client_name="proxy-2")
    heard = []
    for number in range(1, 21):
        says(rig, EAST, load(number, "email"))
        rig.tick(0.1)
        heard += [event.queues[TENANT]["In"] for event in rig.got(peer)]
    rig.tick(SPACING)
    heard += [event.queues[TENANT]["In"] for event in rig.got(peer)]
    assert len(heard) <= 4
    assert heard[-1] == 20
    rig.tick(SPACING)
    assert not rig.got(peer), "what has not changed is not said again"


def test_what_waits_on_a_lost_node_does_not_count_but_what_it_may_hold_does() -> None:
    rig = Rig()
    peer = rig.client("Proxy", client_name="proxy-2")
    says(rig, EAST, load(1, "email"))
    says(rig, WEST, load(4, "chat"))
    rig.tick(SPACING)
    rig.got(peer)
    rig.lose(WEST)
    rig.tick(SPACING)
    event = only(rig.got(peer))
    assert event.queues == {TENANT: {"In": 1}}
    assert event.media_types == {TENANT: ["chat", "email"]}


def test_an_announcement_too_long_for_a_proxys_hop_is_left_out() -> None:
    rig = Rig(min_peer_frame=200)
    peer = rig.client("Proxy", client_name="proxy-2", max_frame=200)
    queues = {f"a queue with a long name {number}": 1 for number in range(50)}
    says(rig, EAST, EventNodeLoad(queues={TENANT: queues}))
    rig.tick(SPACING)
    assert not rig.got(peer)
