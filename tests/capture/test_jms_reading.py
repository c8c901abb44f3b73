"""Messages become documents."""

from __future__ import annotations

import pytest

from ixproxy.capture.jms_reading import (
    LONGEST_ID,
    correlation_of,
    document_of,
    read_messages,
    unusable_message,
    wrong_with_text,
)
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import Received
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.errors import Code
from ixproxy.node.intake_work import Document, Problem
from tests.capture.jms_samples import submit

SILENT = JmsSettings("stomp", ("tcp:broker:61613",), "in")
TELLING = JmsSettings("stomp", ("tcp:broker:61613",), "in", notification_queue="told")
REPLYING = JmsSettings("stomp", ("tcp:broker:61613",), "in", use_reply_to=True)

IN_LATIN_1 = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<interaction operation="{}"/>'


def test_a_document_has_the_name_of_its_message_and_what_replies_need() -> None:
    document = document_of(TELLING, Received(submit("a"), "M1", "C1", "/queue/mine"))
    assert document.receipt == "M1"
    assert document.correlation == {"message": "M1", "correlation": "C1"}
    assert document.replies
    assert document.operations[0].external_id == "a"


def test_nothing_is_replied_where_there_is_no_queue_for_it() -> None:
    message = Received(submit("a"), reply_to="/queue/mine")
    assert not document_of(SILENT, message).replies
    assert document_of(SILENT, message).receipt == ""
    assert document_of(REPLYING, message).replies
    assert document_of(REPLYING, message).correlation == {"reply-to": "/queue/mine"}
    assert not document_of(REPLYING, Received(submit("a"))).replies


def test_ids_have_an_end() -> None:
    long = "x" * LONGEST_ID
    assert len(correlation_of(REPLYING, Received(b"", long, long, long))) == 3
    for message in (Received(b"", long + "x"), Received(b"", "", long + "x")):
        with pytest.raises(DocumentRefused, match="1025 characters"):
            correlation_of(SILENT, message)


def test_what_is_handed_in_of_a_message_of_which_nothing_can_be_done_has_its_names() -> None:
    refused = DocumentRefused("it is bad")
    made = unusable_message(REPLYING, Received(b"<", "M1", "C1", "/queue/mine"), refused)
    assert (made.operations, made.receipt, made.replies) == ((), "M1", True)
    assert made.problem == Problem(Code.BAD_ATTRIBUTE, "it is bad")
    assert made.correlation == {
        "message": "M1", "correlation": "C1", "reply-to": "/queue/mine", "document": "M1",
    }  # fmt: skip
    assert not unusable_message(SILENT, Received(b"<", "M1"), refused).replies
    nameless = unusable_message(TELLING, Received(b"<", "x" * 2000), refused)
    assert (nameless.receipt, nameless.correlation) == ("", {"document": "x" * LONGEST_ID})


def test_a_text_must_be_what_it_declares() -> None:
    mistaken = IN_LATIN_1.format("é").encode()
    assert "ISO-8859-1" in wrong_with_text(mistaken)
    with pytest.raises(DocumentRefused, match="declare UTF-8, or send it as bytes"):
        document_of(SILENT, Received(mistaken, text=True))
    assert wrong_with_text(IN_LATIN_1.format("submit").encode()) == ""
    assert wrong_with_text('<?xml version="1.0" encoding="utf-8"?><é/>'.encode()) == ""
    assert wrong_with_text("<é/>".encode()) == ""


def test_the_same_as_bytes_is_read_as_it_declares() -> None:
    body = IN_LATIN_1.format("submit").replace("/>", ' ExternalId="é"/>')
    document = document_of(SILENT, Received(body.encode("iso-8859-1")))
    assert document.operations[0].external_id == "é"


def test_one_that_cannot_be_read_spoils_no_other() -> None:
    read = read_messages(SILENT, [Received(submit("a")), Received(b"<"), Received(submit("b"))])
    assert [type(each) for each in read] == [Document, DocumentRefused, Document]
