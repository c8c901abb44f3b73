"""The reader's bookkeeping, with a client that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from twisted.internet.task import Clock

from ixproxy.capture.kafka_partitions import Place
from ixproxy.capture.kafka_reader import Reader
from ixproxy.capture.kafka_records import Record
from ixproxy.capture.kafka_settings import KafkaSettings, read_settings
from ixproxy.capture.kafka_statistics import Statistics
from tests.capture.test_kafka_records import read
from tests.failures import LoggedFailures

SETTINGS: dict[str, object] = {
    "kafka-server": "b:1",
    "consumer-group": "g",
    "inbound-topics": ["claims"],
    "partition-buffer": 4,
    "reconnect-timeout": 0.1,
}


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.gone: list[Place] = []
        self.records: list[tuple[Place, Record]] = []
        self.troubles: list[tuple[str, str]] = []
        self.said: list[Statistics] = []
        self.settle = True

    def assigned(self, places: Sequence[Place]) -> None:
        self.places += places

    def revoking(self, places: Sequence[Place], settled: Event) -> None:
        if self.settle:
            settled.set()

    def revoked(self, places: Sequence[Place]) -> None:
        self.gone += places

    def read(self, records: Sequence[tuple[Place, Record]]) -> None:
        self.records += records

    def trouble(self, key: str, text: str) -> None:
        self.troubles.append((key, text))

    def statistics(self, found: Statistics) -> None:
        self.said.append(found)


class Spot:
    """A topic and a partition, as the client names them."""

    def __init__(self, partition: int, topic: str = "claims") -> None:
        self.topic, self.partition = topic, partition


class Message:
    """One message, or an error."""

    def __init__(self, partition: int, offset: int, error: KafkaError | None = None) -> None:
        self._partition, self._offset, self._error = partition, offset, error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return "claims"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return b"x" * 10

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 5


class Client:
    """A consumer that plays a script: each step is what one poll does."""

    def __init__(self, script: list[Callable[[Client], Any]]) -> None:
        self.script = script
        self.paused: list[int] = []
        self.resumed: list[int] = []
        self.commits: list[tuple[dict[int, int], bool]] = []
        self.failing: KafkaError | None = None
        self.closed = 0

    def __call__(self, options: dict[str, Any]) -> Client:
        self.options = options
        return self

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def poll(self, seconds: float) -> Any:
        return self.script.pop(0)(self)

    def consume(self, most: int, seconds: float) -> list[Any]:
        return []

    def pause(self, spots: Sequence[Any]) -> None:
        self.paused += [each.partition for each in spots]

    def resume(self, spots: Sequence[Any]) -> None:
        self.resumed += [each.partition for each in spots]

    def commit(self, *, offsets: Sequence[Any], asynchronous: bool) -> None:
        if self.failing is not None:
            raise KafkaException(self.failing)
        self.commits.append(({each.partition: each.offset for each in offsets}, asynchronous))

    def close(self) -> None:
        self.closed += 1


class InTurn(Clock):
    """A reactor whose calls from threads are done at once: the test itself is the thread."""

    def callFromThread(self, called: Callable[..., Any], *given: Any) -> None:
        called(*given)


@pytest.fixture(autouse=True)
def _commit_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.capture.kafka_reader.COMMIT_SECONDS", 0.0)


def played(*script: Callable[[Client], Any]) -> tuple[Reader, Client, Heard]:
    """A reader that has played a script, and was stopped then."""
    settings: KafkaSettings = read_settings(SETTINGS)
    heard = Heard()

    def stop(_: Client) -> None:
        reader.stop(5)

    client = Client([*script, stop])
    reader = Reader(InTurn(), "in", settings, heard, read, client)
    reader._run()
    return reader, client, heard


def assign(*partitions: int) -> Callable[[Client], Any]:
    return lambda client: client.callbacks["on_assign"](client, [Spot(at) for at in partitions])


def revoke(*partitions: int) -> Callable[[Client], Any]:
    return lambda client: client.callbacks["on_revoke"](client, [Spot(at) for at in partitions])


def message(partition: int, offset: int, error: KafkaError | None = None) -> Callable[..., Any]:
    return lambda _: Message(partition, offset, error)


def finish(heard: list[Heard], at: int, reached: int | None, readers: list[Reader]) -> Any:
    def step(_: Client) -> None:
        place, record = heard[0].records[at]
        readers[0].finished(place, reached, record.size)

    return step


def test_records_are_told_with_the_place_that_they_are_of() -> None:
    _, client, heard = played(assign(0, 1), message(1, 7), message(5, 1))
    assert [(place.partition, record.offset) for place, record in heard.records] == [(1, 7)]
    assert client.options["enable.auto.commit"] is False
    assert client.closed == 1
    assert heard.gone == heard.places


class Stage:
    """A reader whose script needs the reader itself."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.client = Client([])
        self.reader = Reader(InTurn(), "in", read_settings(SETTINGS), self.heard, read, self.client)

    def play(self, *script: Callable[[Client], Any]) -> None:
        self.client.script = [*script, lambda _: self.reader.stop(5) and None]
        self.reader._run()

    def finish(self, at: int, reached: int | None) -> Callable[[Client], Any]:
        def step(_: Client) -> None:
            place, record = self.heard.records[at]
            self.reader.finished(place, reached, record.size)

        return step


def test_what_is_finished_is_committed_and_once() -> None:
    stage = Stage()
    stage.play(
        assign(0), message(0, 3), message(0, 4), stage.finish(0, 4), stage.finish(1, 5),
        lambda _: None, lambda _: None,
    )  # fmt: skip
    assert stage.client.commits == [({0: 4}, True), ({0: 5}, True)]


