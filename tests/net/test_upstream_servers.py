"""An upstream with several servers: a node's pair, a pair of proxies, a cluster of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.core.clients import Peer
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.links import Link
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestGetInteractionProperties, RequestRegisterClient
from ixproxy.net.connection import PING
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.net.upstream import SILENT, Upstream
from ixproxy.values import NodeFacts, NodeName, Server
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.prefix import read_frame
from tests.core.rig import EAST, Rig, at
from tests.deferreds import result_of
from tests.net.scripted_servers import ScriptedServer, node, proxy

TIMES = LinkTimes()
INTERVAL = TIMES.probe


class Served:
    """An upstream with several servers, on a clock."""

    def __init__(self, facts: NodeFacts, *servers: ScriptedServer, chance: float = 0.5) -> None:
        self.clock = Clock()
        self.servers = dict(zip((each.name for each in facts.servers), servers, strict=True))
        self.core = Rig([facts], link=False).core
        self.name = facts.name
        self.performer = Performer(self.core, self.clock)
        self.upstream = Upstream(
            self.clock,
            lambda server: self.servers[server.name],
            facts,
            self.core,
            self.performer,
            TurnEnd(self.clock),
            KeepAlive(self.clock),
            chance=lambda: chance,
        )
        self.upstream.start()

    @property
    def link(self) -> Link:
        return self.core.link(self.name)

    @property
    def now(self) -> float:
        return self.clock.seconds()

    def run(self, seconds: float = 0.0) -> None:
        """Time passes, and the servers answer."""
        for _ in range(1 + round(seconds / 0.1)):
            self.clock.advance(0)
            for server in self.servers.values():
                server.answer()
            self.clock.advance(0.1 if seconds else 0)

    def stop(self) -> None:
        stopped = self.upstream.stop()
        result_of(stopped)
        assert not self.clock.getDelayedCalls()


def pair(mine: int, theirs: int) -> Served:
    """A node whose servers have leases of these epochs."""
    return Served(at(EAST, "a", "b"), node("east-0", mine), node("east-1", theirs))


def proxies(*servers: ScriptedServer, backup: bool = False, chance: float = 0.5) -> Served:
    named = [Server(each.facts.name, "") for each in servers]
    pairs = (tuple(named),) if backup else tuple((each,) for each in named)
    facts = NodeFacts(NodeName("proxies"), 0, frozenset({1}), pairs=pairs)
    return Served(facts, *servers, chance=chance)


def test_with_the_link_down_both_servers_of_a_pair_are_tried_in_turn() -> None:
    first, second = node("east-0", 5), node("east-1", 6)
    first.there = False
    served = Served(at(EAST, "a", "b"), first, second)
    served.run(0.2)
    assert served.link.linked
    assert served.link.server.name == "east-1"
    first.there, second.there = True, False
    second.lose()
    served.run(0.3)
    assert served.link.server.name == "east-0"
    served.stop()


def test_the_link_moves_to_the_newer_lease_and_what_was_in_flight_is_in_doubt() -> None:
    """Test idea 51: both servers of a pair claim to be primary."""
    served = pair(5, 6)
    served.run()
    assert served.link.server.epoch == 5
    heard = Heard()
    served.performer.connect(peer_of(served.core), heard)  # type: ignore[arg-type]
    served.run(INTERVAL + 0.5)
    answers = [_message(raw) for raw in heard.frames]
    assert [answer.error_code for answer in answers] == [Code.LOST_CONNECTION]
    assert answers[0].in_doubt
    assert served.link.linked
    assert served.link.server.epoch == 6
    assert served.servers["east-0"].transports[0].lost
    served.run(2 * INTERVAL)
    assert served.link.server.epoch == 6, "and it stays there"
    served.stop()


class Heard:
    """As much of a client's connection as receives."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send_all(self, frames: Sequence[bytes]) -> None:
        self.frames += frames


def _message(raw: bytes) -> Any:
    return decode(read_frame(raw))


def peer_of(core: ProxyCore) -> Peer:
    """A client with one request in flight on the node."""
    peer = core.peer_connected(1, 0.0)
    register = RequestRegisterClient(client_name="desk", client_type="AgentApplication")
    core.frames_received(1, [encode(register, reference=1)], 0.0)
    link = core.link(EAST)
    ((reference, _),) = list(link.pending)
    ack = encode(EventAck(proxy_client_id=1), reference=reference)
    core.node_frames_received(EAST, [ack], 0.0)
    core.state.owners.confirm(b"x", EAST)
    ask = RequestGetInteractionProperties(tenant_id=1, interaction_id="x")
    core.frames_received(1, [encode(ask, reference=2)], 0.0)
    core.take_outputs()
    peer.take()
    link.take()
    return peer


