from __future__ import annotations

import pytest

from ixproxy.capture.soap_face import NativeLanguage, SoapFace
from ixproxy.capture.web_values import Asked, Call, Reply
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Operation, Problem, Result, Taken, Verb
from tests.capture.web_stage import envelope

ADDRESS = "http://ixn1:8080/a"
STOP = "<ixn:Stop><ixn:InteractionId>X1</ixn:InteractionId></ixn:Stop>"
FACE = SoapFace(NativeLanguage(), ADDRESS, lambda: 0.0)


def posted(inner: str = STOP, **headers: str) -> Reply | Call:
    given = {"content-type": "text/xml; charset=utf-8", **headers}
    return FACE.read(Asked(method="POST", headers=given, body=envelope(inner)))


def call(inner: str = STOP, **headers: str) -> Call:
    made = posted(inner, **headers)
    assert isinstance(made, Call)
    return made


def reply(made: Reply | Call) -> Reply:
    assert isinstance(made, Reply)
    return made


@pytest.mark.parametrize("name", ["wsdl", "WSDL"])
def test_the_wsdl_is_served(name: str) -> None:
    served = reply(FACE.read(Asked(method="GET", query={name: ""})))
    assert served.status == 200
    assert ADDRESS.encode() in served.body
    assert served.content_type == "text/xml; charset=utf-8"


def test_who_comes_without_a_question_is_told_where_the_wsdl_is() -> None:
    assert f"{ADDRESS}?wsdl".encode() in reply(FACE.read(Asked(method="GET"))).body


def test_other_methods_are_not_allowed() -> None:
    told = reply(FACE.read(Asked(method="PUT")))
    assert told.status == 405
    assert told.headers == (("Allow", "GET, HEAD, POST"),)


def test_a_request_is_a_document_that_nobody_is_told_of() -> None:
    operation = Operation(verb=Verb.STOP, interaction_id="X1")
    assert call(soapaction='"anything"').document == Document(
        operations=(operation,), replies=False
    )


def test_a_receipt_stands_in_a_header_or_in_extension() -> None:
    inner = (
        "<ixn:Submit><ixn:Extension><ixn:kvitem><ixn:key>IdempotencyKey</ixn:key><ixn:value>"
        "<ixn:ValueString>r</ixn:ValueString></ixn:value></ixn:kvitem></ixn:Extension></ixn:Submit>"
    )
    assert call(**{"idempotency-key": '"q"'}).document.receipt == "q"
    assert call(inner).document.receipt == "r"
    assert call(inner, **{"idempotency-key": "r"}).document.receipt == "r"
    assert b"two receipts" in reply(posted(inner, **{"idempotency-key": "q"})).body


def test_what_is_done_is_answered() -> None:
    done = call().done(Taken(results=(Result(verb=Verb.STOP),)))
    assert done.status == 200
    assert b"RequestResponse" in done.body


def test_what_the_node_refuses_is_a_fault() -> None:
    problem = Problem(code=Code.UNKNOWN_INTERACTION, description="no X1")
    told = call().done(Taken(results=(Result(verb=Verb.STOP, problem=problem),)))
    assert told.status == 500
    assert b"<ixn:ErrorCode>43</ixn:ErrorCode>" in told.body
    assert b"SOAP-ENV:Client" in told.body


@pytest.mark.parametrize("code", [Code.BUSY, Code.STOPPING])
def test_who_comes_too_often_or_too_late_is_told_when_to_come_again(code: int) -> None:
    for told in (call().refused(RequestRefused(code)), FACE.failed(RequestRefused(code))):
        assert told.status == 503
        assert told.headers[0][0] == "Retry-After"
        assert b"SOAP-ENV:Server" in told.body
        assert f"<ixn:ErrorCode>{code}</ixn:ErrorCode>".encode() in told.body


def test_what_is_in_doubt_is_worth_trying_again_with_a_receipt_alone() -> None:
    refused = RequestRefused(Code.STORE_UNCERTAIN)
    assert call().refused(refused).status == 500
    assert call(**{"idempotency-key": "r"}).refused(refused).status == 503


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/related; type=text/xml"])
def test_what_is_not_posted_as_xml_is_not_read(kind: str) -> None:
    told = reply(posted(**{"content-type": kind}))
    assert told.status == 415
    assert told.unread


def test_what_is_packed_is_not_read() -> None:
    told = reply(posted(**{"content-encoding": "gzip"}))
    assert told.status == 415
    assert told.headers == (("Accept-Encoding", "identity"),)
    assert told.unread == "Expected no Content-Encoding, not gzip"


def test_what_cannot_be_read_is_a_fault_of_the_client_and_counted() -> None:
    told = reply(posted("<ixn:Nothing/>"))
    assert told.status == 500
    assert b"SOAP-ENV:Client" in told.body
    assert "Nothing" in told.unread


def test_another_version_of_soap_has_a_faultcode_of_its_own() -> None:
    body = envelope(STOP).replace(
        b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
    )
    asked = Asked(method="POST", headers={"content-type": "application/soap+xml"}, body=body)
    assert b"SOAP-ENV:VersionMismatch" in reply(FACE.read(asked)).body


def test_what_is_repeated_and_forgotten_is_answered_all_the_same() -> None:
    assert b"Repeated" in call().done(Taken(repeated=True)).body