def test_what_is_finished_out_of_order_moves_nothing() -> None:
    stage = Stage()
    stage.play(assign(0), message(0, 3), message(0, 4), stage.finish(1, None), lambda _: None)
    assert stage.client.commits == []


def test_a_partition_with_too_much_on_its_way_is_paused_until_there_is_room() -> None:
    stage = Stage()
    stage.play(
        assign(0, 1), *(message(0, offset) for offset in range(4)),
        lambda client: client.resumed.append(-1),
        stage.finish(0, 1), stage.finish(1, 2), lambda _: None,
    )  # fmt: skip
    assert stage.client.paused == [0]
    assert stage.client.resumed == [-1, 0]


def test_too_many_bytes_pause_all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.capture.kafka_reader.MOST_BYTES", 900)
    stage = Stage()
    stage.play(
        assign(0, 1), message(0, 0), message(0, 1), stage.finish(0, 1), stage.finish(1, 2),
        lambda _: None,
    )  # fmt: skip
    assert sorted(stage.client.paused) == [0, 1]
    assert sorted(stage.client.resumed) == [0, 1]


def test_before_a_partition_goes_what_is_finished_is_committed_and_waited_for() -> None:
    stage = Stage()
    stage.play(assign(0, 1), message(0, 3), stage.finish(0, 4), revoke(0), message(0, 4))
    assert stage.client.commits == [({0: 4}, True)] or stage.client.commits[-1] == ({0: 4}, False)
    assert stage.heard.gone[0].partition == 0
    assert len(stage.heard.records) == 1


def test_what_is_under_way_of_a_lost_partition_moves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    lose = lambda client: client.callbacks["on_lost"](client, [Spot(0)])  # noqa: E731
    stage.play(assign(0), message(0, 3), lose, stage.finish(0, 4), assign(0), lambda _: None)
    assert stage.client.commits == []


def test_who_does_not_settle_in_time_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.capture.kafka_reader.REVOKE_SECONDS", 0.01)
    stage = Stage()
    stage.heard.settle = False
    stage.play(assign(0), message(0, 3), revoke(0))
    assert stage.heard.gone[0].partition == 0


def test_a_commit_that_failed_is_made_again_and_said() -> None:
    stage = Stage()
    refused = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    stage.play(
        assign(0), message(0, 3), lambda client: setattr(client, "failing", refused),
        stage.finish(0, 4), lambda _: None, lambda client: setattr(client, "failing", None),
        lambda _: None,
    )  # fmt: skip
    assert stage.client.commits == [({0: 4}, True)]
    assert stage.heard.troubles[0][0] == "commit"
    assert "GROUP_AUTHORIZATION_FAILED" in stage.heard.troubles[0][1]


def test_an_answer_that_a_commit_failed_has_it_made_again_without_a_word_if_it_is_the_groups() -> (
    None
):
    stage = Stage()
    moved = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
    answer = lambda client: client.options["on_commit"](moved, [Spot(0)])  # noqa: E731
    stage.play(assign(0), message(0, 3), stage.finish(0, 4), lambda _: None, answer, lambda _: None)
    assert stage.client.commits == [({0: 4}, True), ({0: 4}, True)]
    assert stage.heard.troubles == []


def test_errors_are_said_with_what_they_are_about() -> None:
    denied = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    away = KafkaError(KafkaError._TRANSPORT)
    all_away = KafkaError(KafkaError._ALL_BROKERS_DOWN)
    _, _, heard = played(
        message(0, 0, denied),
        lambda client: client.options["error_cb"](away),
        lambda client: client.options["error_cb"](all_away),
        lambda client: client.options["stats_cb"]("{}"),
    )
    assert [key for key, _ in heard.troubles] == ["topic claims", "broker"]
    assert heard.said == [Statistics(0, False, -1)]


def test_a_client_that_is_spoilt_for_good_is_made_anew() -> None:
    fatal = KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", True)
    _, client, heard = played(
        lambda client: client.options["error_cb"](fatal), assign(0), message(0, 1)
    )
    assert client.closed == 2
    assert heard.troubles[0][0] == "client"
    assert len(heard.records) == 1


def test_what_nobody_expected_is_said_and_logged_once_and_reading_goes_on(
    logged_failures: LoggedFailures,
) -> None:
    def break_(_: Client) -> None:
        raise SystemError("unheard of")

    _, client, heard = played(break_, break_, assign(0), message(0, 1))
    assert client.closed == 3
    assert heard.troubles == [("client", "SystemError: unheard of")] * 2
    assert len(logged_failures.flush(SystemError)) == 1
    assert len(heard.records) == 1


def test_a_client_that_breaks_when_it_closes_costs_its_places_and_no_more(
    logged_failures: LoggedFailures,
) -> None:
    stage = Stage()

    def close() -> None:
        stage.client.closed += 1
        if stage.client.closed == 1:
            raise SystemError("unheard of")

    stage.client.close = close  # type: ignore[method-assign]
    fatal = KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", True)
    spoil = lambda client: client.options["error_cb"](fatal)  # noqa: E731
    stage.play(assign(0), spoil, assign(0), message(0, 1))
    assert logged_failures.flush(SystemError)
    assert stage.heard.troubles == [("client", "SystemError: unheard of")]
    assert stage.heard.gone == stage.heard.places
    assert len(stage.heard.records) == 1