@pytest.mark.parametrize("theirs", [4, 5])
def test_a_server_without_a_newer_lease_does_not_move_the_link(theirs: int) -> None:
    served = pair(5, theirs)
    served.run(3 * INTERVAL)
    assert served.link.server.name == "east-0"
    assert served.servers["east-1"].attempts >= 2
    assert len(served.servers["east-0"].transports) == 1, "the link was never broken"
    served.stop()


def test_one_proxy_of_a_cluster_is_linked_and_another_when_it_is_lost() -> None:
    one, two = proxy("proxy1"), proxy("proxy2")
    served = proxies(one, two)
    served.run()
    assert (len(one.open), len(two.open)) == (1, 0)
    one.there = False
    one.lose()
    served.run(0.5)
    assert not two.open, "a pause by chance, and then the last one again"
    served.run(1.0)
    assert len(two.open) == 1
    assert served.link.server.name == "proxy2"
    served.stop()


def test_when_all_proxies_have_failed_there_is_a_long_pause() -> None:
    one, two = proxy("proxy1"), proxy("proxy2")
    one.there = two.there = False
    served = proxies(one, two, backup=True)
    served.run(10.0)
    assert (one.attempts, two.attempts) == (1, 1)
    served.run(2.0)
    assert (one.attempts, two.attempts) == (2, 2)
    two.there = True
    served.run(12.0)
    assert served.link.linked
    served.stop()


def test_a_proxy_that_leads_back_here_is_left_for_another() -> None:
    """Test idea 55, the loop guard, at the sockets."""
    loop, good = proxy("proxy1", "proxy"), proxy("proxy2")
    served = proxies(loop, good, backup=True)
    with capturedLogs() as captured:
        served.run(0.3)
    assert any("form a loop" in str(formatEvent(event)) for event in captured)
    assert not loop.open
    assert served.link.server.name == "proxy2"
    served.stop()


def test_a_server_that_does_not_accept_is_not_waited_for_where_there_is_another() -> None:
    one, two = proxy("proxy1"), proxy("proxy2")
    one.silent = True
    served = proxies(one, two)
    served.run(TIMES.patience + 0.2)
    assert served.link.server.name == "proxy2"
    served.stop()


def test_the_other_servers_may_change_under_a_link_that_stays() -> None:
    served = pair(5, 4)
    served.run()
    served.servers["east-9"] = node("east-9", 6)
    mine, _ = served.upstream._facts.servers
    assert served.upstream.follow(
        NodeFacts(EAST, 101, frozenset({1}), pairs=((Server("east-9", "z"), mine),))
    )
    assert len(served.servers["east-0"].transports) == 1
    served.run(INTERVAL + 0.2)
    assert served.link.server.name == "east-9", "the new one is watched"
    served.stop()


def test_a_link_to_a_server_that_is_no_longer_named_is_of_no_use() -> None:
    served = pair(5, 4)
    served.run()
    others = ((Server("x", "x"), Server("y", "y")),)
    assert not served.upstream.follow(NodeFacts(EAST, 101, frozenset({1}), pairs=others))
    served.stop()


def linked_to(served: Served) -> str:
    return served.link.server.name if served.link.linked else ""


@pytest.mark.parametrize("how", ["silent", "stopped"])
def test_a_server_that_hangs_does_not_delay_the_other_one(how: str) -> None:
    first, second = node("east-0", 5), node("east-1", 6)
    setattr(first, how, True)
    second.there = False
    served = Served(at(EAST, "a", "b"), first, second)
    served.run(20.0)
    second.there = True
    served.run(1.1)
    assert linked_to(served) == "east-1", "about a second after it listens"
    served.stop()


def test_a_server_that_accepts_and_does_not_answer_is_given_up() -> None:
    first, second = node("east-0", 5), node("east-1", 6)
    first.stopped, second.there = True, False
    served = Served(at(EAST, "a", "b"), first, second)
    served.run(TIMES.answer - 0.2)
    assert first.open == first.transports
    with capturedLogs() as captured:
        served.run(0.4)
    assert first.transports[0] not in first.open
    said = str(formatEvent(captured[0]))
    assert said == f"Node east (east-0) cannot be reached: {SILENT}"
    served.stop()


