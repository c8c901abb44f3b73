from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest

from ixproxy.capture.json_face import JsonFace
from ixproxy.capture.web_values import Asked, Call, Reply
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Operation, Problem, Result, Taken, Verb

FACE = JsonFace("web-in")
JSON = {"content-type": "application/json"}


def ask(
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    **query: str,
) -> Reply | Call:
    parts = tuple(path.removeprefix("/").split("/"))
    given = JSON if headers is None else headers
    return FACE.read(Asked(method=method, path=parts, body=body, headers=given, query=query))


def call(*asked: Any, **query: Any) -> Call:
    made = ask(*asked, **query)
    assert isinstance(made, Call), made
    return made


def reply(made: Reply | Call) -> Reply:
    assert isinstance(made, Reply)
    return made


def of_one(*asked: Any, **query: Any) -> Operation:
    (operation,) = call(*asked, **query).document.operations
    return operation


@pytest.mark.parametrize(
    ("path", "whom"),
    [
        ("/interactions/X1", {"interaction_id": "X1"}),
        ("/interactions/by-external-id/E1", {"external_id": "E1"}),
    ],
)
def test_an_interaction_is_named_in_either_way(path: str, whom: dict[str, Any]) -> None:
    assert of_one("GET", path) == Operation(verb=Verb.GETINFO, **whom)
    assert of_one("HEAD", path) == Operation(verb=Verb.GETINFO, **whom)
    why = {"reason": "Spam", "description": "all of it"}
    assert of_one("DELETE", path, **why) == Operation(
        verb=Verb.STOP, reason=("Spam", "all of it"), **whom
    )
    assert of_one("PATCH", path, b'{"properties":{"a":1}}') == Operation(
        verb=Verb.UPDATE, properties={"a": 1}, **whom
    )
    assert of_one("POST", f"{path}/hold", b"", {}) == Operation(verb=Verb.HOLD, **whom)
    assert of_one("POST", f"{path}/resume", b'{"reason":{"systemName":"a"}}') == Operation(
        verb=Verb.RESUME, reason=("a", ""), **whom
    )


def test_any_name_can_be_an_external_id() -> None:
    assert of_one("GET", "/interactions/by-external-id/hold").external_id == "hold"


def test_a_ping_asks_for_figures() -> None:
    assert of_one("GET", "/ping") == Operation(verb=Verb.PING)


def test_a_new_interaction_is_answered_with_its_place() -> None:
    made = call("POST", "/interactions", b'{"externalId":"E1"}')
    assert made.document == Document(
        operations=(Operation(verb=Verb.SUBMIT, external_id="E1"),), replies=False
    )
    results = (Result(verb=Verb.SUBMIT, interaction_id="a/b", external_id="E1"),)
    done = made.done(Taken(results=results))
    assert (done.status, done.headers) == (201, (("Location", "/interactions/a%2Fb"),))
    assert msgspec.json.decode(done.body) == {"interactionId": "a/b", "externalId": "E1"}
    again = made.done(Taken(results=results, repeated=True))
    assert again.status == 200
    assert msgspec.json.decode(again.body)["repeated"] is True
    assert made.done(Taken(repeated=True)).body == b'{"repeated":true}'


def test_a_receipt_belongs_to_what_changes_something() -> None:
    headers = {**JSON, "idempotency-key": '"r"'}
    assert call("POST", "/interactions", b"{}", headers).document.receipt == "r"
    assert call("DELETE", "/interactions/X1", b"", headers).document.receipt == "r"
    assert call("GET", "/interactions/X1", b"", headers).document.receipt == ""
    body = b'{"operations":[{"operation":"ping"}]}'
    assert call("POST", "/batch", body, headers).document.receipt == "r"


