"""What stands in documents, and what becomes of those that are refused."""

from __future__ import annotations

import msgspec
import pytest

from ixproxy.errors import ERRORS, Code, RequestRefused
from ixproxy.node.intake_work import (
    Document,
    DocumentGiven,
    Notification,
    Operation,
    Said,
    Shipment,
    ShipOutbox,
    Taken,
    Verb,
    comes_again,
)
from ixproxy.testing.fake_intake import notification


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_a_refused_document_comes_again_where_it_may_be_taken_then(code: int) -> None:
    later = code in (Code.BUSY, Code.STOPPING, Code.STORE_FAILED, Code.EVENT_LOG_FULL)
    known = RequestRefused(code)
    assert comes_again(known) is (later or known.in_doubt)
    assert comes_again(RequestRefused(code, in_doubt=True))


def test_a_notification_survives_its_row() -> None:
    made = notification(Said.CHANGED, "X1", changed={"a": {"b": 1}}, deleted=("c",), reply=True)
    packed = msgspec.msgpack.encode(made)
    assert msgspec.msgpack.decode(packed, type=Notification) == made


def test_work_is_logged_without_what_is_in_it() -> None:
    secret = Document(operations=(Operation(verb=Verb.SUBMIT, properties={"a": "secret"}),))
    assert repr(DocumentGiven("mail", secret, secret)) == "DocumentGiven('mail')"
    assert repr(Shipment("mail", {1: b"secret"}, 5)) == "Shipment('mail', 1 of 5)"
    assert repr(ShipOutbox("mail", 5, token=secret)) == "ShipOutbox('mail', 5)"


def test_nothing_is_taken_by_default() -> None:
    assert Taken() == Taken(results=(), repeated=False)
