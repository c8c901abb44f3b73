"""Documents come in once, and what becomes of them goes out, whatever happens to their node."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from ixproxy import messages as m
from ixproxy.net.capture_plans import CaptureLimits
from ixproxy.node.intake_settings import Check
from ixproxy.node.intake_work import Document, Operation, Said, Verb
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.faults import Fault, FaultyStore
from ixproxy.testing.memory_capture import Mail
from tests.testing.captured import POINT, capturing, letter, plan, put, stored


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def cluster(mail: Mail) -> Iterator[Cluster]:
    made = capturing(mail)
    yield made
    made.close()


def test_a_document_comes_in_and_its_reply_goes_out(cluster: Cluster, mail: Mail) -> None:
    put(mail, "a")
    cluster.run_until(lambda: not mail.documents and bool(mail.told), "it is never answered")
    assert stored(cluster) == ["a"]
    (reply,) = mail.told
    assert (reply.said, reply.external_id, reply.reply) == (Said.SUBMITTED, "a", True)
    cluster.run(5)
    assert cluster.rows("outbox") == []
    assert [row["receipt"] for row in cluster.rows("documents")] == ["a"]


def test_a_client_finds_works_and_ends_what_came_in_and_the_source_hears_of_it(
    cluster: Cluster, mail: Mail
) -> None:
    put(mail, "a")
    cluster.run_until(lambda: bool(mail.told), "it is never answered")
    desk = cluster.client("ors", "RoutingEngine")
    pull = m.RequestPull(tenant_id=1, view_id="In/All")
    (id,) = cluster.finish(desk.request(pull)).interactions
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id=id)
    cluster.finish(desk.request(stop))
    cluster.run_until(lambda: len(mail.told) == 3, "nothing more is told")
    assert [each.said for each in mail.told] == [
        Said.SUBMITTED, Said.ROUTE_REQUESTED, Said.STOPPED,
    ]  # fmt: skip
    assert mail.told[2].actor == ("router", "ors")


def test_documents_keep_their_order(cluster: Cluster, mail: Mail) -> None:
    for number in range(300):
        put(mail, f"d{number:03}")
    cluster.run_until(lambda: len(mail.told) == 300, "not all are answered")
    assert [each.external_id for each in mail.told] == [f"d{number:03}" for number in range(300)]
    rows = sorted(cluster.rows("interactions"), key=lambda row: row["queue_seq"])
    assert [row["external_id"] for row in rows] == [f"d{number:03}" for number in range(300)]


def test_the_window_holds_back_what_is_too_much(mail: Mail) -> None:
    cluster = capturing(mail, limits=CaptureLimits(max_in_flight=5, max_rate=10))
    for number in range(40):
        put(mail, f"d{number:02}")
    cluster.run(1)
    assert 5 <= len(stored(cluster)) <= 20
    cluster.run_until(lambda: not mail.documents, "not all come in")
    assert cluster.clock.seconds() >= 3.5
    assert len(stored(cluster)) == 40
    cluster.close()


def test_what_is_told_while_the_outside_is_cut_arrives_later_where_that_is_asked_for(
    mail: Mail,
) -> None:
    cluster = capturing(mail, limits=CaptureLimits(tell_once=False))
    put(mail, "a")
    cluster.run_until(lambda: bool(mail.told), "it is never answered")
    mail.is_cut = True
    router = cluster.client("ors", "RoutingEngine")
    id = mail.told[0].interaction_id
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id=id)
    cluster.finish(router.request(stop))
    cluster.run(60)
    assert len(mail.told) == 1
    mail.is_cut = False
    cluster.run_until(lambda: len(mail.told) == 2, "it is never told")
    assert mail.told[1].said is Said.STOPPED
    cluster.close()


def test_an_orderly_restart_loses_and_doubles_nothing(cluster: Cluster, mail: Mail) -> None:
    for number in range(50):
        put(mail, f"d{number:02}")
    cluster.run(0.02)
    server = cluster.nodes[0].primary
    assert server is not None
    cluster.finish(server.stop())
    assert len(stored(cluster)) + len(mail.documents) >= 50
    cluster.start_node(0)
    cluster.run_until(lambda: not mail.documents, "not all come in")
    cluster.run(40)
    assert stored(cluster) == [f"d{number:02}" for number in range(50)]
    assert {each.external_id for each in mail.told} == set(stored(cluster))


@pytest.mark.parametrize("fault", [Fault.DONE_BUT_RAISED, Fault.UNDONE_AND_RAISED])
def test_a_commit_that_nobody_is_sure_of_does_it_once(mail: Mail, fault: Fault) -> None:
    cluster = capturing(mail)
    cluster.kill_node(0)
    node = cluster.nodes[0]
    node.around_store = lambda store: FaultyStore(store, {("commit", 1): fault})
    put(mail, "a")
    cluster.start_node(0)
    cluster.run_until(lambda: not mail.documents, "it never comes in")
    assert stored(cluster) == ["a"]
    cluster.close()


def test_a_full_disk_holds_documents_back_and_loses_none(mail: Mail) -> None:
    cluster = capturing(mail)
    cluster.kill_node(0)
    stores: list[FaultyStore] = []

    def around(store: object) -> FaultyStore:
        stores.append(FaultyStore(store))  # type: ignore[arg-type]
        return stores[-1]

    cluster.nodes[0].around_store = around
    cluster.start_node(0)
    stores[-1].broken["write"] = Fault.DISK_FULL
    for number in range(20):
        put(mail, f"d{number:02}")
    cluster.run(30)
    assert len(mail.documents) == 20
    assert stored(cluster) == []
    stores[-1].broken.clear()
    cluster.run_until(lambda: not mail.documents, "they never come in")
    assert len(stored(cluster)) == 20
    cluster.run(60)
    assert len(mail.told) == 20
    cluster.close()


def test_a_backup_goes_on_with_what_its_primary_had(mail: Mail) -> None:
    cluster = capturing(mail, pairs=True)
    for number in range(60):
        put(mail, f"d{number:02}")
    cluster.run(0.02)
    cluster.kill_node(0)
    cluster.run_until(lambda: not mail.documents, "not all come in", 120)
    cluster.run(40)
    assert stored(cluster) == [f"d{number:02}" for number in range(60)]
    assert {each.external_id for each in mail.told} == set(stored(cluster))
    cluster.close()


def test_a_server_that_was_paused_does_nothing_twice_when_it_wakes(mail: Mail) -> None:
    cluster = capturing(mail, pairs=True)
    for number in range(60):
        put(mail, f"d{number:02}")
    cluster.run(0.02)
    old = cluster.nodes[0].primary
    assert old is not None
    old.pause()
    cluster.run(60)
    if old.alive:
        old.resume()
    cluster.run_until(lambda: not mail.documents, "not all come in", 120)
    cluster.run(40)
    assert stored(cluster) == [f"d{number:02}" for number in range(60)]
    cluster.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pairs", [False, True])
def test_a_thousand_documents_survive_kills_at_random_once_each(
    mail: Mail, seed: int, pairs: bool
) -> None:
    cluster = capturing(mail, seed, pairs=pairs)
    random = Random(f"{seed} {pairs}")
    names = [f"d{number:04}" for number in range(1000)]
    waiting = list(names)
    while waiting or mail.documents:
        for _ in range(min(len(waiting), random.randint(1, 120))):
            put(mail, waiting.pop(0))
        cluster.run(random.choice((0.001, 0.004, 0.03, 0.5)))
        node = cluster.nodes[0]
        if node.listening and random.random() < 0.6:
            node.kill()
            cluster.run(random.random())
        node.start()
        if not node.listening:
            cluster.run(random.choice((0.1, 3.0)))
    cluster.run(60)
    assert stored(cluster) == names
    replies = {each.number: each.external_id for each in mail.told if each.said is Said.SUBMITTED}
    assert sorted(replies.values()) == names
    firsts = list(replies)
    assert firsts == sorted(firsts)
    cluster.close()


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_every_reply_arrives_and_notifications_once_at_most_or_at_least(
    mail: Mail, seed: int, once: bool
) -> None:
    others, limits = Mail(), CaptureLimits(tell_once=once)
    cluster = capturing(mail, seed, limits=limits)
    cluster.nodes[0].capture(plan(mail, limits=limits), plan(others, "other"))
    random = Random(f"{seed} {once}")
    first, second = ([f"{of}{number:03}" for number in range(150)] for of in "ab")
    for name in first:
        put(mail, name)
    cluster.run_until(lambda: len(mail.told) == len(first), "they do not come in")
    waiting = list(zip(second, list(mail.told), strict=True))
    while waiting or mail.documents or others.documents:
        for name, reply in waiting[:5]:
            put(mail, name)
            hold = Operation(verb=Verb.HOLD, interaction_id=reply.interaction_id)
            others.put(name, Document(operations=(hold,)))
        del waiting[:5]
        cluster.run(random.choice((0.004, 0.01, 0.03)))
        mail.is_cut = bool(waiting) and random.random() < 0.3
        cluster.kill_node(0)
        cluster.start_node(0)
    mail.is_cut = False
    cluster.run(60)
    assert stored(cluster) == first + second
    assert cluster.rows("outbox") == []
    assert {each.external_id for each in mail.told if each.reply} == {*first, *second}
    unasked = [each for each in mail.told if not each.reply]
    assert {each.said for each in unasked} == {Said.HELD}
    if once:
        assert len({each.number for each in unasked}) == len(unasked) < len(first)
    else:
        assert {each.external_id for each in unasked} == set(first)
    numbers = list(dict.fromkeys(each.number for each in mail.told))
    assert numbers == sorted(numbers)
    cluster.close()


def test_a_full_outbox_holds_documents_back_until_somebody_reads(mail: Mail) -> None:
    cluster = capturing(mail, max_outbox=20)
    mail.is_cut = True
    node = cluster.nodes[0]
    other = Mail()
    node.capture(plan(mail, max_outbox=20), plan(other, "other"))
    cluster.run(1)
    for number in range(50):
        put(other, f"o{number:02}")
    cluster.run_until(lambda: not other.documents, "the other one takes nothing")
    mail.is_cut = False
    for number in range(200):
        put(mail, f"d{number:03}")
    cluster.run_until(lambda: not mail.documents, "not all come in")
    assert len(stored(cluster)) == 250
    cluster.run_until(lambda: len(mail.told) == 200, "not all is told")
    cluster.close()


def test_without_receipts_what_was_given_again_may_be_there_twice_but_nothing_is_lost(
    mail: Mail,
) -> None:
    cluster = capturing(mail, receipts=False)
    random = Random(3)
    names = [f"d{number:03}" for number in range(200)]
    for name in names:
        put(mail, name)
    while mail.documents:
        cluster.run(random.choice((0.004, 0.01, 0.03)))
        cluster.kill_node(0)
        cluster.start_node(0)
    assert set(stored(cluster)) == set(names)
    cluster.close()


def test_external_ids_stand_in_for_receipts_where_a_source_has_none(mail: Mail) -> None:
    cluster = capturing(mail, receipts=False, check=Check.EXTERNAL_ID)
    random = Random(3)
    names = [f"d{number:03}" for number in range(200)]
    for name in names:
        put(mail, name)
    while mail.documents:
        cluster.run(random.choice((0.004, 0.01, 0.03)))
        cluster.kill_node(0)
        cluster.start_node(0)
    assert stored(cluster) == names
    cluster.close()


def test_capture_points_come_change_and_go_with_the_configuration(
    cluster: Cluster, mail: Mail
) -> None:
    second, third = Mail(), Mail()
    node = cluster.nodes[0]
    node.capture(plan(mail), plan(second, "other"))
    put(second, "b")
    cluster.run_until(lambda: not second.documents, "the new one takes nothing")
    node.capture(plan(third), plan(second, "other", limits=CaptureLimits(max_in_flight=1)))
    cluster.run(1)
    put(mail, "a")
    put(third, "c")
    cluster.run_until(lambda: not third.documents, "the changed one takes nothing")
    assert list(mail.documents) == ["a"]
    node.capture()
    cluster.run(1)
    put(second, "d")
    cluster.run(10)
    assert list(second.documents) == ["d"]
    assert stored(cluster) == ["b", "c"]
    rows = {row["external_id"]: row["submitted_by"] for row in cluster.rows("interactions")}
    assert rows == {"b": "other", "c": POINT}


def test_a_status_shows_each_capture_point(cluster: Cluster, mail: Mail) -> None:
    put(mail, "a", letter("a"), letter("x", Verb.STOP))
    mail.put("bad", "it is no document")
    cluster.run_until(lambda: len(mail.told) == 2, "it is never answered")
    client = cluster.client("ops", "MediaServer", node=0)
    status = cluster.finish(client.request(m.RequestServerStatus())).node_status
    assert status is not None
    (point,) = status.capture_points
    assert (point.name, point.kind, point.state) == (POINT, "memory", "connected")
    assert point.figures == {"taken": 1}
    size = point.counts.pop("bytes")
    assert size > 0
    assert point.counts == {
        "documents": 1, "operations": 2, "taken": 1, "refused": 1, "errors": 1,
        "notified": 2, "replies": 2,
    }  # fmt: skip
