"""Records become interactions, and offsets are committed; the contract on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from ixproxy.capture import kafka
from ixproxy.capture.kafka import KafkaPoint
from ixproxy.capture.kafka_writer import FLUSH_SECONDS
from ixproxy.errors import Code, NotTold, RequestRefused, describe
from ixproxy.net.served_part import END_LIMIT
from ixproxy.node.intake_work import Document, Problem, Result, Said, Taken, Verb
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake, Say, Teller, notification
from ixproxy.testing.kafka_broker import TOPIC_DENIED, UNKNOWN_TOPIC, KafkaBroker
from tests.capture.kafka_rig import Topics, submit

pytestmark = pytest.mark.processes


class TestTopics(CapturePointContract):
    reactor: Any
    broker: KafkaBroker

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _world(cls, real_reactor: Any) -> Iterator[None]:
        with KafkaBroker() as broker:
            cls.reactor, cls.broker = real_reactor, broker
            yield

    def outside(self) -> Outside:
        return Topics(self.reactor, self.broker)


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as started:
        yield started


class Scene:
    """Topics, a capture point that reads them, and its intake."""

    def __init__(self, topics: Topics, intake: FakeIntake | None = None) -> None:
        self.topics = topics
        self.point: KafkaPoint = topics.make_point()
        self.intake = intake or FakeIntake(topics.reactor)
        self.point.begin(self.intake)

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        ended: list[None] = []
        self.point.end().addCallback(ended.append)
        self.topics.until(lambda: ended)
        self.topics.close()

    def names(self) -> list[str]:
        return [document.operations[0].external_id for document in self.intake.documents]


def test_a_copy_of_what_was_processed_has_its_bytes_key_and_headers(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker)
    content = submit("Müller").decode().encode("utf-16")
    topics.put("a", content, key=b"\xff\x00key", headers=[("kind", b"claim")])
    with Scene(topics) as scene:
        topics.until(lambda: not topics.left())
        assert scene.names() == ["Müller"]
        (copy,) = topics.records("processed-topic")
        assert (copy.value(), copy.key()) == (content, b"\xff\x00key")
        assert copy.headers() == [
            ("kind", b"claim"), ("ixproxy-source", f"{topics.topics['inbound']}/0/0".encode())
        ]  # fmt: skip
        assert scene.point.figures()["copied"] == 1


def test_in_the_mode_of_iwd_a_task_keeps_the_name_of_its_capture_point(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker, settings={"iwd-compatibility-mode": True})
    topics.put("a", b"<GTLMessage><CreateTask captureId='a'/></GTLMessage>")
    with Scene(topics) as scene:
        topics.until(lambda: scene.intake.taken)
        (made,) = scene.intake.taken[0].operations
        assert made.user_data == {"IWD_capturePointId": scene.intake.name}


def test_an_offset_is_not_committed_before_the_copy_is_confirmed(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker)
    broker.spoil_topic(topics.topics["processed-topic"], TOPIC_DENIED)
    with Scene(topics) as scene:
        topics.give("a")
        topics.until(lambda: "AUTHORIZATION" in str(scene.point.figures().get("problem")))
        assert scene.intake.taken
        assert topics.left() == ["a"]
        broker.spoil_topic(topics.topics["processed-topic"], 0)
        topics.until(lambda: not topics.left())
        assert len(scene.intake.documents) == 1
        assert "problem" not in scene.point.figures()


@pytest.mark.parametrize("content", [None, b"", b"<interaction", b"\xff\xfe\x00"])
def test_without_a_topic_of_errors_what_is_bad_is_counted_and_passed_over(
    real_reactor: Any, broker: KafkaBroker, content: bytes | None
) -> None:
    topics = Topics(real_reactor, broker, settings={"error-topic": ""})
    topics.put("bad", content)
    topics.give("a")
    with Scene(topics) as scene:
        topics.until(lambda: not topics.left())
        assert scene.names() == ["a"]
        ((name, why),) = scene.intake.refusals
        assert name == f"{topics.topics['inbound']}/0/0"
        assert why
        assert scene.point.figures()["refused"] == 1


def test_what_the_node_never_takes_goes_to_the_topic_of_errors(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    class Refusing(FakeIntake):
        def take(self, document: Document) -> Deferred[Taken]:
            if document.problem is not None:
                return super().take(document)
            self.documents.append(document)
            codes = {"large": Code.TOO_LARGE, "breaks": Code.INTERNAL}
            return fail(RequestRefused(codes[document.operations[0].external_id]))

    topics = Topics(real_reactor, broker, partitions=1)
    topics.give("large")
    topics.give("breaks")
    with Scene(topics, Refusing(real_reactor)) as scene:
        topics.until(lambda: not topics.left())
        assert scene.names() == ["large"] + ["breaks"] * 5
        errors = topics.errors()
        assert errors == {
            "large": describe(Code.TOO_LARGE), "breaks": describe(Code.INTERNAL)
        }  # fmt: skip
        problems = [each.problem for each in scene.intake.unusable]
        assert [each.code for each in problems if each] == [Code.TOO_LARGE, Code.INTERNAL]


def test_a_record_of_which_nothing_was_done_goes_to_the_topic_of_errors_however_often_it_comes(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    problem = Problem(Code.UNKNOWN_QUEUE, "no such queue: Nowhere")

    def results(document: Document) -> list[Result]:
        return [
            Result(verb=each.verb, problem=problem if each.external_id == "bad" else None)
            for each in document.operations
        ]

    topics = Topics(real_reactor, broker)
    topics.put("half", b"<all>" + submit("bad") + submit("good") + b"</all>")
    topics.put("none", submit("bad"))
    with Scene(topics) as scene:
        scene.intake.results_of = results
        # The answer is lost, and it comes again: the node knows it, and what came of it.
        scene.intake.answers = [Say.TAKEN, Say.DONE_BUT_IN_DOUBT]
        topics.until(lambda: not topics.left())
        assert [copy.key() for copy in topics.records("processed-topic")] == [b"half"]
        why = f"nothing of it was done: {problem.code}: {problem.description}"
        assert topics.errors() == {"none": why}
        figures = scene.point.figures()
        assert (figures["taken"], figures["refused"]) == (1, 1)


def test_where_nobody_is_told_the_copy_of_a_record_says_what_was_refused(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    refused = Result(verb=Verb.SUBMIT, problem=Problem(Code.UNKNOWN_QUEUE, "no queue Inbuond"))
    topics = Topics(real_reactor, broker, settings={"notification-topic": ""})
    topics.give("half")
    with Scene(topics) as scene:
        scene.intake.results_of = lambda _: [Result(verb=Verb.SUBMIT), refused]
        topics.until(lambda: not topics.left())
        ((_, why),) = scene.intake.partly_refusals
        assert why == "not all of it was done: operation 2: 3032: no queue Inbuond"
        assert ("ixproxy-refused", why.encode()) in topics.records("processed-topic")[0].headers()


def test_the_order_of_a_partition_is_kept_while_the_node_is_busy(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker, partitions=3)
    for number in range(60):
        topics.put_soon(f"{number:02d}", submit(f"{number:02d}"), key=f"k{number % 7}")
    topics.producer.flush(10)
    intake = FakeIntake(real_reactor, most=4)
    intake.answers = [Say.TAKEN, Say.BUSY, Say.IN_DOUBT] * 6
    with Scene(topics, intake):
        topics.until(lambda: not topics.left())
        order = [document.operations[0].external_id for document in intake.taken]
        assert len(order) == 60
        for partition in range(3):
            there = [name for (at, _), name in sorted(topics.given.items()) if at == partition]
            assert [name for name in order if name in there] == there
        assert intake.crowded == 0


def test_one_partition_that_waits_does_not_keep_the_others_from_going_on(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    class Stuck(FakeIntake):
        def take(self, document: Document) -> Deferred[Taken]:
            if document.operations[0].external_id == "stuck":
                self.documents.append(document)
                return fail(RequestRefused(Code.BUSY))
            return super().take(document)

    topics = Topics(real_reactor, broker, partitions=2, settings={"partition-buffer": 10})
    topics.put("stuck", submit("stuck"), partition=0)
    for number in range(100):
        topics.put_soon(f"p0-{number}", submit(f"p0-{number}"), partition=0)
        topics.put_soon(f"p1-{number}", submit(f"p1-{number}"), partition=1)
    topics.producer.flush(10)
    with Scene(topics, Stuck(real_reactor)) as scene:
        topics.until(lambda: len(scene.intake.taken) == 100)
        assert all(name == "stuck" or name.startswith("p1") for name in scene.names())
        topics.later(5)
        assert int(str(scene.point.figures()["waiting"])) <= 10 + 20


def test_a_reply_has_the_key_and_the_correlation_of_its_request(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker)
    topics.put("a", submit("a"), key=b"\xffkey", headers=[("correlation", "Zoë".encode())])
    topics.put("b", submit("b"), key=None)
    with Scene(topics) as scene:
        topics.until(lambda: len(scene.intake.taken) == 2)
        first, second = scene.intake.documents
        teller = Teller(real_reactor, scene.point)
        teller.tell(
            notification(Said.SUBMITTED, "I1", reply=True, correlation=first.correlation),
            notification(Said.SUBMITTED, "I2", reply=True, correlation=second.correlation),
            notification(Said.STOPPED, "I1"),
        )
        topics.until(lambda: not teller.waiting)
        replies = topics.records("notification-topic")
        place = f"{topics.topics['inbound']}/0/1".encode()
        assert [(each.key(), dict(each.headers()).get("correlation")) for each in replies] == [
            (b"\xffkey", "Zoë".encode()), (b"I2", place), (b"I1", None)
        ]  # fmt: skip
        assert [dict(each.headers())["ixproxy-event"] for each in replies] == [
            b"submitted", b"submitted", b"stopped",
        ]  # fmt: skip


def test_while_the_broker_is_away_only_what_was_on_its_way_is_in_doubt(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker)
    with Scene(topics) as scene:
        teller = Teller(real_reactor, scene.point)
        teller.tell(notification(Said.STOPPED, "I1"))
        topics.until(lambda: not teller.waiting)
        teller.failures.clear()
        broker.down()
        teller.tell(notification(Said.STOPPED, "I2"))
        topics.until(lambda: len(teller.failures) > 3)
        first, *others = teller.failures
        broker.up()
        topics.until(lambda: not teller.waiting)
        assert "I2" in {interaction for _, interaction in topics.told()}
    assert not isinstance(first, NotTold)
    assert [each for each in others if not isinstance(each, NotTold)] == []


def test_without_a_topic_of_notifications_nothing_is_wanted(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker, settings={"notification-topic": ""})
    topics.give("a")
    with Scene(topics) as scene:
        assert scene.point.wanted == frozenset()
        topics.until(lambda: scene.intake.taken)
        assert not scene.intake.documents[0].replies


def test_when_another_member_comes_partitions_are_shared_and_nothing_is_doubled(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker, partitions=4)
    results: dict[str, tuple[Result, ...]] = {}
    first, second = FakeIntake(real_reactor), FakeIntake(real_reactor)
    first._results = second._results = results  # as one node has it
    with Scene(topics, first) as one:
        for number in range(300):
            topics.put_soon(f"{number}", submit(f"{number}"))
        topics.producer.flush(10)
        topics.until(lambda: first.taken)
        two = topics.make_point()
        two.begin(second)
        topics.until(lambda: two.figures()["partitions"] == 2)
        topics.until(lambda: one.point.figures()["partitions"] == 2)
        for number in range(300, 400):
            topics.put_soon(f"{number}", submit(f"{number}"))
        topics.producer.flush(10)
        topics.until(lambda: not topics.left())
        taken = [document.operations[0].external_id for document in first.taken + second.taken]
        assert sorted(taken, key=int) == [str(number) for number in range(400)]
        assert second.taken
        ended: list[None] = []
        two.end().addCallback(ended.append)
        topics.until(lambda: ended)
        topics.until(lambda: one.point.figures()["partitions"] == 4)


def test_an_unknown_topic_and_a_denied_one_are_said(real_reactor: Any, broker: KafkaBroker) -> None:
    topics = Topics(real_reactor, broker)
    broker.spoil_topic(topics.topics["inbound"], UNKNOWN_TOPIC)
    with Scene(topics) as scene:
        topics.until(lambda: "UNKNOWN_TOPIC" in str(scene.point.figures().get("problem")))
        broker.spoil_topic(topics.topics["inbound"], TOPIC_DENIED)
        topics.until(lambda: "AUTHORIZATION" in str(scene.point.figures().get("problem")))


def test_a_broker_that_goes_is_said_and_one_that_comes_back_too(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    topics = Topics(real_reactor, broker)
    with Scene(topics) as scene:
        topics.until(lambda: scene.point.figures()["state"] == "connected")
        broker.down()
        topics.until(lambda: str(scene.point.figures()["state"]).startswith("connecting: "))
        broker.up()
        topics.until(lambda: scene.point.figures()["state"] == "connected")
        topics.until(lambda: "problem" not in scene.point.figures())


def test_an_end_takes_less_than_the_node_waits_for_it() -> None:
    assert FLUSH_SECONDS < kafka.END_SECONDS < END_LIMIT


def test_it_ends_although_its_broker_hangs(real_reactor: Any) -> None:
    with KafkaBroker() as hanging:
        topics = Topics(real_reactor, hanging)
        topics.give("a")
        with Scene(topics) as scene:
            topics.until(lambda: scene.intake.taken)
            hanging.pause()
            teller = Teller(real_reactor, scene.point)
            teller.tell(notification(Said.STOPPED, "I1"))
            teller.stop()
            ended: list[None] = []
            scene.point.end().addCallback(ended.append)
            topics.until(lambda: ended)
            hanging.resume()
