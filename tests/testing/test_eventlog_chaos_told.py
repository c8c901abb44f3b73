"""Somebody is told what logs are told, and sees how a log is."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.messages.status import LogStatus, NodeStatus
from ixproxy.testing.chaos_history import History
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.eventlog_chaos_told import Told


def test_what_happens_is_told_by_number_and_what_only_says_how_things_are_is_not() -> None:
    told = Told()
    told.event_received(m.EventHeld(dbid=101, event_number=7))
    told.event_received(m.EventHeld(dbid=101))
    told.event_received(m.EventCurrentAgentStatus(dbid=101, event_number=8))
    told.event_received(m.EventAck())
    assert told.events == {(101, 7): "EventHeld"}


def test_the_most_that_was_dropped_is_kept_of_each_epoch() -> None:
    told = Told()
    assert told.waiting == 0
    for epoch, dropped, waiting in ((1, 5, 10), (2, 3, 20), (2, 4, 15)):
        log = LogStatus(name="shaken", waiting=waiting, counts={"dropped": dropped})
        told.looked(NodeStatus(epoch=epoch, event_logs=[LogStatus(name="witness"), log]))
    assert told.status is None, "nobody has said yet which log is looked at"
    told.log = "shaken"
    for epoch, dropped, waiting in ((1, 5, 10), (2, 3, 20), (2, 4, 15)):
        log = LogStatus(name="shaken", waiting=waiting, counts={"dropped": dropped})
        told.looked(NodeStatus(epoch=epoch, event_logs=[LogStatus(name="witness"), log]))
    assert told.dropped == {1: 5, 2: 4}
    assert (told.waiting, told.most_waiting, told.epoch) == (15, 20, 2)


def test_it_comes_to_a_node_and_goes(tmp_path: Path) -> None:
    cluster = Cluster(3, nodes=1, proxies=0)
    history = History(tmp_path / "history.jsonl")
    told = Told()
    where = [cluster.network.client_endpoint(cluster.nodes[0].servers[0].endpoint, "here")]
    cluster.finish(
        Deferred.fromCoroutine(told.begin(cluster.clock, history, where, "told", "shaken"))
    )
    mail = cluster.client("mail-1", "MediaServer", node=0)
    cluster.finish(mail.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="In")))
    cluster.run(2)
    assert "EventInteractionSubmitted" in told.events.values()
    cluster.finish(Deferred.fromCoroutine(told.end()))
    cluster.close()