def test_a_batch_is_one_document() -> None:
    body = b'{"operations":[{"operation":"submit"},{"operation":"stop","externalId":"E1"}]}'
    made = call("POST", "/batch", body)
    assert [each.verb for each in made.document.operations] == [Verb.SUBMIT, Verb.STOP]
    assert made.document.replies is False
    assert made.done(Taken(repeated=True)).body == b'{"repeated":true,"results":[]}'


def test_what_is_refused_is_a_problem() -> None:
    made = call("GET", "/interactions/X1")
    problem = Problem(code=Code.UNKNOWN_INTERACTION, description="no X1")
    assert made.done(Taken(results=(Result(verb=Verb.GETINFO, problem=problem),))).status == 404
    assert made.refused(RequestRefused(Code.BUSY)).status == 503
    assert FACE.failed(RequestRefused(Code.STOPPING)).status == 503
    body = b'{"operations":[{"operation":"ping"}]}'
    assert call("POST", "/batch", body).refused(RequestRefused(Code.BUSY)).status == 503


def test_receipts_make_what_is_in_doubt_worth_trying_again() -> None:
    headers = {**JSON, "idempotency-key": "r"}
    refused = RequestRefused(Code.STORE_UNCERTAIN)
    assert call("POST", "/interactions", b"{}").refused(refused).status == 500
    assert call("POST", "/interactions", b"{}", headers).refused(refused).status == 503


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/interactions", "POST"),
        ("POST", "/interactions/X1", "GET, PATCH, DELETE, HEAD"),
        ("GET", "/batch", "POST"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_methods_that_make_no_sense_are_told_so(method: str, path: str, allowed: str) -> None:
    told = reply(ask(method, path))
    assert (told.status, told.headers) == (405, (("Allow", allowed),))


@pytest.mark.parametrize("path", ["/x", "/interactions/", "/interactions/X1/stop", "/batch/x"])
def test_there_is_nothing_elsewhere(path: str) -> None:
    assert reply(ask("GET", path)).status == 404


def test_pages_are_served() -> None:
    assert reply(ask("GET", "/openapi.json")).content_type == "application/json"
    assert reply(ask("GET", "/")).content_type.startswith("text/html")


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_what_does_not_say_that_it_is_json_is_not_read(kind: str) -> None:
    for path in ("/interactions", "/batch", "/interactions/X1/hold"):
        told = reply(ask("POST", path, b"{}", {"content-type": kind}))
        assert told.status == 415
        assert told.unread


@pytest.mark.parametrize("path", ["/interactions", "/batch", "/interactions/X1/hold"])
@pytest.mark.parametrize("body", [b"{}", gzip.compress(b"{}")])
def test_a_body_that_is_packed_is_not_read(path: str, body: bytes) -> None:
    told = reply(ask("POST", path, body, {**JSON, "content-encoding": "GZip"}))
    assert told.status == 415
    assert told.headers == (("Accept-Encoding", "identity"),)
    assert b"expected no Content-Encoding, not gzip" in told.body
    assert told.unread


def test_a_body_that_is_as_it_is_may_say_so() -> None:
    headers = {**JSON, "content-encoding": "identity"}
    assert of_one("POST", "/interactions", b"{}", headers).verb is Verb.SUBMIT


def test_what_is_json_by_another_name_is_read() -> None:
    headers = {"content-type": "application/vnd.example+json; charset=utf-8"}
    assert of_one("POST", "/interactions", b"{}", headers).verb is Verb.SUBMIT


@pytest.mark.parametrize(
    ("path", "body"), [("/interactions", b"{"), ("/batch", b"{"), ("/interactions/X1/hold", b"[]")]
)
def test_what_cannot_be_read_is_told_and_counted(path: str, body: bytes) -> None:
    told = reply(ask("POST", path, body))
    assert told.status == 400
    assert told.unread


def test_a_bad_receipt_is_told() -> None:
    headers = {**JSON, "idempotency-key": "x" * 300}
    assert reply(ask("POST", "/interactions", b"{}", headers)).status == 400
