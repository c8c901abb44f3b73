from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.error import CannotListenError
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import Code, StorageError
from ixproxy.messages import (
    EventAck,
    EventNodeLoad,
    RequestFindInteractions,
    RequestPull,
    RequestSubmit,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeModel, NodeSettings, ViewPlan
from ixproxy.testing.faults import Fault
from ixproxy.testing.tenants import TENANT
from tests.deferreds import failure_of, no_result, result_of
from tests.net.node_rig import ADDRESS, NodeRig

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
HELD_PULL = RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})


def replace_view(pull: RequestPull, view: str) -> RequestPull:
    return RequestPull(tenant_id=1, view_id=view, extension=pull.extension)


def test_it_listens_once_its_store_is_open() -> None:
    rig = NodeRig()
    rig.server.startService()
    no_result(rig.server.listening)
    rig.settle()
    assert rig.server.listening.called
    assert rig.server.state.epoch == 1
    rig.stop()


def test_a_store_that_cannot_be_opened_is_told_and_nothing_listens() -> None:
    rig = NodeRig()
    rig.store.broken["open"] = Fault.REFUSED
    rig.server.startService()
    rig.settle()
    failure_of(rig.server.listening, StorageError)
    rig.stop()


def test_an_address_in_use_is_told() -> None:
    first = NodeRig().start()
    second = NodeRig()
    second.network = first.network
    second.server._listen = first.network.server_endpoint(ADDRESS)
    second.server.startService()
    second.settle()
    failure_of(second.server.listening, CannotListenError)
    first.stop()
    second.stop()


def test_an_orderly_stop_finishes_the_batch_refuses_the_rest_and_closes_the_store(
    rig: NodeRig,
) -> None:
    peer, router = rig.client("MediaServer"), rig.client("RoutingEngine")
    held = router.send(HELD_PULL)
    rig.settle()
    rig.writer.paused = True
    running = peer.send(RequestSubmit(tenant_id=1, media_type="chat", queue="Second"))
    rig.settle()
    waiting, find = peer.send(SUBMIT), peer.send(RequestFindInteractions(tenant_id=1))
    rig.settle()
    stopped = rig.server.stopService()
    again = rig.server.stopService()
    rig.settle()
    no_result(stopped)
    late = peer.send(SUBMIT)
    rig.settle()
    rig.writer.resume()
    rig.settle()
    rig.writer.run_one()
    rig.settle()
    result_of(stopped)
    result_of(again)
    assert isinstance(peer.answer(running), EventAck)
    for asker, reference in ((peer, waiting), (peer, find), (peer, late), (router, held)):
        error = asker.answer(reference)
        assert error.error_code == Code.STOPPING
        assert not error.in_doubt
    assert peer.closed
    assert router.closed
    assert rig.store.calls["close"] == 1
    assert all(executor.stopped for executor in rig.executors.values())
    assert len(rig.rows("interactions")) == 1


def test_stopping_before_the_store_is_open_is_no_trouble() -> None:
    rig = NodeRig()
    rig.server.startService()
    stopped = rig.server.stopService()
    rig.settle()
    result_of(stopped)
    assert not rig.server.listening.called


def test_nothing_is_left_to_do_after_a_stop(rig: NodeRig) -> None:
    rig.client("MediaServer").ask(SUBMIT)
    router = rig.client("RoutingEngine")
    router.ask(RequestPull(tenant_id=1, view_id="In/All"))
    router.send(HELD_PULL)
    rig.settle()
    rig.stop()
    assert rig.clock.getDelayedCalls() == []


