from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionsFound,
    EventNodeLoad,
    EventPropertiesChanged,
    EventPulledInteractions,
    EventRevoked,
    RequestAgentLogin,
    RequestChangeProperties,
    RequestFindInteractions,
    RequestPull,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.testing.faults import Fault
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.parts import join
from ixproxy.wire.prefix import Flag
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig

ONE = b"1" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
PULL = RequestPull(tenant_id=1, view_id="In/All")


def test_an_answer_that_does_not_fit_one_frame_goes_in_parts(rig: NodeRig) -> None:
    text = "x" * (200 << 10)
    media = rig.client("MediaServer")
    for _ in range(9):
        assert isinstance(
            media.ask(
                RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"t": text})
            ),
            EventAck,
        )
    media.frames.clear()
    media.send(RequestFindInteractions(tenant_id=1))
    rig.settle()
    assert len(media.frames) > 1
    assert all(len(frame.raw) - 4 <= 1 << 20 for frame in media.frames)
    assert [bool(frame.flags & Flag.MORE) for frame in media.frames] == [
        *[True] * (len(media.frames) - 1),
        False,
    ]
    parts = [decode(frame) for frame in media.frames]
    assert all(isinstance(part, EventInteractionsFound) for part in parts)
    whole: Any = join(parts)
    assert [each["UserData"]["t"] for each in whole.interactions.values()] == [text] * 9


def test_a_requesters_answer_precedes_the_events_of_its_transaction(rig: NodeRig) -> None:
    media = rig.client(
        "MediaServer", session=ONE, extension={"event_properties_changed": 1}, client_name="m"
    )
    id = media.ask(SUBMIT).interaction_id
    router = rig.client("RoutingEngine")
    router.ask(PULL)
    media.frames.clear()
    router.frames.clear()
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=id, changed_properties={"Priority": 5}
    )
    router.ask(change)
    assert [type(decode(frame)) for frame in router.frames] == [EventAck]
    assert [type(decode(frame)) for frame in media.frames] == [EventPropertiesChanged]
    stop = RequestStopProcessing(tenant_id=1, interaction_id=id)
    media.ask(stop)
    assert isinstance(router.events()[-1], EventRevoked)


def test_an_event_goes_to_where_its_session_is_now(rig: NodeRig) -> None:
    media = rig.client("MediaServer")
    id = media.ask(SUBMIT).interaction_id
    one, two = rig.proxy("p1"), rig.proxy("p2")
    first = one.number("RoutingEngine", session=ONE)
    takes = one.ask(PULL, client=first).take_numbers
    two.number("MediaServer")
    second = two.number("RoutingEngine", session=ONE, incarnation=2, holding=takes)
    assert (first, second) == (1, 2)
    media.ask(RequestStopProcessing(tenant_id=1, interaction_id=id))
    assert one.events(first) == []
    assert [type(event) for event in two.events(second)] == [EventRevoked]


def test_the_first_interaction_of_a_media_type_is_announced_before_its_submit_is_answered(
    rig: NodeRig,
) -> None:
    proxy = rig.proxy()
    media = proxy.number("MediaServer")
    rig.run(5)
    proxy.frames.clear()
    proxy.ask(SUBMIT, client=media)
    first = [type(decode(frame)) for frame in proxy.frames][:2]
    assert first == [EventNodeLoad, EventAck]
    proxy.frames.clear()
    for _ in range(5):
        proxy.ask(SUBMIT, client=media)
    assert proxy.events() == []
    rig.run(1.1)
    loads: list[EventNodeLoad] = proxy.events()
    assert [load.queues for load in loads] == [{1: {"In": 6}}]


def test_answers_of_a_full_store_are_refusals_and_the_node_goes_on(
    rig: NodeRig, logged_failures: LoggedFailures
) -> None:
    peer = rig.client("MediaServer")
    rig.store.broken["write"] = Fault.DISK_FULL
    error = peer.ask(SUBMIT)
    assert error.error_code == Code.STORE_FAILED
    assert not error.in_doubt
    del rig.store.broken["write"]
    assert isinstance(peer.ask(SUBMIT), EventAck)
    logged_failures.flush()


