"""Records become documents with receipts, and notifications and copies become records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.kafka_records import (
    MOST_CORRELATION,
    MOST_KEY,
    Headers,
    Record,
    copy_of,
    notification_of,
    record_of,
)
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.node.intake_work import Document, Operation, Said, Verb
from ixproxy.testing.fake_intake import notification


@dataclass
class Given:
    """A message as the client gives it."""

    k: bytes | None = b"key"
    v: bytes | None = b"value"
    at: tuple[int, int] = (1, 1000)
    o: int = 5
    h: list[tuple[str, bytes | None]] | None = field(default_factory=list)

    def topic(self) -> str:
        return "claims"

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return self.o

    def key(self) -> bytes | None:
        return self.k

    def value(self) -> bytes | None:
        return self.v

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.h

    def timestamp(self) -> tuple[int, int]:
        return self.at


def read(content: bytes, receipt: str, correlation: Mapping[str, str]) -> Document:
    if content == b"bad":
        raise DocumentRefused("it is bad", 3)
    operation = Operation(verb=Verb.SUBMIT, external_id=content.decode("latin-1"))
    return Document(operations=(operation,), receipt=receipt, correlation=dict(correlation))


def record(message: Given, replies: bool = True) -> Record:
    return record_of(message, read, replies)


def document(message: Given, replies: bool = True) -> Document:
    return record(message, replies).document


def why(found: Record) -> str:
    assert found.document.problem is not None
    return found.document.problem.description


def test_a_receipt_is_the_same_for_the_same_record_and_another_for_any_other() -> None:
    assert document(Given()).receipt == document(Given()).receipt
    others = [
        Given(), Given(o=6), Given(at=(1, 1001)), Given(k=b"other"), Given(v=b"other"),
        Given(k=b"keyv", v=b"alue"), Given(k=None), Given(at=(0, -1)),
    ]  # fmt: skip
    assert len({document(each).receipt for each in others}) == len(others) - 0
    assert document(Given()).receipt.startswith("claims/2/5/1000/")
    assert document(Given(at=(0, -1))).receipt.startswith("claims/2/5/0/")


def test_what_cannot_be_read_has_a_reason() -> None:
    bad = record(Given(v=b"bad"))
    assert why(bad) == "line 3: it is bad"
    assert why(record(Given(v=None))) == "the record has no value"
    assert bad.name == "claims/2/5"
    assert (bad.document.operations, bad.document.replies) == ((), True)
    assert bad.document.receipt == document(Given(v=b"bad"), replies=False).receipt
    assert bad.document.correlation["document"] == "claims/2/5"
    assert not document(Given(v=b"bad"), replies=False).replies


def test_headers_that_the_client_cannot_read_are_a_reason() -> None:
    class Unreadable(Given):
        def headers(self) -> list[tuple[str, bytes | None]] | None:
            raise SystemError("returned a result with an exception set")

    bad = record(Unreadable())
    assert bad.headers == []
    assert "not UTF-8" in why(bad)
    assert (bad.key, bad.value) == (b"key", b"value")


def test_without_a_place_for_replies_a_document_wants_none() -> None:
    assert document(Given()).replies
    silent = document(Given(), replies=False)
    assert not silent.replies
    assert silent.correlation == {"place": "claims/2/5"}
    assert silent.receipt == document(Given()).receipt


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_any_key_and_any_correlation_come_back_as_they_were(key: bytes, correlation: bytes) -> None:
    asked = document(Given(k=key, h=[("other", b"x"), ("correlation", correlation)]))
    told = notification(Said.SUBMITTED, "I1", reply=True, correlation=asked.correlation)
    reply = notification_of(told, "told", b"<x/>")
    assert reply.key == key
    assert dict(reply.headers)["correlation"] == (correlation or b"claims/2/5")


def test_a_reply_without_key_and_correlation_has_the_id_and_the_place() -> None:
    for message in (
        Given(k=None, h=None),
        Given(k=b"x" * (MOST_KEY + 1), h=[("correlation", b"x" * (MOST_CORRELATION + 1))]),
        Given(k=None, h=[("correlation", None)]),
    ):
        told = notification(
            Said.SUBMITTED, "I1", reply=True, correlation=document(message).correlation
        )
        reply = notification_of(told, "told", b"<x/>")
        assert reply.key == b"I1"
        assert dict(reply.headers)["correlation"] == b"claims/2/5"


def test_what_others_did_is_keyed_by_the_interaction() -> None:
    told = notification(Said.STOPPED, "I1", number=7, correlation={"key": "k"})
    sent = notification_of(told, "told", b"<x/>")
    assert (sent.topic, sent.key, sent.value) == ("told", b"I1", b"<x/>")
    assert sent.headers == [("ixproxy-event", b"stopped"), ("ixproxy-number", b"101-7")]
    nobody = notification(Said.ERROR, "", external_id="", reply=True)
    assert notification_of(nobody, "told", b"").key is None


@pytest.mark.parametrize("why", ["", "it is bad, sagt Müller\udcff"])
def test_a_copy_is_as_it_was_and_says_where_from(why: str) -> None:
    headers: Headers = [("kind", b"\xff")]
    message = Given(h=[*headers])
    copy = copy_of(record(message), "errors", why)
    assert (copy.topic, copy.key, copy.value) == ("errors", b"key", b"value")
    assert copy.headers[:2] == [("kind", b"\xff"), ("ixproxy-source", b"claims/2/5")]
    added = dict(copy.headers[2:])
    assert bool(added) is bool(why)
    if why:
        assert added["ixproxy-error"].startswith("it is bad, sagt Müller".encode())


def test_a_copy_of_what_was_processed_says_what_was_refused_of_it() -> None:
    copy = copy_of(record(Given()), "done", refused="operation 2: 3032: no queue Büro")
    assert dict(copy.headers)["ixproxy-refused"] == "operation 2: 3032: no queue Büro".encode()
    assert "ixproxy-error" not in dict(copy.headers)
