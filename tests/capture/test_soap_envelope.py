from __future__ import annotations

import pytest

from ixproxy.capture.soap_envelope import LIMITS, EnvelopeProblem, read_envelope
from ixproxy.capture.soap_names import ENVELOPE_12
from ixproxy.errors import Code
from tests.capture.web_stage import ENVELOPE, envelope

PING = "<ixn:Ping/>"


def refused(body: bytes, charset: str = "", size: int = LIMITS.size) -> EnvelopeProblem:
    with pytest.raises(EnvelopeProblem) as problem:
        read_envelope(body, charset, size)
    return problem.value


def test_the_one_element_of_the_body_is_what_is_asked() -> None:
    assert read_envelope(envelope(PING)).name == "Ping"


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII"])
def test_the_encodings_of_the_field_are_read(encoding: str) -> None:
    text = envelope("<ixn:Ping>Mary</ixn:Ping>").decode().replace("UTF-8", encoding)
    assert read_envelope(text.encode(encoding)).text == "Mary"


def test_the_transport_says_the_encoding_where_the_document_does_not() -> None:
    body = f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body><a>é</a></e:Body></e:Envelope>'
    assert read_envelope(body.encode("iso-8859-1"), "iso-8859-1").text == "é"
    assert read_envelope(body.encode()).text == "é"
    assert "byte" in refused(body.encode("iso-8859-1")).description
    assert "byte" in refused(body.encode("iso-8859-1"), "utf-8").description
    assert "shift_jis" in refused(body.encode(), "shift_jis").description


def test_what_the_document_says_of_its_encoding_counts_more() -> None:
    text = envelope("<ixn:Ping>é</ixn:Ping>").decode().replace("UTF-8", "ISO-8859-1")
    assert read_envelope(text.encode("iso-8859-1"), "utf-8").text == "é"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not well-formed"),
        (b"<a", "not well-formed"),
        (b"<a/>", "expected an Envelope"),
        (f'<e:Envelope xmlns:e="{ENVELOPE}"/>'.encode(), "no Body"),
        (envelope(""), "not 0"),
        (envelope(PING + PING), "not 2"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "utf-7"),
        (envelope("<a>" * 200 + "</a>" * 200), "deep"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(body: bytes, says: str) -> None:
    problem = refused(body)
    assert says in problem.description
    assert problem.fault == "Client"


@pytest.mark.parametrize("space", [ENVELOPE_12, "urn:what"])
def test_another_version_of_soap_is_told_as_that(space: str) -> None:
    problem = refused(envelope(PING).replace(ENVELOPE.encode(), space.encode()))
    assert problem.fault == "VersionMismatch"


@pytest.mark.parametrize(
    ("attributes", "stops"),
    [
        ('s:mustUnderstand="1"', True),
        ('s:mustUnderstand="1" s:actor="http://schemas.xmlsoap.org/soap/actor/next"', True),
        ('s:mustUnderstand="1" s:actor="urn:somebody-else"', False),
        ('s:mustUnderstand="0"', False),
        ("", False),
    ],
)
def test_headers_that_must_be_understood_are_not(attributes: str, stops: bool) -> None:
    body = envelope(PING, f"<s:Header><x {attributes}/></s:Header>")
    if stops:
        assert refused(body).fault == "MustUnderstand"
    else:
        assert read_envelope(body).name == "Ping"


def test_what_is_larger_than_allowed_is_told_as_that() -> None:
    body = envelope(f"<ixn:Ping>{'x' * 500}</ixn:Ping>")
    assert read_envelope(body, size=2000).name == "Ping"
    assert refused(body, size=500).code == Code.TOO_LARGE