def test_a_node_without_a_backup_is_given_more_time_and_asked_for_ever() -> None:
    lone = node("east-0", 5)
    lone.stopped = True
    served = Served(at(EAST, "a"), lone)
    served.run(TIMES.patience - 0.2)
    assert lone.attempts == 1
    served.run(30.0)
    assert 5 <= lone.attempts <= 7, "each has five seconds"
    lone.stopped = False
    served.run(0.2)
    assert linked_to(served) == "east-0"
    served.stop()


def test_a_stopped_primary_is_left_when_the_other_one_takes_over() -> None:
    """Test idea 49 of the reference: with silence, before keep-alive finds it."""
    served = pair(5, 6)
    first, second = served.servers.values()
    second.there = False
    served.run(3.0)
    first.stopped = True
    served.run(10.0)
    assert linked_to(served) == "east-0", "nobody else is there, and it may wake up"
    second.there = True
    served.run(1.2)
    assert linked_to(served) == "east-1"
    first.stopped = False
    served.run(5.0)
    assert linked_to(served) == "east-1", "the older one is not gone back to"
    served.stop()


def test_a_link_on_which_requests_wait_in_silence_is_asked_whether_it_is_there() -> None:
    served = pair(5, 6)
    first, second = served.servers.values()
    second.there = False
    served.run(1.0)
    served.performer.connect(peer_of(served.core), Heard())  # type: ignore[arg-type]
    first.stopped = True
    served.run(2.5)
    (transport,) = first.open
    assert PING in transport.value()  # type: ignore[no-untyped-call]
    assert linked_to(served) == "east-0", "silence alone ends no link: keep-alive does"
    served.stop()


def test_a_node_that_answers_errors_to_everything_is_healthy() -> None:
    """What a node answers is no sign of its health, and neither is a long pull."""
    served = pair(5, 4)
    served.run(1.0)
    heard = Heard()
    peer = peer_of(served.core)
    served.performer.connect(peer, heard)  # type: ignore[arg-type]
    ask = RequestGetInteractionProperties(tenant_id=1, interaction_id="x")
    first = served.servers["east-0"]
    for number in range(50):
        code = (Code.BUSY, Code.STORE_FAILED)[number % 2]
        served.core.frames_received(1, [encode(ask, reference=10 + number)], served.now)
        served.performer.perform()
        served.clock.advance(0.2)
        for transport, frame in first.heard():
            answer = error_frame(code, client=frame.client, reference=frame.reference)
            transport.protocol.dataReceived(answer)
        served.servers["east-1"].answer()
    assert len(heard.frames) >= 50
    assert linked_to(served) == "east-0"
    assert (len(first.transports), served.link.pair.moves) == (1, 0)
    served.stop()


def test_another_node_where_the_other_server_should_be_is_reported_once() -> None:
    served = Served(at(EAST, "a", "b"), node("east-0", 5), node("west", 9, dbid=102))
    with capturedLogs() as captured:
        served.run(4.0)
    said = [str(formatEvent(event)) for event in captured]
    assert [line for line in said if "no use" in line] == [
        "east-1 is no use as the other server of node east: it is node west with database id 102"
    ]
    assert linked_to(served) == "east-0"
    served.stop()


def test_an_older_server_is_used_when_the_newer_one_is_gone_and_left_when_it_is_back() -> None:
    served = pair(5, 6)
    _, second = served.servers.values()
    served.run(2.0)
    assert linked_to(served) == "east-1"
    second.there = False
    second.lose()
    served.run(1.5)
    assert linked_to(served) == "east-0", "it can commit nothing, but nobody else answers"
    second.there = True
    served.run(1.2)
    assert linked_to(served) == "east-1"
    assert served.link.pair.moves == 3
    served.stop()


def test_a_reason_is_logged_once_for_each_server_however_often_they_are_tried() -> None:
    first, second = node("east-0", 5), node("east-1", 6)
    first.stopped, second.there = True, False
    with capturedLogs() as captured:
        served = Served(at(EAST, "a", "b"), first, second)
        served.run(30.0)
    said = [str(formatEvent(event)) for event in captured]
    assert len([line for line in said if "cannot be reached" in line]) == 2
    served.stop()
