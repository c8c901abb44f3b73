"""How a proxy is, as far as its mind knows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ixproxy.core.link_states import State
from ixproxy.core.pairs import Event
from ixproxy.core.status import MOST_QUEUES
from ixproxy.effects import CompleteStatus
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventNodeLoad,
    EventServerStatus,
    EventWorkbinTypesInfo,
    LinkStatus,
    ProxyStatus,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestRegisterClient,
    RequestServerStatus,
    RequestUnregisterClient,
    RequestWorkbinTypesInfo,
)
from ixproxy.values import ClientType
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import Flag
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, at, facts, only

OBSERVING = RequestRegisterClient(
    client_name="ixctl", client_type="AgentApplication", extension={"observer": 1}
)


def ask(rig: Rig, peer: int) -> EventServerStatus:
    """Ask, and complete the status with nothing."""
    rig.effects.clear()
    reference = rig.ask(peer, RequestServerStatus())
    effect = only(rig.effects)
    assert isinstance(effect, CompleteStatus)
    assert effect.reference == reference
    rig.core.status_completed(effect.peer, effect.client, effect.reference, effect.status)
    rig.pump()
    answer = only(rig.got(peer))
    assert isinstance(answer, EventServerStatus)
    return answer


def proxy_of(status: EventServerStatus) -> ProxyStatus:
    assert status.proxy_status is not None
    return status.proxy_status


def link_of(status: EventServerStatus, node: str) -> LinkStatus:
    return next(link for link in proxy_of(status).links if link.node == node)


@pytest.mark.parametrize("client_type", list(ClientType))
def test_every_client_may_ask_and_gets_one_answer(client_type: ClientType) -> None:
    rig = Rig()
    status = ask(rig, rig.client(client_type))
    assert (status.name, status.role, status.path) == ("proxy", "proxy", ["proxy"])
    assert status.tenants == [TENANT]
    assert status.clients_by_type == {client_type: 1}
    assert {link.state for link in proxy_of(status).links} == {"linked"}
    for name in (EAST, NORTH, WEST):
        assert rig.sent(name) == [], "nobody else is asked"


def test_who_wants_no_reply_gets_none_and_may_use_the_reference_again() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestServerStatus(), flags=Flag.NO_REPLY, reference=9)
    assert rig.effects == [] or not isinstance(rig.effects[-1], CompleteStatus)
    rig.ask(peer, RequestServerStatus(), reference=9)
    rig.ask(peer, RequestServerStatus(), reference=9)
    assert rig.got(peer) == []


def test_a_status_for_who_has_left_meanwhile_goes_nowhere() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestServerStatus())
    effect = rig.effects[-1]
    rig.hang_up(peer)
    rig.core.status_completed(peer, 0, effect.reference, effect.status)
    rig.pump()
    assert rig.got(peer) == []


def test_a_link_says_since_when_it_is_lost_and_why() -> None:
    rig = Rig()
    peer = rig.client()
    rig.tick(5)
    rig.core.node_lost(EAST, rig.now, "the cable broke")
    rig.pump()
    rig.tick(2)
    east = link_of(ask(rig, peer), EAST)
    assert (east.state, east.seconds, east.problem) == ("down", 2.0, "the cable broke")
    rig.core.node_unreachable(EAST, "connection refused", rig.now)
    rig.core.node_unreachable("nobody", "x", rig.now)  # type: ignore[arg-type]
    rig.tick(1)
    east = link_of(ask(rig, peer), EAST)
    assert (east.seconds, east.problem) == (3.0, "connection refused")
    rig.link(EAST)
    rig.tick(4)
    east, north = (link_of(ask(rig, peer), name) for name in (EAST, NORTH))
    assert (east.state, east.seconds, east.clients, east.epoch) == ("linked", 4.0, 1, 1)
    assert east.problem == "connection refused", "why it was lost last"
    assert (north.seconds, north.problem) == (12.0, "")


def test_a_node_that_never_was_there_has_no_since() -> None:
    rig = Rig(link=False)
    rig.link(EAST)
    status = ask(rig, rig.client())
    assert link_of(status, WEST).seconds is None
    assert link_of(status, WEST).state == "down"


def test_a_link_says_which_server_of_the_pair_is_used_and_what_the_other_is() -> None:
    rig = Rig([at(EAST, "a", "b")], link=False)
    peer = rig.client()
    east = link_of(ask(rig, peer), EAST)
    assert (east.server, east.endpoint, east.other) == ("east-0", "a", "east-1")
    assert (east.other_state, east.moves) == ("unknown", 0)
    rig.core.node_unreachable(EAST, "connection refused", rig.now)
    rig.pump()
    east = link_of(ask(rig, peer), EAST)
    assert (east.server, east.endpoint, east.other) == ("east-1", "b", "east-0")
    assert (east.other_state, east.left) == ("refused", "connection refused")
    rig.link(EAST)
    rig.core.link(EAST).pair.happened(State.LINKED, Event.OTHER_NEWER, "it is older")
    rig.core.node_lost(EAST, rig.now, "moved")
    rig.link(EAST)
    east = link_of(ask(rig, peer), EAST)
    assert (east.server, east.left, east.moves) == ("east-0", "it is older", 1)


def test_a_node_without_a_backup_has_no_other_server() -> None:
    rig = Rig([at(EAST, "a")])
    east = link_of(ask(rig, rig.client()), EAST)
    assert (east.server, east.other, east.other_state) == ("east-0", "", "")


def test_load_is_told_by_queue_and_the_longest_queues_first() -> None:
    rig = Rig()
    peer = rig.client()
    queues = {f"Q{number}": number for number in range(1000)}
    rig.from_node(EAST, encode(EventNodeLoad(queues={TENANT: queues})))
    east = link_of(ask(rig, peer), EAST)
    assert east.backlog == sum(queues.values())
    assert next(iter(east.queues[TENANT])) == "Q999"
    assert len(east.queues[TENANT]) == MOST_QUEUES // 3


def test_what_is_in_flight_is_counted_and_counted_down() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestWorkbinTypesInfo(tenant_id=TENANT))
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="somewhere"))
    status = ask(rig, peer)
    assert (status.in_flight, proxy_of(status).gatherings, proxy_of(status).locates) == (6, 1, 1)
    pending = next(limit for limit in status.limits if limit.name == "max-pending-per-node")
    assert (pending.used, pending.allowed, pending.node) == (2, 50_000, EAST)
    for name in (EAST, NORTH, WEST):
        for frame in rig.sent(name):
            if frame.client:
                rig.answer(name, frame, EventWorkbinTypesInfo())
    rig.got(peer)
    rig.tick(60)
    rig.got(peer)
    status = ask(rig, peer)
    assert (status.in_flight, proxy_of(status).gatherings, proxy_of(status).locates) == (0, 0, 0)


def test_gatherings_that_nodes_are_lost_to_are_over() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestFindInteractions(tenant_id=TENANT))
    assert proxy_of(ask(rig, peer)).gatherings == 1
    for name in (EAST, NORTH, WEST):
        rig.lose(name)
    rig.got(peer)
    assert proxy_of(ask(rig, peer)).gatherings == 0


def test_clients_that_go_are_counted_no_more() -> None:
    rig = Rig()
    one, other = rig.client("MediaServer"), rig.client("MediaServer")
    asking = rig.client("ReportingEngine")
    assert ask(rig, asking).clients_by_type == {"MediaServer": 2, "ReportingEngine": 1}
    rig.hang_up(one)
    rig.hang_up(other)
    assert ask(rig, asking).clients_by_type == {"ReportingEngine": 1}


def test_what_a_node_may_take_is_said() -> None:
    rig = Rig([facts(EAST, media_types=frozenset({"chat"}), enable_submit=False), facts(NORTH)])
    status = ask(rig, rig.client())
    assert link_of(status, EAST).media_types == ["chat"]
    assert not link_of(status, EAST).enable_submit
    assert link_of(status, NORTH).media_types is None


def test_an_observer_is_known_to_this_proxy_alone_and_may_ask_whatever_nodes_do() -> None:
    rig = Rig(max_clients=1)
    rig.client()
    peer = rig.peer()
    rig.ask(peer, OBSERVING)
    ack = only(rig.got(peer))
    assert ack.server.role == "proxy"
    for name in (EAST, NORTH, WEST):
        assert rig.sent(name) == []
    status = ask(rig, peer)
    assert sum(status.clients_by_type.values()) == 2, "one more than is allowed"
    rig.lose(EAST)
    rig.core.node_connected(EAST, rig.now)
    rig.pump()
    rig.accept(EAST)
    assert link_of(ask(rig, peer), EAST).clients == 1, "no node is told of it later, either"
    rig.ask(peer, RequestFindInteractions(tenant_id=TENANT))
    assert only(rig.got(peer)).error_code == Code.NOT_ALLOWED
    rig.ask(peer, RequestUnregisterClient())
    assert isinstance(only(rig.got(peer)), EventAck)
    assert all(rig.sent(name) == [] for name in (EAST, NORTH, WEST))


def test_an_observer_takes_no_session_from_anybody() -> None:
    rig = Rig()
    session = b"s" * 16
    owner = rig.client(session=session, incarnation=1)
    peer = rig.peer()
    rig.ask(peer, replace(OBSERVING, session=session, incarnation=9, holding={"x": 1}))
    assert only(rig.got(peer)).held == {}
    rig.ask(owner, RequestWorkbinTypesInfo(tenant_id=TENANT))
    assert rig.got(owner) == [], "it is not superseded"


def test_behind_a_proxy_an_observer_is_like_any_other() -> None:
    rig = Rig()
    downstream = rig.client("Proxy")
    rig.ask(downstream, OBSERVING)
    assert all(len(rig.sent(name)) == 1 for name in (EAST, NORTH, WEST))