def test_a_commit_that_happened_but_was_not_heard_of_is_acknowledged(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    number = rig.store.calls["commit"] + 1
    rig.store._plan[("commit", number)] = Fault.DONE_BUT_RAISED
    rig.store._plan[("commit", number + 1)] = Fault.UNDONE_AND_RAISED
    ids = [peer.ask(SUBMIT).interaction_id for _ in range(2)]
    assert sorted(row["id"] for row in rig.rows("interactions")) == sorted(ids)


def test_a_store_that_cannot_be_read_ends_the_node_and_leaves_its_answers_in_doubt() -> None:
    rig = NodeRig().start()
    reasons: list[str] = []
    rig.server.lost.addCallback(reasons.append)
    peer, other = rig.client("MediaServer"), rig.client("MediaServer")
    rig.store.broken.update({"commit": Fault.UNDONE_AND_RAISED, "reopen": Fault.REFUSED})
    first, second = peer.send(SUBMIT), other.send(SUBMIT)
    rig.settle()
    for asker, reference in ((peer, first), (other, second)):
        answers = asker.answers(reference)
        assert not answers or answers[0].in_doubt
        assert asker.closed
    assert len(reasons) == 1
    assert rig.store.calls["close"] == 1
    rig.run(5)


def test_what_a_batch_stumbles_over_is_logged_by_name_and_without_user_data(
    rig: NodeRig, logged_failures: LoggedFailures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    peer = rig.client("MediaServer")
    request = RequestSubmit(
        tenant_id=1, media_type="email", queue="In", user_data={"card": "secret"}
    )
    rig.store.broken["write"] = Fault.REFUSED
    with capturedLogs() as events:
        peer.ask(request)
        monkeypatch.setattr("ixproxy.node.attempt.perform", broken)
        peer.ask(request)
    logged_failures.flush(ZeroDivisionError)
    said = [formatEvent(event) for event in events]
    assert [each.split(":")[0] for each in said] == [
        "RequestSubmit failed",
        "RequestSubmit broke",
    ]
    assert "secret" not in str(events)


def test_a_lost_lease_ends_the_node_and_is_no_failure() -> None:
    rig = NodeRig().start()
    peer = rig.client("MediaServer")
    rig.store.broken["commit"] = Fault.LEASE_LOST
    with capturedLogs() as events:
        assert peer.ask(SUBMIT).error_code == Code.STORE_FAILED
    said = [formatEvent(event) for event in events]
    assert said[0].startswith("Nothing more is written: ")
    assert not any(" failed" in each for each in said)
    assert peer.closed
    assert rig.server.lost.called
    rig.run(5)


def test_a_mistake_in_the_writer_ends_the_node_and_is_logged(
    logged_failures: LoggedFailures, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = NodeRig().start()
    peer = rig.client("MediaServer")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.server.core, "run", broken)
    error = peer.ask(SUBMIT)
    assert error.error_code == Code.INTERNAL
    assert error.in_doubt
    assert peer.closed
    assert len(logged_failures.flush(ZeroDivisionError)) == 1


def test_a_read_that_takes_too_long_is_ended_and_refused() -> None:
    rig = NodeRig(NodeLimits(database_request_timeout=3, number_of_database_connections=1)).start()
    peer = rig.client("MediaServer")
    reader = rig.executors["reader-0"]
    reader.paused = True
    long, after = (peer.send(RequestFindInteractions(tenant_id=1)) for _ in range(2))
    rig.settle()
    rig.run(2)
    assert peer.answers(long) == []
    reader.resume()
    rig.settle()
    assert isinstance(peer.answer(long), EventInteractionsFound)
    assert isinstance(peer.answer(after), EventInteractionsFound)
    rig.stop()


def test_long_reads_beyond_the_queue_are_answered_busy() -> None:
    limits = NodeLimits(number_of_database_connections=1, max_database_request_queue_size=1)
    rig = NodeRig(limits).start()
    peer = rig.client("MediaServer")
    rig.executors["reader-0"].paused = True
    references = [peer.send(RequestFindInteractions(tenant_id=1)) for _ in range(3)]
    rig.settle()
    assert peer.answer(references[2]).error_code == Code.BUSY
    rig.executors["reader-0"].resume()
    rig.settle()
    assert [type(peer.answer(each)) for each in references[:2]] == [EventInteractionsFound] * 2
    rig.stop()


def test_a_failed_read_is_refused_and_the_next_one_has_a_new_connection(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    rig.store.broken["reader"] = Fault.REFUSED
    error = peer.ask(RequestFindInteractions(tenant_id=1))
    assert error.error_code == Code.STORE_FAILED
    del rig.store.broken["reader"]
    assert isinstance(peer.ask(RequestFindInteractions(tenant_id=1)), EventInteractionsFound)


def test_what_cannot_be_sent_is_given_back(rig: NodeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from ixproxy.errors import RequestRefused

    rig.client("MediaServer").ask(SUBMIT)
    router = rig.client("RoutingEngine")

    def refused(*_: object) -> None:
        raise RequestRefused(Code.TOO_LARGE, "does not fit")

    monkeypatch.setattr("ixproxy.net.node_answers.split_frame", refused)
    client = rig.server.state.sessions.at(b"made" + (2).to_bytes(12, "big"))
    assert client is not None
    client.peer.max_frame = 100
    error = router.ask(PULL)
    assert error.error_code == Code.TOO_LARGE
    assert error.in_doubt
    assert rig.rows("parties") == []
    assert rig.rows("interactions")[0]["state"] == 0


def test_pulls_wait_for_work_oldest_first(rig: NodeRig) -> None:
    held = RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})
    routers = [rig.client("RoutingEngine", client_name=f"r{at}") for at in range(3)]
    references = []
    for router in routers:
        references.append(router.send(held))
        rig.settle()
    media = rig.client("MediaServer")
    for number in range(3):
        media.ask(SUBMIT)
        answered = [
            bool(router.answers(each)) for router, each in zip(routers, references, strict=True)
        ]
        assert answered == [at <= number for at in range(3)]
    for router, reference in zip(routers, references, strict=True):
        answer = router.answer(reference)
        assert isinstance(answer, EventPulledInteractions)
        assert len(answer.take_numbers) == 1


def test_a_held_pull_is_answered_empty_when_its_hold_is_over(rig: NodeRig) -> None:
    held = RequestPull(
        tenant_id=1,
        view_id="In/All",
        extension={"pull-for-strategy": 1, "pull-hold-timeout": 3},
    )
    router = rig.client("RoutingEngine")
    reference = router.send(held)
    rig.run(2.9)
    assert router.answers(reference) == []
    rig.run(0.2)
    assert router.answer(reference).interactions == {}


def test_a_held_pull_is_answered_before_its_requesters_time_is_up(rig: NodeRig) -> None:
    held = RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})
    router = rig.client("RoutingEngine")
    reference = router.send(held, ttl=2000)
    rig.run(1.7)
    assert router.answers(reference) == []
    rig.run(0.15)
    assert router.answer(reference).interactions == {}


