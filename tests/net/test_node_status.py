"""How a node is, whatever its writer does."""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventNodeLoad,
    EventServerStatus,
    NodeStatus,
    RequestPing,
    RequestPull,
    RequestServerStatus,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_status import queues_of
from ixproxy.node.work import Announce
from ixproxy.wire.prefix import Flag
from tests.net.node_rig import NodeRig


def node_of(status: EventServerStatus) -> NodeStatus:
    assert status.node_status is not None
    return status.node_status


def test_a_node_tells_what_it_has(rig: NodeRig) -> None:
    mail = rig.client("MediaServer")
    for _ in range(3):
        mail.ask(RequestSubmit(tenant_id=1, media_type="email", queue="In"))
    router = rig.client("RoutingEngine")
    router.ask(RequestPull(tenant_id=1, view_id="In/All", number_of_interactions=1))
    rig.run(3)
    status = mail.ask(RequestServerStatus())
    assert isinstance(status, EventServerStatus)
    assert (status.role, status.tenants, status.peers) == ("node", [1], 2)
    assert status.clients_by_type == {"MediaServer": 1, "RoutingEngine": 1}
    found = node_of(status)
    assert found.interactions == 3
    (queue,) = found.queues
    assert (queue.queue, queue.waiting) == ("In", 2)
    assert sum(queue.states.values()) == 3
    assert queue.states["queued"] == 2
    assert (found.sessions, found.sessions_lost, found.agents_logged_in) == (2, 0, 0)
    assert found.writer.batches > 0
    assert found.last_event_number > 0
    assert found.epoch == 1


def test_it_answers_while_the_writer_is_stuck(rig: NodeRig) -> None:
    client = rig.client("MediaServer")
    rig.writer.paused = True
    stuck = client.send(RequestPing())
    rig.settle()
    client.send(RequestPing())
    rig.run(7)
    found = node_of(client.ask(RequestServerStatus()))
    assert found.writer.busy_seconds >= 7
    assert found.writer.waiting == 1
    rig.writer.resume()
    rig.settle()
    assert client.answer(stuck)


def test_it_is_never_refused_as_busy() -> None:
    rig = NodeRig(limits=NodeLimits(max_current_request_queue_size=1)).start()
    client = rig.client("MediaServer")
    rig.writer.paused = True
    client.send(RequestPing())
    rig.settle()
    client.send(RequestPing())
    assert client.ask(RequestPing()).error_code == 3000
    status = client.ask(RequestServerStatus())
    limit = next(each for each in status.limits if each.name == "max-current-request-queue-size")
    assert (limit.used, limit.allowed) == (1, 1)
    assert status.counters["busy"] == 1
    rig.writer.resume()
    rig.settle()


def test_who_wants_no_reply_gets_none(rig: NodeRig) -> None:
    client = rig.client("MediaServer")
    reference = client.send(RequestServerStatus(), flags=Flag.NO_REPLY)
    rig.settle()
    assert client.answers(reference) == []


def test_sessions_that_may_come_back_are_counted_apart(rig: NodeRig) -> None:
    lost = rig.client("MediaServer", session=b"s" * 16)
    lost.lose()
    rig.run(1)
    client = rig.client("AgentApplication")
    found = node_of(client.ask(RequestServerStatus()))
    assert (found.sessions, found.sessions_lost) == (1, 1)


def test_only_the_fullest_queues_are_named() -> None:
    states = {(1, f"Q{n}", state): n for n in range(1, 6) for state in (0, 3)}
    counted = Announce(EventNodeLoad(queues={1: {"Q5": 4}}), states)
    found, left_out = queues_of(counted, 2)
    assert [(each.queue, each.waiting) for each in found] == [("Q5", 4), ("Q4", 0)]
    assert found[0].states == {"queued": 5, "handling": 5}
    assert left_out == 3
    assert queues_of(None) == ([], 0)


def test_an_observer_comes_in_and_asks_while_the_writer_is_stuck() -> None:
    rig = NodeRig(limits=NodeLimits(max_current_clients=1)).start()
    client = rig.client("MediaServer")
    rig.writer.paused = True
    client.send(RequestPing())
    rig.settle()
    observer = rig.client("AgentApplication", extension={"observer": 1}, session=b"s" * 16)
    assert node_of(observer.ask(RequestServerStatus())).writer.waiting == 0
    assert observer.ask(RequestPing()).error_code == Code.NOT_ALLOWED
    assert isinstance(observer.ask(RequestUnregisterClient()), EventAck)
    assert observer.ask(RequestServerStatus()).error_code == Code.NOT_REGISTERED
    rig.writer.resume()
    rig.settle()
    assert [row["client_name"] for row in rig.rows("sessions")] == ["mediaserver"]
    status = client.ask(RequestServerStatus())
    assert status.clients_by_type == {"MediaServer": 1}
    rig.stop()


def test_an_observer_that_just_goes_leaves_nothing(rig: NodeRig) -> None:
    observer = rig.client("AgentApplication", extension={"observer": 1})
    observer.lose()
    client = rig.client("MediaServer")
    status = client.ask(RequestServerStatus())
    assert status.clients_by_type == {"MediaServer": 1}
    assert node_of(status).sessions_lost == 0


def test_who_was_an_observer_may_register_as_a_client_after_that(rig: NodeRig) -> None:
    peer = rig.client("MediaServer", extension={"observer": 1})
    assert isinstance(peer.register("MediaServer"), EventAck)
    assert peer.ask(RequestPing()).statistics
    peer.register("MediaServer", extension={"observer": 1})
    assert peer.ask(RequestPing()).error_code == Code.NOT_ALLOWED
    assert peer.ask(RequestServerStatus()).clients_by_type == {"MediaServer": 1}