def test_a_changed_configuration_applies_between_two_batches(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    router = rig.client("RoutingEngine")
    queues = {**TENANT.queues, "New": {"All": ViewPlan()}}
    model = NodeModel([replace(TENANT, queues=queues), replace(TENANT, id=2, name="Other")])
    rig.writer.paused = True
    early = peer.send(RequestSubmit(tenant_id=1, media_type="email", queue="New"))
    rig.settle()
    changed = rig.server.configuration_changed(
        model, NodeSettings(), NodeLimits(max_current_request_queue_size=5)
    )
    late = peer.send(RequestSubmit(tenant_id=1, media_type="email", queue="New"))
    other = peer.send(RequestSubmit(tenant_id=2, media_type="email", queue="In"))
    rig.settle()
    for _ in range(3):
        rig.writer.run_one()
        rig.settle()
    rig.writer.resume()
    rig.settle()
    result_of(changed)
    assert peer.answer(early).error_code == Code.UNKNOWN_QUEUE
    assert isinstance(peer.answer(late), EventAck)
    assert peer.answer(other).error_code in (Code.NOT_ALLOWED, 0)
    assert isinstance(
        peer.ask(RequestSubmit(tenant_id=2, media_type="email", queue="In")), EventAck
    )
    assert router.ask(RequestPull(tenant_id=1, view_id="New/All")).interactions
    assert rig.server.writer.limit == 5


def test_a_held_pull_is_tried_again_when_its_view_has_changed(rig: NodeRig) -> None:
    rig.client("MediaServer").ask(SUBMIT)
    router = rig.client("RoutingEngine")
    held = router.send(replace_view(HELD_PULL, "In/Urgent"))
    rig.settle()
    assert router.answers(held) == []
    queues = {**TENANT.queues, "In": {"All": ViewPlan(), "Urgent": ViewPlan()}}
    rig.server.configuration_changed(
        NodeModel([replace(TENANT, queues=queues)]), NodeSettings(), NodeLimits()
    )
    rig.settle()
    assert router.answer(held).interactions


@pytest.mark.parametrize("call", ["prepare_views", "outbox_consumers"])
def test_a_configuration_that_the_store_cannot_follow_changes_nothing(
    rig: NodeRig, call: str
) -> None:
    rig.store.broken[call] = Fault.REFUSED
    model = NodeModel([replace(TENANT, queues={})])
    changed = rig.server.configuration_changed(model, NodeSettings(), NodeLimits())
    rig.settle()
    failure_of(changed, StorageError)
    assert isinstance(rig.client("MediaServer").ask(SUBMIT), EventAck)


def test_load_is_announced_to_proxies_alone(rig: NodeRig) -> None:
    proxy, media = rig.proxy(), rig.client("MediaServer")
    media.ask(SUBMIT)
    rig.run(2)
    assert any(isinstance(event, EventNodeLoad) for event in proxy.events())
    assert media.events() == []


@pytest.mark.parametrize("proxied", [False, True])
def test_a_restart_finds_all_that_was_acknowledged(rig: NodeRig, proxied: bool) -> None:
    peer = rig.proxy() if proxied else rig.client("MediaServer")
    client = peer.number("MediaServer") if proxied else 0
    ids = [peer.ask(SUBMIT, client=client).interaction_id for _ in range(5)]
    rig.stop()
    second = NodeRig(place=rig.place).start()
    assert second.server.state.epoch == 2
    assert sorted(row["id"] for row in second.rows("interactions")) == sorted(ids)
    new = second.client("MediaServer").ask(SUBMIT).interaction_id
    assert new not in ids
    second.stop()


def test_what_waits_for_logs_that_are_configured_no_more_is_said_at_start_and_at_a_change() -> None:
    rules = NodeSettings(logs={"log": LogRules(), "other": LogRules(only=frozenset({"EventHeld"}))})
    rig = NodeRig(settings=rules).start()
    rig.client("MediaServer").ask(SUBMIT)
    warning = "Event log log is not configured, and 1 events ("

    def said_by(settings: NodeSettings) -> int:
        with capturedLogs() as said:
            changed = rig.server.configuration_changed(
                NodeModel([TENANT]), settings, NodeLimits(), logs=[]
            )
            rig.settle()
        result_of(changed)
        return sum((formatEvent(each) or "").startswith(warning) for each in said)

    assert [said_by(each) for each in (NodeSettings(), NodeSettings(), rules, NodeSettings())] == [
        *(1, 0, 0, 1)
    ], "once, until it was configured in between"
    rig.stop()
    with capturedLogs() as said:
        second = NodeRig(place=rig.place).start()
    found = [formatEvent(each) or "" for each in said]
    assert sum(each.startswith("Event log ") for each in found) == 1
    assert any(each.startswith(warning) for each in found)
    second.stop()