def test_an_event_that_does_not_fit_its_receivers_frames_comes_with_less_in_it(
    rig: NodeRig,
) -> None:
    media = rig.client("MediaServer", client_name="m")
    id = media.ask(SUBMIT).interaction_id
    agent = rig.client("AgentApplication", session=ONE, max_frame=(512 << 10) + (64 << 10))
    agent.ask(RequestAgentLogin(tenant_id=1, agent_id="ann"))
    agent.ask(RequestPull(tenant_id=1, view_id="In/All"))
    text = "x" * (500 << 10)
    for user_data in ({"t": text}, {"u": 1}, {"t": "", "Priority": 3}):
        change = RequestChangeProperties(
            tenant_id=1, interaction_id=id, changed_properties=user_data
        )
        assert isinstance(media.ask(change), EventAck)
    large, fits, small = agent.events()
    assert large.extension == {"Shortened": 1}
    assert large.changed_properties == {}
    assert "UserData" not in large.interaction
    assert large.interaction["InteractionId"] == id
    assert fits.extension == {}
    assert fits.interaction["UserData"]["t"] == text
    assert small.changed_properties == {"t": "", "Priority": 3}


def test_an_effect_that_breaks_costs_the_others_nothing(
    rig: NodeRig, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    real = encode

    def broken(message: Any, **more: Any) -> bytes:
        if isinstance(message, EventPulledInteractions):
            raise ZeroDivisionError
        return real(message, **more)

    monkeypatch.setattr("ixproxy.net.node_answers.encode", broken)
    router, media = rig.client("RoutingEngine"), rig.client("MediaServer")
    references = [router.send(PULL), media.send(SUBMIT), media.send(SUBMIT)]
    rig.settle()
    assert router.answer(references[0]).error_code == Code.INTERNAL
    assert router.answer(references[0]).in_doubt
    assert all(isinstance(media.answer(each), EventAck) for each in references[1:])
    assert len(logged_failures.flush(ZeroDivisionError)) == 1
